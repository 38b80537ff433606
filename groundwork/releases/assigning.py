"""Who gets which arm of a canary: by a keyed hash, so that everybody stays where they are, on every server alike."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass
from typing import Any

from groundwork.releases.types import Arm

MISMATCH_BELOW = 0.001
"""P-value of the sample-ratio test from which the assignment is not believed (Fabijan et al. 2019 use .0005 to .01)."""
_WIDE = 2.0**64


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """How many units went to each arm, how many should have, and how likely so great a difference is by chance."""

    candidate: int
    baseline: int
    share: float
    p_value: float | None
    flagged: bool

    @property
    def expected(self) -> float:
        """How many units the candidate should have got."""
        return self.share * (self.candidate + self.baseline)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "expected": self.expected}


def place(salt: str, unit: str) -> float:
    """Return where a unit falls in [0, 1): uniform over units, the same in every process, unknown without the salt."""
    found = hmac.digest(salt.encode(), unit.encode("utf-8", "surrogatepass"), "sha256")
    return int.from_bytes(found[:8], "big") / _WIDE


def arm(salt: str, unit: str, share: float) -> Arm:
    """Return the arm of a unit; a share that grows moves nobody back."""
    return "candidate" if place(salt, unit) < share else "baseline"


def masked(salt: str, unit: str) -> str:
    """Return a unit as it is recorded: equal units are recognised, nobody's name is told."""
    return hmac.new(
        salt.encode(), b"unit\x00" + unit.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()[:24]


def sample_ratio(candidate: int, baseline: int, share: float) -> SampleRatio:
    """Test whether the arms got the shares they should have, by chi-square with one degree of freedom.

    Args:
        candidate, baseline: units, each counted once: requests of one user are not independent.

    Source:
        Fabijan et al., Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD 2019.
    """
    n = candidate + baseline
    if n == 0 or not 0 < share < 1 or min(share, 1 - share) * n < 5:
        return SampleRatio(candidate, baseline, share, None, False)
    import math

    expected = share * n
    statistic = (candidate - expected) ** 2 / expected + (baseline - (n - expected)) ** 2 / (n - expected)
    p_value = math.erfc(math.sqrt(statistic / 2))
    return SampleRatio(candidate, baseline, share, p_value, p_value < MISMATCH_BELOW)
