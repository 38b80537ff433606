"""Measure plans: how good orders are, how fast a plan is made, whether stated timelines come out, whether forecasts hold.

Worlds are drawn: tasks with up to three needs each, a quarter of them ethical, a fifth with days of waiting. Learners are
simulated with a speed of their own, labs that measure it, and hours that scatter around it; each works through a plan day
by day.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.rates import wilson
from groundwork.pathways.catalogue import shipped
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.planning import montecarlo, pace
from groundwork.pathways.planning.composing import compose
from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.fitting import Life, lives_of
from groundwork.pathways.planning.gap import gap
from groundwork.pathways.planning.order import best_order
from groundwork.pathways.planning.types import Calendar, Pace, PlanRequest, Task

START = date(2026, 12, 1)
REFERENCE_HOURS = 10.0
WIDENED = 0.1
"""Of a stated range of months: half a tenth of its width at either end, the strictest reading."""
MOST_LABS = 8
LABS = tuple(range(MOST_LABS + 1))
COVERS = (0.76, 0.84)
Progress = Callable[[str, int, int], object]


def run(
    *,
    instances: int = 200,
    size: int = 500,
    simulate: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure all of it.

    Args:
        instances: orders of 10 to 20 items that are compared with the best. size: items of the large plan.
        simulate: learners.

    Returns:
        `{order, speed, timelines, forecast, seed, holds}`.
    """
    if instances < 1 or size < 2 or simulate < 20:
        raise InvalidInputError("so few tell nothing", hint="leave the numbers as they are")
    tell = progress or (lambda what, done, total: None)
    found: dict[str, Any] = {
        "order": orders(instances, seed, tell),
        "speed": speed(size, seed),
        "timelines": timelines(),
        "forecast": learners(simulate, seed, tell),
        "seed": seed,
    }
    found["holds"] = (
        found["order"]["holds"]
        and found["speed"]["holds"]
        and all(row["holds"] for row in found["timelines"] if row["stated"])
        and found["forecast"]["holds"]
    )
    return found


# -- orders and speed -------------------------------------------------------------------------------------------------
def orders(instances: int, seed: int, tell: Progress) -> dict[str, Any]:
    """Compare the order without the exact search with the best, waiting and two streams included."""
    day = REFERENCE_HOURS / 7
    gaps: list[float] = []
    for k in range(instances):
        rng = Random(f"{seed}/{k}")  # noqa: S311 - draws worlds, keeps no secret
        tasks = drawn(rng, rng.randint(10, 20))
        ready = _constant(day)
        quick = best_order(tasks, ready=ready, day_hours=day, max_states=0)
        best = best_order(tasks, ready=ready, day_hours=day, max_states=2_000_000)
        if best.method == "exact":
            gaps.append(quick.played.cost / best.played.cost - 1)
        tell("orders", k + 1, instances)
    mean, worst = sum(gaps) / max(1, len(gaps)), max(gaps, default=0.0)
    return {
        "n": len(gaps),
        "optimal": sum(g < 1e-9 for g in gaps),
        "mean_gap": round(mean, 6),
        "worst_gap": round(worst, 6),
        "holds": mean <= 0.005 and worst <= 0.05,
    }


def speed(size: int, seed: int) -> dict[str, Any]:
    """Time a plan of many items, and its forecast alone; wall time and processor time."""
    tasks = drawn(Random(seed), size)  # noqa: S311
    request = PlanRequest("here", "there", Calendar(START, REFERENCE_HOURS))
    live_time = WorkingTime(request.calendar)
    import numpy  # noqa: F401 - its import is not what is measured

    began, work = time.perf_counter(), time.process_time()
    lives_of(tasks, live_time, Life(Pace(), montecarlo.DEFAULT_SIGMA, seed + 1))
    forecast_s, forecast_cpu_s = time.perf_counter() - began, time.process_time() - work
    began, work = time.perf_counter(), time.process_time()
    plan = compose(request, tasks)
    plan_s, plan_cpu_s = time.perf_counter() - began, time.process_time() - work
    return {
        "items": size,
        "plan_s": round(plan_s, 2),
        "plan_cpu_s": round(plan_cpu_s, 2),
        "forecast_s": round(forecast_s, 2),
        "forecast_cpu_s": round(forecast_cpu_s, 2),
        "method": plan.method,
        "bound": plan.bound,
        "holds": size != 500 or (plan_cpu_s <= 2.0 and forecast_cpu_s <= 1.0),
    }


