"""Rank by words and meaning, with the words enriched by those of the best passages found first."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundwork.knowledge.fusion import DEPTH, Fused
from groundwork.knowledge.retrievers import Ranked, View
from groundwork.knowledge.retrievers._legs import Asked, both_legs, joined


@dataclass(frozen=True)
class HybridRm3:
    """Like `hybrid` in its first step; then BM25 asks again with the question's words and those of the best
    chunks.

    It helps long, topical questions over documents of one field, and costs on questions for one exact fact:
    choose it by measuring, with `groundwork bench retrieval`.

    Args:
        weight: of the words against the meaning.
        depth: chunks taken from each leg.
        chunks: that words are taken from.
        words: how many are taken.
        original: share of the question's own words in the second question, 0 to 1.

    Source:
        Abdul-Jaleel et al., "UMass at TREC 2004: Novelty and HARD" (RM3).
    """

    weight: float = 0.5
    depth: int = DEPTH
    chunks: int = 5
    words: int = 20
    original: float = 0.8

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k chunks, best first."""
        if k <= 0:
            return []
        asked = Asked.of(view, question)
        deep = max(self.depth, k)
        legs = both_legs(view, asked, deep)
        fused = joined(legs, self.weight, asked.coverage, self.depth)
        if asked.terms:
            enriched = self._enriched(view, asked.weights(), fused[: self.chunks])
            legs["lexical"] = view.lexical(enriched, deep)
            fused = joined(legs, self.weight, asked.coverage, self.depth)
        return [Ranked(f.chunk_id, f.score, f.legs) for f in fused[:k]]

    def _enriched(self, view: View, asked: Mapping[str, float], best: Sequence[Fused]) -> dict[str, float]:
        """Return the words of the second question with their weights, summing to 1."""
        rows = {row.chunk_id: Counter(row.terms.split()) for row in view.fetch([f.chunk_id for f in best])}
        model: defaultdict[str, float] = defaultdict(float)
        for fused in best:
            count = rows.get(fused.chunk_id, Counter())
            for term, n in count.items():
                model[term] += max(fused.score, 0.0) * n / count.total()
        # A word that all of them share tells of the collection, not of the question.
        rarity = {t: math.log1p(len(rows) / sum(t in count for count in rows.values())) for t in model}
        chosen = sorted(model, key=lambda t: (-model[t] * rarity[t], t))[: self.words]
        total, own = sum(model[t] for t in chosen) or 1.0, sum(asked.values())
        enriched = {term: self.original * n / own for term, n in asked.items()}
        for term in chosen:
            enriched[term] = enriched.get(term, 0.0) + (1 - self.original) * model[term] / total
        return enriched


plugin = HybridRm3
