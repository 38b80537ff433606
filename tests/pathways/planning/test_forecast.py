"""Forecasts: the stated timelines come out, intervals cover, the pace is learnt, and equal inputs give equal days."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from groundwork.bench import paths as bench
from groundwork.pathways.planning import montecarlo, pace
from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.order import best_order
from groundwork.pathways.planning.types import Calendar, Pace, Task
from tests.pathways.planning.worlds import tasks_of

TIME = WorkingTime(Calendar(date(2026, 12, 1), 10.0))


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return bench.run(instances=3, size=30, simulate=20)


def test_the_five_stated_timelines_come_out_at_ten_hours_a_week(measured: dict[str, Any]) -> None:
    rows = [row for row in measured["timelines"] if row["stated"]]
    assert len(rows) == 5
    for row in rows:
        low, high = row["stated"]
        slack = 0.1 / 2 * (high - low)
        assert low - slack <= row["p10"] < row["p50"] < row["p90"] <= high + slack, row


def test_the_way_called_fastest_is_the_shortest(measured: dict[str, Any]) -> None:
    rows = {row["transition"]: row["p50"] for row in measured["timelines"]}
    fastest = rows.pop("ml-to-ai-engineer")
    assert all(fastest < other for other in rows.values())


def test_intervals_cover_about_eighty_of_a_hundred_learners() -> None:
    found = bench.learners(160, draws=500)
    assert 0.73 <= found["covers"]["share"] <= 0.87
    assert found["widths"]["8"] < found["widths"]["0"] * 0.6


@pytest.mark.slow
def test_intervals_cover_seventy_six_to_eighty_four_of_a_hundred_learners() -> None:
    found = bench.learners(5000)
    print(found)
    assert found["holds"]


def test_the_middle_of_a_forecast_is_the_plan_itself() -> None:
    tasks = tasks_of(Random(3), 25, lags=False, streams=False)
    lives = montecarlo.live(tasks, TIME, Pace())
    dated = TIME.last_day(sum(t.hours[1] for t in tasks))
    assert abs(lives.day(0.5) - dated) <= 0.02 * dated
    assert lives.probability(TIME.day(lives.day(0.8))) >= 0.8
    assert lives.probability(TIME.day(lives.day(0.8) - 1)) < 0.8


def test_a_life_waits_where_its_items_wait() -> None:
    rng = Random(4)
    for _ in range(20):
        tasks = tasks_of(rng, 12)
        off = ((date(2026, 12, 20), date(2027, 1, 10), 0.0),)
        time = WorkingTime(Calendar(date(2026, 12, 1), 10.0, off))
        found = best_order(tasks, ready=time.ready)
        sequence = [tasks[i] for i in found.played.order]
        certain = [replace(t, hours=(t.hours[1],) * 3) for t in sequence]
        lives = montecarlo.live(certain, time, Pace(0.0, 0.0), draws=400)
        dated = max(time.last_day(found.played.finishes[i]) + tasks[i].wait_days for i in found.played.order)
        assert abs(lives.day(0.5) - dated) <= 0.1 * dated + 3


def test_the_speed_is_shared_and_does_not_average_out() -> None:
    many = [Task(f"t{i}", "skill", (7.0, 10.0, 14.0)) for i in range(60)]
    lives = montecarlo.live(many, TIME, Pace())
    ratio = math.log(lives.day(0.9) / lives.day(0.1)) / (2 * montecarlo.Z90)
    assert ratio == pytest.approx(montecarlo.DEFAULT_SIGMA, abs=0.01)


def test_the_spread_of_a_way_is_that_of_its_stated_months() -> None:
    assert montecarlo.sigma_of((6, 12)) == pytest.approx(0.2704, abs=1e-3)
    assert montecarlo.sigma_of((24, 36)) == pytest.approx(0.1582, abs=1e-3)
    assert montecarlo.sigma_of(None) == montecarlo.DEFAULT_SIGMA


def test_numbers_are_common_so_a_change_is_compared_on_the_same_lives() -> None:
    tasks = tasks_of(Random(3), 10, lags=False)
    one = montecarlo.live(tasks, TIME, Pace(), seed=7)
    again = montecarlo.live(tasks, TIME, Pace(), seed=7)
    other = montecarlo.live(tasks, TIME, Pace(), seed=8)
    more = montecarlo.live([*tasks, Task("x", "skill", (5.0, 9.0, 14.0))], TIME, Pace(), seed=7)
    assert (one.done == again.done).all()
    assert not (one.done == other.done).all()
    assert (more.done >= one.done).all()


def test_a_slower_learner_is_seen_after_a_few_labs() -> None:
    known = pace.learned(0.27, [(78.0, 60.0)] * 6)
    assert known.n == 6
    assert 1.15 < math.exp(known.mean) < 1.3
    assert known.sigma < 0.15
    assert pace.sentence(known).startswith("By 6 finished labs your pace is 1.2 times slower")


def test_the_pace_is_the_conjugate_posterior() -> None:
    known = pace.learned(0.3, [(90.0, 60.0), (40.0, 50.0)], noise=0.4)
    precision = 1 / 0.3**2 + 2 / 0.4**2
    assert known.sigma == pytest.approx(precision**-0.5)
    assert known.mean == pytest.approx((math.log(1.5) + math.log(0.8)) / 0.4**2 / precision)


def test_a_lab_left_open_over_night_moves_the_pace_only_so_far() -> None:
    assert pace.learned(0.27, [(9000.0, 60.0)]) == pace.learned(0.27, [(300.0, 60.0)])
    assert pace.learned(0.27, [(0.0, 60.0), (30.0, 0.0)]) == Pace(0.0, 0.27, 0)


def test_where_a_forecast_went_is_said_in_months() -> None:
    assert (
        pace.moved(date(2028, 6, 2), date(2028, 8, 1)) == "The forecast moved from June 2028 to August 2028."
    )
    assert pace.moved(date(2028, 6, 2), date(2028, 6, 20)) == "The forecast stays in June 2028."


def test_days_off_move_the_forecast() -> None:
    tasks = tasks_of(Random(3), 10, lags=False)
    off = ((TIME.start, TIME.start + timedelta(days=59), 0.0),)
    later = montecarlo.live(tasks, WorkingTime(Calendar(TIME.start, 10.0, off)), Pace())
    assert (later.done - montecarlo.live(tasks, TIME, Pace()).done == 60).all()


def test_the_bench_holds_its_goals_on_a_small_scale(measured: dict[str, Any]) -> None:
    assert measured["order"]["holds"]
    assert measured["speed"]["holds"]
    assert [row["holds"] for row in measured["timelines"] if row["stated"]] == [True] * 5
