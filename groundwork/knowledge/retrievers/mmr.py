"""Rank for breadth: of passages that say the same, only the best stands high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundwork.knowledge.fusion import min_max
from groundwork.knowledge.retrievers import RETRIEVERS, Ranked, View
from groundwork.knowledge.types import FloatArray


@dataclass(frozen=True)
class Mmr:
    """Maximal marginal relevance over the candidates of another strategy.

    Args:
        relevance: share of relevance against novelty, 0 to 1.
        candidates: how many are chosen from, at least.
        base: spec of the strategy that finds them.

    Source:
        Carbonell and Goldstein, "The use of MMR, diversity-based reranking" (SIGIR 1998).
    """

    relevance: float = 0.7
    candidates: int = 50
    base: str | Mapping[str, Any] = "hybrid"

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k chunks in the order chosen; the score is the marginal relevance, which only falls.

        Without vectors the order of the base strategy stands.
        """
        if k <= 0:
            return []
        found = RETRIEVERS.make(self.base).search(view, question, max(k, self.candidates))
        rows = view.fetch([r.chunk_id for r in found], vectors=True)
        vectors = {row.chunk_id: row.vector for row in rows if row.vector is not None}
        if len(vectors) < len(found):
            return found[:k]
        return self._chosen(found, np.stack([vectors[r.chunk_id] for r in found]) if found else None, k)

    def _chosen(self, found: Sequence[Ranked], vectors: FloatArray | None, k: int) -> list[Ranked]:
        if vectors is None:
            return []
        relevance = np.array(min_max([r.score for r in found]))
        nearest = np.zeros(len(found))
        left = list(range(len(found)))
        chosen: list[Ranked] = []
        ceiling = float("inf")
        while left and len(chosen) < k:
            marginal = self.relevance * relevance[left] - (1 - self.relevance) * nearest[left]
            at = left.pop(int(np.argmax(marginal)))
            score = self.relevance * relevance[at] - (1 - self.relevance) * nearest[at]
            ceiling = min(ceiling, float(score))
            chosen.append(replace(found[at], score=ceiling))
            nearest = np.maximum(nearest, (vectors * vectors[at]).sum(axis=1))
        return chosen


plugin = Mmr
