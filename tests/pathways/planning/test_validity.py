"""Plans keep to prerequisites, waiting, capacity, calendar and streams, as a judge of their own says."""

from __future__ import annotations

import pytest

from groundwork.core.digest import canonical_json
from groundwork.pathways.planning.composing import compose
from tests.pathways.planning.judges import violations
from tests.pathways.planning.worlds import world


def _judged(seeds: range) -> list[str]:
    found = []
    for seed in seeds:
        tasks, request, plan = world(seed)
        found += [f"{seed}: {what}" for what in violations(plan, tasks, request.calendar)]
    return found


def test_plans_of_random_worlds_hold_every_rule() -> None:
    assert _judged(range(40)) == []


@pytest.mark.slow
def test_ten_thousand_plans_hold_every_rule() -> None:
    assert _judged(range(10_000)) == []


def test_a_judge_sees_a_plan_that_was_bent() -> None:
    from dataclasses import replace
    from datetime import timedelta

    tasks, request, plan = next(w for w in map(world, range(50)) if len(w[2].items) > 5)
    turned = replace(plan, items=plan.items[::-1])
    hasty = replace(plan, items=tuple(replace(i, end=i.start, done=i.start) for i in plan.items))
    early = replace(
        plan, items=(replace(plan.items[0], start=request.calendar.start - timedelta(1)), *plan.items[1:])
    )
    for bent in (turned, hasty, early):
        assert violations(bent, tasks, request.calendar)


def test_equal_inputs_give_equal_plans_byte_for_byte() -> None:
    for seed in range(8):
        tasks, request, plan = world(seed)
        again = compose(request, list(tasks))
        assert canonical_json(again.as_dict()) == canonical_json(plan.as_dict())
