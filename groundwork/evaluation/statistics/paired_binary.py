"""P1: right or wrong on the same examples. McNemar's test, and intervals of the difference between two paired rates.

`b` counts the pairs in which only the candidate is right, `c` those in which only the baseline is; pairs on which both
agree carry no evidence about which is better. Differences are candidate minus baseline.
"""

from __future__ import annotations

from math import ceil, log2, sqrt

from scipy import optimize, special

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import count, proper_alpha, proper_level
from groundwork.evaluation.statistics.rates import wilson, z_of
from groundwork.evaluation.statistics.types import Alternative, Interval, Test


def least_discordant(alpha: float = 0.05, alternative: Alternative = "greater") -> int:
    """Return how many pairs must differ before the exact test can reach `alpha`: 5 one-sided, 6 two-sided at .05.

    All of m pairs on one side have the exact p-value 1/2^m one-sided, twice that two-sided. The same holds for clusters.
    """
    return ceil(log2((2 if alternative == "two-sided" else 1) / proper_alpha(alpha)) - 1e-9)


def mcnemar(b: int, c: int, *, alternative: Alternative = "greater", strict: bool = False) -> Test:
    """Test whether the candidate is right more often on the same examples.

    Args:
        b, c: pairs that only the candidate, and only the baseline, gets right.
        strict: the exact p-value P(X >= b) with X ~ Bin(b + c, 1/2), never too small; otherwise the mid-p value, which is
            that minus half of P(X = b) and whose error rate is near the nominal one.

    Returns:
        The test; without a discordant pair its p-value is 1. Two-sided mid-p is 2 P(X <= min(b, c)) - P(X = min(b, c)).

    Source:
        McNemar (1947); Fagerland, Lydersen and Laake, The McNemar test for binary matched-pairs data: mid-p and asymptotic
        are better than exact conditional, BMC Medical Research Methodology 13:91 (2013).
    """
    b, c = count(b, "b"), count(c, "c")
    m = b + c
    name = f"McNemar {'exact' if strict else 'mid-p'}"
    if m == 0:
        return Test(1.0, 0.0, alternative, name, 0)
    if alternative == "two-sided":
        k = min(b, c)
        p = 2 * _at_most(k, m) - (0.0 if strict else _exactly(k, m))
    else:
        k = b if alternative == "greater" else c
        p = _at_most(m - k, m) - (0.0 if strict else 0.5 * _exactly(k, m))
    return Test(min(1.0, max(0.0, p)), float(b - c), alternative, name, m)


def tango_z(b: int, c: int, n: int, difference: float) -> float:
    """Return the score statistic of "the rates differ by `difference`" (candidate minus baseline), between -1 and 1.

    Source:
        Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample design,
        Statistics in Medicine 17 (1998) 891-908, equations 4 to 6.
    """
    a2 = 2.0 * n
    b2 = (2.0 * n - b + c) * difference - b - c
    c2 = -c * difference * (1 - difference)
    q = (sqrt(max(0.0, b2 * b2 - 4 * a2 * c2)) - b2) / (2 * a2)
    variance = n * (2 * q + difference * (1 - difference))
    gap = b - c - n * difference
    if variance <= 1e-300:
        return 0.0 if abs(gap) < 1e-12 else (1e150 if gap > 0 else -1e150)
    return gap / sqrt(variance)


def tango(b: int, c: int, n: int, level: float = 0.95) -> Interval:
    """Estimate the difference between two paired rates by the score interval.

    Args:
        n: all pairs, those on which both agree included.

    Raises:
        InvalidInputError: there are no pairs, or fewer than b + c.

    Source:
        Tango (1998), as in `tango_z`.
    """
    b, c, n = _pairs(b, c, n)
    z = z_of((1 - proper_level(level)) / 2)
    value = (b - c) / n
    low = -1.0 if c == n else _where(b, c, n, z, -1.0, value)
    high = 1.0 if b == n else _where(b, c, n, -z, value, 1.0)
    return Interval(value, low, high, level, "Tango score")


def newcombe(both: int, b: int, c: int, neither: int, level: float = 0.95) -> Interval:
    """Estimate the difference between two paired rates from both Wilson intervals and their correlation (method 10).

    Args:
        both, neither: pairs that both, and neither, get right.

    Raises:
        InvalidInputError: there are no pairs.

    Source:
        Newcombe, Improved confidence intervals for the difference between binomial proportions based on paired data,
        Statistics in Medicine 17 (1998) 2635-2650, method 10 (phi with continuity correction).
    """
    both, neither = count(both, "both"), count(neither, "neither")
    b, c, n = _pairs(b, c, both + count(b, "b") + count(c, "c") + neither)
    candidate, baseline = wilson(both + b, n, level), wilson(both + c, n, level)
    product = float(both + b) * (c + neither) * (both + c) * (b + neither)
    cross = float(both) * neither - float(b) * c
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    phi = cross / sqrt(product) if product > 0 else 0.0
    value = (b - c) / n
    down = _length(candidate.value - candidate.low, baseline.high - baseline.value, phi)
    up = _length(candidate.high - candidate.value, baseline.value - baseline.low, phi)
    return Interval(value, max(-1.0, value - down), min(1.0, value + up), level, "Newcombe method 10")


def _length(x: float, y: float, phi: float) -> float:
    return sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))


def _where(b: int, c: int, n: int, z: float, low: float, high: float) -> float:
    """Return the difference at which the score statistic, which falls as the difference grows, is `z`."""
    edge = 1e-12
    low, high = max(low, -1 + edge), min(high, 1 - edge)
    if tango_z(b, c, n, low) <= z:
        return -1.0 if low <= -1 + edge else low
    if tango_z(b, c, n, high) >= z:
        return 1.0 if high >= 1 - edge else high
    return float(
        optimize.brentq(lambda d: tango_z(b, c, n, d) - z, low, high, xtol=1e-13, rtol=1e-13, maxiter=300)
    )


def _at_most(k: int, m: int) -> float:
    """P(Bin(m, 1/2) <= k)."""
    return 1.0 if k >= m else float(special.bdtr(k, m, 0.5))


def _exactly(k: int, m: int) -> float:
    """P(Bin(m, 1/2) = k)."""
    log = (
        special.gammaln(m + 1) - special.gammaln(k + 1) - special.gammaln(m - k + 1) - m * 0.6931471805599453
    )
    return float(special.exp2(log / 0.6931471805599453))


def _pairs(b: int, c: int, n: int) -> tuple[int, int, int]:
    b, c, n = count(b, "b"), count(c, "c"), count(n, "the number of pairs")
    if n == 0:
        raise InvalidInputError(
            "there are no pairs to compare", hint="evaluate both on at least one common example"
        )
    if b + c > n:
        raise InvalidInputError(f"{b} + {c} discordant pairs among {n}")
    return b, c, n
