"""A plan as a calendar: months, and in each a lane a stream with what is worked on, as inline SVG and in words. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.pathways.planning.types import Plan, PlanItem

STREAMS = ("technical", "ethical")
MOST_MONTHS = 240


@dataclass(frozen=True)
class Bar:
    """One item in one month: where it lies, in percent of the month, and whether it only waits there."""

    item: PlanItem
    left: float
    wide: float
    waits: bool
    stream: str
    said: str


@dataclass(frozen=True)
class Month:
    """One month: its bars, the items that end in it, the days on which to look again."""

    first: date
    bars: tuple[Bar, ...]
    ends: tuple[PlanItem, ...]
    reviews: tuple[date, ...]
    hours: float

    @property
    def title(self) -> str:
        return f"{self.first:%B %Y}"


def months(plan: Plan) -> tuple[Month, ...]:
    """Return every month from the first item to the last; one without an item is there too, so that gaps are seen."""
    if not plan.items:
        return ()
    first = min(i.start for i in plan.items).replace(day=1)
    last = max(i.done for i in plan.items)
    found: list[Month] = []
    while first <= last and len(found) < MOST_MONTHS:
        days = monthrange(first.year, first.month)[1]
        end = first.replace(day=days)
        touching = [i for i in plan.items if i.start <= end and i.done >= first]
        bars = tuple(b for i in touching for b in _bars(i, first, end, days))
        ends = tuple(i for i in plan.items if first <= i.end <= end)
        reviews = tuple(d for d in plan.reviews if first <= d <= end)
        found.append(Month(first, bars, ends, reviews, sum(_share(i, first, end) for i in touching)))
        first = end + timedelta(days=1)
    return tuple(found)


def lane(month: Month, stream: str) -> Sequence[Bar]:
    """Return the bars of one stream, in the order of their first day."""
    return [b for b in month.bars if b.stream == stream]


def _bars(item: PlanItem, first: date, end: date, days: int) -> list[Bar]:
    made = []
    for start, stop, waits in (
        (item.start, item.end, False),
        (item.end + timedelta(days=1), item.done, True),
    ):
        if stop < start or start > end or stop < first:
            continue
        left = (max(start, first) - first).days
        wide = (min(stop, end) - first).days + 1 - left
        said = f"{item.title}, {'waiting' if waits else 'work'} from {start:%-d %B} to {stop:%-d %B %Y}"
        stream = item.stream if item.stream in STREAMS else STREAMS[0]
        made.append(Bar(item, round(100 * left / days, 2), round(100 * wide / days, 2), waits, stream, said))
    return made


def _share(item: PlanItem, first: date, end: date) -> float:
    """Return the hours of an item that fall into a month, as if they were spread evenly over its days."""
    whole = (item.end - item.start).days + 1
    inside = (min(item.end, end) - max(item.start, first)).days + 1
    return item.hours * max(0, inside) / whole
