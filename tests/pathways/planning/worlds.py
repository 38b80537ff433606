"""Random tasks, calendars and people for the tests of the planner; equal seeds make equal ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from groundwork.pathways.planning.composing import compose
from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.types import Calendar, Pace, Plan, PlanRequest, Task

START = date(2026, 12, 3)
HOURS = (0.5, 1, 2, 4, 6, 8, 10, 15, 20, 30, 40)


def tasks_of(
    rng: Random, n: int, *, lags: bool = True, streams: bool = True, cost: bool = False
) -> list[Task]:
    """Return `n` tasks with up to three needs each among those before; a quarter is ethical, a fifth waits."""
    found = []
    for i in range(n):
        needs = rng.sample(range(i), rng.randint(0, min(3, i)))
        others = [j for j in range(i) if j not in needs]
        hours = rng.choice(HOURS)
        found.append(
            Task(
                f"t{i:03}",
                rng.choice(("skill", "skill", "milestone")),
                (round(hours * 0.7, 2), hours, hours * 1.5),
                rng.choice((0.25, 0.5, 1.0, 2.0, 3.0, 6.0)),
                "ethical" if streams and rng.random() < 0.25 else "technical",
                tuple(f"t{j:03}" for j in sorted(needs)),
                (f"t{rng.choice(others):03}",) if others and rng.random() < 0.2 else (),
                rng.choice((1, 7, 14, 30)) if lags and rng.random() < 0.2 else 0,
                title=f"Item {i}",
                cost=rng.choice((0.0, 0.0, 20.0, 50.0)) if cost else 0.0,
            )
        )
    return found


def calendar_of(rng: Random) -> Calendar:
    """Return a calendar with up to three exceptions, weeks off among them, which may overlap."""
    start = START + timedelta(days=rng.randint(0, 6))
    exceptions = []
    for _ in range(rng.randint(0, 3)):
        first = start + timedelta(days=rng.randint(-5, 120))
        exceptions.append((first, first + timedelta(days=rng.randint(0, 30)), rng.choice((0.0, 2.0, 25.0))))
    return Calendar(start, rng.choice((1.5, 4.0, 8.0, 10.0, 22.0)), tuple(exceptions))


def request_of(rng: Random, tasks: list[Task], *, wish: float = 0.4) -> PlanRequest:
    """Return a request; with the chance `wish` it has a wished day around what the work takes."""
    calendar = calendar_of(rng)
    pace = rng.choice((Pace(), Pace(0.3, 0.12, 5), Pace(-0.2, 0.2, 2)))
    by = None
    if rng.random() < wish:
        needed = WorkingTime(calendar).last_day(sum(t.hours[1] for t in tasks))
        by = calendar.start + timedelta(days=int(needed * rng.uniform(0.2, 1.6)))
    return PlanRequest("here", "there", calendar, by, rng.choice((0.5, 0.8, 0.9)), pace=pace)


def world(seed: int, most: int = 12, **more: float) -> tuple[list[Task], PlanRequest, Plan]:
    """Return tasks, a request and the plan for them."""
    rng = Random(seed)
    tasks = tasks_of(rng, rng.randint(1, most))
    request = request_of(rng, tasks, **more)
    return tasks, request, compose(request, tasks)


def plainly(request: PlanRequest, **changes: object) -> PlanRequest:
    """Return a request with some of it changed."""
    return replace(request, **changes)  # type: ignore[arg-type]
