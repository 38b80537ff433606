"""Join the rankings of several legs into one: by reciprocal ranks, by scores brought to one scale, or by
margins.

All are pure, do not depend on the order of the lists or of the legs, and break ties by chunk_id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from groundwork.knowledge.types import Leg, LegHit

RRF_K = 60
DEPTH = 100


@dataclass(frozen=True)
class Fused:
    """One chunk of the joint ranking: its score, and where each leg that found it had put it."""

    chunk_id: str
    score: float
    legs: Mapping[str, Leg] = field(default_factory=dict)


def reciprocal_ranks(
    legs: Mapping[str, Sequence[LegHit]], weights: Mapping[str, float], *, k: int = RRF_K
) -> list[Fused]:
    """Return all chunks of all legs, best first: the score is the sum of `weight / (k + rank)`.

    Args:
        legs: the hits of each leg, in any order; the rank is taken from their scores.
        weights: of every leg, not negative.
        k: what flattens the head of a ranking.

    Source:
        Cormack, Clarke, Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning
        methods" (SIGIR 2009).
    """
    parts = {
        name: {
            h.chunk_id: (rank, h.score, weights[name] / (k + rank))
            for rank, h in enumerate(_ordered(hits), 1)
        }
        for name, hits in legs.items()
    }
    return _joined(parts)


def weighted_scores(
    legs: Mapping[str, Sequence[LegHit]], weights: Mapping[str, float], *, depth: int = DEPTH
) -> list[Fused]:
    """Return the best `depth` chunks of every leg, best first: the score is the sum of `weight * scaled
    score`.

    Args:
        legs: the hits of each leg, in any order.
        weights: of every leg, not negative.
        depth: how many hits of a leg count; its scores are scaled so that the best is 1 and the one at
        `depth` is 0.
            A leg with one distinct score gives 1 to each of its hits.

    Source:
        Min-max normalisation with a convex combination: Bruch, Gai, Ingber, "An analysis of fusion functions
        for hybrid retrieval" (TOIS 2023).
    """
    parts = {}
    for name, hits in legs.items():
        best = _ordered(hits)[:depth]
        scaled = min_max([h.score for h in best])
        parts[name] = {
            h.chunk_id: (rank, h.score, weights[name] * value)
            for rank, (h, value) in enumerate(zip(best, scaled, strict=True), 1)
        }
    return _joined(parts)


def margins(
    legs: Mapping[str, Sequence[LegHit]],
    weights: Mapping[str, float],
    spans: Mapping[str, float],
    *,
    depth: int = DEPTH,
) -> list[Fused]:
    """Return all chunks of all legs, best first: the score is the sum of `weight * margin`.

    The margin of a hit is how far it stands above the leg's hit at rank `depth`, in units of the leg's span.
    Unlike min-max scaling, a leg that cannot tell its hits apart adds little, however small its own
    differences are.

    Args:
        legs: the hits of each leg, in any order.
        weights: of every leg, not negative.
        spans: of every leg, in its own score units: what counts as a whole margin. 0 takes the leg's best
        score. depth: the rank whose score is the floor. A leg with fewer hits and no fixed span has its floor
        at 0 (BM25:
            what is not found scores 0); one with a fixed span at its last hit.
    """
    parts = {}
    for name, hits in legs.items():
        best = _ordered(hits)
        span = spans[name] or (best[0].score if best else 0.0)
        floor = best[min(depth, len(best)) - 1].score if best and (len(best) >= depth or spans[name]) else 0.0
        # A span below the smallest normal number would overflow the division.
        unit = weights[name] / span if span > 1e-300 else 0.0
        parts[name] = {
            h.chunk_id: (rank, h.score, unit * (h.score - floor)) for rank, h in enumerate(best, 1)
        }
    return _joined(parts)


def min_max(scores: Sequence[float]) -> list[float]:
    """Return the scores moved and stretched to 0..1; all 1 when they do not differ."""
    if not scores:
        return []
    low, high = min(scores), max(scores)
    # A span below the smallest normal number would overflow the division.
    return [1.0 if high - low < 1e-300 else (score - low) / (high - low) for score in scores]


def _ordered(hits: Sequence[LegHit]) -> list[LegHit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))


def _joined(parts: Mapping[str, Mapping[str, tuple[int, float, float]]]) -> list[Fused]:
    found: dict[str, dict[str, Leg]] = {}
    for name in sorted(parts):
        for chunk_id, (rank, score, weight) in parts[name].items():
            found.setdefault(chunk_id, {})[name] = Leg(rank, score, weight)
    joined = [Fused(c, sum(leg.weight for leg in legs.values()), legs) for c, legs in found.items()]
    return sorted(joined, key=lambda fused: (-fused.score, fused.chunk_id))
