"""An evaluation from its plan to its numbers: of apps, releases, models and recorded outputs; what it refuses, and why."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import (
    BudgetExceededError,
    CancelledError,
    ConflictError,
    GoneError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.core.ids import kind_of, new_id, scoped_id
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.types import Example
from groundwork.evaluation import planning
from groundwork.evaluation.scorers import SCORERS, Services
from groundwork.evaluation.types import Output, Score
from tests.evaluation.runs.house import SPEC, keep, numbered, questions, workspace_at


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with workspace_at(tmp_path_factory.mktemp("runs") / "ws") as workspace:
        keep(workspace, questions())
        keep(workspace, numbered(12), "many")
        yield workspace


def test_an_app_is_scored_with_an_interval_for_every_number(shared: Workspace) -> None:
    found = shared.evaluate("default", dataset="golden", title="as it is")
    assert (found.state, found.n, found.progress["done"], found.progress["failed"]) == ("done", 6, 6, 0)
    assert found.summary is not None
    correct = found.summary["correct"]
    assert correct["low"] <= correct["value"] <= correct["high"]
    assert correct["n"] == 6
    assert list(found.scorers) == list(planning.DEFAULT_SCORERS)
    results = shared.evaluation.book.results(LOCAL, found.id)
    assert [r.example_id for r in results] == [x.id for x in questions()]
    assert all(r.output.answer_id for r in results)
    assert results[0].output.passages


def test_each_answer_is_recorded_and_pins_what_the_evaluation_pins(shared: Workspace) -> None:
    found = shared.evaluate("default", dataset="golden", limit=2)
    for result in shared.evaluation.book.results(LOCAL, found.id):
        answer = shared.answer(result.output.answer_id)
        assert answer.pins.snapshot == found.subject["pins"]["snapshot"]
        assert answer.pins.settings == found.subject["pins"]["settings"]


def test_before_it_runs_a_plan_says_how_many_what_it_costs_and_what_that_can_show(shared: Workspace) -> None:
    plan = shared.evaluation.runner.plan(
        LOCAL, "model:play/right", dataset="many", scorers=["exact"], repeats=2
    )
    assert (plan.n, plan.clusters, plan.repeats) == (12, 12, 2)
    assert plan.expected_cost_usd is not None
    assert plan.expected_cost_usd > 0
    assert "12 examples" in planning.power(plan.detectable)
    assert shared.evaluation.book.list(LOCAL, dataset="none") == []


def test_equal_plans_have_one_digest_and_whatever_decides_the_numbers_changes_it(shared: Workspace) -> None:
    runner = shared.evaluation.runner
    plan = runner.plan(LOCAL, "default", dataset="golden", scorers=["correct"])
    assert (
        plan.digest
        == runner.plan(LOCAL, "default", dataset="golden@1", scorers=["correct"], title="x").digest
    )
    others = [
        runner.plan(LOCAL, "default", dataset="golden", scorers=["exact"]),
        runner.plan(LOCAL, "default", dataset="golden", scorers=["correct"], repeats=2),
        runner.plan(LOCAL, "default", dataset="golden", scorers=["correct"], limit=3),
        runner.plan(LOCAL, "talking", dataset="golden", scorers=["correct"]),
        runner.plan(LOCAL, "default", dataset="many", scorers=["correct"]),
    ]
    assert len({p.digest for p in [plan, *others]}) == 6


def test_a_limit_draws_the_same_examples_each_time_in_the_order_of_the_dataset() -> None:
    examples = numbered(50)
    drawn = planning.chosen(examples, 10, 0)
    assert drawn == planning.chosen(examples, 10, 0)
    assert [x.id for x in drawn] == sorted(x.id for x in drawn)
    assert drawn != planning.chosen(examples, 10, 1)


def test_a_provider_that_fails_makes_failed_results_that_count_as_worst(shared: Workspace) -> None:
    found = shared.evaluate("model:play/down", dataset="many", scorers=["exact"], limit=6)
    assert found.progress["failed"] == 6
    assert found.progress["errors"] == {"upstream_failed": 6}
    assert found.summary is not None
    assert found.summary["exact"]["value"] == 0
    assert found.summary["exact"]["n"] == 6
    failed = shared.evaluation.book.results(LOCAL, found.id, only="failed")
    assert all(r.output.message and r.scores["exact"].value == 0 for r in failed)


def test_repeats_are_runs_of_their_own_and_one_example_in_the_numbers(shared: Workspace) -> None:
    found = shared.evaluate(
        "model:play/right?temperature=1", dataset="many", scorers=["exact"], repeats=3, limit=6
    )
    results = shared.evaluation.book.results(LOCAL, found.id)
    assert [r.repeat for r in results[:3]] == [0, 1, 2]
    assert found.summary is not None
    assert found.summary["exact"]["n"] == 6
    assert found.cost_usd == pytest.approx(sum(r.output.cost_usd for r in results))
    assert len({r.output.trace_id for r in results}) == 18


def test_recorded_outputs_are_scored_for_nothing_and_missing_ones_failed(
    shared: Workspace, tmp_path: Path
) -> None:
    lines: list[dict[str, str]] = [
        {"id": "e00000", "output": "28 days"},
        {"id": "e00001", "text": "29 days"},
        {"input": "question number 2", "output": "28 days"},
    ]
    file = tmp_path / "outputs.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = shared.evaluate(f"file:{file}", dataset="many", scorers=["exact"])
    by_id = {r.example_id: r for r in shared.evaluation.book.results(LOCAL, found.id)}
    assert [by_id[f"e0000{n}"].scores["exact"].value for n in range(3)] == [1, 0, 1]
    assert by_id["e00003"].output.error == "missing_output"
    assert found.progress["failed"] == 9
    assert found.cost_usd == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "is no object"),
        ('{"output": "x"}', "names no example"),
        ("", "holds no output"),
    ],
)
def test_a_file_that_holds_no_outputs_says_where(
    tmp_path: Path, shared: Workspace, line: str, said: str
) -> None:
    file = tmp_path / "outputs.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(InvalidInputError, match=said):
        shared.evaluate(f"file:{file}", dataset="many")


def test_a_release_is_evaluated_with_what_it_pins(shared: Workspace) -> None:
    release, _ = shared.releases.create("default")
    found = shared.evaluate(release.ref, dataset="golden", limit=2)
    assert found.subject["kind"] == "release"
    assert found.release == release.digest
    assert found.subject["pins"]["snapshot"] == release.manifest.snapshot
    answer = shared.answer(shared.evaluation.book.results(LOCAL, found.id)[0].output.answer_id)
    assert answer.pins.release == release.id


def test_a_name_that_nobody_has_offers_the_nearest(shared: Workspace) -> None:
    with pytest.raises(NotFoundError) as told:
        shared.evaluate("defualt", dataset="golden")
    assert "did you mean `default`" in told.value.hint
    with pytest.raises(NotFoundError) as told:
        shared.evaluate("default", dataset="golden", scorers=["corect"])
    assert "correct" in told.value.hint
    with pytest.raises(NotFoundError):
        shared.evaluate("default", dataset="goldn")


def test_an_app_without_documents_is_refused_before_anything_runs(shared: Workspace) -> None:
    before = len(shared.evaluation.book.list(LOCAL))
    with pytest.raises(InvalidInputError, match="its index `empty` holds nothing yet"):
        shared.evaluate("void", dataset="golden")
    assert len(shared.evaluation.book.list(LOCAL)) == before


def test_a_scorer_that_needs_what_is_not_there_is_refused_before_anything_runs(shared: Workspace) -> None:
    with pytest.raises(InvalidInputError, match="`ndcg` needs `relevant`, which no example of golden@1"):
        shared.evaluate("default", dataset="golden", scorers=["ndcg"])
    with pytest.raises(InvalidInputError, match="which the subject does not bring"):
        shared.evaluate("model:play/right", dataset="golden", scorers=["citation_precision"])


def test_a_split_with_nothing_in_it_says_which_have_something(shared: Workspace) -> None:
    with pytest.raises(InvalidInputError, match="no example in the split `train`") as told:
        shared.evaluate("default", dataset="golden", split="train")
    assert "test" in told.value.hint


@pytest.mark.parametrize(("name", "value"), [("repeats", 0), ("repeats", 101), ("limit", 0)])
def test_numbers_out_of_range_are_refused(shared: Workspace, name: str, value: int) -> None:
    with pytest.raises(InvalidInputError):
        shared.evaluate("default", dataset="golden", **{name: value})


class _Wild:
    """A scorer of somebody else that does what it should not."""

    version: ClassVar[int] = 1
    higher_is_better: ClassVar[bool] = True
    worst: ClassVar[float | None] = 0.0
    binary: ClassVar[bool] = False
    needs: ClassVar[frozenset[str]] = frozenset()
    metrics: ClassVar[tuple[str, ...]] = ("mean",)

    def score(self, example: Example, output: Output, services: Services) -> Any:
        n = int(example.id[1:])
        if n == 0:
            return Score(math.nan, parts={"a": math.inf})
        if n == 1:
            raise ZeroDivisionError("by nothing")
        return Score(True, parts={"a": [1.0, math.nan]}) if n == 2 else None  # type: ignore[arg-type]


def test_what_a_scorer_does_wrong_is_a_missing_score_and_never_a_number(
    shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCORERS._made, "wild", _Wild)
    found = shared.evaluate("model:play/right", dataset="many", scorers=["wild"])
    by_id = {r.example_id: r.scores["wild"] for r in shared.evaluation.book.results(LOCAL, found.id)}
    assert [by_id[f"e0000{n}"].error for n in range(4)] == [
        "not_finite",
        "scorer_failed",
        "",
        "scorer_failed",
    ]
    assert by_id["e00002"].value == 1.0
    assert by_id["e00002"].parts == {"a": [1.0, None]}
    assert found.progress["errors"] == {"wild: not_finite": 1, "wild: scorer_failed": 10}
    assert found.summary is not None
    assert found.summary["wild"]["value"] == pytest.approx(1 / 12)


def test_cancelling_keeps_what_is_done_and_going_on_does_the_rest(shared: Workspace) -> None:
    runner, book = shared.evaluation.runner, shared.evaluation.book
    found = runner.start(LOCAL, runner.plan(LOCAL, "model:play/right", dataset="many", scorers=["exact"]))
    with pytest.raises(CancelledError, match="was stopped after 0 of 12"):
        replace(runner, workers=1).run(LOCAL, found.id, cancelled=lambda: True)
    stopped = book.get(LOCAL, found.id)
    assert stopped.state == "cancelled"
    assert stopped.error is not None
    assert stopped.error["code"] == "cancelled"
    again = shared.evaluate("", dataset="", resume=found.id)
    assert (again.state, again.progress["done"], again.error) == ("done", 12, None)
    assert shared.evaluate("", dataset="", resume=found.id) == again


def test_only_its_own_workspace_sees_an_evaluation(shared: Workspace) -> None:
    found = shared.evaluate("model:play/right", dataset="many", scorers=["exact"], limit=2)
    stranger = Principal("elsewhere", "local", owner=True)
    with pytest.raises(NotFoundError):
        shared.evaluation.book.get(stranger, found.id)
    with pytest.raises(NotFoundError):
        shared.evaluation.book.get(stranger, "last")
    assert shared.evaluation.book.list(stranger) == []


def test_texts_are_shown_to_who_ran_it_and_to_who_reads_every_document(shared: Workspace) -> None:
    found = shared.evaluate("default", dataset="golden")
    other = Principal("default", "user:bea", frozenset({"user:bea"}))
    seen = shared.evaluation.book.results(other, found.id)
    assert all(not r.output.text and not r.output.passages and not r.output.citations for r in seen)
    assert [{n: s.value for n, s in r.scores.items()} for r in seen] == [
        {n: s.value for n, s in r.scores.items()} for r in shared.evaluation.book.results(LOCAL, found.id)
    ]
    assert not any(s.reason for r in seen for s in r.scores.values())


def test_ids_that_follow_from_a_scope_stand_where_the_evaluation_stands_in_time() -> None:
    before, scope, after = new_id("ans"), f"{new_id('evl')}/e1/0", new_id("ans")
    made = scoped_id("ans", scope, 0)
    assert made == scoped_id("ans", scope, 0) != scoped_id("ans", scope, 1)
    assert kind_of(made) == "ans"
    assert before[:11] <= made[:13] <= after[:13] + "~"


# ---- workspaces of their own ----


def test_a_dataset_that_grows_meanwhile_changes_nothing(tmp_path: Path) -> None:
    with workspace_at(tmp_path / "ws") as workspace:
        keep(workspace, questions())
        runner = workspace.evaluation.runner
        found = runner.start(LOCAL, runner.plan(LOCAL, "default", dataset="golden"))
        keep(workspace, [*questions(), Example("new", "What?", "that")])
        done = runner.run(LOCAL, found.id)
        assert done.progress["done"] == 6
        assert [r.example_id for r in workspace.evaluation.book.results(LOCAL, found.id)] == [
            x.id for x in questions()
        ]
        column = workspace.evaluation.book.column(LOCAL, found.id, "correct")
        assert column.ids == tuple(x.id for x in questions())


def test_an_app_that_is_another_one_by_now_is_not_mixed_with_what_it_was(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    with workspace_at(root) as workspace:
        keep(workspace, questions())
        runner = workspace.evaluation.runner
        found = runner.start(LOCAL, runner.plan(LOCAL, "default", dataset="golden"))
        (root / "docs" / "new.md").write_text("# New\n\nThe cantine is green.\n")
        workspace.ingest([root / "docs"])
    (root / "groundwork.toml").write_text(SPEC.replace("threshold = 0.1", "threshold = 0.2"))
    with Workspace.open(root) as workspace:
        with pytest.raises(ConflictError, match=r"threshold was 0\.1, is 0\.2"):
            workspace.evaluate("", dataset="", resume=found.id)
        assert workspace.evaluation.book.get(LOCAL, found.id).state == "failed"
    (root / "groundwork.toml").write_text(SPEC)
    with Workspace.open(root) as workspace:
        # The snapshot was pinned at the start: the document that came since is not looked at.
        done = workspace.evaluate("", dataset="", resume=found.id)
        assert done.summary is not None
        assert done.summary["correct"]["value"] == 1
        newer = workspace.evaluate("default", dataset="golden")
        assert newer.subject["digest"] != done.subject["digest"]


def test_a_prompt_that_changes_while_it_runs_is_noticed(tmp_path: Path) -> None:
    with workspace_at(tmp_path / "ws") as workspace:
        keep(workspace, questions())
        runner = replace(workspace.evaluation.runner, workers=1)
        found = runner.start(LOCAL, runner.plan(LOCAL, "talking", dataset="golden", scorers=["correct"]))
        source = workspace.prompts.get(LOCAL, "answer", "latest").template.source
        changed: list[bool] = []
        plain = runner.subjects

        def meddling(principal: Principal, word: str, pins: Any = None) -> Any:
            subject = plain(principal, word, pins)
            subject.describe()
            workspace.prompts.write(LOCAL, "answer", source + "\nBe brief.\n", expected="")
            changed.append(True)
            return subject

        with pytest.raises(ConflictError, match="changed while it was evaluated"):
            replace(runner, subjects=meddling).run(LOCAL, found.id)
        assert changed
        assert workspace.evaluation.book.get(LOCAL, found.id).state == "failed"


def test_a_budget_that_is_used_up_ends_the_run_and_it_goes_on_with_a_higher_one(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    poor = SPEC.replace(
        "[apps.talking]\n", "[apps.talking]\nbudget_month_usd = 0.01\nmax_output_tokens = 300\n"
    )
    with workspace_at(root, poor) as workspace:
        keep(workspace, questions())
        with pytest.raises(BudgetExceededError, match="no money is left"):
            workspace.evaluate("talking", dataset="golden", scorers=["correct"])
        stopped = workspace.evaluation.book.get(LOCAL, "last")
        assert stopped.state == "failed"
        assert stopped.error is not None
        assert stopped.error["code"] == "budget_exceeded"
        assert 0 < stopped.progress["done"] < 6
    (root / "groundwork.toml").write_text(poor.replace("0.01", "3.0"))
    with Workspace.open(root) as workspace:
        done = workspace.evaluate("", dataset="", resume="last")
        assert (done.state, done.progress["done"]) == ("done", 6)
        results = workspace.evaluation.book.results(LOCAL, done.id)
        assert "extractive" not in {r.output.model for r in results}


def test_erasing_a_document_takes_the_texts_and_leaves_the_scores(tmp_path: Path) -> None:
    with workspace_at(tmp_path / "ws") as workspace:
        keep(workspace, questions())
        found = workspace.evaluate("default", dataset="golden")
        before = workspace.evaluation.book.results(LOCAL, found.id)
        leave = next(d.id for d in workspace.documents()[0] if d.document.endswith("leave.md"))
        receipts = {r.room: r for r in workspace.erase([leave])}
        assert receipts["evaluations"].removed > 0
        after = workspace.evaluation.book.results(LOCAL, found.id)
        assert workspace.evaluation.book.get(LOCAL, found.id).redacted
        assert [{n: s.value for n, s in r.scores.items()} for r in after] == [
            {n: s.value for n, s in r.scores.items()} for r in before
        ]
        touched = [r for r in after if leave in r.output.documents]
        assert touched
        assert not any(r.output.text or r.output.passages for r in touched)
        with workspace.rooms.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT output, scores FROM evaluation_results").all()
        assert not any("28 days of paid leave" in str(row) for row in rows)
        assert found.summary == workspace.evaluation.book.get(LOCAL, found.id).summary


def test_an_evaluation_whose_examples_were_erased_meanwhile_is_not_gone_on_with(tmp_path: Path) -> None:
    with workspace_at(tmp_path / "ws") as workspace:
        keep(workspace, questions())
        runner = workspace.evaluation.runner
        found = runner.start(LOCAL, runner.plan(LOCAL, "default", dataset="golden"))
        fewer = replace(runner, examples=lambda principal, digest, split: questions()[:-1])
        with pytest.raises(GoneError, match="planned with 6 examples and 5 are left"):
            fewer.run(LOCAL, found.id)
