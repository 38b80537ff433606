"""Independent judges of plans: written from the rules alone, and sharing no code with the planner but its types.

They are slow and simple on purpose: days are counted one by one, orders are tried one by one, subsets all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

from groundwork.pathways.planning.types import Calendar, Plan, Task

AHEAD = 0.2
TENTH = 0.1
EPS = 1e-6
Ready = Callable[[float, int], float]


# -- the calendar, day by day -----------------------------------------------------------------------------------------
class Days:
    """Hours of each day, from the start on."""

    def __init__(self, calendar: Calendar, days: int) -> None:
        self.start = calendar.start
        self.hours = []
        for n in range(days):
            day, weekly = calendar.start + timedelta(days=n), calendar.hours_per_week
            for first, last, other in calendar.exceptions:
                if first <= day <= last:
                    weekly = other
            self.hours.append(weekly / 7)
        self.before = [0.0]
        for hours in self.hours:
            self.before.append(self.before[-1] + hours)

    def last_day(self, hour: float) -> int:
        """The day on which this own hour is over."""
        return next(n for n in range(len(self.hours)) if self.before[n + 1] >= hour - EPS)

    def ready(self, hour: float, wait: int) -> float:
        return max(hour, self.before[self.last_day(hour) + wait]) if wait else hour


# -- a dated plan -----------------------------------------------------------------------------------------------------
def violations(plan: Plan, tasks: Sequence[Task], calendar: Calendar) -> list[str]:
    """Return what is wrong with a plan: prerequisites, waiting, capacity, calendar, streams, completeness."""
    found: list[str] = []
    by_id = {task.id: task for task in tasks}
    items = {item.milestone: item for item in plan.items}
    if set(items) | set(plan.dropped) != set(by_id) or set(items) & set(plan.dropped):
        found.append("items and dropped are not the tasks")
    span = max((i.done for i in plan.items), default=calendar.start) - calendar.start
    days = Days(calendar, span.days + 2)
    place = {item.milestone: n for n, item in enumerate(plan.items)}
    for item in plan.items:
        task = by_id[item.milestone]
        if item.start < calendar.start or item.end < item.start:
            found.append(f"{task.id}: begins before the start or ends before it begins")
        if item.done != item.end + timedelta(days=task.wait_days):
            found.append(f"{task.id}: does not wait {task.wait_days} days")
        found += [
            f"{task.id}: works on {day}, a day off"
            for day in (item.start, item.end)
            if days.hours[(day - calendar.start).days] <= 0
        ]
        for need in task.needs:
            if need not in by_id:
                continue
            if need not in items:
                found.append(f"{task.id}: needs {need}, which is dropped")
            elif place[need] > place[task.id]:
                found.append(f"{task.id}: comes before {need}, which it needs")
            elif items[need].done > item.start and by_id[need].wait_days:
                found.append(f"{task.id}: begins while {need} waits")
            elif items[need].end > item.start:
                found.append(f"{task.id}: begins before the end of {need}")
    for one, two in zip(plan.items, plan.items[1:], strict=False):
        if two.start < one.end:
            found.append(f"{two.milestone}: begins while {one.milestone} is worked on")
    edges = [((i.start - calendar.start).days, (i.end - calendar.start).days, i.hours) for i in plan.items]
    for first in {s for s, _, _ in edges}:
        for last in {e for _, e, _ in edges if e >= first}:
            inside = sum(h for s, e, h in edges if first <= s and e <= last)
            if inside > days.before[last + 1] - days.before[first] + 0.006 * len(
                edges
            ):  # hours are rounded to .01
                found.append(f"{inside:.2f} hours from day {first} to day {last}")
    return found + _out_of_step(plan, by_id)


def _out_of_step(plan: Plan, by_id: dict[str, Task]) -> list[str]:
    found = []
    items = {item.milestone: item for item in plan.items}
    kept = [by_id[item.milestone] for item in plan.items]
    total = {s: sum(t.hours[1] for t in kept if t.stream == s) for s in ("technical", "ethical")}
    share = dict.fromkeys(total, 0.0)
    done: set[str] = set()
    for item in plan.items:
        task = by_id[item.milestone]
        other = "ethical" if task.stream == "technical" else "technical"
        rest = [t for t in kept if t.id not in done and t.stream == other]
        able = [t for t in rest if could_begin(t, done, items, item.start)]
        if able and share[task.stream] - share[other] > AHEAD + EPS:
            found.append(f"{task.id}: its stream is {share[task.stream] - share[other]:.2f} ahead")
        done.add(task.id)
        share[task.stream] += task.hours[1] / total[task.stream]
    return found


def could_begin(task: Task, done: set[str], items: dict, day: date) -> bool:  # type: ignore[type-arg]
    """Say whether everything that a task needs is done and has waited by that day; needs outside of the plan are."""
    return all(
        n in done and (items[n].done <= day or items[n].wait_days == 0) for n in task.needs if n in items
    )


# -- orders -----------------------------------------------------------------------------------------------------------
def cost_of(
    tasks: Sequence[Task], priority: Sequence[int], ready: Ready, speed: float = 1.0
) -> tuple[float, list[int]]:
    """Return the cost of working through a list of priorities under the rules, and the order that comes of it."""
    index = {task.id: i for i, task in enumerate(tasks)}
    left, order, ends, now, cost = list(priority), [], {}, 0.0, 0.0
    while left:
        free = {i: _from_on(tasks[i], tasks, index, ends, ready) for i in left}
        soonest = min(hour for hour in free.values() if hour is not None)
        now = max(now, soonest)
        able = [i for i in left if free[i] is not None and free[i] <= now + EPS]
        i = _in_step(tasks, able, left, ends, speed)[0]
        cost, now = _worked(tasks, i, index, ends, now, cost, speed)
        left.remove(i)
        order.append(i)
    return cost, order


def least_cost(tasks: Sequence[Task], ready: Ready) -> float:
    """Return the least cost of all orders that the rules allow, by trying them one after the other."""
    index = {task.id: i for i, task in enumerate(tasks)}
    best = [float("inf")]

    def go(left: list[int], ends: dict[int, float], now: float, cost: float) -> None:
        if cost + now * sum(tasks[i].value for i in left) >= best[0]:
            return
        if not left:
            best[0] = cost
            return
        free = {i: _from_on(tasks[i], tasks, index, ends, ready) for i in left}
        at = max(now, min(hour for hour in free.values() if hour is not None))
        able = [i for i in left if free[i] is not None and free[i] <= at + EPS]
        for i in _in_step(tasks, able, left, ends, 1.0):
            ends_too = dict(ends)
            more, then = _worked(tasks, i, index, ends_too, at, cost, 1.0)
            go([k for k in left if k != i], ends_too, then, more)

    go(list(range(len(tasks))), {}, 0.0, 0.0)
    return best[0]


def _from_on(
    task: Task, tasks: Sequence[Task], index: dict[str, int], ends: dict[int, float], ready: Ready
) -> float | None:
    needs = [index[n] for n in task.needs if n in index]
    if any(n not in ends for n in needs):
        return None
    return max((ready(ends[n], tasks[n].wait_days) for n in needs), default=0.0)


def _in_step(
    tasks: Sequence[Task], able: list[int], left: list[int], ends: dict[int, float], speed: float
) -> list[int]:
    if len({tasks[i].stream for i in left}) < 2:
        return able
    share = {}
    for stream in ("technical", "ethical"):
        own = [(i, t.hours[1]) for i, t in enumerate(tasks) if t.stream == stream]
        share[stream] = sum(h for i, h in own if i in ends) / sum(h for _, h in own)
    lead = share["technical"] - share["ethical"]
    held = "technical" if lead > AHEAD + 1e-9 else "ethical" if lead < -AHEAD - 1e-9 else ""
    return [i for i in able if tasks[i].stream != held] or able


def _worked(
    tasks: Sequence[Task],
    i: int,
    index: dict[str, int],
    ends: dict[int, float],
    now: float,
    cost: float,
    speed: float,
) -> tuple[float, float]:
    task = tasks[i]
    for helper in task.helps:
        if helper in index and index[helper] not in ends:
            cost += TENTH * task.value * tasks[index[helper]].hours[1] * speed
    ends[i] = now + task.hours[1] * speed
    return cost + task.value * ends[i], ends[i]


# -- subsets ----------------------------------------------------------------------------------------------------------
def best_worth(tasks: Sequence[Task], hours: float, money: float | None) -> float:
    """Return the greatest worth of all closed subsets within hours and money, by looking at every subset."""
    index = {task.id: i for i, task in enumerate(tasks)}
    masks = np.arange(1 << len(tasks))
    able = np.ones(len(masks), dtype=bool)
    worth, spent, paid = np.zeros(len(masks)), np.zeros(len(masks)), np.zeros(len(masks))
    for i, task in enumerate(tasks):
        taken = (masks >> i & 1).astype(bool)
        for need in task.needs:
            able &= ~taken | (masks >> index[need] & 1).astype(bool)
        worth += taken * task.value
        spent += taken * task.hours[1]
        paid += taken * task.cost
    able &= spent <= hours + 1e-9
    if money is not None:
        able &= paid <= money + 1e-9
    return float(worth[able].max())
