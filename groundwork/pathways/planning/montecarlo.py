"""When it will be done: many lives of one plan, with one speed of the learner for all items of a life.

The speed is shared, so that its uncertainty does not average out over forty items; what is left of the spread of an item's
own hours is small and has mean 1. A life keeps the order of the plan and waits where items wait.

Random numbers are common: an item's belong to its id and to the seed, so two plans differ by what differs in them alone, and
a change that is tried is compared with the plan on the same lives.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.types import Forecast, Pace, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 10_000
DAYS_PER_MONTH = 30.4375
Z90 = 1.2815515655446004
DEFAULT_SIGMA = math.log(2) / (2 * Z90)
"""Spread of the speed where the documents state no months: of a range whose end is twice its beginning."""
LEAST_NOISE = 0.05
"""Spread of an item's own hours beyond the speed, where its P10 and P90 leave less."""


@dataclass(frozen=True, slots=True)
class Lives:
    """The day on which each life is done, counted from the start (`done[i]`, integers, shape (draws,)), sorted."""

    done: NDArray[Any]
    time: WorkingTime

    def probability(self, by: date) -> float:
        """Return the share of lives that are done on that day or before."""
        import numpy as np

        return float(np.searchsorted(self.done, self.time.offset(by), side="right")) / len(self.done)

    def day(self, quantile: float) -> int:
        """Return the first day by which at least this share of lives is done, counted from the start."""
        return int(self.done[max(0, math.ceil(quantile * len(self.done) - 1e-9) - 1)])


def sigma_of(months: tuple[float, float] | None) -> float:
    """Return the spread of the speed for a stated range of months, read as P10 and P90: ln(max / min) / 2.563."""
    return (
        DEFAULT_SIGMA
        if months is None or months[0] >= months[1]
        else math.log(months[1] / months[0]) / (2 * Z90)
    )


def noise_of(task: Task, shared: float) -> float:
    """Return the spread of an item's own hours beyond the shared speed, as standard deviation of their logarithm."""
    low, _, high = task.hours
    whole = math.log(high / low) / (2 * Z90) if high > low else 0.0
    return max(LEAST_NOISE, math.sqrt(max(0.0, whole * whole - shared * shared)))


def live(
    tasks: Sequence[Task],
    time: WorkingTime,
    pace: Pace,
    *,
    shared: float = DEFAULT_SIGMA,
    draws: int = DRAWS,
    seed: int = 0,
) -> Lives:
    """Return when each of `draws` lives is done with `tasks`, which are worked on in the order given.

    Args:
        pace: what is believed of the speed now. shared: what of the items' own spread is due to speed.
    """
    import numpy as np

    speed = np.exp(pace.mean + pace.sigma * _strata(draws))
    now = np.zeros(draws)
    last = np.zeros(draws, dtype=np.int64)
    readies: dict[str, Any] = {}
    needed = {need for task in tasks for need in task.needs}
    for task in tasks:
        noise = noise_of(task, shared)
        factor = np.exp(noise * _normals(seed, task.id, draws) - noise * noise / 2)
        for need in task.needs:
            if need in readies:
                now = np.maximum(now, readies[need])
        now = now + task.hours[1] * speed * factor
        if task.wait_days:
            counted = _last_days(time, now) + task.wait_days
            last = np.maximum(last, counted)
            if task.id in needed:
                readies[task.id] = _before(time, counted)
    if tasks:
        last = np.maximum(last, _last_days(time, now))
    return Lives(np.sort(last), time)


def forecast(lives: Lives, *, by: date | None = None, pace: Pace = Pace(), seed: int = 0) -> Forecast:
    """Return the quantiles of some lives, and how likely the wished day is."""
    days = [lives.day(q) for q in (0.1, 0.5, 0.9)]
    dates = [lives.time.day(d) for d in days]
    months = [round((d + 1) / DAYS_PER_MONTH, 2) for d in days]
    likely = None if by is None else lives.probability(by)
    return Forecast(
        dates[0], dates[1], dates[2], months[0], months[1], months[2], likely, len(lives.done), seed, pace
    )


@lru_cache(maxsize=4)
def _strata(draws: int) -> Any:
    """Return normal deviates, one in the middle of each of `draws` strata of equal probability: no luck in the speed."""
    import numpy as np

    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / draws) for i in range(draws)])


@lru_cache(maxsize=640)
def _normals(seed: int, identifier: str, draws: int) -> Any:
    """Return the deviates that belong to an item."""
    import numpy as np

    key = hashlib.sha256(f"{seed}/{identifier}".encode()).digest()
    found = np.random.Generator(np.random.PCG64(int.from_bytes(key[:16], "big"))).standard_normal(
        draws, dtype=np.float32
    )
    found.flags.writeable = False
    return found


def _last_days(time: WorkingTime, hours: Any) -> Any:
    """Return `WorkingTime.last_day` of many hours."""
    import numpy as np

    starts, rates, days = np.array(time.hours), np.array(time.rates), np.array(time.days)
    piece = np.maximum(np.searchsorted(starts, hours - 1e-7, side="left") - 1, 0)
    for _ in range(len(rates)):  # pieces without hours hold no work
        idle = rates[piece] <= 0
        if not idle.any():
            break
        piece = np.where(idle, piece + 1, piece)
    inside = (hours - starts[piece]) / rates[piece]
    return days[piece] + np.maximum(0, np.ceil(inside - 1e-7).astype(np.int64) - 1)


def _before(time: WorkingTime, days: Any) -> Any:
    """Return `WorkingTime.before` of many days."""
    import numpy as np

    firsts = np.array(time.days)
    piece = np.searchsorted(firsts, days, side="right") - 1
    return np.array(time.hours)[piece] + (days - firsts[piece]) * np.array(time.rates)[piece]
