"""Recall: how many of the relevant documents came at all."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base
from groundwork.evaluation.scorers._retrieval import Unit, grades, nothing_wanted, wanted
from groundwork.evaluation.types import Output, Score


class Recall(Base):
    """Share of the relevant documents that stand among the first k, between 0 and 1.

    Args:
        k: ranks that count. unit: ranks count `document`s, each at its best passage, or `passage`s.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"relevant", "passages"})

    def __init__(self, k: int = 10, unit: Unit = "document") -> None:
        self.k = k
        self.unit: Unit = unit

    def score(self, example: Example, output: Output, services: Services) -> Score:
        relevant = wanted(example)
        if not relevant:
            return nothing_wanted()
        if output.failed:
            return self.failed(output)
        found = sum(g > 0 for g in grades(output, relevant, self.unit)[: self.k])
        return Score(
            min(1.0, found / len(relevant)), reason=f"{found} of {len(relevant)}", parts={"found": found}
        )


plugin = Recall