# -- timelines --------------------------------------------------------------------------------------------------------
def timelines() -> list[dict[str, Any]]:
    """Plan every transition of the documents at 10 hours a week, beside the months they state."""
    loaded = Loaded(shipped.catalogue())
    rows = []
    for identifier, request, tasks in _transitions(loaded):
        forecast = compose(request, tasks).forecast
        stated = next(t.months for t in loaded.catalogue.transitions if t.id == identifier)
        row: dict[str, Any] = {
            "transition": identifier,
            "stated": list(stated) if stated else None,
            "p10": forecast.p10_months,
            "p50": forecast.p50_months,
            "p90": forecast.p90_months,
            "items": len(tasks),
            "hours": sum(task.hours[1] for task in tasks),
        }
        if stated:
            slack = WIDENED / 2 * (stated[1] - stated[0])
            row["holds"] = (
                stated[0] - slack <= forecast.p10_months and forecast.p90_months <= stated[1] + slack
            )
        rows.append(row)
    return rows


def _transitions(loaded: Loaded) -> Iterator[tuple[str, PlanRequest, tuple[Task, ...]]]:
    for way in loaded.catalogue.transitions:
        background = next(b for b in loaded.catalogue.backgrounds if way.start in (b.id, b.role))
        role = loaded.role(way.target)
        sigma = montecarlo.sigma_of(way.months)
        request = PlanRequest(
            background.id, role.id, Calendar(START, REFERENCE_HOURS), pace=Pace(0.0, sigma), sigma=sigma
        )
        yield way.id, request, gap(loaded, background.id, role).tasks


# -- learners ---------------------------------------------------------------------------------------------------------
def learners(
    count: int, seed: int = 0, tell: Progress | None = None, *, rough: float = 1.0, draws: int = 4000
) -> dict[str, Any]:
    """Simulate learners and ask how often the 80 % interval of their forecast holds the day they are done.

    Args:
        rough: how many times more labs and items scatter than the planner believes; 1 is as it believes.

    Returns:
        `{n, covers: {share, low, high}, by_labs, widths, holds}`; `widths` are mean widths in months by labs finished.
    """
    inside: dict[int, list[bool]] = {k: [] for k in LABS}
    widths: dict[int, list[float]] = {k: [] for k in LABS}
    ways = list(_transitions(Loaded(shipped.catalogue())))
    for k in range(count):
        rng = Random(f"{seed}/{k}")  # noqa: S311 - draws worlds, keeps no secret
        _, request, tasks = ways[k % len(ways)] if rng.random() < 0.7 else ("", _request(), _drawn_way(rng))
        labs = rng.choice(LABS)
        covered, width = _one(rng, request, tasks, labs, rough, draws)
        inside[labs].append(covered)
        widths[labs].append(width)
        if tell:
            tell("learners", k + 1, count)
    hits = [hit for own in inside.values() for hit in own]
    share = sum(hits) / len(hits)
    interval = wilson(sum(hits), len(hits))
    return {
        "n": len(hits),
        "covers": {"share": round(share, 4), "low": round(interval.low, 4), "high": round(interval.high, 4)},
        "by_labs": {str(k): round(sum(own) / len(own), 3) for k, own in inside.items() if own},
        "widths": {str(k): round(sum(own) / len(own), 2) for k, own in widths.items() if own},
        "rough": rough,
        "holds": rough != 1.0 or COVERS[0] <= share <= COVERS[1],
    }


