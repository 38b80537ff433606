"""P4: how many examples a comparison needs, and what a number of examples can show.

Everything here is about the paired tests of the gate, one-sided unless `two_sided`. Sample sizes come from the usual normal
formula; the power of a given number is computed from the test itself.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from scipy import special, stats

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import count, proper_alpha
from groundwork.evaluation.statistics.paired_binary import least_discordant, tango_z
from groundwork.evaluation.statistics.rates import t_of, z_of

LARGE = 1_000_000_000


def needed_binary(
    discordance: float, effect: float, alpha: float = 0.05, power: float = 0.8, two_sided: bool = False
) -> int:
    """Return how many pairs McNemar's test needs to find a difference of `effect` between two rates.

    Args:
        discordance: share of the pairs on which the two differ, psi, at least `effect`.
        effect: the true difference, such as .05 for five points.

    Returns:
        n = (z_{1-alpha} + z_{power})^2 psi / effect^2, rounded up.

    Raises:
        InvalidInputError: the effect is 0 or less, or the discordance lies outside 0..1.

    Source:
        Miettinen (1968); Connor, Sample size for testing differences in proportions for the paired-sample design,
        Biometrics 43 (1987) 207-211, without the small term in effect^2, which errs to the safe side.
    """
    psi = max(_share(discordance, "discordance"), abs(effect))
    return _whole(_z(alpha, power, two_sided) ** 2 * psi / _effect(effect) ** 2)


def needed_scores(
    sd: float,
    effect: float,
    alpha: float = 0.05,
    power: float = 0.8,
    design_effect: float = 1.0,
    two_sided: bool = False,
) -> int:
    """Return how many examples a test on paired scores needs to find a mean difference of `effect`.

    Args:
        sd: standard deviation of the differences, in units of the score.
        design_effect: how many times larger the variance is because examples come in clusters.

    Returns:
        n = (z_{1-alpha} + z_{power})^2 sd^2 design_effect / effect^2, rounded up, at least 2.
    """
    if not (sd >= 0 and np.isfinite(sd)) or not (design_effect > 0 and np.isfinite(design_effect)):
        raise InvalidInputError(
            f"an sd of {sd} and a design effect of {design_effect}; both are finite and not negative"
        )
    return max(2, _whole(_z(alpha, power, two_sided) ** 2 * sd * sd * design_effect / _effect(effect) ** 2))


def power_binary(
    n: int,
    discordance: float,
    effect: float,
    alpha: float = 0.05,
    two_sided: bool = False,
    strict: bool = False,
) -> float:
    """Return how often McNemar's test on `n` pairs finds a difference of `effect`: the exact sum over what can happen."""
    n = count(n, "the number of pairs")
    proper_alpha(alpha)
    psi = max(_share(discordance, "discordance"), abs(effect))
    if n == 0 or psi == 0:
        return 0.0
    right = (psi + effect) / (2 * psi)
    spread = 10 * sqrt(n * psi * (1 - psi)) + 10
    m = np.arange(max(0, floor(n * psi - spread)), min(n, ceil(n * psi + spread)) + 1)
    least = smallest_significant(m, alpha / 2 if two_sided else alpha, strict)
    found = stats.binom.sf(least - 1, m, right)
    if two_sided:
        found = found + stats.binom.sf(least - 1, m, 1 - right)
    found = np.where(m < least_discordant(alpha, "two-sided" if two_sided else "greater"), 0.0, found)
    return float(min(1.0, stats.binom.pmf(m, n, psi) @ found))


