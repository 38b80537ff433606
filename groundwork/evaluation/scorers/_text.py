"""How texts are made alike before they are compared: as the SQuAD script does, or for any script of the world.

Source: Rajpurkar et al., the official evaluation script of SQuAD 2.0 (`normalize_answer`, `compute_exact`, `compute_f1`).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal

Manner = Literal["squad", "unicode", "none"]
MANNERS: tuple[Manner, ...] = ("squad", "unicode", "none")

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f%€$£])")
_NUMBER = re.compile(
    r"(?:(?<![\w.])[-−])?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?:(?<![\w.])[-−])?\d+(?:\.\d+)*"
)
_POINT, _MINUS = "\u00b7", "\u00af"
_KEPT = frozenset("%€$£" + _POINT + _MINUS)
_MARKS = re.compile(r"\s*\[\d+(?:,\s*\d+)*\]")


def normalised(text: str, manner: Manner = "squad") -> str:
    """Return a text as it is compared.

    `squad`: lower case, without ASCII punctuation and English articles, single spaces. `unicode`: NFKC, case folded, every
    punctuation mark a space but those of a number (`-1,200.5` is one word), without English articles, and each sign for a
    currency or per cent and each character of a script without spaces a word of its own.
    `none`: only without space around it.
    """
    if manner == "none":
        return text.strip()
    if manner == "squad":
        return " ".join(_ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    whole = _NUMBER.sub(
        lambda m: m[0].replace(",", "").replace(".", _POINT).replace("−", "-").replace("-", _MINUS), folded
    )
    plain = "".join(" " if unicodedata.category(c)[0] in "PZCS" and c not in _KEPT else c for c in whole)
    return " ".join(_ALONE.sub(r" \1 ", _ARTICLES.sub(" ", plain)).split())


def words(text: str, manner: Manner = "squad") -> list[str]:
    """Return the words of a text as they are compared."""
    return normalised(text, manner).split()


def without_marks(text: str) -> str:
    """Return an answer without its citation marks, such as `[2]` or `[1, 3]`."""
    return _MARKS.sub("", text)


def token_f1(predicted: Sequence[str], expected: Sequence[str]) -> tuple[float, float, float]:
    """Return F1, precision and recall of the words; where one side is empty, 1 if both are, else 0."""
    if not predicted or not expected:
        same = float(not predicted and not expected)
        return same, same, same
    shared = sum((Counter(predicted) & Counter(expected)).values())
    if not shared:
        return 0.0, 0.0, 0.0
    precision, recall = shared / len(predicted), shared / len(expected)
    return 2 * precision * recall / (precision + recall), precision, recall


def holds(whole: Sequence[str], part: Sequence[str]) -> bool:
    """Say whether the words of `part` stand one after the other somewhere in `whole`; nothing stands nowhere."""
    if not part or len(part) > len(whole):
        return False
    return f" {' '.join(part)} " in f" {' '.join(whole)} "
