"""What a statistic answers: an interval, or a test; both immutable and free of NaN."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Alternative = Literal["greater", "two-sided", "less"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        value: the estimate, in the units of what was measured.
        low, high: both ends, low <= high; they hold `value` unless the method centres elsewhere.
        level: confidence of the two-sided interval, such as .95.
        method: what made it, in words.
    """

    value: float
    low: float
    high: float
    level: float = 0.95
    method: str = ""

    @property
    def width(self) -> float:
        return self.high - self.low

    def holds(self, truth: float) -> bool:
        """Whether `truth` lies within, ends included."""
        return self.low <= truth <= self.high

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Test:
    """The outcome of a hypothesis test.

    Attributes:
        p_value: between 0 and 1.
        statistic: of the test, as `method` says.
        alternative: `greater`: the candidate is better; `less`: it is worse; `two-sided`: it differs.
        n: how many independent units carried the test (discordant pairs, clusters).
    """

    __test__ = False

    p_value: float
    statistic: float
    alternative: Alternative
    method: str
    n: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
