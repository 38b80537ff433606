"""What a plan is asked for and what it answers. All immutable and JSON-compatible by `as_dict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

ItemKind = Literal["skill", "milestone", "action", "test_out"]


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work for the planner, whatever it is in the catalogue.

    Attributes:
        id: of the skill, milestone or action. hours: P10, P50, P90 at reference speed. value: of having it done, over 0.
        needs: ids of tasks that must be done (with their waiting over) before it begins. helps: better after these.
        wait_days: days after its work until it counts as done; no hours are spent in them.
        target: whether it is wanted for itself; others are wanted because a target needs them.
    """

    id: str
    kind: ItemKind
    hours: tuple[float, float, float]
    value: float = 1.0
    stream: Literal["technical", "ethical"] = "technical"
    needs: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    wait_days: int = 0
    target: bool = False
    title: str = ""
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What is believed of a person's speed: the natural logarithm of (hours taken / hours at reference speed) is normal.

    `n` says on how many measured labs it rests; the prior has mean 0 and the spread of the transition.
    """

    mean: float = 0.0
    sigma: float = 0.27
    n: int = 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hours per week from a day on, with exceptions `(first day, last day, hours per week)`; a week begins on Monday."""

    start: date
    hours_per_week: float
    exceptions: tuple[tuple[date, date, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a person asks for; names are matched leniently before it gets here.

    Attributes:
        start_from: id of a background. target: id of a role. by: the wished last day. confidence: that it is held, 0 to 1.
        declared: skills that the person says they have, beyond those of the background. proven: skills shown by records.
        done: milestones and actions that are proven. money: the most to spend on resources, None for no limit.
    """

    start_from: str
    target: str
    calendar: Calendar
    by: date | None = None
    confidence: float = 0.8
    declared: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    money: float | None = None
    pace: Pace = Pace()
    sigma: float | None = None
    seed: int = 0
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One dated item. `milestone` is the id of what it is about, whatever its kind.

    Attributes:
        start, end: first and last day of its work. done: the day it counts, after its waiting. hours: P50 of this person.
        because: why it stands here, in one sentence. needed_by, unlocks: ids that it is needed by, and that it sets
        free next.
        density: the weight per hour it was ordered by. without: milestones of the target that are lost without it.
        reason: which of the sentences of `explain` `because` is: `only`, `in_step`, `highest`, `waits`, `exchange`, `order`.
        wait_days: days between `end` and `done`.
    """

    milestone: str
    kind: ItemKind
    title: str
    stream: str
    start: date
    end: date
    done: date
    hours: float
    because: str
    needed_by: tuple[str, ...] = ()
    unlocks: tuple[str, ...] = ()
    density: float = 0.0
    without: tuple[str, ...] = ()
    state: str = "open"
    resources: tuple[str, ...] = ()
    lab: str = ""
    reason: str = ""
    wait_days: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it will be finished: quantiles of the date and of the months from the start, and how likely the wished day is.

    Months are of 30.4375 days. `by_probability` is None without a wished day. `draws` and `seed` make it repeatable.
    """

    p10: date
    p50: date
    p90: date
    p10_months: float
    p50_months: float
    p90_months: float
    by_probability: float | None = None
    draws: int = 10_000
    seed: int = 0
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change that would make the wished day likely enough, and what the date would be (each re-planned)."""

    kind: Literal["hours_per_week", "by", "target"]
    value: str
    sentence: str
    probability: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A dated plan; equal inputs give an equal plan, byte for byte.

    Attributes:
        method: `exact` or `insertion`. bound: the largest share by which the order may be worse than the best, 0 when exact.
        dropped: ids that do not fit before the wished day; empty when all fits. changes: what would have to change.
        reviews: days on which to look again, every 30. buffer_until: the day by which `items` are done with 80 %.
        forecast: of the whole target. fits: of `items` alone, where some had to be dropped; otherwise None.
    """

    id: str
    inputs: str
    catalogue: str
    request: Mapping[str, Any]
    items: tuple[PlanItem, ...]
    forecast: Forecast
    method: Literal["exact", "insertion"]
    bound: float
    dropped: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    reviews: tuple[date, ...] = ()
    buffer_until: date | None = None
    transition: str = ""
    notes: tuple[str, ...] = ()
    hours: float = 0.0
    previous: str = ""
    created_at: str = ""
    declared: tuple[str, ...] = field(default=())
    fits: Forecast | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: plain(value) for name, value in asdict(self).items()}


def plain(value: Any) -> Any:
    """Return `value` with dates as ISO 8601 and tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value
