"""P2: scores that come in clusters (questions of one document, turns of one conversation).

The mean is over examples; its error is taken from clusters, since examples of one cluster are not independent.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import floor, sqrt
from typing import Any

import numpy as np
from scipy import special

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import (
    FloatArray,
    IntArray,
    codes,
    numbers,
    proper_alpha,
    proper_level,
)
from groundwork.evaluation.statistics.rates import t_of
from groundwork.evaluation.statistics.types import Alternative, Interval, Test

LEAST_CLUSTERS = 6
"""With fewer a two-sided exact sign-flip test cannot reach .05 (2/2^6 = .031), and no t interval is to be trusted."""
T_FROM = 20
"""From so many clusters of about equal size the t interval is used; below, the exact sign-flip test."""
EVEN = 0.95
"""Clusters are of about equal size when (sum of sizes)^2 / sum of squared sizes is at least this share of their number."""
LARGE = 100
"""So many effective clusters are enough for the t interval however uneven they are."""
EXACT_UP_TO = 20
"""All 2^G sign vectors are looked at up to so many clusters."""
DRAWS = 9_999
CELLS = 4_000_000
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Clustered:
    """A mean with its cluster-robust error.

    Attributes:
        mean, se, low, high: in units of the values. df: degrees of freedom, clusters - 1.
        design_effect: how many times larger the variance is than if examples were independent.
        effective_n: n / design_effect: so many independent examples would be as precise; n where nothing varies.
    """

    mean: float
    se: float
    df: int
    low: float
    high: float
    clusters: int
    n: int
    design_effect: float
    effective_n: float
    method: str
    level: float = 0.95

    @property
    def interval(self) -> Interval:
        return Interval(self.mean, self.low, self.high, self.level, self.method)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cr1(
    values: Sequence[float] | FloatArray,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    weights: Sequence[float] | FloatArray | None = None,
) -> Clustered:
    """Estimate a mean and its interval when examples come in clusters.

    Args:
        values: shape (n,); for a comparison the differences candidate minus baseline.
        clusters: the cluster of each; None: each is its own, which is the usual t interval of a mean.
        weights: how much each counts; positive.

    Returns:
        mean, SE = sqrt(G/(G-1) sum_g (sum_{i in g} w_i (x_i - mean))^2) / sum w, and the t interval with G - 1 degrees.

    Raises:
        InvalidInputError: fewer than 2 clusters, or a value that is no number.

    Source:
        Liang and Zeger (1986); Cameron and Miller, A practitioner's guide to cluster-robust inference, JHR 50 (2015), CR1.
    """
    x = numbers(values)
    group, g = codes(clusters, x.size)
    if g < 2:
        raise InvalidInputError(
            f"{x.size} examples in {g} cluster{'' if g == 1 else 's'}; an interval needs at least 2 clusters",
            hint="add examples from other documents or conversations",
        )
    w = proper_weights(weights, x.size)
    total = float(w.sum())
    mean = float(np.average(x, weights=w))
    residual = w * (x - mean)
    sums = _sums(group, residual, g)
    scale = float(np.abs(x).max()) or 1.0
    se = sqrt(g / (g - 1) * float(sums @ sums)) / total
    naive = sqrt(x.size / (x.size - 1) * float(residual @ residual)) / total
    naive = 0.0 if naive <= 1e-13 * scale else naive
    se = 0.0 if se <= 1e-13 * scale else se
    effect = (se / naive) ** 2 if naive else 1.0
    half = t_of((1 - proper_level(level)) / 2, g - 1) * se
    effective = x.size / effect if effect > 0 else float(x.size)
    method = f"t interval, CR1 over {g} clusters" if g < x.size else f"t interval, {g} examples"
    return Clustered(
        mean, se, g - 1, mean - half, mean + half, g, int(x.size), effect, effective, method, level
    )


def sign_flip(
    values: Sequence[float] | FloatArray,
    clusters: Sequence[Hashable] | None = None,
    alternative: Alternative = "greater",
    null: float = 0.0,
    seed: int = 0,
    weights: Sequence[float] | FloatArray | None = None,
) -> Test:
    """Test whether a mean is above `null` by turning the signs of whole clusters.

    Under the null a cluster's sum of (value - null) is as likely with either sign. Up to 20 clusters all 2^G sign vectors
    are looked at; above, 9,999 drawn by `seed`, with 1 added to count and number. Equal sums count as at least as extreme.

    Raises:
        InvalidInputError: there are no examples, or a value is no number.

    Source:
        Fisher (1935); Phipson and Smyth, Permutation p-values should never be zero, SAGMB 9:39 (2010); for clusters
        Canay, Romano and Shaikh, Randomization tests under an approximate symmetry assumption, Econometrica 85 (2017).
    """
    x = numbers(values)
    if x.size == 0:
        raise InvalidInputError("there are no examples to test", hint="evaluate at least one example")
    return SignFlips(x, clusters, seed, weights).test(alternative, null)


def sign_flip_bounds(
    values: Sequence[float] | FloatArray,
    clusters: Sequence[Hashable] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    weights: Sequence[float] | FloatArray | None = None,
) -> tuple[float | None, float | None]:
    """Return the one-sided lower and upper bounds, each at `alpha`: the ends of what the sign-flip test does not reject.

    Turning the signs of a set A of clusters leaves a sum as large as the observed one exactly when the mean over A is at
    most the null, so the bounds are order statistics of the means over all sets of clusters (Hartigan's typical values).
    None where there are too few clusters for this alpha.

    Source:
        Hartigan, Using subsample values as typical values, JASA 64 (1969) 1303-1317.
    """
    return SignFlips(numbers(values), clusters, seed, weights).bounds(alpha)


class SignFlips:
    """Every (or 9,999 drawn) way to turn the signs of clusters, looked at once for a test and several bounds."""

    def __init__(
        self,
        values: FloatArray,
        clusters: Sequence[Hashable] | IntArray | None,
        seed: int = 0,
        weights: Sequence[float] | FloatArray | None = None,
    ) -> None:
        group, self.clusters = codes(clusters, values.size)
        w = proper_weights(weights, values.size)
        self._whole = np.stack([_sums(group, w * values, self.clusters), _sums(group, w, self.clusters)])
        (self._top, self._below), self.exact = _subset_sums(self._whole, seed)

    def test(self, alternative: Alternative = "greater", null: float = 0.0) -> Test:
        """Return the test of `null`, as `sign_flip` describes it."""
        sums = self._whole[0] - null * self._whole[1]
        observed, slack = float(sums.sum()), TIE * max(float(np.abs(sums).sum()), 1e-300)
        flipped = observed - 2 * (self._top - null * self._below)
        if alternative == "greater":
            extreme = int((flipped >= observed - slack).sum())
        elif alternative == "less":
            extreme = int((flipped <= observed + slack).sum())
        else:
            extreme = int((np.abs(flipped) >= abs(observed) - slack).sum())
        p = extreme / flipped.size if self.exact else (extreme + 1) / (flipped.size + 1)
        kind = f"exact, 2^{self.clusters}" if self.exact else f"{DRAWS:,} draws"
        mean = observed / float(self._whole[1].sum())
        return Test(p, mean, alternative, f"cluster sign-flip ({kind})", self.clusters)

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Return both one-sided bounds at `alpha`, as `sign_flip_bounds` describes them."""
        some = self._below > 0
        means = np.sort(self._top[some] / self._below[some])
        drawn = 0 if self.exact else 1
        empty, total = int((~some).sum()) + drawn, self._top.size + drawn
        k = floor(proper_alpha(alpha) * total + 1e-9) - empty
        if k < 0 or k >= means.size:
            return None, None
        return float(means[k]), float(means[means.size - 1 - k])


def t_is_safe(sizes: FloatArray) -> bool:
    """Return whether CR1 with t keeps its level for clusters of these sizes (sums of weights).

    It needs 20 clusters, and either about equal sizes or 100 effective ones. With uneven sizes CR1 is too small and its
    degrees of freedom too many: at ICC .3 the one-sided 5 % test errs in 7 % of runs with 20 clusters of 1 to 30 examples,
    and in 10 % when two clusters hold half of everything, where the sign-flip test errs in 5 %.

    Source:
        MacKinnon, Nielsen and Webb, Cluster-robust inference: a guide to empirical practice, Journal of Econometrics 232
        (2023); the figures are our own simulation (`groundwork bench gates`).
    """
    g = int(sizes.size)
    if g < T_FROM:
        return False
    effective = float(sizes.sum()) ** 2 / float(sizes @ sizes)
    return effective >= EVEN * g or effective >= LARGE


def t_test(mean: float, se: float, df: int, null: float, alternative: Alternative) -> float:
    """Return the p-value of Student's t; where nothing varies it is that of the sign-flip test of df + 1 equal clusters."""
    gap = mean - null
    if se <= 0:
        same = abs(gap) <= TIE * max(abs(mean), abs(null), 1e-300)
        tail = 0.5 ** min(df + 1, 1000)
        if same:
            return 1.0
        if alternative == "two-sided":
            return min(1.0, 2 * tail)
        return tail if (gap > 0) == (alternative == "greater") else 1.0
    above = float(special.stdtr(df, -gap / se))
    if alternative == "two-sided":
        return min(1.0, 2 * min(above, 1 - above))
    return above if alternative == "greater" else float(special.stdtr(df, gap / se))


def proper_weights(weights: Sequence[float] | FloatArray | None, n: int) -> FloatArray:
    """Return weights of shape (n,), all 1 where there are none. Raises InvalidInputError unless all are positive."""
    if weights is None or len(weights) == 0:
        return np.ones(n)
    w = numbers(weights, "weight")
    if w.size != n:
        raise InvalidInputError(f"{w.size} weights for {n} examples", hint="give one for each example")
    if (w <= 0).any():
        raise InvalidInputError(
            f"the weight of example {int(np.argmin(w))} is {float(w.min())}; weights are positive"
        )
    return w


def _sums(group: IntArray, values: FloatArray, g: int) -> FloatArray:
    return np.bincount(group, weights=values, minlength=g).astype(np.float64)


def _subset_sums(parts: FloatArray, seed: int) -> tuple[FloatArray, bool]:
    """Return, for each row of `parts`, the sum over every set of clusters (exact), or over randomly drawn ones."""
    if parts.shape[1] <= EXACT_UP_TO:
        sums = np.zeros((parts.shape[0], 1))
        for part in parts.T:
            sums = np.concatenate([sums, sums + part[:, None]], axis=1)
        return sums, True
    drawn = [chosen @ parts.T for chosen in drawn_sets(parts.shape[1], seed)]
    return np.concatenate(drawn).T, False


def drawn_sets(clusters: int, seed: int) -> Iterator[FloatArray]:
    """Yield 9,999 random sets of clusters as rows of 0 and 1, some rows at a time."""
    rng = np.random.default_rng(seed)
    step = max(1, min(DRAWS, CELLS // clusters))
    for at in range(0, DRAWS, step):
        rows = min(step, DRAWS - at)
        drawn = rng.integers(0, 256, size=(rows, (clusters + 7) // 8), dtype=np.uint8)
        yield np.unpackbits(drawn, axis=1, count=clusters).astype(np.float64)
