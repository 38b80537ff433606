"""The order is the best of all for few items, near it for more, and its bound is never above the truth."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.pathways.planning.order import Ordered, best_order
from groundwork.pathways.planning.rules import IN_STEP
from groundwork.pathways.planning.types import Task
from tests.pathways.planning.judges import cost_of, least_cost
from tests.pathways.planning.worlds import tasks_of

DAY = 10 / 7


def ready(hour: float, wait: int) -> float:
    return hour + wait * DAY


def ordered(tasks: list[Task], **more: int) -> Ordered:
    return best_order(tasks, ready=ready, day_hours=DAY, **more)


def _small(seed: int) -> list[Task]:
    rng = Random(seed)
    mixed = rng.random() < 0.7
    return tasks_of(rng, rng.randint(1, 9), lags=mixed, streams=mixed)


def _not_equal(seeds: Iterable[int]) -> list[tuple[int, float, float]]:
    wrong = []
    for seed in seeds:
        tasks = _small(seed)
        found = ordered(tasks)
        least = least_cost(tasks, ready)
        if found.method != "exact" or abs(found.played.cost - least) > 1e-6 * max(1.0, least):
            wrong.append((seed, found.played.cost, least))
    return wrong


def _gaps(seeds: Iterable[int]) -> list[float]:
    """Return how much dearer the order without the exact search is than the best."""
    gaps = []
    for seed in seeds:
        rng = Random(seed)
        mixed = rng.random() < 0.7
        tasks = tasks_of(rng, rng.randint(10, 20), lags=mixed, streams=mixed)
        quick = ordered(tasks, max_states=0)
        best = ordered(tasks, max_states=2_000_000)
        assert best.method == "exact"
        assert quick.played.cost <= best.played.cost * (1 + quick.bound) + 1e-6
        gaps.append(quick.played.cost / best.played.cost - 1)
    return gaps


def test_the_order_of_few_items_is_the_best_of_all_that_can_be_tried() -> None:
    assert _not_equal(range(60)) == []


@pytest.mark.slow
def test_a_thousand_orders_are_the_best_of_all() -> None:
    assert _not_equal(range(1000)) == []


def test_the_order_of_more_items_is_near_the_best() -> None:
    gaps = _gaps(range(5))
    assert sum(gaps) / len(gaps) <= 0.005
    assert max(gaps) <= 0.05


@pytest.mark.slow
def test_the_order_of_more_items_is_near_the_best_in_a_thousand_worlds() -> None:
    gaps = _gaps(range(1000))
    print(f"mean {sum(gaps) / len(gaps):.6f}, worst {max(gaps):.5f}, n = {len(gaps)}")
    assert sum(gaps) / len(gaps) <= 0.005
    assert max(gaps) <= 0.05


def test_the_cost_is_what_the_rules_say() -> None:
    for seed in range(20):
        tasks = tasks_of(Random(seed), 15)
        found = ordered(tasks, max_states=0)
        cost, order = cost_of(tasks, found.played.order, ready)
        assert tuple(order) == found.played.order
        assert cost == pytest.approx(found.played.cost)


def test_greater_worth_per_hour_comes_first() -> None:
    found = best_order([_task("long", 20), _task("short", 2), _task("dear", 20, value=30.0)])
    assert found.ids == ["dear", "short", "long"]


def test_what_waits_is_begun_early_and_its_days_are_used() -> None:
    tasks = [
        _task("monitor", 5, wait_days=7),
        _task("proof", 5, needs=("monitor",), value=2.0),
        _task("study", 10),
    ]
    found = ordered(tasks)
    assert found.ids == ["monitor", "study", "proof"]
    assert max(found.played.finishes) == 20


def test_streams_are_kept_in_step() -> None:
    tasks = [_task(f"tech-{i}", 10, value=9.0) for i in range(5)] + [
        _task(f"eth-{i}", 10, value=0.1, stream="ethical") for i in range(5)
    ]
    kinds = [i.split("-")[0] for i in best_order(tasks).ids]
    for k in range(1, 10):
        lead = (kinds[:k].count("tech") - kinds[:k].count("eth")) / 5
        assert abs(lead) <= IN_STEP + 1 / 5 + 1e-9
    alone = best_order([*tasks[:5], _task("eth", 10, stream="ethical", needs=("tech-4",), value=0.1)])
    assert alone.ids[-1] == "eth"


def test_a_helper_comes_first_when_nothing_else_speaks_against_it() -> None:
    tasks = [_task("b", 10, helps=("a",)), _task("a", 10)]
    assert best_order(tasks).ids == ["a", "b"]
    strong = [_task("b", 10, helps=("a",), value=9.0), _task("a", 10)]
    assert best_order(strong).ids == ["b", "a"]


def test_a_circle_is_named() -> None:
    tasks = [_task("a", 1, needs=("c",)), _task("b", 1, needs=("a",)), _task("c", 1, needs=("b",))]
    with pytest.raises(InvalidInputError, match=r"`a` needs `c` needs `b` needs `a`"):
        best_order(tasks)


def test_two_tasks_of_one_id_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="twice"):
        best_order([_task("a", 1), _task("a", 2)])


def test_five_hundred_items_are_ordered_with_a_bound() -> None:
    found = ordered(tasks_of(Random(1), 500))
    assert found.method == "insertion"
    assert 0 < found.bound < 0.1


def _task(identifier: str, hours: float, **more: object) -> Task:
    return Task(identifier, "skill", (hours * 0.7, hours, hours * 1.5), **more)  # type: ignore[arg-type]