def smallest_significant(
    m: np.ndarray[tuple[int], np.dtype[np.int64]], alpha: float, strict: bool = False
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return, for each number `m` of discordant pairs, the fewest wins with p at most alpha; m + 1 where none are enough."""
    guess = stats.binom.isf(alpha, m, 0.5).astype(np.int64)
    best = m + 1
    for step in range(3, -4, -1):
        k = np.clip(guess + step, 0, m)
        p = stats.binom.sf(k - 1, m, 0.5) - (0 if strict else 0.5 * stats.binom.pmf(k, m, 0.5))
        best = np.where(p <= alpha, np.minimum(best, k), best)
    return np.asarray(best, dtype=np.int64)


def power_scores(
    n: int,
    sd: float,
    effect: float,
    alpha: float = 0.05,
    design_effect: float = 1.0,
    clusters: int | None = None,
    two_sided: bool = False,
) -> float:
    """Return how often the t test on paired scores finds a mean difference of `effect` (noncentral t).

    Args:
        clusters: in how many clusters the examples stand; its degrees of freedom are clusters - 1; None: n.
    """
    n = count(n, "the number of examples")
    df = (n if clusters is None else min(n, count(clusters, "the number of clusters"))) - 1
    proper_alpha(alpha)
    if df < 1:
        return 0.0
    if sd <= 0:
        return 1.0 if effect > 0 else 0.0
    shift = effect / (sd * sqrt(design_effect / n))
    critical = t_of(alpha / 2 if two_sided else alpha, df)
    if abs(shift) > 35:
        return 1.0 if shift > 0 or two_sided else 0.0
    found = float(stats.nct.sf(critical, df, shift))
    if two_sided:
        found += float(stats.nct.cdf(-critical, df, shift))
    return min(1.0, max(0.0, found)) if np.isfinite(found) else float(special.ndtr(shift - critical))


def power_non_inferiority(
    n: int, discordance: float, margin: float, alpha: float = 0.05, difference: float = 0.0
) -> float:
    """Return how often Tango's score test on `n` pairs shows "no worse by `margin`": the exact sum over what can happen.

    Args:
        difference: the true difference, candidate minus baseline; 0 for equally good ones, -margin for the error rate.
    """
    n = count(n, "the number of pairs")
    psi = max(_share(discordance, "discordance"), abs(difference))
    if n == 0:
        return 0.0
    spread = 8 * sqrt(n * psi * (1 - psi)) + 8
    m = np.arange(max(0, floor(n * psi - spread)), min(n, ceil(n * psi + spread)) + 1)
    right = (psi + difference) / (2 * psi) if psi > 0 else 0.0
    fewest = np.asarray([_fewest_wins(int(k), n, margin, z_of(proper_alpha(alpha))) for k in m])
    return float(min(1.0, stats.binom.pmf(m, n, psi) @ stats.binom.sf(fewest - 1, m, right)))


def power_sequential(n: int, discordance: float, effect: float, alpha: float = 0.05, every: int = 1) -> float:
    """Return how often the sequential McNemar test, looked at every `every` pairs, has decided within `n` pairs.

    The exact distribution of wins and losses is carried from pair to pair; what was decided leaves it. With an effect of 0
    it is the chance of ever being wrong.
    """
    from groundwork.evaluation.statistics.sequential import log_e_values

    n, every = count(n, "the number of pairs"), max(1, count(every, "every"))
    psi = max(_share(discordance, "discordance"), abs(effect))
    if n == 0 or psi == 0:
        return 0.0
    most = min(n, ceil(n * psi + 8 * sqrt(n * psi) + 8))
    w, lost = np.meshgrid(np.arange(most + 1), np.arange(most + 1), indexing="ij")
    stop = (log_e_values(w, lost) >= -np.log(proper_alpha(alpha)) - 1e-12) & (w + lost <= most)
    win, loss = (psi + effect) / 2, (psi - effect) / 2
    state = np.zeros((most + 1, most + 1))
    state[0, 0], decided = 1.0, 0.0
    for t in range(1, n + 1):
        k = min(t, most) + 1
        here = state[:k, :k]
        moved = (1 - psi) * here
        moved[1:] += win * here[:-1]
        moved[:, 1:] += loss * here[:, :-1]
        if t % every == 0:
            decided += float(moved[stop[:k, :k]].sum())
            moved[stop[:k, :k]] = 0.0
        state[:k, :k] = moved
    return min(1.0, decided)


def detectable(
    n: int,
    *,
    discordance: float | None = None,
    sd: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    design_effect: float = 1.0,
    two_sided: bool = False,
) -> float | None:
    """Return the smallest difference that `n` examples find with `power`: give `discordance` (binary) or `sd` (scores).

    Returns:
        The difference in units of the score; None where `n` is 0, or a binary difference would exceed the discordance.
    """
    if (discordance is None) == (sd is None):
        raise InvalidInputError("give either a discordance (binary scores) or an sd (scores)")
    if count(n, "the number of examples") == 0:
        return None
    variance = _share(discordance, "discordance") if discordance is not None else float(sd or 0.0) ** 2
    effect = _z(alpha, power, two_sided) * sqrt(variance * design_effect / n)
    if discordance is not None and effect > discordance:
        return None
    return effect


def design_effect_of(cluster_size: float, icc: float) -> float:
    """Return the design effect of clusters of about equal size: 1 + (size - 1) icc (Kish 1965)."""
    return 1 + (max(1.0, cluster_size) - 1) * icc


def _fewest_wins(m: int, n: int, margin: float, z: float) -> int:
    """Return the fewest wins among `m` discordant of `n` pairs that show non-inferiority; m + 1 where none are enough."""
    low, high = 0, m + 1
    while low < high:
        middle = (low + high) // 2
        if tango_z(middle, m - middle, n, max(-1.0, -margin)) >= z:
            high = middle
        else:
            low = middle + 1
    return low


def _z(alpha: float, power: float, two_sided: bool) -> float:
    if not 0 < power < 1:
        raise InvalidInputError(f"a power of {power}; it lies between 0 and 1", hint="such as .8")
    return z_of(proper_alpha(alpha) / (2 if two_sided else 1)) + z_of(1 - power)


def _effect(effect: float) -> float:
    if not abs(effect) > 0 or not np.isfinite(effect):
        raise InvalidInputError(f"an effect of {effect}; no number of examples finds a difference of nothing")
    return abs(effect)


def _share(value: float, what: str) -> float:
    if not 0 <= value <= 1:
        raise InvalidInputError(f"a {what} of {value}; it is a share between 0 and 1")
    return float(value)


def _whole(n: float) -> int:
    return int(min(LARGE, max(1, ceil(n - 1e-9))))
