"""Hours of work to days of the calendar, and back: the weekly hours of a person with their exceptions.

A week begins on Monday and its hours are spread evenly over its seven days, so a week that begins on Thursday holds four
sevenths of them. Work is counted in *own hours*: hour 0 is the first that the person has from the start on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, timedelta

from groundwork.core.errors import InvalidInputError
from groundwork.pathways.planning.types import Calendar

WEEK_HOURS = 100.0
"""The most hours that a plan takes for a week. Ours: nobody learns longer, and a larger number is a slip."""
REVIEW_DAYS = 30
MAX_YEARS = 300
"""No day further ahead is named."""
_EPS = 1e-7
"""Of a day: what sums of floating-point hours may be off by."""


@dataclass(frozen=True, slots=True)
class Dated:
    """When an item is worked on: own hours `[begin, finish)`, and the days, counted from the start, that hold them.

    `done` is the day on which it counts; when it waits, what needs it begins on that day at the earliest.
    """

    id: str
    begin: float
    finish: float
    start: int
    end: int
    done: int


class WorkingTime:
    """The working time of a calendar as a piecewise linear function of days from its start.

    Of two exceptions that overlap the later one in the list counts.

    Raises:
        InvalidInputError: hours are not above 0 or are over 100 a week, or an exception ends before it begins.
    """

    def __init__(self, calendar: Calendar) -> None:
        check_calendar(calendar)
        self.start = calendar.start
        self.weekly = calendar.hours_per_week
        spans = [
            ((first - self.start).days, (last - self.start).days + 1, hours / 7)
            for first, last, hours in calendar.exceptions
            if last >= self.start
        ]
        cuts = sorted({0, *(max(0, edge) for begin, end, _ in spans for edge in (begin, end))})
        self.days: list[int] = cuts
        """First days of the pieces, counted from the start; the last piece has no end."""
        self.rates: list[float] = []
        """Hours a day of each piece."""
        self.hours: list[float] = [0.0]
        """Own hours before each piece."""
        for cut in cuts:
            inside = [rate for begin, end, rate in spans if begin <= cut < end]
            self.rates.append(inside[-1] if inside else self.weekly / 7)
        for i in range(1, len(cuts)):
            self.hours.append(self.hours[-1] + (cuts[i] - cuts[i - 1]) * self.rates[i - 1])

    @property
    def day_hours(self) -> float:
        """The least hours of a day."""
        return min(self.rates)

    def before(self, day: int) -> float:
        """Return the own hours before the beginning of a day, which is counted from the start."""
        i = bisect_right(self.days, day) - 1
        return self.hours[i] + (day - self.days[i]) * self.rates[i]

    def first_day(self, hour: float) -> int:
        """Return the day on which work that begins at own hour `hour` begins."""
        i = bisect_right(self.hours, hour + _EPS) - 1
        while self.rates[i] <= 0:
            i += 1
        return self.days[i] + max(0, int((hour - self.hours[i]) / self.rates[i] + _EPS))

    def last_day(self, hour: float) -> int:
        """Return the day on which work that ends at own hour `hour`, over 0, ends."""
        i = max(0, bisect_left(self.hours, hour - _EPS) - 1)
        while self.rates[i] <= 0:
            i += 1
        inside = (hour - self.hours[i]) / self.rates[i]
        return self.days[i] + max(0, -int(-(inside - _EPS) // 1) - 1)

    def ready(self, hour: float, wait_days: int) -> float:
        """Return the own hour from which on others may begin, when the work of an item ends at own hour `hour`."""
        if not wait_days:
            return hour
        return max(hour, self.before(self.last_day(hour) + wait_days))

    def day(self, offset: int) -> date:
        """Return the date of a day that is counted from the start.

        Raises:
            InvalidInputError: it is more than 300 years ahead, or beyond the calendar.
        """
        try:
            if offset <= MAX_YEARS * 366:
                return self.start + timedelta(days=offset)
        except OverflowError:
            pass
        raise InvalidInputError(
            f"at {self.weekly:g} hours a week from {self.start.isoformat()} on this takes {offset / 365.25:,.0f} years",
            hint="plan with more hours a week, from a nearer day, or towards a nearer target",
        )

    def offset(self, day: date) -> int:
        """Return how many days after the start a date is."""
        return (day - self.start).days


def check_calendar(calendar: Calendar) -> None:
    """Raise InvalidInputError when a calendar cannot be worked by."""
    hours = calendar.hours_per_week
    if not 0 < hours < float("inf"):
        raise InvalidInputError(
            f"{hours:g} hours a week leave nothing to plan with",
            hint="give the hours of an ordinary week, such as 8",
        )
    if hours > WEEK_HOURS:
        raise InvalidInputError(
            f"{hours:g} hours a week are more than {WEEK_HOURS:g}", hint="give hours per week, not per month"
        )
    for first, last, other in calendar.exceptions:
        if last < first:
            raise InvalidInputError(
                f"the exception from {first.isoformat()} ends before it begins, on {last.isoformat()}",
                hint="name the first day first",
            )
        if not 0 <= other <= WEEK_HOURS:
            raise InvalidInputError(
                f"the exception from {first.isoformat()} has {other:g} hours a week",
                hint=f"from 0, which is time off, to {WEEK_HOURS:g}",
            )


def reviews(time: WorkingTime, last: int) -> tuple[date, ...]:
    """Return the days on which to look at the plan again: every 30 from the start until its last day."""
    return tuple(time.day(offset) for offset in range(REVIEW_DAYS, last + 1, REVIEW_DAYS))
