"""Intervals of any statistic by drawing whole clusters anew: for percentiles, AURC, and other numbers without a formula."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import (
    FloatArray,
    IntArray,
    codes,
    numbers,
    proper_level,
    same_length,
)
from groundwork.evaluation.statistics.types import Interval

Statistic = Callable[[FloatArray], float]
PairStatistic = Callable[[FloatArray, FloatArray], float]


def cluster_bootstrap(
    values: Sequence[float] | FloatArray,
    clusters: Sequence[Hashable] | None,
    statistic: Statistic,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Estimate a statistic of `values` with its percentile interval over clusters drawn with replacement.

    Args:
        values: shape (n,). clusters: None: each example is its own.
        statistic: gets an array of shape (m,), m >= 1, and answers a finite number.
        seed: two calls with equal arguments answer equal intervals.

    Raises:
        InvalidInputError: fewer than 2 clusters, or the statistic answers no number.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; for clusters Field and Welsh, JRSS B 69
        (2007).
    """
    x = numbers(values)
    return _interval(x.size, clusters, lambda rows: statistic(x[rows]), resamples, level, seed)


def paired_cluster_bootstrap(
    candidate: Sequence[float] | FloatArray,
    baseline: Sequence[float] | FloatArray,
    clusters: Sequence[Hashable] | None,
    statistic: Statistic,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Estimate statistic(candidate) - statistic(baseline) with both drawn by the same clusters, as in `cluster_bootstrap`.

    Use it for numbers that are no mean over examples, such as the 95th percentile of the latency.
    """
    x, y = numbers(candidate), numbers(baseline)
    same_length("candidate and baseline", x, y)
    return _interval(
        x.size, clusters, lambda rows: statistic(x[rows]) - statistic(y[rows]), resamples, level, seed
    )


def row_bootstrap(
    n: int,
    clusters: Sequence[Hashable] | None,
    statistic: Callable[[IntArray], float],
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Estimate a statistic of several columns: it gets the rows drawn, shape (m,), as places 0..n-1."""
    return _interval(n, clusters, statistic, resamples, level, seed)


def _interval(
    n: int,
    clusters: Sequence[Hashable] | None,
    statistic: Callable[[IntArray], float],
    resamples: int,
    level: float,
    seed: int,
) -> Interval:
    group, g = codes(clusters, n)
    if g < 2:
        raise InvalidInputError(
            f"{n} examples in {g} cluster{'' if g == 1 else 's'}; an interval needs at least 2 clusters",
            hint="add examples from other documents or conversations",
        )
    if resamples < 2:
        raise InvalidInputError(f"{resamples} bootstrap samples; at least 2 are needed")
    value = _finite(statistic(np.arange(n, dtype=np.int64)))
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, g, size=(resamples, g))
    if g == n:
        found = [_finite(statistic(rows)) for rows in drawn]
    else:
        order = np.argsort(group, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(group, minlength=g))[:-1])
        found = [_finite(statistic(np.concatenate([members[c] for c in row]))) for row in drawn]
    tail = (1 - proper_level(level)) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    unit = f"{g} clusters" if g < n else f"{n} examples"
    return Interval(
        value, float(low), float(high), level, f"percentile bootstrap over {unit}, {resamples:,} samples"
    )


def _finite(value: Any) -> float:
    number = float(value)
    if not np.isfinite(number):
        raise InvalidInputError(
            f"the statistic answered {number}", hint="it must answer a number on any drawn sample"
        )
    return number
