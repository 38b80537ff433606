"""An evaluation whose process is killed goes on where it was: nothing is scored twice, nothing is paid twice."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from groundwork.app.workspace import Workspace
from groundwork.core.errors import BusyError
from groundwork.core.principal import LOCAL
from groundwork.evaluation.running import WORKERS
from groundwork.storage.tables import calls
from tests.evaluation.runs.house import (
    LAB,
    SPEC,
    asked_of,
    command,
    keep,
    kill,
    lab,
    numbered,
    questions,
    workspace_at,
)

N = 60
MODEL = "model:lab/m?temperature=0.7"


def _paid(workspace: Workspace) -> Counter[str]:
    """Return how often a provider's answer was paid, by trace: each call has one of its own."""
    with workspace.rooms.database.read() as connection:
        rows = connection.execute(select(calls.c.state, calls.c.cached)).all()
    return Counter(str(row.state) for row in rows if not row.cached)


def _killed_and_resumed(root: Path, failpoint: str) -> Workspace:
    died = command(root, "evaluate", MODEL, "--dataset", "golden", "--scorer", "exact", failpoint=failpoint)
    died.communicate(timeout=60)
    assert died.returncode == 137
    workspace = Workspace.open(root)
    assert workspace.evaluation.book.get(LOCAL, "last").state == "running"
    assert workspace.evaluate("", dataset="", resume="last").state == "done"
    return workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "ws"


@pytest.mark.parametrize(
    "failpoint",
    [
        pytest.param("evaluation.after_output:1", marks=pytest.mark.slow),
        "evaluation.after_output:30",
        pytest.param("evaluation.before_write:1", marks=pytest.mark.slow),
        pytest.param("evaluation.after_write:1", marks=pytest.mark.slow),
        pytest.param("evaluation.before_done", marks=pytest.mark.slow),
    ],
)
def test_no_example_is_scored_or_paid_twice_wherever_the_process_dies(root: Path, failpoint: str) -> None:
    with lab() as upstream:
        with workspace_at(root, SPEC + LAB.format(url=upstream.url)) as workspace:
            keep(workspace, numbered(N))
        with _killed_and_resumed(root, failpoint) as workspace:
            found = workspace.evaluation.book.get(LOCAL, "last")
            results = workspace.evaluation.book.results(LOCAL, found.id)
            paid = _paid(workspace)
        asked = Counter(asked_of(upstream))
    assert [(r.seq, r.repeat) for r in results] == [(n, 0) for n in range(N)]
    assert {r.state for r in results} == {"done"}
    assert set(asked) == {f"question number {n}" for n in range(N)}
    # Whose answer had not arrived when the process died was asked again; nothing that had arrived was.
    assert paid["done"] == N
    assert sum(asked.values()) - N <= WORKERS
    assert found.cost_usd == pytest.approx(N * (11 * 10 + 7 * 30) / 1e6)


def test_a_killed_process_loses_nothing_that_was_answered(root: Path) -> None:
    with lab(delay_s=0.05) as upstream:
        with workspace_at(root, SPEC + LAB.format(url=upstream.url)) as workspace:
            keep(workspace, numbered(N))
        first = command(root, "evaluate", MODEL, "--dataset", "golden", "--scorer", "exact", "--repeats", "2")
        _until(lambda: upstream.requests >= 40, first)
        kill(first)
        with Workspace.open(root) as workspace:
            found = workspace.evaluate("", dataset="", resume="last")
            results = workspace.evaluation.book.results(LOCAL, found.id)
            paid = _paid(workspace)
        asked = Counter(asked_of(upstream))
    assert len({(r.seq, r.repeat) for r in results}) == len(results) == 2 * N
    assert paid["done"] == 2 * N
    assert sum(asked.values()) <= 2 * N + WORKERS
    assert found.progress["done"] == 2 * N


def test_an_answer_of_an_app_that_was_recorded_before_the_kill_is_taken_as_it_is(root: Path) -> None:
    with workspace_at(root) as workspace:
        keep(workspace, questions())
    died = command(root, "evaluate", "default", "--dataset", "golden", failpoint="evaluation.before_write")
    died.communicate(timeout=60)
    assert died.returncode == 137
    with Workspace.open(root) as workspace:
        before = {a.id: a.created_at for a in workspace.answers()}
        assert before
        found = workspace.evaluate("", dataset="", resume="last")
        after = {a.id: a.created_at for a in workspace.answers()}
        answered = [r.output.answer_id for r in workspace.evaluation.book.results(LOCAL, found.id)]
    assert sorted(answered) == sorted(after)
    assert len(after) == len(questions())
    assert {i: after[i] for i in before} == before


def test_while_one_holds_the_lease_another_is_told_who_does(tmp_path: Path) -> None:
    with workspace_at(tmp_path / "ws") as workspace:
        keep(workspace, questions())
        runner = workspace.evaluation.runner
        found = runner.start(LOCAL, runner.plan(LOCAL, "default", dataset="golden", limit=1))
        with workspace.rooms.leases.acquire(f"evaluation:default:{found.id}", "ann (process 7)"):
            assert runner.owner(LOCAL, found.id) == "ann (process 7)"
            with pytest.raises(BusyError, match="is being run by ann"):
                workspace.evaluate("", dataset="", resume=found.id)
        assert workspace.evaluate("", dataset="", resume=found.id).state == "done"


@pytest.mark.slow
def test_of_two_processes_one_works_and_the_other_says_who_does(tmp_path: Path) -> None:
    with (
        lab(delay_s=0.2) as upstream,
        workspace_at(tmp_path / "ws", SPEC + LAB.format(url=upstream.url)) as workspace,
    ):
        keep(workspace, numbered(30))
        first = command(workspace.root, "evaluate", MODEL, "--dataset", "golden", "--scorer", "exact")
        _until(lambda: upstream.requests >= 1, first)
        with pytest.raises(BusyError, match="is being run by local \\(process"):
            workspace.evaluate("", dataset="", resume="last")
        first.communicate(timeout=60)
        assert first.returncode == 0
        assert workspace.evaluation.book.get(LOCAL, "last").state == "done"


def _until(there: object, process: object) -> None:
    """Wait until something is there, and no longer than the process lives."""
    pause = threading.Event()
    while not there():  # type: ignore[operator]
        assert process.poll() is None, process.communicate()  # type: ignore[attr-defined]
        pause.wait(0.01)
