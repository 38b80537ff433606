"""What an order of work may be, and what it costs: the rules that the exact search, the heuristic and the dates share.

- An item begins when everything it needs is done and has waited its days. One item is worked on at a time; waiting
  takes no hours.
- No hour is left idle while something may begin.
- *In step*: while both streams have open work, nothing is begun in the stream whose share of hours done is more than
  a fifth ahead of the other's, unless nothing of the other may begin.

The cost is the sum of weight x own hour of completion, so worth that is had early counts; and for every `helps` that comes
too late, weight x a tenth of the helper's hours, as if the item came so much later.

Source:
    1 | prec | sum w C of Graham et al. (1979), non-delay schedules, with minimal time lags.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from groundwork.core.errors import InvalidInputError
from groundwork.pathways.planning.types import Task

IN_STEP = 0.2
"""How far one stream may be ahead of the other, as a share of its hours."""
HELPS_PRICE = 0.1
EPS = 1e-9
STREAMS = ("technical", "ethical")
Ready = Callable[[float, int], float]
"""Own hour of an end and days of waiting to the own hour from which on others may begin."""


def at_once(hour: float, wait_days: int) -> float:
    """Return the hour itself: nothing waits."""
    return hour


@dataclass(slots=True)
class Work:
    """Tasks by their index, in the order they were given. `hours` are those of this person; `ready` knows their calendar.

    `lags` are own hours that the waiting of each item takes at least; bounds rest on them.
    """

    ids: list[str]
    hours: list[float]
    weights: list[float]
    needs: list[tuple[int, ...]]
    helps: list[tuple[int, ...]]
    waits: list[int]
    streams: list[int]
    ready: Ready = at_once
    lags: list[float] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)
    need_masks: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.ids)

    @property
    def plain(self) -> bool:
        """Whether neither waiting nor two streams have a say, so that the cost follows from the order alone."""
        return not self.lagging and len(set(self.streams)) < 2

    @property
    def lagging(self) -> bool:
        """Whether an item that waits is needed by another."""
        return any(wait and self.after[i] for i, wait in enumerate(self.waits))


@dataclass(frozen=True, slots=True)
class Played:
    """An order that was worked through: indices, own hours of begin and finish by index, and the cost."""

    order: tuple[int, ...]
    begins: tuple[float, ...]
    finishes: tuple[float, ...]
    cost: float


def work_of(
    tasks: Sequence[Task], *, speed: float = 1.0, ready: Ready = at_once, day_hours: float = 0.0
) -> Work:
    """Return tasks as work for a person who takes `speed` times the hours. Needs outside of `tasks` count as done.

    Args:
        day_hours: the least hours of a day of the calendar.

    Raises:
        InvalidInputError: two tasks have one id, or they need each other in a circle.
    """
    index = {task.id: i for i, task in enumerate(tasks)}
    if len(index) < len(tasks):
        twice = next(task.id for i, task in enumerate(tasks) if index[task.id] != i)
        raise InvalidInputError(f"`{twice}` is there twice", hint="ids are unique in a plan")
    needs = [tuple(sorted({index[n] for n in task.needs if n in index})) for task in tasks]
    work = Work(
        [task.id for task in tasks],
        [task.hours[1] * speed for task in tasks],
        [task.value for task in tasks],
        needs,
        [tuple(sorted({index[h] for h in t.helps if h in index} - {index[t.id]})) for t in tasks],
        [task.wait_days for task in tasks],
        [STREAMS.index(task.stream) for task in tasks],
        ready,
        [max(0, task.wait_days - 1) * day_hours for task in tasks],
        [[] for _ in tasks],
        [sum(1 << n for n in own) for own in needs],
    )
    for i, own in enumerate(needs):
        for need in own:
            work.after[need].append(i)
    topological(work)
    return work


def topological(work: Work) -> list[int]:
    """Return the indices with needs first, otherwise as they were given.

    Raises:
        InvalidInputError: there is a circle; the message names it.
    """
    order: list[int] = []
    state = [0] * work.size
    for root in range(work.size):
        stack = [root]
        while stack:
            i = stack[-1]
            if state[i] == 2:
                stack.pop()
                continue
            state[i] = 1
            rest = [n for n in work.needs[i] if state[n] != 2]
            if not rest:
                state[i] = 2
                order.append(stack.pop())
                continue
            if state[rest[0]] == 1:
                circle = [*stack[stack.index(rest[0]) :], rest[0]]
                names = " needs ".join(f"`{work.ids[k]}`" for k in circle)
                raise InvalidInputError(f"a circle: {names}", hint="take one of these needs out")
            stack.append(rest[0])
    return order


def play(work: Work, priority: Sequence[int]) -> Played:
    """Work through a list of priorities under the rules: at every moment the first of the list that may begin is begun."""
    hours, needs, waits, streams = work.hours, work.needs, work.waits, work.streams
    left = list(priority)
    finishes = [-1.0] * work.size
    begins = [0.0] * work.size
    readies = [0.0] * work.size
    open_hours = [0.0, 0.0]
    for i in left:
        open_hours[streams[i]] += hours[i]
    total = (open_hours[0], open_hours[1])
    two = min(total) > 0
    remaining = [sum(1 for i in left if streams[i] == s) for s in (0, 1)]
    done = [0.0, 0.0]
    order: list[int] = []
    now = cost = 0.0
    while left:
        held = ahead(done, total) if two and remaining[0] and remaining[1] else -1
        chosen = second = -1
        soonest = float("inf")
        for place, i in enumerate(left):
            from_on = 0.0
            for need in needs[i]:
                if finishes[need] < 0:
                    break
                if readies[need] > from_on:
                    from_on = readies[need]
            else:
                if from_on > now + EPS:
                    soonest = min(soonest, from_on)
                elif streams[i] != held:
                    chosen = place
                    break
                elif second < 0:
                    second = place
        if chosen < 0:
            chosen = second
        if chosen < 0:
            now = soonest
            continue
        i = left.pop(chosen)
        begins[i] = now
        for helper in work.helps[i]:
            if finishes[helper] < 0:
                cost += HELPS_PRICE * work.weights[i] * hours[helper]
        now += hours[i]
        finishes[i] = now
        readies[i] = work.ready(now, waits[i]) if waits[i] else now
        cost += work.weights[i] * now
        done[streams[i]] += hours[i]
        remaining[streams[i]] -= 1
        order.append(i)
    return Played(tuple(order), tuple(begins), tuple(finishes), cost)


def ahead(done: Sequence[float], total: Sequence[float]) -> int:
    """Return the stream that is so far ahead that it has to let the other one go first, or -1."""
    lead = done[0] / total[0] - done[1] / total[1]
    return 0 if lead > IN_STEP + EPS else 1 if lead < -IN_STEP - EPS else -1
