"""How good a ranking is, with the uncertainty that a handful of questions leaves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 2_000


def ndcg(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Return the discounted gain of the first k against that of the best order possible, 0 to 1.

    The gain is the grade itself, discounted by log2(rank + 1), as in trec_eval.

    Source:
        Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002).
    """
    ideal = sorted((g for g in relevant.values() if g > 0), reverse=True)[:k]
    best = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(ideal, 1))
    got = sum(max(relevant.get(d, 0), 0) / math.log2(rank + 1) for rank, d in enumerate(ranking[:k], 1))
    return got / best if best else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Return 1 / rank of the first relevant document among the first k; 0 when there is none."""
    return next((1 / rank for rank, d in enumerate(ranking[:k], 1) if relevant.get(d, 0) > 0), 0.0)


def recall(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Return the share of the relevant documents among the first k."""
    wanted = {d for d, grade in relevant.items() if grade > 0}
    return len(wanted & set(ranking[:k])) / len(wanted) if wanted else 0.0


def interval(values: Array, *, seed: int = 0) -> dict[str, float]:
    """Return the mean with its 95 % percentile bootstrap interval over questions: `{value, low, high}`.

    Args:
        values: one per question, or the paired difference of two strategies.
        seed: equal arguments answer equal intervals.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    if len(values) == 0:
        return {"value": 0.0, "low": 0.0, "high": 0.0}
    generator = np.random.default_rng(seed)
    # Resampling is drawing counts: one multinomial per resample instead of a matrix of places.
    counts = generator.multinomial(len(values), np.full(len(values), 1 / len(values)), size=RESAMPLES)
    means = counts @ values / len(values)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}
