"""Decide many simulated worlds at once, by the same rule as the gate decides one; the bench checks that they agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from groundwork.bench.worlds import Clusters
from groundwork.evaluation.statistics.checking import FloatArray, IntArray
from groundwork.evaluation.statistics.clustered import DRAWS, EXACT_UP_TO, drawn_sets, t_is_safe
from groundwork.evaluation.statistics.confidence_sequence import GRID
from groundwork.evaluation.statistics.paired_binary import least_discordant, mcnemar, tango_z
from groundwork.evaluation.statistics.rates import z_of

BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
CHUNK = 1 << 22


def p_values(wins: IntArray, losses: IntArray, strict: bool = False) -> FloatArray:
    """Return McNemar's one-sided p-value of every world, 1 where too few pairs differ to show anything."""

    def one(b: int, c: int) -> float:
        enough = b + c >= least_discordant()
        return mcnemar(b, c, strict=strict).p_value if enough else 1.0

    return _each(wins, losses, one)


def no_worse(wins: IntArray, losses: IntArray, n: int, margin: float, alpha: float) -> BoolArray:
    """Return where Tango's score test shows "not worse by `margin`"."""
    z = z_of(alpha)
    return np.asarray(_each(wins, losses, lambda b, c: float(tango_z(b, c, n, -margin) >= z)) > 0)


def scores_p(differences: FloatArray, clusters: Clusters, null: float = 0.0) -> FloatArray:
    """Return the one-sided p-value of "the mean is above `null`" of every world, by CR1 where it is safe, or sign-flip."""
    d = differences - null
    g, n = len(clusters.sizes), clusters.n
    if not t_is_safe(np.asarray(clusters.sizes, dtype=np.float64)):
        return sign_flip_p(clusters.sums(d))
    mean = d.mean(axis=1)
    sums = clusters.sums(d - mean[:, None])
    se = np.sqrt(g / (g - 1) * (sums**2).sum(axis=1)) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, mean / se, np.where(mean > 0, np.inf, -np.inf))
    return np.asarray(special.stdtr(g - 1, -t))


def sign_flip_p(sums: FloatArray) -> FloatArray:
    """Return the exact one-sided sign-flip p-value of every row of cluster sums, shape (worlds, clusters)."""
    worlds, g = sums.shape
    if g > EXACT_UP_TO:
        return _drawn_p(sums)
    half = g // 2
    left, right = _subsets(sums[:, :half]), _subsets(sums[:, half:])
    slack = 1e-9 * np.abs(sums).sum(axis=1)
    answer = np.empty(worlds)
    step = max(1, CHUNK // (1 << g))
    if g <= 12:
        for at in range(0, worlds, step):
            part = slice(at, at + step)
            every = left[part, :, None] + right[part, None, :]
            answer[part] = (2 * every <= slack[part, None, None]).mean(axis=(1, 2))
        return answer
    for i in range(worlds):
        ordered = np.sort(right[i])
        answer[i] = np.searchsorted(ordered, slack[i] / 2 - left[i], side="right").sum() / (1 << g)
    return answer


def holm_first(ps: FloatArray, alpha: float) -> BoolArray:
    """Return which hypotheses Holm rejects in every world, shape (worlds, k)."""
    worlds, k = ps.shape
    order = np.argsort(ps, axis=1, kind="stable")
    stepped = np.take_along_axis(ps, order, axis=1) * (k - np.arange(k))
    kept = np.logical_and.accumulate(stepped <= alpha, axis=1)
    found = np.zeros((worlds, k), dtype=bool)
    np.put_along_axis(found, order, kept, axis=1)
    return found


def lower_passes_half(x: FloatArray, alpha: float, method: str) -> BoolArray:
    """Return in which rows of scores in 0..1, shape (worlds, n), a confidence sequence's lower bound ever passes 1/2."""
    worlds, n = x.shape
    t = np.arange(1, n + 1)
    total = x.cumsum(axis=1)
    after = (0.5 + total) / (t + 1)
    before = np.concatenate([np.full((worlds, 1), 0.5), after[:, :-1]], axis=1)
    spread = 0.25 + ((x - after) ** 2).cumsum(axis=1)
    variance = np.concatenate([np.full((worlds, 1), 0.25), (spread / (t + 1))[:, :-1]], axis=1)
    stake = np.sqrt(2 * np.log(2 / alpha) / (variance * t * np.log1p(t)))
    if method == "betting":
        grid = 0.5 + 1 / (GRID - 1)
        wealth = np.log1p(np.minimum(stake, 0.5 / grid) * (x - grid)).cumsum(axis=1)
        return np.asarray((wealth >= np.log(2 / alpha)).any(axis=1))
    stake = np.minimum(stake, 0.5)
    spent = (4 * (x - before) ** 2 * (-np.log1p(-stake) - stake) / 4).cumsum(axis=1)
    low = ((stake * x).cumsum(axis=1) - np.log(2 / alpha) - spent) / stake.cumsum(axis=1)
    return np.asarray((low > 0.5).any(axis=1))


def ever(values: FloatArray, limit: float, every: int = 1) -> BoolArray:
    """Return which rows, shape (worlds, steps), reach `limit` at one of the looks."""
    return np.asarray((values[:, every - 1 :: every] >= limit).any(axis=1))


def first(values: FloatArray, limit: float, every: int = 1) -> IntArray:
    """Return at which step each row first reaches `limit` at a look; the number of steps + 1 where it never does."""
    reached = values[:, every - 1 :: every] >= limit
    at = (reached.argmax(axis=1) + 1) * every
    return np.asarray(np.where(reached.any(axis=1), at, values.shape[1] + 1), dtype=np.int64)


def naive(wins: IntArray, losses: IntArray, alpha: float) -> BoolArray:
    """Return where a fixed-n mid-p test would be significant, shape as given; for the comparison that peeks."""
    most = int((wins + losses).max()) if wins.size else 0
    from groundwork.evaluation.statistics.power import smallest_significant

    least = smallest_significant(np.arange(most + 1), alpha)
    total = wins + losses
    return np.asarray((wins >= least[total]) & (total >= least_discordant()))


def _drawn_p(sums: FloatArray) -> FloatArray:
    """Return sign-flip p-values by the same draws as the gate's own."""
    slack = 0.5e-9 * np.abs(sums).sum(axis=1)
    extreme = np.ones(sums.shape[0])
    for chosen in drawn_sets(sums.shape[1], 0):
        for at in range(0, sums.shape[0], 256):
            part = slice(at, at + 256)
            extreme[part] += (sums[part] @ chosen.T <= slack[part, None]).sum(axis=1)
    return np.asarray(extreme / (DRAWS + 1))


def _subsets(parts: FloatArray) -> FloatArray:
    sums = np.zeros((parts.shape[0], 1))
    for k in range(parts.shape[1]):
        sums = np.concatenate([sums, sums + parts[:, k : k + 1]], axis=1)
    return sums


def _each(b: IntArray, c: IntArray, decide: Callable[[int, int], float]) -> FloatArray:
    """Call `decide` once for each distinct pair of counts."""
    shape = b.shape
    keys, where = np.unique(np.stack([b.ravel(), c.ravel()], axis=1), axis=0, return_inverse=True)
    found = np.asarray([decide(int(x), int(y)) for x, y in keys])
    return np.asarray(found[where.ravel()].reshape(shape))
