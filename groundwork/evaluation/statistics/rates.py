"""Intervals of one rate: Wilson by default, Clopper and Pearson where the level must never be missed."""

from __future__ import annotations

from math import sqrt

from scipy import special

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import count, proper_level
from groundwork.evaluation.statistics.types import Interval


def z_of(tail: float) -> float:
    """Return the standard normal quantile that leaves `tail` above it."""
    return float(-special.ndtri(tail))


def t_of(tail: float, df: float) -> float:
    """Return the quantile of Student's t with `df` degrees of freedom that leaves `tail` above it."""
    return float(-special.stdtrit(df, tail))


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Estimate a rate from `successes` of `n` independent examples by the score interval.

    Raises:
        InvalidInputError: n is 0, or there are more successes than examples.

    Source:
        Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212.
    """
    k, n = _counts(successes, n)
    z = z_of((1 - proper_level(level)) / 2)
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, centre - half)
    high = 1.0 if k == n else min(1.0, centre + half)
    return Interval(p, low, high, level, "Wilson score")


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Estimate a rate by the exact interval, which covers at least `level` whatever the rate.

    Raises:
        InvalidInputError: n is 0, or there are more successes than examples.

    Source:
        Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934) 404-413.
    """
    k, n = _counts(successes, n)
    tail = (1 - proper_level(level)) / 2
    low = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - tail))
    return Interval(k / n, low, high, level, "Clopper-Pearson exact")


def _counts(successes: int, n: int) -> tuple[int, int]:
    k, n = count(successes, "the number of successes"), count(n, "the number of examples")
    if n == 0:
        raise InvalidInputError(
            "there are no examples, so there is no rate", hint="evaluate at least one example"
        )
    if k > n:
        raise InvalidInputError(f"{k} successes among {n} examples")
    return k, n
