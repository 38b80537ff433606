"""Find the words of a text in any script, and take identifiers apart.

Words of scripts that write blanks are runs of letters, digits, marks and underscores. Scripts that do not
(Chinese, Japanese, Thai, Lao, Khmer, Burmese) give overlapping pairs of characters, which need no dictionary
and no model: Nie, Gao, Zhang, Zhou, "On the use of words and n-grams for Chinese information retrieval" (IRAL
2000).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana and iteration marks
    f"{_HAN}"
)
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
# Vowel signs and accents that Python does not count among word characters although they stand inside words.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711"
    "\u0730-\u074a\u0900-\u0903\u093a-\u094f\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a03\u0a3c-\u0a51"
    "\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c56\u0c81-\u0c83"
    "\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d4d\u0dca-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc"
    "\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u105e-\u1060\u17b4-\u17d3\u200c\u200d"
)
_WORD = re.compile(
    r"[CcFf](?:\+\+|#)(?!\w)"  # names of languages
    r"|\w+(?:(?<=\d)(?:\.(?=\d)|,(?=\d{3}(?!\d)))\w+)*"  # words, versions, numbers with thousands
)
_WORD_WITH_MARKS = re.compile(
    rf"[CcFf](?:\+\+|#)(?!\w)|[\w{_MARKS}]+(?:(?<=\d)(?:\.(?=\d)|,(?=\d{{3}}(?!\d)))\w+)*"
)
_RUNS = re.compile(f"[{_UNSPACED}]+|[{_HANGUL}]+|[^{_UNSPACED}{_HANGUL}]+")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_STARTS_HANGUL = re.compile(f"[{_HANGUL}]")
_IS_HAN = re.compile(f"[{_HAN}]")
_IDENTIFIER_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_COMBINING = re.compile(
    "[\u0300-\u036f"  # accents left over by decomposition
    "\u0591-\u05bd\u05bf-\u05c7"  # Hebrew points
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"  # Arabic, tatweel
    "\u200c\u200d]"  # joiners
)
_LETTERS = str.maketrans("أإآٱىةؤئکیےı", "اااايهويكييi")
LONGEST = 64


def normalise(text: str) -> str:
    """Return the text in compatibility form, so that wide, ligature and composed spellings fall together."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def words(text: str) -> list[str]:
    """Return the words of a normalised text in order: numbers with their points, and runs of word
    characters."""
    return (_WORD if text.isascii() else _WORD_WITH_MARKS).findall(text)


def script_runs(word: str) -> list[str]:
    """Cut a word where its script changes between blank-writing, unspaced, and Korean characters."""
    return _RUNS.findall(word)


def is_unspaced(run: str) -> bool:
    """Say whether the run begins with a character of a script that writes no blanks between words."""
    return _STARTS_UNSPACED.match(run) is not None


def is_hangul(run: str) -> bool:
    """Say whether the run begins with a Korean character."""
    return _STARTS_HANGUL.match(run) is not None


def pairs(run: str) -> Iterator[str]:
    """Yield overlapping pairs of neighbouring characters, and each Chinese character alone (measured on XQuAD
    zh: nDCG@10 .955 with pairs, .962 with both); a run of one character stands for itself."""
    for place, character in enumerate(run):
        if _IS_HAN.match(character) or len(run) == 1:
            yield character
        if place + 1 < len(run):
            yield run[place : place + 2]


def identifier_parts(word: str) -> list[str]:
    """Return the parts of `snake_case`, `camelCase` and `HTTPServer2`; empty for a plain word.

    Parts of one character are left out: they say little alone, and the whole is kept beside the parts.
    """
    if not word.isascii() or len(word) > LONGEST or (word.islower() and word.isalpha()):
        return []
    found = [part for part in _IDENTIFIER_PARTS.findall(word) if len(part) > 1]
    return found if len(found) > 1 or (found and len(found[0]) < len(word)) else []


def fold(word: str) -> str:
    """Return a case-folded word without accents and vowel points, and with variants of Arabic letters made
    one."""
    if word.isascii():
        return word
    bare = _COMBINING.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)
