"""Simulated worlds for the error rates of gates: paired answers, scores in clusters, several candidates.

A world is what one run of two systems over one golden set could have brought. Every world is an exact draw; what decides it
most (the wins among the discordant pairs, the mean difference) is drawn in strata, evenly over its distribution, so that a
rate over N worlds is several times surer than over N independent ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from groundwork.evaluation.statistics.checking import FloatArray, IntArray

Rng = np.random.Generator


def even(rng: Rng, n: int) -> FloatArray:
    """Return n uniform numbers, one from each of n equal strata, in random order."""
    return np.asarray((rng.permutation(n) + rng.random(n)) / n)


def pairs(rng: Rng, worlds: int, n: int, discordance: float, effect: float) -> tuple[IntArray, IntArray]:
    """Return wins and losses, shape (worlds,) each, of `n` pairs that differ with probability `discordance`."""
    m = stats.binom.ppf(even(rng, worlds), n, discordance).astype(np.int64)
    share = (discordance + effect) / (2 * discordance)
    wins = stats.binom.ppf(even(rng, worlds), m, share)
    wins = np.where(m == 0, 0, wins).astype(np.int64)
    return wins, m - wins


def stream(rng: Rng, worlds: int, n: int, discordance: float, effect: float) -> IntArray:
    """Return +1 (win), -1 (loss) or 0 (tie) of each pair in its order, shape (worlds, n)."""
    u = rng.random((worlds, n))
    win, loss = (discordance + effect) / 2, (discordance - effect) / 2
    return (u < win).astype(np.int64) - (u > 1 - loss).astype(np.int64)


@dataclass(frozen=True)
class Clusters:
    """Sizes of clusters, the same in every world, with who belongs where."""

    sizes: tuple[int, ...]

    @property
    def n(self) -> int:
        return sum(self.sizes)

    @property
    def members(self) -> IntArray:
        """The cluster of each example, shape (n,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def sums(self, values: FloatArray) -> FloatArray:
        """Return sums over clusters, shape (worlds, clusters), of values of shape (worlds, n)."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        return np.asarray(np.add.reduceat(values, starts, axis=1))


def unequal(rng: Rng, clusters: int, mean: float = 8.0) -> Clusters:
    """Return clusters of 1 to about four times `mean` examples, most of them small."""
    sizes = 1 + rng.negative_binomial(2, 2 / (2 + mean - 1), size=clusters)
    return Clusters(tuple(int(s) for s in sizes))


def scores(
    rng: Rng, worlds: int, clusters: Clusters, icc: float, sd: float, effect: float, tails: float = 0.0
) -> FloatArray:
    """Return differences of scores, shape (worlds, n): cluster part + own part + effect.

    Args:
        icc: share of the variance that examples of one cluster have in common. sd: of a difference.
        tails: 0 for normal own parts; otherwise this share of them is exactly 0 (ties), the rest wider.
    """
    g, n = len(clusters.sizes), clusters.n
    wide = rng.random((worlds, n)) >= tails
    whole = np.broadcast_to(np.sqrt(icc) * np.asarray(clusters.sizes, dtype=float), (worlds, g))
    z = _normal(rng, worlds, np.concatenate([whole, np.sqrt((1 - icc) / (1 - tails)) * wide], axis=1))
    own = z[:, g:] * wide / np.sqrt(1 - tails)
    together = np.repeat(z[:, :g], clusters.sizes, axis=1)
    return np.asarray(effect + sd * (np.sqrt(icc) * together + np.sqrt(1 - icc) * own))


def answers(rng: Rng, worlds: int, clusters: Clusters, icc: float, rate: float, effect: float) -> FloatArray:
    """Return differences of right (1) and wrong (0) answers, shape (worlds, n), with values -1, 0, 1.

    Both systems find the same examples hard; each is better or worse on whole clusters by chance.

    Args:
        icc: share of the variance of a system's latent score that examples of one cluster have in common; that of the
            differences comes out about the same.
    """
    g, n = len(clusters.sizes), clusters.n
    sizes = np.asarray(clusters.sizes, dtype=float)
    lean = np.sqrt(icc / 2)
    direction = np.concatenate([lean * sizes, -lean * sizes, np.zeros(n)])
    z = _normal(rng, worlds, np.broadcast_to(direction, (worlds, direction.size)))
    hard = z[:, 2 * g :] * np.sqrt(1 - icc)
    own = np.sqrt(0.5 * (1 - icc))
    sides = []
    for at, right in ((0, rate + effect), (g, rate)):
        latent = np.sqrt(0.5) * hard + own * rng.standard_normal((worlds, n))
        latent = latent + np.repeat(z[:, at : at + g], clusters.sizes, axis=1) * np.sqrt(icc)
        sides.append(latent < special.ndtri(right))
    return np.asarray(sides[0].astype(np.float64) - sides[1].astype(np.float64))


def candidates(
    rng: Rng, worlds: int, n: int, count: int, discordance: float, rate: float, effects: tuple[float, ...]
) -> tuple[IntArray, IntArray]:
    """Return wins and losses, shape (worlds, count), of several candidates against one baseline on the same examples."""
    right = rng.random((worlds, n)) < rate
    wins = np.empty((worlds, count), dtype=np.int64)
    losses = np.empty_like(wins)
    for k in range(count):
        win, loss = (discordance + effects[k]) / 2 / (1 - rate), (discordance - effects[k]) / 2 / rate
        u = rng.random((worlds, n))
        wins[:, k] = (~right & (u < win)).sum(axis=1)
        losses[:, k] = (right & (u < loss)).sum(axis=1)
    return wins, losses


def _normal(rng: Rng, worlds: int, direction: FloatArray) -> FloatArray:
    """Return standard normal rows whose part along `direction`, shape (worlds, k), is drawn in strata."""
    z = rng.standard_normal(direction.shape)
    along = direction / np.sqrt((direction**2).sum(axis=1, keepdims=True))
    wanted = special.ndtri(even(rng, worlds))
    return np.asarray(z + (wanted - (z * along).sum(axis=1))[:, None] * along)
