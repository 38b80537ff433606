"""Rank by words and meaning together: the default strategy. `docs/decisions/0010` holds what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundwork.core.errors import SettingsError
from groundwork.knowledge.fusion import DEPTH, Fused
from groundwork.knowledge.retrievers import Ranked, View
from groundwork.knowledge.retrievers._legs import Asked, agreement, both_legs, joined
from groundwork.knowledge.retrievers._wording import wording
from groundwork.knowledge.types import ChunkRow, FloatArray, Leg

FEEDBACK_CHUNKS = 5
FEEDBACK_SHARE = 0.5
FEEDBACK_AGREEMENT = 0.4
FEEDBACK_COVERAGE = 0.5


@dataclass(frozen=True)
class Hybrid:
    """BM25 and nearest vectors joined by margins, moved by feedback where both agree, refined by the wording.

    1. Both legs give their best `depth` chunks; margins over the `depth`-th join them. The weight of meaning falls
       with how little the embedder knows the question's language, and for questions that name identifiers.
    2. Where the legs agree on at least four of their best ten chunks, the question's vector moves towards the best
       five and asks once more (Rocchio feedback). Where they do not, one of them is lost and would lead astray.
    3. The best `depth` candidates gain by how near to one another they hold the question's words.

    Args:
        weight: of the words against the meaning, 0 to 1.
        depth: chunks taken from each leg.
        feedback: take step 2.
        proximity: weight of step 3; the best hit of a leg adds about `weight`. 0 leaves it out.

    Source:
        Rocchio, "Relevance feedback in information retrieval" (1971); Tao and Zhai, "An exploration of
        proximity measures in information retrieval" (SIGIR 2007).
    """

    weight: float = 0.5
    depth: int = DEPTH
    feedback: bool = True
    proximity: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1 or self.depth < 1 or self.proximity < 0:
            raise SettingsError(
                f"the strategy `hybrid` cannot use weight {self.weight}, depth {self.depth}, "
                f"proximity {self.proximity}",
                hint="weight lies between 0 and 1, depth is at least 1, proximity is not negative",
            )

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k chunks, best first; without vectors the words decide alone.

        There are at most `3 * max(depth, k)` candidates.
        """
        if k <= 0:
            return []
        asked = Asked.of(view, question)
        deep = max(self.depth, k)
        legs = both_legs(view, asked, deep)
        fused = joined(legs, self.weight, asked.coverage, self.depth)
        rows: dict[str, ChunkRow] = {}
        if self._may_move(asked) and agreement(legs) >= FEEDBACK_AGREEMENT and asked.vector is not None:
            legs["feedback"] = view.dense(moved(view, asked.vector, fused[:FEEDBACK_CHUNKS]), deep)
            fused = joined(legs, self.weight, asked.coverage, self.depth)
        if len(set(asked.terms)) > 1 and self.proximity > 0:
            rows = {row.chunk_id: row for row in view.fetch([f.chunk_id for f in fused[:deep]])}
        return self._refined(asked.terms, fused, rows)[:k]

    def _may_move(self, asked: Asked) -> bool:
        known = asked.vector is not None and asked.coverage >= FEEDBACK_COVERAGE
        return self.feedback and known and not asked.names_identifiers

    def _refined(
        self, terms: Sequence[str], fused: Sequence[Fused], rows: dict[str, ChunkRow]
    ) -> list[Ranked]:
        if not rows:
            return [Ranked(f.chunk_id, f.score, f.legs) for f in fused]
        near = wording(terms, {chunk_id: row.terms for chunk_id, row in rows.items()})
        places = sorted(near, key=lambda chunk_id: (-near[chunk_id], chunk_id))
        legs = {c: Leg(rank, near[c], self.proximity * near[c]) for rank, c in enumerate(places, 1)}
        ranked = [
            Ranked(f.chunk_id, f.score + legs[f.chunk_id].weight, {**f.legs, "wording": legs[f.chunk_id]})
            if f.chunk_id in legs
            else Ranked(f.chunk_id, f.score, f.legs)
            for f in fused
        ]
        # What was not refined scores no more than what was: the wording never takes away.
        return sorted(ranked, key=lambda r: (-r.score, r.chunk_id))


def moved(view: View, vector: FloatArray, best: Sequence[Fused]) -> FloatArray:
    """Return the question's vector moved half its length towards the best chunks, weighted by their
    scores."""
    scores = {f.chunk_id: f.score for f in best}
    total = np.zeros(len(vector), np.float64)
    for row in view.fetch(list(scores), vectors=True):
        if row.vector is not None:
            total += scores[row.chunk_id] * row.vector.astype(np.float64)
    length = float(np.linalg.norm(total))
    if length < 1e-9:
        return vector
    target = vector.astype(np.float64) + FEEDBACK_SHARE * total / length
    return np.asarray(target / np.linalg.norm(target), np.float32)


plugin = Hybrid
