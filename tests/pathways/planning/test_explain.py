"""Every stated reason holds when it is computed again, and every change that is offered holds when it is planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from groundwork.pathways.planning.composing import compose
from groundwork.pathways.planning.types import Plan, PlanItem, PlanRequest, Task
from tests.pathways.planning.judges import AHEAD, Days, cost_of, could_begin
from tests.pathways.planning.worlds import world

HINTS = {
    "only": "nothing else could begin",
    "highest": "the greatest worth per hour",
    "in_step": "more than a fifth ahead",
    "waits": "its proof waits",
    "opens": "comes next, needs it",
    "exchange": "first, what you can show would come later",
    "order": "the best order that was found",
}


class Recount:
    """A plan whose reasons are computed again from its items and the tasks alone."""

    def __init__(self, tasks: list[Task], request: PlanRequest, plan: Plan) -> None:
        import math

        self.plan = plan
        self.tasks = [t for t in tasks if t.id not in plan.dropped]
        self.by_id = {t.id: t for t in self.tasks}
        self.items = {i.milestone: i for i in plan.items}
        self.speed = math.exp(request.pace.mean)
        span = max((i.done for i in plan.items), default=request.calendar.start) - request.calendar.start
        self.days = Days(request.calendar, span.days * 3 + 400)

    def wrong(self) -> list[str]:
        found = []
        done: set[str] = set()
        for place, item in enumerate(self.plan.items):
            following = self.plan.items[place + 1] if place + 1 < len(self.plan.items) else None
            if not self._reason_holds(item, following, done):
                found.append(f"{item.milestone}: {item.reason}")
            if HINTS[item.reason] not in item.because:
                found.append(f"{item.milestone}: the sentence is not that of {item.reason}")
            if not self._links_hold(item, done):
                found.append(f"{item.milestone}: needed by, unlocks or without")
            done.add(item.milestone)
        return found

    def _reason_holds(self, item: PlanItem, following: PlanItem | None, done: set[str]) -> bool:
        left = [t for t in self.tasks if t.id not in done]
        able = [t for t in left if could_begin(t, done, self.items, item.start)]
        worth = {t.id: self._density(t, left) for t in able}
        own = worth[item.milestone]
        if abs(own - item.density) > 1e-4 * max(1.0, own):
            return False
        lead = self._lead(item.stream, done)
        both = len({t.stream for t in left}) == 2
        if item.reason == "only":
            return len(able) == 1
        if item.reason == "highest":
            return own >= max(worth.values()) - 1e-6
        if item.reason == "in_step":
            rivals = [t for t in able if t.stream == item.stream]
            held = [t for t in able if t.stream != item.stream]
            return both and lead < -AHEAD and bool(held) and own >= max(worth[t.id] for t in rivals) - 1e-6
        if item.reason == "waits":
            return item.wait_days > 0 and following is not None and following.start < item.done
        if item.reason == "opens":
            return following is not None and item.milestone in self.by_id[following.milestone].needs
        if item.reason == "exchange":
            return following is not None and self._swapped(item, following) > self._cost() + 1e-9
        return item.reason == "order"

    def _links_hold(self, item: PlanItem, done: set[str]) -> bool:
        direct = {t.id for t in self.tasks if item.milestone in t.needs}
        now = {*done, item.milestone}
        free = {i for i in direct if all(n in now for n in self.by_id[i].needs if n in self.by_id)}
        lost = {item.milestone}
        while True:  # without it, whatever needs it is lost
            more = {t.id for t in self.tasks if t.id not in lost and lost & set(t.needs)}
            if not more:
                break
            lost |= more
        milestones = {i for i in lost if self.by_id[i].kind == "milestone"}
        return (set(item.needed_by), set(item.unlocks), set(item.without)) == (direct, free, milestones)

    def _density(self, task: Task, left: list[Task]) -> float:
        open_ids = {t.id for t in left}
        best = 0.0
        for top in left:
            inside = {top.id}
            while True:
                more = {n for i in inside for n in self.by_id[i].needs if n in open_ids} - inside
                if not more:
                    break
                inside |= more
            if task.id in inside:
                own = [self.by_id[i] for i in inside]
                best = max(best, sum(t.value for t in own) / sum(t.hours[1] * self.speed for t in own))
        return best

    def _lead(self, stream: str, done: set[str]) -> float:
        share = {}
        for one in ("technical", "ethical"):
            own = [t for t in self.tasks if t.stream == one]
            share[one] = sum(t.hours[1] for t in own if t.id in done) / max(
                1e-9, sum(t.hours[1] for t in own)
            )
        other = "ethical" if stream == "technical" else "technical"
        return share[stream] - share[other]

    def _order(self) -> list[int]:
        index = {t.id: i for i, t in enumerate(self.tasks)}
        return [index[i.milestone] for i in self.plan.items]

    def _cost(self) -> float:
        return cost_of(self.tasks, self._order(), self.days.ready, self.speed)[0]

    def _swapped(self, item: PlanItem, following: PlanItem) -> float:
        order = self._order()
        place = [i.milestone for i in self.plan.items].index(item.milestone)
        order[place], order[place + 1] = order[place + 1], order[place]
        return cost_of(self.tasks, order, self.days.ready, self.speed)[0]


def _wrong_reasons(seeds: Iterable[int]) -> list[str]:
    return [f"{seed}: {what}" for seed in seeds for what in Recount(*world(seed, 14)).wrong()]


def _wrong_changes(seeds: Iterable[int]) -> tuple[list[str], int]:
    """Return which changes do not hold when they are planned, and how many there were."""
    wrong, tried = [], 0
    for seed in seeds:
        tasks, request, plan = world(seed, 10, wish=1.0)
        for change in plan.changes:
            tried += 1
            if not _holds(change.kind, change.value, change.probability, tasks, request):
                wrong.append(f"{seed}: {change.sentence}")
    return wrong, tried


def _holds(kind: str, value: str, probability: float, tasks: list[Task], request: PlanRequest) -> bool:
    def likely(**changes: object) -> float:
        found = compose(replace(request, **changes), tasks).forecast.by_probability  # type: ignore[arg-type]
        assert found is not None
        return found

    if kind == "by":
        day = date.fromisoformat(value)
        enough, less = likely(by=day), likely(by=day - timedelta(days=1))
    else:
        calendar, hours = request.calendar, float(value)
        enough = likely(calendar=replace(calendar, hours_per_week=hours))
        less = (
            likely(calendar=replace(calendar, hours_per_week=hours - 0.5))
            if hours - 0.5 > calendar.hours_per_week
            else 0.0
        )
    return enough == probability and enough >= request.confidence > less


def test_every_reason_holds_when_it_is_computed_again() -> None:
    assert _wrong_reasons(range(20)) == []


@pytest.mark.slow
def test_every_reason_of_a_thousand_plans_holds() -> None:
    assert _wrong_reasons(range(1000)) == []


def test_a_reason_that_was_bent_is_seen() -> None:
    tasks, request, plan = next(w for w in (world(s, 14, wish=0.0) for s in range(9)) if len(w[2].items) > 6)
    for reason in HINTS:
        bent = replace(plan, items=tuple(replace(i, reason=reason) for i in plan.items))
        assert Recount(tasks, request, bent).wrong()
    silent = replace(plan, items=tuple(replace(i, needed_by=(), without=("t000",)) for i in plan.items))
    assert Recount(tasks, request, silent).wrong()


def test_reasons_of_every_kind_occur() -> None:
    seen = {item.reason for seed in range(20) for item in world(seed, 14, wish=0.0)[2].items}
    assert seen >= {"only", "highest", "in_step", "opens", "exchange"}


def test_every_change_holds_when_it_is_planned() -> None:
    wrong, tried = _wrong_changes(range(8))
    assert wrong == []
    assert tried > 4


@pytest.mark.slow
def test_every_change_of_five_hundred_worlds_holds() -> None:
    wrong, tried = _wrong_changes(range(500))
    print(f"{tried} changes")
    assert wrong == []


def test_what_is_kept_is_closed_and_holds_the_day() -> None:
    for seed in range(8):
        tasks, request, plan = world(seed, 10, wish=1.0)
        if not plan.dropped:
            continue
        kept = {item.milestone for item in plan.items}
        assert plan.fits is None or plan.fits.by_probability >= request.confidence  # type: ignore[operator]
        assert (plan.fits is None) == (not kept)
        assert all(set(t.needs) <= kept for t in tasks if t.id in kept)


def test_without_an_item_its_milestones_are_lost() -> None:
    for seed in range(8):
        tasks, request, plan = world(seed, 12, wish=0.0)
        for item in plan.items[:3]:
            gone = {item.milestone}
            for task in tasks:  # tasks stand after what they need
                if gone & set(task.needs):
                    gone.add(task.id)
            without = compose(request, [t for t in tasks if t.id not in gone])
            left = {i.milestone for i in without.items if i.kind == "milestone"}
            before = {i.milestone for i in plan.items if i.kind == "milestone"}
            assert before - left == set(item.without)
