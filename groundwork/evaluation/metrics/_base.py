"""What metrics share: means over examples with clustered intervals, and everything else by resampling whole clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.types import Measured

Index = NDArray[np.intp]
RESAMPLES = 1000
LARGE = 4000
"""From so many rows on fewer resamples are drawn: the interval is narrow and each draw costs more."""


class PerExample:
    """A mean over examples: each example is one number, clusters are respected."""

    version: ClassVar[int] = 1
    higher_is_better: ClassVar[bool | None] = None
    per_example: ClassVar[bool] = True

    def value(self, row: Row) -> float | None:
        """Return the example's number: the mean of its repeats; None where one of them is missing."""
        return mean_of(row.scores)

    def measure(self, rows: Sequence[Row], *, level: float = 0.95, seed: int = 0) -> Measured:
        """Return the mean over examples, weighted as they say, with its interval."""
        kept = [(r, v) for r in rows if (v := self.value(r)) is not None]
        return mean_measured(
            [v for _, v in kept],
            [r.cluster for r, _ in kept],
            [r.weight for r, _ in kept],
            level=level,
            bounded=all(r.bounded for r, _ in kept),
        )


class Resampled:
    """A number of all examples together; its interval comes from resampling whole clusters."""

    version: ClassVar[int] = 1
    higher_is_better: ClassVar[bool | None] = True
    per_example: ClassVar[bool] = False

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        """Return the number as a function of which rows are counted, each as often as its place is in the index.

        Rows that cannot be used are passed over by the function itself. None: it is not defined for these rows.
        """
        raise NotImplementedError

    def undefined(self, rows: Sequence[Row]) -> str:
        """Say in words why the number is not defined for these rows."""
        return "not defined for these scores"

    def measure(self, rows: Sequence[Row], *, level: float = 0.95, seed: int = 0) -> Measured:
        """Return the number with the percentile interval of a cluster bootstrap."""
        clusters = [r.cluster for r in rows]
        n, groups = len(rows), len(set(clusters))
        if not rows:
            return Measured(None, None, None, 0, 0, "no scores")
        of = self.prepare(rows)
        value = checked(of(np.arange(n)))
        if value is None:
            return Measured(None, None, None, n, groups, self.undefined(rows))
        low, high, method = resampled_interval(of, clusters, level=level, seed=seed)
        return Measured(value, low, high, n, groups, method)


def mean_of(scores: Sequence[float | None]) -> float | None:
    """Return the mean of an example's repeats; None where there are none or one is missing."""
    present = [s for s in scores if s is not None]
    if not present or len(present) < len(scores):
        return None
    return math.fsum(present) / len(present)


def checked(value: float | None) -> float | None:
    """Return a number as a plain finite float, or None."""
    return float(value) if value is not None and math.isfinite(value) else None


def mean_measured(
    values: Sequence[float],
    clusters: Sequence[str],
    weights: Sequence[float] = (),
    *,
    level: float = 0.95,
    bounded: bool = True,
) -> Measured:
    """Return a mean with its interval.

    Values that are all 0 or 1, each its own cluster and equally weighted: Wilson's score interval. Else CR1 with Student's t
    and as many degrees of freedom as clusters less one, kept within [0, 1] for values that are all 0 or 1. Values that
    are all equal have no spread to go by: 0 or 1 take Wilson's interval at the number of clusters, others have no interval.
    Where a value could be any number (`bounded` is False) zeros and ones are no rate.
    """
    from groundwork.evaluation.statistics.clustered import cr1
    from groundwork.evaluation.statistics.rates import wilson

    n, groups = len(values), len(set(clusters))
    if not n:
        return Measured(None, None, None, 0, 0, "no scores")
    x = np.asarray(values, dtype=float)
    w = np.asarray(weights, dtype=float) if len(weights) == n else np.ones(n)
    if not float(w.sum()) > 0:
        return Measured(None, None, None, n, groups, "the weights of the examples add up to 0")
    even = bool(np.all(w == w[0]))
    mean = float(x.mean()) if even else float(np.average(x, weights=w))
    binary = bounded and bool(np.all((x == 0) | (x == 1)))
    if binary and even and (groups == n or np.ptp(x) == 0):
        if groups < 2:
            return Measured(mean, None, None, n, groups, "no interval: fewer than two clusters")
        rate = wilson(round(mean * groups) if groups < n else int(x.sum()), groups, level=level)
        note = "" if groups == n else ", at the number of clusters, as all are equal"
        return Measured(mean, rate.low, rate.high, n, groups, f"Wilson{note}")
    if groups < 2:
        return Measured(mean, None, None, n, groups, "no interval: fewer than two clusters")
    if np.ptp(x) == 0:
        return Measured(mean, None, None, n, groups, f"no interval: all {n} scores are {mean:g}")
    found = cr1(mean + (x - mean) * w * (n / w.sum()), list(clusters), level=level)
    low, high = float(found.low), float(found.high)
    if binary:
        low, high = max(0.0, low), min(1.0, high)
    return Measured(mean, low, high, n, groups, "CR1, t" if groups < n else "t")


def resampled_interval(
    of: Callable[[Index], float | None],
    clusters: Sequence[str],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float | None, float | None, str]:
    """Return low, high and method of a percentile interval from drawing whole clusters with replacement.

    Draws in which the number is not defined are left out; when more than a tenth of them are, there is no interval.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13.
    """
    names = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    if len(names) < 2:
        return None, None, "no interval: fewer than two clusters"
    places: list[list[int]] = [[] for _ in names]
    for i, name in enumerate(clusters):
        places[names[name]].append(i)
    members = [np.asarray(p, dtype=np.intp) for p in places]
    alone = len(members) == len(clusters)
    draws = resamples if len(clusters) < LARGE else max(200, resamples // 4)
    rng = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(draws):
        drawn = rng.integers(0, len(members), len(members))
        value = checked(of(drawn if alone else np.concatenate([members[g] for g in drawn])))
        if value is not None:
            found.append(value)
    if len(found) < 0.9 * draws:
        return None, None, f"no interval: not defined in {draws - len(found)} of {draws} resamples"
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high), f"cluster bootstrap, {draws} draws"
