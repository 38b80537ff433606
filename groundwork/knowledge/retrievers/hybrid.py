"""Rank by words and meaning together: the default strategy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from groundwork.knowledge.fusion import DEPTH, weighted_scores
from groundwork.knowledge.retrievers import Ranked, View


@dataclass(frozen=True)
class Hybrid:
    """Weighted scores of BM25 and nearest vectors, each scaled over its best `depth` hits.

    Args:
        weight: of the words; meaning gets the rest, less where the embedder does not know the question's
        language. depth: hits taken from each leg.
    """

    weight: float = 0.5
    depth: int = DEPTH

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k chunks, best first; without vectors the words decide alone."""
        if k <= 0:
            return []
        depth = max(self.depth, k)
        terms = {term: float(count) for term, count in Counter(view.terms(question)).items()}
        legs = {"lexical": view.lexical(terms, depth) if terms else []}
        weights = {"lexical": self.weight}
        vector = view.embed(question)
        if vector is not None:
            legs["dense"] = view.dense(vector, depth)
            weights["dense"] = (1 - self.weight) * view.coverage(question)
        fused = weighted_scores(legs, weights, depth=depth)
        return [Ranked(f.chunk_id, f.score, f.legs) for f in fused[:k]]


plugin = Hybrid
