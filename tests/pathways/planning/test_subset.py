"""What is kept before a deadline is the most valuable closed subset, by whichever way it is found."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from groundwork.pathways.planning import subset
from groundwork.pathways.planning.subset import Subset, most_valuable
from groundwork.pathways.planning.types import Task
from tests.pathways.planning.judges import best_worth
from tests.pathways.planning.worlds import tasks_of


def _wrong(seeds: Iterable[int]) -> list[tuple[int, str, float, float]]:
    found = []
    for seed in seeds:
        rng = Random(seed)
        tasks = tasks_of(rng, rng.randint(1, 15), cost=True)
        hours = sum(t.hours[1] for t in tasks) * rng.uniform(0.0, 1.1)
        money = rng.choice((None, 0.0, 60.0, 150.0))
        best = best_worth(tasks, hours, money)
        ways = {
            "all": most_valuable(tasks, hours, money=money),
            "highs": subset._highs(tasks, hours, money, frozenset()),
        }
        for way, one in ways.items():
            if not _holds(tasks, one, hours, money) or abs(one.value - best) > 1e-6 or not one.exact:
                found.append((seed, way, one.value, best))
    return found


def _holds(tasks: list[Task], found: Subset, hours: float, money: float | None) -> bool:
    kept = {tasks[i].id for i in found.kept}
    closed = all(set(tasks[i].needs) <= kept for i in found.kept)
    spent = sum(tasks[i].hours[1] for i in found.kept)
    paid = sum(tasks[i].cost for i in found.kept)
    return closed and spent <= hours + 1e-6 and (money is None or paid <= money + 1e-6)


def test_the_subset_is_the_best_of_all() -> None:
    assert _wrong(range(25)) == []


@pytest.mark.slow
def test_five_hundred_subsets_are_the_best_of_all() -> None:
    assert _wrong(range(500)) == []


def test_without_scipy_the_subset_is_closed_and_fits() -> None:
    for seed in range(30):
        tasks = tasks_of(Random(seed), 40, cost=True)
        hours = sum(t.hours[1] for t in tasks) / 2
        found = subset._greedy(tasks, hours, 100.0, frozenset({3}))
        assert _holds(tasks, found, hours, 100.0)
        assert 3 not in found.kept
        assert not found.exact


def test_nothing_is_kept_without_hours() -> None:
    assert most_valuable(tasks_of(Random(1), 6), 0.0) == Subset((), 0.0, True)
