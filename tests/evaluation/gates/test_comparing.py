"""Two evaluations, example by example."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL
from groundwork.datasets.types import Example
from groundwork.evaluation.comparing import in_words
from groundwork.evaluation.differences import difference, expand
from groundwork.evaluation.types import Evaluation
from tests.evaluation.gates.columns import binary, pairs
from tests.evaluation.gates.house import house, sides


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with house(tmp_path_factory.mktemp("compare")) as made:
        yield made


@pytest.fixture(scope="module")
def two(workspace: Workspace) -> tuple[Evaluation, Evaluation]:
    old, new = sides(workspace.root)
    one, other = (workspace.evaluate(w, dataset="golden", scorers=["correct", "latency"]) for w in (old, new))
    return one, other


def test_every_metric_has_its_difference_with_who_won_where(
    workspace: Workspace, two: tuple[Evaluation, Evaluation]
) -> None:
    found = workspace.evaluation.comparisons.compare(
        LOCAL, two[0].id, two[1].id[:16], ["correct", "p95(latency)"]
    )
    assert (found.n, found.shared, found.only_baseline) == (120, False, ())
    first = found.metrics[0]
    assert first.difference.value == pytest.approx(0.25)
    assert (first.wins, first.losses, first.better) == (36, 6, "candidate") or first.wins - first.losses == 30
    assert first.p_value is not None
    assert first.p_value < 0.001
    assert first.needed_n
    assert {s.tag for s in first.slices} == {"language:de", "language:en"}
    assert set(first.won) <= {f"exm_{i:04}" for i in range(120)}
    assert "is the same on every one" in found.metrics[1].sentence
    assert in_words(found)[0].startswith("The second is better in `correct` by +0.250")


def test_the_furthest_apart_come_first_and_what_got_worse_before_what_got_better(
    workspace: Workspace, two: tuple[Evaluation, Evaluation]
) -> None:
    found = workspace.evaluation.comparisons.pairs(LOCAL, two[1].id, two[0].id, "correct")
    signs = [p.difference for p in found]
    worse = sum(1 for d in signs if d == -1)
    assert all(d == -1 for d in signs[:worse])
    assert len(found) == 120


def test_words_for_evaluations_are_found_or_refused(
    workspace: Workspace, two: tuple[Evaluation, Evaluation]
) -> None:
    comparisons = workspace.evaluation.comparisons
    assert comparisons.find(LOCAL, "last").id == two[1].id
    with pytest.raises(NotFoundError, match="no finished evaluation of the app `handbook`"):
        comparisons.compare(LOCAL, "handbook", two[0].id)
    with pytest.raises(InvalidInputError, match="the same evaluation"):
        comparisons.compare(LOCAL, two[0].id, two[0].id)
    with pytest.raises(NotFoundError, match="no scorer of the evaluation"):
        comparisons.compare(LOCAL, two[0].id, two[1].id, ["tone"])


def test_other_datasets_are_compared_only_where_it_is_said(tmp_path: Path) -> None:
    with house(tmp_path) as workspace:
        old, new = sides(workspace.root)
        one = workspace.evaluate(old, dataset="golden", scorers=["correct"])
        fewer = [Example(f"exm_{i:04}", f"What is {i} and {i}?", str(2 * i)) for i in range(60, 140)]
        workspace.datasets.create(LOCAL, "golden", fewer)
        other = workspace.evaluate(new, dataset="golden", scorers=["correct"])
        comparisons = workspace.evaluation.comparisons
        with pytest.raises(ConflictError, match="not the same examples") as told:
            comparisons.compare(LOCAL, one.id, other.id)
        assert "--shared" in told.value.hint
        found = comparisons.compare(LOCAL, one.id, other.id, shared=True)
        assert (found.n, found.shared) == (60, True)
        assert (len(found.only_baseline), len(found.only_candidate)) == (60, 20)
        assert any("versions of the dataset differ" in n for n in found.notes)


def test_clusters_widen_the_interval() -> None:
    candidate, baseline = binary(200, 0.6, 0.15, 0.05)
    order = sorted(range(200), key=lambda i: candidate[i] - baseline[i])
    inner, outer = [candidate[i] for i in order], [baseline[i] for i in order]
    alone = difference(pairs(inner, outer))
    grouped = difference(pairs(inner, outer, clusters=[f"g{i // 8}" for i in range(200)]))
    assert grouped.design_effect is not None
    assert grouped.design_effect > 2
    assert grouped.difference.low is not None
    assert alone.difference.low is not None
    assert grouped.difference.low < alone.difference.low


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_examples_have_a_clear_value(n: int) -> None:
    found = difference(pairs([1.0] * n, [0.0] * n))
    assert found.better == "neither"
    assert found.reason


def test_slices_are_named_by_tag_or_by_how_they_begin() -> None:
    tags = [("language:de", "hard"), ("language:en",), ("topic:leave",)]
    assert expand(["language:", "hard", "none"], tags) == ["hard", "language:de", "language:en", "none"]
