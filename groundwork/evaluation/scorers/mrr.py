"""Reciprocal rank: how far down the first relevant document stands; its mean over examples is MRR."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base
from groundwork.evaluation.scorers._retrieval import Unit, grades, nothing_wanted, wanted
from groundwork.evaluation.types import Output, Score


class Mrr(Base):
    """1 over the rank of the first relevant document among the first k, else 0.

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
        found = grades(output, relevant, self.unit)[: self.k]
        rank = next((i for i, grade in enumerate(found, 1) if grade > 0), 0)
        if not rank:
            return Score(0.0, reason=f"nothing relevant among the first {self.k}")
        return Score(1 / rank, reason=f"the first relevant stands at rank {rank}", parts={"rank": rank})


plugin = Mrr
