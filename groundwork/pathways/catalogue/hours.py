"""How hours and months belong together, and how much of a curriculum is work on data.

The documents state months, never hours. A stated range of months, read as the 10th and 90th percentile of a lognormal
time, has its median at the geometric mean; at a reference pace of 10 hours a week that gives the hours that the work of the
way sums to. See docs/decisions/0081.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded

REFERENCE_HOURS_PER_WEEK = 10.0
DAYS_PER_MONTH = 30.4375
Z90 = 1.2816
"""The 90th percentile of a standard normal."""
SIGMA = math.log(2) / (2 * Z90)
"""Spread of a way whose months are not stated: that of a range whose end is twice its beginning, as four of five have."""


def sigma_of(months: tuple[float, float] | None) -> float:
    """Return the standard deviation of the logarithm of the time on a way: ln(max / min) / (2 · 1.2816); .27 without."""
    return SIGMA if months is None else math.log(months[1] / months[0]) / (2 * Z90)


def reference_hours(months: tuple[float, float], hours_per_week: float = REFERENCE_HOURS_PER_WEEK) -> float:
    """Return the hours that the median of a stated range of months holds: √(min · max) months of 30.4375 days."""
    return math.sqrt(months[0] * months[1]) * DAYS_PER_MONTH / 7 * hours_per_week


def months_of(hours: float, hours_per_week: float = REFERENCE_HOURS_PER_WEEK) -> float:
    """Return how many months of 30.4375 days some hours of work take."""
    return hours / hours_per_week * 7 / DAYS_PER_MONTH


@dataclass(frozen=True, slots=True)
class DataWork:
    """How much of some skills is work on data: P50 hours of all of them, and of their work on data."""

    hours: float
    data_hours: float

    @property
    def share(self) -> float:
        """0 to 1; 0 without hours."""
        return self.data_hours / self.hours if self.hours else 0.0


def data_work(loaded: Loaded, skills: Sequence[str]) -> DataWork:
    """Return how much of the hours of some skills is work on data: quality, preparation, pipelines, sets for evaluation."""
    found = [loaded.skill(identifier) for identifier in skills]
    return DataWork(sum(s.hours.p50 for s in found), sum(s.hours.p50 * s.data_share for s in found))


def lab_data_work(loaded: Loaded, minutes: dict[str, float]) -> DataWork:
    """Return the same for labs: the minutes of each count by the greatest share among the skills that it proves.

    Args:
        minutes: of work, by the id of a lab.
    """
    total = data = 0.0
    for lab, spent in minutes.items():
        shares = [skill.data_share for skill in loaded.catalogue.skills if lab in skill.labs]
        total += spent / 60
        data += spent / 60 * max(shares, default=0.0)
    return DataWork(total, data)
