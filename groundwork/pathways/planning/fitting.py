"""What fits before the wished day: the most valuable closed subset that is done by then as likely as wished.

The worth is chosen over hours; the lives of the chosen items, with their waiting, then say whether they hold the day. Where
they do not, fewer hours are allowed; in the end what can be added without losing the day is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.montecarlo import Lives, live
from groundwork.pathways.planning.order import Ordered, best_order
from groundwork.pathways.planning.rules import topological, work_of
from groundwork.pathways.planning.subset import most_valuable
from groundwork.pathways.planning.types import Pace, Task

ROUNDS = 40
SURELY_OVER = 0.7
"""An item is not tried at the end when this part of its hours, at the middle of the pace, is more than the room left."""


@dataclass(frozen=True, slots=True)
class Life:
    """How the lives of a plan are drawn: the pace now, the spread that items share, the seed."""

    pace: Pace
    shared: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Laid:
    """Tasks in their given order, how they are worked on, and their lives."""

    tasks: tuple[Task, ...]
    ordered: Ordered
    lives: Lives


def lay(tasks: Sequence[Task], time: WorkingTime, life: Life, *, quick: bool = False) -> Laid:
    """Return tasks put into their best order in a calendar, with their lives; `quick`: into a good order."""
    ordered = best_order(
        tasks, speed=math.exp(life.pace.mean), ready=time.ready, day_hours=time.day_hours, quick=quick
    )
    return Laid(tuple(tasks), ordered, lives_of([tasks[i] for i in ordered.played.order], time, life))


def lives_of(sequence: Sequence[Task], time: WorkingTime, life: Life) -> Lives:
    """Return the lives of tasks in the order given."""
    return live(sequence, time, life.pace, shared=life.shared, seed=life.seed)


def what_fits(tasks: Sequence[Task], time: WorkingTime, life: Life, by: date, confidence: float) -> Laid:
    """Return the most valuable closed subset of tasks that is done by the day with the confidence; it may be empty.

    No item that was left out can be added at the end of it without losing the day.
    """
    last = time.offset(by)
    own = time.before(last + 1)
    slowness = math.exp(life.pace.mean + life.pace.sigma * NormalDist().inv_cdf(confidence))
    limit = own / slowness
    barred = _too_late(tasks, time, life, by, confidence)
    for _ in range(ROUNDS):
        kept = most_valuable(tasks, limit, without=barred).kept
        laid = lay([tasks[i] for i in kept], time, life, quick=True)
        if not kept or laid.lives.probability(by) >= confidence:
            grown = _grown(tasks, laid, barred, time, life, by, confidence)
            laid = lay(grown.tasks, time, life)
            if not kept or laid.lives.probability(by) >= confidence:
                return laid
        needed = time.before(laid.lives.day(confidence) + 1)
        spent = sum(tasks[i].hours[1] for i in kept)
        limit = spent * min(0.99, max(0.5, own / needed if needed else 0.5))
    return lay((), time, life)


def _too_late(
    tasks: Sequence[Task], time: WorkingTime, life: Life, by: date, confidence: float
) -> frozenset[int]:
    """Return the indices that are not done by the day even when nothing but what they need is worked on."""
    work = work_of(tasks)
    above = [0] * work.size
    late: set[int] = set()
    order = topological(work)
    for i in order:
        for need in work.needs[i]:
            above[i] |= above[need] | 1 << need
        if any(need in late for need in work.needs[i]):
            late.add(i)
            continue
        chain = [tasks[k] for k in order if above[i] >> k & 1]
        waits = any(t.wait_days for t in (*chain, tasks[i]))
        if waits and lives_of([*chain, tasks[i]], time, life).probability(by) < confidence:
            late.add(i)
    return frozenset(late)


def _grown(
    tasks: Sequence[Task],
    laid: Laid,
    barred: frozenset[int],
    time: WorkingTime,
    life: Life,
    by: date,
    confidence: float,
) -> Laid:
    """Return the subset with every further item that leaves the day as likely as wished, the densest first."""
    index = {task.id: i for i, task in enumerate(tasks)}
    kept = {index[task.id] for task in laid.tasks}
    grown = True
    while grown:
        grown = False
        room = time.before(time.offset(by) + 1) - time.before(laid.lives.day(confidence))
        most = room / (SURELY_OVER * math.exp(life.pace.mean))
        outside = [
            i for i in range(len(tasks)) if i not in kept and i not in barred and tasks[i].hours[1] <= most
        ]
        for i in sorted(outside, key=lambda i: (-tasks[i].value / tasks[i].hours[1], i)):
            if any(index[n] not in kept for n in tasks[i].needs if n in index):
                continue
            sequence = [laid.tasks[k] for k in laid.ordered.played.order]
            if lives_of([*sequence, tasks[i]], time, life).probability(by) < confidence:
                continue
            trial = lay([tasks[k] for k in sorted({*kept, i})], time, life, quick=True)
            if trial.lives.probability(by) >= confidence:
                laid, kept, grown = trial, {*kept, i}, True
                break
    return laid
