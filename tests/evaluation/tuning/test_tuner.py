"""Tuning through the workspace: the search, what it keeps, what it refuses, and the patch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.tuning import Bench
from groundwork.app.tuning_patch import apply, patch_of, with_values
from groundwork.app.workspace import Workspace
from groundwork.core.errors import (
    CancelledError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.tuning.trying import under
from groundwork.evaluation.tuning.types import Tuning
from groundwork.evaluation.types import Output
from tests.evaluation.tuning.house import kept_tuning
from tests.workspaces import LIGHT, light_workspace, write

SPEC = (
    LIGHT
    + """
[apps.default]   # what people ask
index = "default"
passages = 1     # one is enough
threshold = 0.0
"""
)
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty"]


def files(n: int) -> dict[str, str]:
    """Return documents in which the one that answers is not the one that names the thing most often."""
    found = {}
    for i in range(n):
        name = f"{WORDS[i % 10]}{i}"
        found[f"a{i}.md"] = (
            f"# Notes on {name}\n\nThe {name} was seen. People like the {name}. A {name} is a {name}.\n"
        )
        found[f"b{i}.md"] = f"# Facts\n\nThe height of the {name} is {i + 100} metres above the sea.\n"
    return found


def questions(n: int, split: str = "train") -> list[Example]:
    return [
        Example(
            f"q{i}",
            f"What is the height of the {WORDS[i % 10]}{i}?",
            expected=f"{i + 100} metres",
            relevant={f"b{i}": 1.0},
            split=split,  # type: ignore[arg-type]
        )
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("tuner")
    with light_workspace(root / "house", SPEC) as house:
        house.ingest([write(root / "docs", files(31))])
        house.datasets.create(LOCAL, "golden", questions(31))
        yield house


def tuned(house: Workspace, **options: Any) -> Tuning:
    tuner = house.evaluation.tuner
    plan = tuner.plan(
        LOCAL, "default", dataset="golden", **{"budget": 5, "parts": ["strategy", "passages"], **options}
    )
    return tuner.run(LOCAL, tuner.start(LOCAL, plan).id)


def test_a_search_scores_configurations_and_says_what_the_choice_is_worth(workspace: Workspace) -> None:
    found = tuned(workspace, budget=2, parts=["passages"])
    report = found.report
    assert found.state == "done"
    assert report is not None
    json.dumps(report, allow_nan=False)
    assert report["n"] == report["clusters"] == 31
    assert {c["title"] for c in report["configurations"]} >= {"as it is", "passages 4"}
    gain = report["gain"]
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert sum(b["n"] for b in report["blocks"]) == gain["n"] < 31
    assert found.progress["done"] == found.progress["of"]
    assert workspace.answers() == []


def test_nothing_is_run_twice_when_it_goes_on(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    tuner = workspace.evaluation.tuner
    plan = tuner.plan(LOCAL, "default", dataset="golden", budget=4, metric="ndcg", parts=["strategy"])
    begun = tuner.start(LOCAL, plan)
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 50

    with pytest.raises(CancelledError):
        tuner.run(LOCAL, begun.id, cancelled=stop)
    assert tuner.book.get(LOCAL, begun.id).state == "cancelled"
    before = {(c, p) for c, own in tuner.book.scores(LOCAL, begun.id).items() for p in own}
    assert before
    ran: list[tuple[str, str]] = []
    made = Bench.maker

    def counting(self: Bench, *args: Any, **options: Any) -> Any:
        context = made(self, *args, **options)
        inner = context.__enter__()
        output = inner.output

        def told(raw: Any, example: Example, scope: str) -> Output:
            ran.append((raw.digest, example.id))
            return output(raw, example, scope)

        inner.output = told  # type: ignore[method-assign]

        class Held:
            def __enter__(self) -> Any:
                return inner

            def __exit__(self, *exc: object) -> None:
                context.__exit__(None, None, None)

        return Held()

    monkeypatch.setattr(Bench, "maker", counting)
    ended = tuner.run(LOCAL, begun.id)
    assert ended.state == "done"
    assert not {(c, f"q{p}") for c, p in before} & set(ran)
    assert len(ran) == len(set(ran))


def test_other_chunkers_are_tried_at_an_index_that_is_removed(workspace: Workspace) -> None:
    head = workspace.snapshot("default", "head")
    found = tuned(workspace, parts=["chunker"], budget=3, metric="ndcg")
    assert found.report is not None
    assert any("chunker" in c["changes"] for c in found.report["configurations"])
    assert list((workspace.rooms.data / "scratch").glob("*")) == []
    assert workspace.snapshot("default", "head") == head
    assert [i.name for i in workspace.indexes()] == ["default"]


def test_a_threshold_is_applied_to_outputs_that_are_made_once() -> None:
    sure = Output(text="x", confidence=0.4)
    assert under(sure, 0.4) == sure
    assert under(sure, 0.5).abstained
    assert under(Output(error="x"), 0.9).failed


def test_the_holdout_is_never_read(workspace: Workspace) -> None:
    mixed = [*questions(31), *[Example(f"h{i}", "?", expected="x", split="holdout") for i in range(9)]]
    workspace.datasets.create(LOCAL, "mixed", mixed)
    tuner = workspace.evaluation.tuner
    assert tuner.plan(LOCAL, "default", dataset="mixed", budget=2).n == 31
    with pytest.raises(ForbiddenError):
        tuner.plan(LOCAL, "default", dataset="mixed", split="holdout", budget=2)


def test_too_few_examples_recommend_nothing(workspace: Workspace) -> None:
    workspace.datasets.create(LOCAL, "small", questions(8))
    tuner = workspace.evaluation.tuner
    plan = tuner.plan(LOCAL, "default", dataset="small", budget=3, parts=["passages"])
    assert any("recommend nothing" in note for note in plan.notes)
    report = tuner.run(LOCAL, tuner.start(LOCAL, plan).id).report
    assert report is not None
    assert (report["recommended"], report["outcome"], report["gain"]) == (False, "insufficient", None)


def test_what_cannot_be_tuned_is_said_before_anything_runs(workspace: Workspace) -> None:
    tuner = workspace.evaluation.tuner
    with pytest.raises(NotFoundError):
        tuner.plan(LOCAL, "nope", dataset="golden")
    with pytest.raises(NotFoundError):
        tuner.plan(LOCAL, "default", dataset="nope")
    for options in (
        {"metric": "p95(latency)"},
        {"metric": "latency"},
        {"metric": "tool_calls"},
        {"parts": ["colour"]},
        {"budget": 99},
        {"models": ["openai/x"]},
        {"alpha": 0.7},
    ):
        with pytest.raises(InvalidInputError):
            tuner.plan(LOCAL, "default", dataset="golden", **options)


def test_a_changed_app_ends_a_tuning_that_was_planned_before(workspace: Workspace, tmp_path: Path) -> None:
    tuner = workspace.evaluation.tuner
    begun = tuner.start(LOCAL, tuner.plan(LOCAL, "default", dataset="golden", budget=2))
    workspace.ingest([write(tmp_path / "more", {"new.md": "# New\n\nSomething else.\n"})])
    with pytest.raises(ConflictError):
        tuner.run(LOCAL, begun.id)
    assert tuner.book.get(LOCAL, begun.id).state == "failed"


def test_another_tenant_sees_no_tuning(workspace: Workspace) -> None:
    tuner = workspace.evaluation.tuner
    begun = tuner.start(LOCAL, tuner.plan(LOCAL, "default", dataset="golden", budget=2))
    stranger = Principal("other")
    assert tuner.book.list(stranger) == []
    with pytest.raises(NotFoundError):
        tuner.book.get(stranger, begun.id)
    assert begun.id in [t.id for t in tuner.book.list(LOCAL)]


def test_a_recommendation_is_written_with_every_comment_kept_and_can_be_undone(workspace: Workspace) -> None:
    found = kept_tuning(workspace, LOCAL)
    assert found.report is not None
    before = (workspace.root / "groundwork.toml").read_text()
    patch = patch_of(workspace, found)
    assert "-passages = 1     # one is enough" in patch.diff
    report = {**found.report, "recommended": False, "reason": "too few"}
    with pytest.raises(ConflictError):
        apply(workspace, Tuning(**{**found.as_dict(), "report": report}))
    assert (workspace.root / "groundwork.toml").read_text() == before
    report["recommended"] = True
    _, kept = apply(workspace, Tuning(**{**found.as_dict(), "report": report}))
    after = (workspace.root / "groundwork.toml").read_text()
    assert "# one is enough" in after
    assert "# what people ask" in after
    assert kept.read_text() == before
    kept.replace(workspace.root / "groundwork.toml")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[apps.default]\nindex = 'x'\n", "[apps.default]\nindex = 'x'\npassages = 4\n"),
        (
            "[apps.default]\npassages = 8 # why\n\n[apps.b]\n",
            "[apps.default]\npassages = 4 # why\n\n[apps.b]\n",
        ),
        ("[apps.'default']\n# passages = 2\n", "[apps.'default']\npassages = 4\n# passages = 2\n"),
        ("", "\n[apps.default]\npassages = 4\n"),
        ("x = 1", "x = 1\n\n[apps.default]\npassages = 4\n"),
    ],
)
def test_a_value_is_set_in_its_table_and_nowhere_else(before: str, after: str) -> None:
    assert with_values(before, ("apps", "default"), {"passages": 4}) == after


def test_tables_and_names_are_written_as_toml() -> None:
    made = with_values(
        '[apps.default]\nstrategy = "hybrid"\n',
        ("apps", "default"),
        {"strategy": {"name": "hybrid", "weight": 0.3}},
    )
    assert 'strategy = { name = "hybrid", weight = 0.3 }' in made


@pytest.mark.parametrize(
    "text",
    [
        "[apps]\ndefault = { passages = 8 }\n",
        "apps.default.passages = 8\n",
        "[apps.default]\npassages = [\n1]\n",
    ],
)
def test_a_spec_written_in_another_way_is_left_alone(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        with_values(text, ("apps", "default"), {"passages": 4})
    assert "passages = 4" in refused.value.hint
