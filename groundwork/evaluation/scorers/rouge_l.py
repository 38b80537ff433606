"""ROUGE-L: how long a sequence of words the answer and the reference have in common, in order.

Source: Lin, ROUGE: A Package for Automatic Evaluation of Summaries (2004); words and F-measure as in `rouge-score` 0.1.2
without stemming. The longest common subsequence is counted bit by bit: Hyyrö, Bit-parallel LCS-length computation (2004).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, without_reference
from groundwork.evaluation.scorers._text import words
from groundwork.evaluation.types import Output, Score

MAX_WORDS = 20_000
"""Longer texts are compared by their first so many words."""


class RougeL(Base):
    """The best ROUGE-L F-measure over the references, between 0 and 1.

    Args:
        tokens: `rouge` reads runs of a-z and 0-9, as `rouge-score` does; `unicode` reads the words of every script.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"expected"})

    def __init__(self, tokens: Literal["rouge", "unicode"] = "rouge") -> None:
        self.tokens = tokens

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if not example.references:
            return without_reference()
        if output.failed:
            return self.failed(output)
        given = self._words(answer_of(output))
        f, precision, recall = max(rouge_l(given, self._words(r)) for r in example.references)
        return Score(f, parts={"precision": precision, "recall": recall})

    def _words(self, text: str) -> list[str]:
        if self.tokens == "unicode":
            return words(text, "unicode")[:MAX_WORDS]
        return re.sub(r"[^a-z0-9]+", " ", text.lower()).split()[:MAX_WORDS]


def rouge_l(given: Sequence[str], wanted: Sequence[str]) -> tuple[float, float, float]:
    """Return F-measure, precision and recall of the longest common subsequence; zeros where a side has no words."""
    if not given or not wanted:
        return 0.0, 0.0, 0.0
    common = lcs_length(given, wanted)
    precision, recall = common / len(given), common / len(wanted)
    return (2 * precision * recall / (precision + recall) if common else 0.0), precision, recall


def lcs_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence of two sequences."""
    places: dict[str, int] = {}
    for i, word in enumerate(one):
        places[word] = places.get(word, 0) | (1 << i)
    full = (1 << len(one)) - 1
    rows = full
    for word in other:
        met = rows & places.get(word, 0)
        rows = ((rows + met) | (rows - met)) & full
    return len(one) - rows.bit_count()


plugin = RougeL
