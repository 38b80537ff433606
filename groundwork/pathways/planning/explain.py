"""Why each item stands where it stands, in sentences that can be computed again from the plan.

Reasons, the first that holds:

- `only`: nothing else could begin then;
- `highest`: of what could begin it has the greatest worth per hour, counted with an item that it opens and what that needs;
- `in_step`: the other stream was so far ahead that it had to let this one go first;
- `waits`: its proof waits for days in which other work goes on;
- `opens`: the item after it needs it;
- `exchange`: with the item after it first, the whole would cost more;
- `order`: none of these by itself; it belongs to the best order found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.order import Ordered
from groundwork.pathways.planning.rules import EPS, STREAMS, Work, ahead, play, topological
from groundwork.pathways.planning.types import PlanItem, Task


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of one place in the order: its word, its sentence, and the worth per hour it was weighed with."""

    reason: str
    sentence: str
    density: float


def items_of(tasks: Sequence[Task], ordered: Ordered, time: WorkingTime) -> tuple[PlanItem, ...]:
    """Return the items of a plan, dated and explained, in their order."""
    work, played = ordered.work, ordered.played
    reasons = reasons_of(work, ordered, {task.id: task.title or task.id for task in tasks})
    place = {i: k for k, i in enumerate(played.order)}
    below = _descendants(work)
    found = []
    for i in played.order:
        task = tasks[i]
        start, end = time.first_day(played.begins[i]), time.last_day(played.finishes[i])
        after = sorted(work.after[i], key=place.__getitem__)
        unlocks = [j for j in after if all(place[n] <= place[i] for n in work.needs[j])]
        lost = [j for j in sorted({i, *below[i]}, key=place.__getitem__) if tasks[j].kind == "milestone"]
        titles = [tasks[j].title or tasks[j].id for j in after]
        why = reasons[i]
        head = (
            f"Needed by {_names(titles)}"
            if titles
            else "Wanted for itself"
            if task.target
            else "Part of the way"
        )
        found.append(
            PlanItem(
                task.id,
                task.kind,
                task.title or task.id,
                task.stream,
                time.day(start),
                time.day(end),
                time.day(end + task.wait_days),
                round(work.hours[i], 2),
                f"{head}; {why.sentence}.",
                tuple(tasks[j].id for j in after),
                tuple(tasks[j].id for j in unlocks),
                round(why.density, 6),
                tuple(tasks[j].id for j in lost),
                reason=why.reason,
                wait_days=task.wait_days,
            )
        )
    return tuple(found)


def reasons_of(work: Work, ordered: Ordered, titles: Mapping[str, str]) -> dict[int, Why]:
    """Return for each index why it stands at its place."""
    played = ordered.played
    order = played.order
    below = _descendants(work)
    weighed = _Densities(work, below)
    readies = [work.ready(played.finishes[i], work.waits[i]) for i in range(work.size)]
    total = [sum(h for h, s in zip(work.hours, work.streams, strict=True) if s == k) for k in (0, 1)]
    done_hours = [0.0, 0.0]
    left = set(order)
    found: dict[int, Why] = {}
    for place, i in enumerate(order):
        now = played.begins[i]
        able = [j for j in left if all(n not in left and readies[n] <= now + EPS for n in work.needs[j])]
        both = len({work.streams[j] for j in left}) == 2
        held = ahead(done_hours, total) if both and min(total) > 0 else -1
        free = [j for j in able if work.streams[j] != held] or able
        densities = {j: weighed.of(j) for j in able}
        own = densities[i]
        following = order[place + 1] if place + 1 < len(order) else -1
        if len(able) == 1:
            why = Why("only", "nothing else could begin then", own)
        elif own >= max(densities[j] for j in free) - 1e-9 and len(free) == len(able):
            text = f"of the {len(able)} items that could begin it has the greatest worth per hour ({own:.3g})"
            why = Why("highest", f"{text}, counted with what it opens", own)
        elif len(free) < len(able) and own >= max(densities[j] for j in free) - 1e-9:
            name, other = STREAMS[work.streams[i]], STREAMS[held]
            text = (
                f"the {other} stream is more than a fifth ahead, so the {name} one goes first to keep in step"
            )
            why = Why("in_step", text, own)
        elif work.waits[i] and following >= 0 and played.begins[following] < readies[i] - EPS:
            days = work.waits[i]
            text = f"its proof waits {days} day{'s' if days != 1 else ''}, in which other work goes on"
            why = Why("waits", text, own)
        else:
            why = _exchanged(work, ordered, place, following, titles, own)
        found[i] = why
        left.discard(i)
        weighed.done(i)
        done_hours[work.streams[i]] += work.hours[i]
    return found


def _exchanged(
    work: Work, ordered: Ordered, place: int, following: int, titles: Mapping[str, str], own: float
) -> Why:
    order = list(ordered.played.order)
    if following >= 0 and order[place] in work.needs[following]:
        return Why("opens", f"`{titles[work.ids[following]]}`, which comes next, needs it", own)
    if following >= 0:
        order[place], order[place + 1] = order[place + 1], order[place]
        other = play(work, order)
        if other.order != ordered.played.order and other.cost > ordered.played.cost + 1e-9:
            more = other.cost / ordered.played.cost - 1
            said = f"{more:.1%}".replace("%", " %") if more >= 0.0005 else "a little"
            text = f"with `{titles[work.ids[following]]}` first, what you can show would come later by {said}"
            return Why("exchange", text, own)
    return Why("order", "it belongs to the best order that was found", own)


class _Densities:
    """The worth per hour of each item with everything open that it needs, as items are done one after the other."""

    def __init__(self, work: Work, below: Sequence[frozenset[int]]) -> None:
        above = _ancestors(work)
        self._work, self._below = work, below
        self._worth = [w + sum(work.weights[k] for k in above[i]) for i, w in enumerate(work.weights)]
        self._hours = [h + sum(work.hours[k] for k in above[i]) for i, h in enumerate(work.hours)]

    def of(self, item: int) -> float:
        """Return the greatest worth per hour among an open item that may begin and those that it leads to."""
        return max(self._worth[top] / self._hours[top] for top in (item, *self._below[item]))

    def done(self, item: int) -> None:
        """Take an item out of everything that needs it."""
        for top in self._below[item]:
            self._worth[top] -= self._work.weights[item]
            self._hours[top] -= self._work.hours[item]


def _ancestors(work: Work) -> list[frozenset[int]]:
    found: list[frozenset[int]] = [frozenset()] * work.size
    for i in topological(work):
        found[i] = frozenset({k for n in work.needs[i] for k in (n, *found[n])})
    return found


def _descendants(work: Work) -> list[frozenset[int]]:
    found: list[frozenset[int]] = [frozenset()] * work.size
    for i in reversed(topological(work)):
        found[i] = frozenset({k for n in work.after[i] for k in (n, *found[n])})
    return found


def _names(titles: Sequence[str]) -> str:
    """Return up to three titles as a list in words."""
    if len(titles) > 3:
        return f"{titles[0]}, {titles[1]} and {len(titles) - 2} more"
    return " and ".join([", ".join(titles[:-1]), titles[-1]]) if len(titles) > 1 else titles[0]
