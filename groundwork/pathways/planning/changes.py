"""What would have to change for the wished day to hold: more hours a week, a later day, a nearer target.

Each is planned anew before it is said, and half an hour less a week, or a day less, is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.fitting import Laid, Life, lay, lives_of
from groundwork.pathways.planning.types import Calendar, Change, Task

GRAIN = 0.5
"""Hours a week by which an answer may differ."""
MOST_HOURS = 60.0
"""More hours a week than this are nobody's advice."""
MOST_TARGETS = 4


@dataclass(frozen=True, slots=True)
class OtherTarget:
    """A role that one may turn to instead: what would be left to do for it, and the spread of the way there."""

    id: str
    title: str
    tasks: Callable[[], Sequence[Task]]
    life: Life


def changes(
    laid: Laid,
    calendar: Calendar,
    life: Life,
    by: date,
    confidence: float,
    others: Iterable[OtherTarget] = (),
) -> tuple[Change, ...]:
    """Return the smallest changes that make the wished day as likely as wished, each re-planned; fewer where none does."""
    found = (
        _hours(laid, calendar, life, by, confidence),
        _later(laid, by, confidence),
        _target(laid, calendar, by, confidence, others),
    )
    return tuple(change for change in found if change is not None)


def _hours(laid: Laid, calendar: Calendar, life: Life, by: date, confidence: float) -> Change | None:
    sequence = [laid.tasks[i] for i in laid.ordered.played.order]

    def time(steps: int) -> WorkingTime:
        return WorkingTime(replace(calendar, hours_per_week=steps * GRAIN))

    def roughly(steps: int) -> float:
        return lives_of(sequence, time(steps), life).probability(by)

    def exactly(steps: int) -> float:
        return lay(laid.tasks, time(steps), life).lives.probability(by)

    low, high = int(calendar.hours_per_week / GRAIN + 1e-9), int(MOST_HOURS / GRAIN)
    if low >= high or roughly(high) < confidence:
        return None
    before = low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if roughly(middle) >= confidence else (middle, high)
    while high - 1 > before and exactly(high - 1) >= confidence:
        high -= 1
    probability = exactly(high)
    while probability < confidence and high * GRAIN < MOST_HOURS:
        high += 1
        probability = exactly(high)
    if probability < confidence:
        return None
    hours = high * GRAIN
    text = (
        f"With {hours:g} hours a week instead of {calendar.hours_per_week:g} all of it is done by {_day(by)}"
    )
    return Change("hours_per_week", f"{hours:g}", f"{text} with {_percent(probability)}.", probability)


def _later(laid: Laid, by: date, confidence: float) -> Change | None:
    time = laid.lives.time
    day = time.day(laid.lives.day(confidence))
    probability = laid.lives.probability(day)
    weeks = -(-(day - by).days // 7)
    text = f"By {_day(day)}, {weeks} week{'s' if weeks != 1 else ''} later, all of it is done with"
    return Change("by", day.isoformat(), f"{text} {_percent(probability)}.", probability)


def _target(
    laid: Laid,
    calendar: Calendar,
    by: date,
    confidence: float,
    others: Iterable[OtherTarget],
) -> Change | None:
    """Return the other target that shares the most hours with this one and holds the day."""
    mine = {task.id: task.hours[1] for task in laid.tasks}
    time = WorkingTime(calendar)
    own = time.before(time.offset(by) + 1)
    ranked = []
    for place, other in enumerate(others):
        tasks = other.tasks()
        shared = sum(mine.get(task.id, 0.0) for task in tasks)
        if tasks and shared > 0 and sum(task.hours[1] for task in tasks) <= own:
            ranked.append((-shared, place, other, tasks))
    for _, _, other, tasks in sorted(ranked, key=lambda r: r[:2])[:MOST_TARGETS]:
        probability = lay(tasks, time, other.life).lives.probability(by)
        if probability >= confidence:
            text = f"Towards {other.title}, which shares the most with it, the day holds with"
            return Change("target", other.id, f"{text} {_percent(probability)}.", probability)
    return None


def _percent(probability: float) -> str:
    return f"{int(probability * 100)} %"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