def _one(
    rng: Random, request: PlanRequest, tasks: Sequence[Task], labs: int, rough: float, draws: int
) -> tuple[bool, float]:
    """Let one learner finish some labs, be forecast, and work to the end; return whether the interval held, and its width
    relative to its middle."""
    sigma = montecarlo.DEFAULT_SIGMA if request.sigma is None else request.sigma
    slowness = rng.gauss(0.0, sigma)
    taken = [(60 * math.exp(slowness + rng.gauss(0.0, rough * pace.LAB_NOISE)), 60.0) for _ in range(labs)]
    known = pace.learned(sigma, taken)
    weekly = rng.choice((4.0, 8.0, 10.0, 15.0))
    off = START + timedelta(days=rng.randint(0, 90))
    calendar = Calendar(START, weekly, ((off, off + timedelta(days=13), 0.0),))
    clock = WorkingTime(calendar)
    lives = montecarlo.live(tasks, clock, known, shared=sigma, draws=draws, seed=rng.randint(0, 10**9))
    low, middle, high = (lives.day(q) for q in (0.1, 0.5, 0.9))
    return low <= _finish(rng, tasks, calendar, sigma, slowness, rough) <= high, (high - low) / max(1, middle)


def _finish(
    rng: Random, tasks: Sequence[Task], calendar: Calendar, sigma: float, slowness: float, rough: float
) -> int:
    """Return the day on which a learner is done who works day by day, item after item, and waits where items wait."""
    day, left_today, last = -1, 0.0, 0
    counts: dict[str, int] = {}
    for task in tasks:
        noise = rough * montecarlo.noise_of(task, sigma)
        left = task.hours[1] * math.exp(slowness + rng.gauss(0.0, noise) - noise * noise / 2)
        from_on = max((counts[n] for n in task.needs if n in counts), default=0)
        if from_on > day:
            day, left_today = from_on - 1, 0.0
        while left > 1e-9:
            if left_today <= 1e-9:
                day += 1
                left_today = _hours_on(calendar, day)
                continue
            spent = min(left, left_today)
            left, left_today = left - spent, left_today - spent
        if task.wait_days:
            counts[task.id] = day + task.wait_days
        last = max(last, day + task.wait_days)
    return last


def _hours_on(calendar: Calendar, day: int) -> float:
    today = calendar.start + timedelta(days=day)
    for first, end, hours in reversed(calendar.exceptions):
        if first <= today <= end:
            return hours / 7
    return calendar.hours_per_week / 7


# -- worlds -----------------------------------------------------------------------------------------------------------
def drawn(rng: Random, n: int) -> list[Task]:
    """Return `n` tasks, each after what it needs."""
    found = []
    for i in range(n):
        hours = rng.choice((1, 2, 4, 6, 8, 10, 15, 20, 30, 40))
        needs = rng.sample(range(i), rng.randint(0, min(3, i)))
        found.append(
            Task(
                f"t{i:03}",
                "skill",
                (hours * 0.7, float(hours), hours * 1.5),
                rng.choice((0.25, 0.5, 1.0, 2.0, 3.0, 6.0)),
                "ethical" if rng.random() < 0.25 else "technical",
                tuple(f"t{k:03}" for k in sorted(needs)),
                wait_days=rng.choice((1, 7, 14, 30)) if rng.random() < 0.2 else 0,
            )
        )
    return found


def _drawn_way(rng: Random) -> tuple[Task, ...]:
    """Return a drawn way whose waiting is short beside its work, as in the catalogue."""
    tasks = drawn(rng, rng.randint(10, 40))
    return tuple(replace(task, wait_days=min(task.wait_days, 7)) for task in tasks)


def _request() -> PlanRequest:
    return PlanRequest("here", "there", Calendar(START, REFERENCE_HOURS))


def _constant(day_hours: float) -> Callable[[float, int], float]:
    return lambda hour, wait: hour + wait * day_hours
