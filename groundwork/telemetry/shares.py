"""Shares with their interval: a measured share never stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054
"""Of the normal distribution: 95 % lie within this many standard deviations."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, with the 95 % Wilson interval of the share; all three are None where n is 0."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None


def share(hits: int, n: int) -> Share:
    """Return a share with its Wilson score interval.

    Args:
        hits: between 0 and n.

    Source:
        Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    if n <= 0:
        return Share(0, 0, None, None, None)
    p = hits / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    reach = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    # Rounding must not leave the share outside of its own interval.
    return Share(hits, n, p, min(p, max(0.0, centre - reach)), max(p, min(1.0, centre + reach)))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much larger one share is than another, with its 95 % interval; `clear` where the interval leaves out 0."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        return self.low > 0 or self.high < 0


def difference(now: Share, before: Share) -> Difference | None:
    """Return how much larger `now` is than `before`; None where one of them is of nothing.

    Source:
        Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17
        (1998), method 10: from the Wilson intervals of both.
    """
    a, b = now, before
    if (
        a.value is None
        or a.low is None
        or a.high is None
        or b.value is None
        or b.low is None
        or b.high is None
    ):
        return None
    middle = a.value - b.value
    low = middle - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    high = middle + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return Difference(middle, low, high)
