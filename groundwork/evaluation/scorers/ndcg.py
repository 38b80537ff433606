"""nDCG: do the relevant documents stand first, the better ones before the others?

Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques (2002); gains as in trec_eval (linear).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base
from groundwork.evaluation.scorers._retrieval import Unit, grades, nothing_wanted, wanted
from groundwork.evaluation.types import Output, Score


class Ndcg(Base):
    """Normalised discounted cumulated gain of the first k ranks, between 0 and 1.

    Args:
        k: ranks that count.
        unit: ranks count `document`s, each at its best passage, or `passage`s.
        gain: `linear` in the grade as in trec_eval, or `exponential` (2^grade - 1).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"relevant", "passages"})

    def __init__(
        self, k: int = 10, unit: Unit = "document", gain: Literal["linear", "exponential"] = "linear"
    ) -> None:
        self.k = k
        self.unit: Unit = unit
        self.gain = gain

    def score(self, example: Example, output: Output, services: Services) -> Score:
        relevant = wanted(example)
        if not relevant:
            return nothing_wanted()
        if output.failed:
            return self.failed(output)
        found = grades(output, relevant, self.unit)[: self.k]
        best = self._sum(sorted(relevant.values(), reverse=True)[: self.k])
        return Score(
            min(1.0, self._sum(found) / best),
            reason=f"{sum(g > 0 for g in found)} of {len(relevant)} relevant among the first {self.k}",
        )

    def _sum(self, values: Sequence[float]) -> float:
        gains = values if self.gain == "linear" else [2.0 ** min(g, 500.0) - 1 for g in values]
        return math.fsum(g / math.log2(rank + 2) for rank, g in enumerate(gains))


plugin = Ndcg
