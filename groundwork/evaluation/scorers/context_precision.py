"""Precision of context: how much of what was retrieved is of use."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base
from groundwork.evaluation.scorers._retrieval import key_of, wanted
from groundwork.evaluation.scorers._text import holds, words
from groundwork.evaluation.types import Output, Passage, Score, not_applicable


class ContextPrecision(Base):
    """Share of the first k passages that are of use, between 0 and 1; 0 where nothing was retrieved.

    Of use is a passage of a relevant document; where the example names none, one that shares at least half of its words, or
    of a known passage's, with a passage known to hold the answer; where it names none of those either, one that holds the
    words of a reference. `average_precision` among the parts also sees in which order they stand.

    Args:
        k: passages that count.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"relevant", "passages"})

    def __init__(self, k: int = 10) -> None:
        self.k = k

    def score(self, example: Example, output: Output, services: Services) -> Score:
        of_use = _of_use(example)
        if of_use is None:
            return not_applicable("the example names no relevant document, no context and no reference")
        if output.failed:
            return self.failed(output)
        found = [of_use(p) for p in output.passages[: self.k]]
        if not found:
            return Score(0.0, reason="nothing was retrieved")
        hits = [sum(found[: i + 1]) / (i + 1) for i, good in enumerate(found) if good]
        return Score(
            sum(found) / len(found),
            reason=f"{sum(found)} of {len(found)} passages are of use",
            parts={"average_precision": sum(hits) / len(hits) if hits else 0.0},
        )


def _of_use(example: Example) -> Callable[[Passage], bool] | None:
    relevant = wanted(example)
    if relevant:
        return lambda passage: bool(key_of(passage, relevant))
    known = [set(words(c, "unicode")) for c in example.context]
    known = [k for k in known if k]
    if known:
        return lambda passage: _shares(set(words(passage.text, "unicode")), known)
    references = [w for r in example.references if (w := words(r, "unicode"))]
    if references:
        return lambda passage: any(holds(words(passage.text, "unicode"), r) for r in references)
    return None


def _shares(given: set[str], known: list[set[str]]) -> bool:
    return bool(given) and any(len(given & k) >= 0.5 * min(len(given), len(k)) for k in known)


plugin = ContextPrecision
