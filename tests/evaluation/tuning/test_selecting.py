"""Choosing a configuration: halving, blocks ahead, and a gain that is not the luck of the choice."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.comparing import compare_paired
from groundwork.evaluation.tuning.reporting import report
from groundwork.evaluation.tuning.selecting import (
    FINALISTS,
    Floats,
    Places,
    choose,
    evaluations,
    forward,
    shuffled,
)
from groundwork.evaluation.tuning.space import MOST, configurations
from groundwork.evaluation.tuning.types import Configuration


@dataclass
class Table:
    """Scores that stand in a table; remembers what was asked for."""

    values: Floats
    asked: set[tuple[int, int]] = field(default_factory=set)

    def of(self, configuration: int, places: Places) -> Floats:
        self.asked.update((configuration, int(p)) for p in places)
        found: Floats = self.values[configuration][places]
        return found


def world(seed: int, k: int, n: int, gain: float = 0.0, binary: bool = False) -> Floats:
    """Return scores of k configurations that are equally good, but for the second, which is better by `gain`."""
    rng = np.random.default_rng(seed)
    z = 0.8 * rng.normal(size=n) + 0.6 * rng.normal(size=(k, n))
    z[1] += gain
    return (z > 0).astype(float) if binary else z


def alone(n: int) -> list[str]:
    return [f"c{i}" for i in range(n)]


def told(values: Floats, clusters: list[str] | None = None, alpha: float = 0.05) -> dict[str, object]:
    k, n = values.shape
    groups = clusters or alone(n)
    table = Table(values)
    order = shuffled(groups, 0)
    return report(
        table,
        [Configuration({"passages": i}) if i else Configuration() for i in range(k)],
        groups,
        [1.0] * n,
        choose(table, k, order),
        forward(table, k, groups),
        order,
        binary=False,
        sign=1.0,
        alpha=alpha,
        costs={},
    )


@pytest.mark.parametrize("binary", [False, True])
def test_with_equal_configurations_the_gain_covers_nothing_in_95_of_100_and_the_best_of_all_does_not(
    binary: bool,
) -> None:
    covered = significant = naive = 0
    worlds = 100
    for seed in range(worlds):
        values = world(seed, 12, 60, binary=binary)
        table = Table(values)
        unseen = forward(table, 12, alone(60), seed)
        fair = compare_paired(unseen.chosen, unseen.default, None, binary=binary)
        assert fair.difference is not None
        covered += fair.difference.low <= 0 <= fair.difference.high
        significant += (fair.p_value or 1) <= 0.05
        best = choose(table, 12, np.arange(60)).best
        lucky = compare_paired(values[best], values[0], None, binary=binary)
        assert lucky.difference is not None
        naive += lucky.difference.low <= 0 <= lucky.difference.high
    assert covered / worlds >= 0.89
    assert significant / worlds <= 0.1
    assert naive / worlds < 0.93


def test_a_better_configuration_is_found_and_recommended() -> None:
    found = told(world(5, 12, 250, gain=0.5))
    assert found["recommended"] is True
    assert found["chosen"]["place"] == 1  # type: ignore[index]
    assert found["gain"]["low"] > 0  # type: ignore[index]


def test_equal_configurations_are_rarely_recommended() -> None:
    assert sum(told(world(seed, 8, 60))["recommended"] is True for seed in range(20)) <= 2


def test_too_few_examples_or_clusters_recommend_nothing_and_say_how_many_are_needed() -> None:
    few = told(world(1, 4, 20, gain=2.0))
    assert (few["recommended"], few["outcome"]) == (False, "insufficient")
    assert "30" in str(few["reason"])
    grouped = told(world(1, 4, 200, gain=2.0), [f"c{i % 2}" for i in range(200)])
    assert (grouped["recommended"], grouped["outcome"]) == (False, "insufficient")


def test_constant_scores_change_nothing() -> None:
    found = told(np.ones((6, 60)))
    assert (found["recommended"], found["outcome"]) == (False, "keep")
    assert found["chosen"]["place"] == 0  # type: ignore[index]


def test_no_block_shares_a_cluster_with_what_its_choice_was_made_on() -> None:
    clusters = [f"c{i % 13}" for i in range(100)]
    order = shuffled(clusters, 3)
    unseen = forward(Table(world(3, 6, 100)), 6, clusters, 3)
    for block in unseen.blocks:
        before = {clusters[p] for p in order[: block.before]}
        assert not before & {clusters[p] for p in block.places}
    assert len(set(unseen.places.tolist())) == len(unseen.places) >= 60


def test_halving_looks_at_less_than_everything_and_never_drops_the_app_as_it_is() -> None:
    values = world(2, 48, 400)
    values[0] -= 3
    table = Table(values)
    chosen = choose(table, 48, np.arange(400))
    assert 0 in chosen.finalists
    assert len(chosen.finalists) <= FINALISTS + 1
    assert len(table.asked) < 0.5 * 48 * 400
    assert chosen.seen[chosen.best] == 400


def test_the_announced_number_of_evaluations_is_about_what_is_looked_at() -> None:
    table = Table(world(4, 24, 200))
    choose(table, 24, shuffled(alone(200), 0))
    forward(table, 24, alone(200), 0)
    assert evaluations(24, alone(200)) == pytest.approx(len(table.asked), rel=0.4)


def test_the_grid_begins_with_the_app_as_it_is_then_single_changes_then_pairs() -> None:
    choices = {"strategy": ["hybrid", "lexical", {"name": "hybrid"}], "passages": [4, 8, 12]}
    grid = configurations(choices, {"strategy": "hybrid", "passages": 8}, 10)
    assert [c.title for c in grid] == [
        "as it is", "lexical", "passages 4", "passages 12", "lexical, passages 4", "lexical, passages 12",
    ]  # fmt: skip
    assert len(configurations({"threshold": [i / 100 for i in range(90)]}, {}, MOST)) == MOST
    for budget in (1, 49):
        with pytest.raises(InvalidInputError):
            configurations(choices, {}, budget)
    with pytest.raises(InvalidInputError):
        configurations({"passages": [8]}, {"passages": 8}, 4)
