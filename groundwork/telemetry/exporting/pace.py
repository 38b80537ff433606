"""When to try again: pauses that double, what the target asks for, and a breaker after failures in a row."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

FIRST_S, LONGEST_S = 1.0, 60.0
MOST_ASKED_S = 3600.0
OPENS_AFTER = 5


@dataclass
class Pace:
    """Counts failures in a row; after five the breaker is open, and only a small batch is tried after each pause.

    Args:
        chance: draws from 0 to 1; pauses are spread over the upper half of their length, so that many do not come at once.
    """

    chance: random.Random = field(default_factory=random.Random)
    failures: int = 0

    @property
    def state(self) -> Literal["well", "retrying", "open"]:
        """Whether all is well, it is being tried again, or the breaker is open."""
        if self.failures == 0:
            return "well"
        return "open" if self.failures >= OPENS_AFTER else "retrying"

    def succeeded(self) -> None:
        """Note that the target took something."""
        self.failures = 0

    def failed(self, asked_s: float | None = None) -> float:
        """Note a failure and return the seconds to wait: at least what the target asked for, at most an hour."""
        self.failures += 1
        pause: float = min(LONGEST_S, FIRST_S * 2 ** min(self.failures - 1, 16))
        pause *= 0.5 + self.chance.random() / 2
        return max(pause, min(asked_s or 0.0, MOST_ASKED_S))
