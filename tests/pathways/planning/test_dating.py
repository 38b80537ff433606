"""Hours become days as a calendar with exceptions says."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.pathways.planning.dating import WorkingTime, reviews
from groundwork.pathways.planning.types import Calendar
from tests.pathways.planning.judges import Days
from tests.pathways.planning.worlds import calendar_of

MONDAY = date(2026, 11, 30)


def test_days_are_those_of_a_count_day_by_day() -> None:
    rng = Random(5)
    for _ in range(60):
        calendar = calendar_of(rng)
        time, days = WorkingTime(calendar), Days(calendar, 500)
        for day in range(0, 400, 7):
            assert time.before(day) == pytest.approx(days.before[day])
        for _ in range(20):
            hour = rng.uniform(0.01, days.before[300])
            assert time.last_day(hour) == days.last_day(hour)
            assert time.ready(hour, 9) == pytest.approx(days.ready(hour, 9))
            first = time.first_day(hour)
            assert days.hours[first] > 0
            assert days.before[first] <= hour + 1e-6 < days.before[first + 1] + 1e-6


def test_an_item_of_a_week_ends_on_sunday() -> None:
    time = WorkingTime(Calendar(MONDAY, 7.0))
    assert (time.first_day(0.0), time.last_day(7.0), time.first_day(7.0)) == (0, 6, 7)


def test_weeks_off_move_everything_behind_them() -> None:
    off = ((MONDAY + timedelta(days=7), MONDAY + timedelta(days=13), 0.0),)
    time = WorkingTime(Calendar(MONDAY, 7.0, off))
    assert time.first_day(7.0) == 14
    assert time.last_day(8.0) == 14
    assert time.ready(7.0, 3) == 7.0  # three days of waiting pass in the week off


def test_the_later_of_two_exceptions_counts() -> None:
    both = ((MONDAY, MONDAY + timedelta(6), 0.0), (MONDAY, MONDAY, 14.0))
    assert WorkingTime(Calendar(MONDAY, 7.0, both)).before(7) == 2.0


def test_a_first_week_holds_the_share_of_its_days() -> None:
    time = WorkingTime(Calendar(date(2026, 12, 3), 7.0))  # a Thursday
    assert time.before(4) == 4.0  # until Monday


def test_reviews_come_every_thirty_days() -> None:
    found = reviews(WorkingTime(Calendar(MONDAY, 5.0)), 95)
    assert [(day - MONDAY).days for day in found] == [30, 60, 90]


@pytest.mark.parametrize("hours", [0.0, -3.0, 100.5, float("inf"), float("nan")])
def test_hours_that_nobody_has_are_refused(hours: float) -> None:
    with pytest.raises(InvalidInputError):
        WorkingTime(Calendar(MONDAY, hours))


def test_an_exception_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ends before it begins"):
        WorkingTime(Calendar(MONDAY, 5.0, ((MONDAY, MONDAY - timedelta(1), 0.0),)))


def test_a_plan_beyond_centuries_is_refused() -> None:
    time = WorkingTime(Calendar(MONDAY, 0.01))
    with pytest.raises(InvalidInputError, match="years"):
        time.day(time.last_day(400.0))


def test_a_plan_beyond_the_calendar_is_refused() -> None:
    time = WorkingTime(Calendar(date(9999, 12, 1), 10.0))
    with pytest.raises(InvalidInputError, match="from 9999-12-01 on"):
        time.day(60)
