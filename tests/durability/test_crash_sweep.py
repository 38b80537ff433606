"""An ingest that is killed at any durable system call ends, run again, where an undisturbed one ends."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from groundwork.bench.dump import differences, logical_dump
from groundwork.bench.durability import Crash, Outcome, calls_in, durable_calls, sweep
from tests.durability.stages import Stages, ingest

QUICK = 6
LEAST_POINTS = 100

FAILPOINTS = (
    "ingest.after_blobs", "ingest.after_versions", "ingest.before_append", "ingest.after_append", "publish.after_manifest",
    "publish.after_index", "publish.after_commit", "blobs.before_rename", "blobs.after_rename",
)  # fmt: skip


def crash_everywhere(folder: Path, embedder: str, points: int | None) -> Outcome:
    """Sweep both stages over `points` places spread evenly (None: all of them) and return what happened."""
    stages = Stages(folder, embedder=embedder)
    total = Outcome()
    for make in (stages.first, stages.second):
        stage = make()
        crashes, root = durable_calls(stage, folder)
        every = max(1, 2 * len(crashes) // points) if points else 1
        outcome = sweep(
            stage, crashes[every // 2 :: every], logical_dump(root, stage.questions), folder, workers=2
        )
        total.planned += outcome.planned
        total.fired += outcome.fired
        total.not_reached += outcome.not_reached
        total.failures.update(outcome.failures)
    return total


def test_an_ingest_killed_at_a_durable_call_ends_where_an_undisturbed_one_ends(
    strace: None, tmp_path: Path
) -> None:
    outcome = crash_everywhere(tmp_path, "lsa", QUICK)
    assert outcome.failures == {}
    assert len(outcome.fired) >= QUICK // 2, outcome.not_reached


@pytest.mark.slow
def test_an_ingest_killed_at_every_durable_call_ends_where_an_undisturbed_one_ends(
    strace: None, tmp_path: Path
) -> None:
    outcome = crash_everywhere(tmp_path, "lsa", None)
    assert outcome.failures == {}
    assert len(outcome.fired) >= LEAST_POINTS
    if outcome.not_reached:
        warnings.warn(
            f"{len(outcome.not_reached)} places were not reached: {outcome.not_reached}", stacklevel=1
        )


@pytest.mark.slow
def test_an_ingest_with_the_encoder_killed_at_durable_calls_ends_the_same(
    strace: None, tmp_path: Path
) -> None:
    outcome = crash_everywhere(tmp_path, "minilm", 24)
    assert outcome.failures == {}
    assert len(outcome.fired) >= 12, outcome.not_reached


def test_a_crash_at_a_named_place_leaves_nothing_half_done(tmp_path: Path) -> None:
    outcome = crash_at_failpoints(tmp_path, ["ingest.after_append", "publish.after_index"])
    assert outcome.failures == {}
    assert outcome.not_reached == []


@pytest.mark.slow
def test_a_crash_at_any_named_place_leaves_nothing_half_done(tmp_path: Path) -> None:
    outcome = crash_at_failpoints(tmp_path, FAILPOINTS)
    assert outcome.failures == {}
    assert outcome.not_reached == []


def crash_at_failpoints(folder: Path, names: list[str] | tuple[str, ...]) -> Outcome:
    """Crash the second ingest at named places."""
    stage = Stages(folder).second()
    undisturbed = folder / "undisturbed"
    import shutil

    shutil.copytree(stage.template, undisturbed)
    stage.again(undisturbed)
    crashes = [Crash(name, 1, failpoint=True) for name in names]
    return sweep(stage, crashes, logical_dump(undisturbed, stage.questions), folder, workers=2)


def test_the_sweep_would_notice_a_lost_row(tmp_path: Path) -> None:
    stages = Stages(tmp_path, documents=2)
    stage = stages.first()
    ingest(stage.template, stages.corpus)
    expected = logical_dump(stage.template, stage.questions)
    less = {**expected, "rows": {**expected["rows"], "at_head": expected["rows"]["at_head"][1:]}}
    assert differences(expected, expected) == []
    assert "rows" in differences(expected, less)[0]


def test_calls_are_counted_by_thread_and_only_those_in_the_workspace_are_kept() -> None:
    trace = [
        '10 write(1</dev/null>, "x", 1) = 1',
        '10 write(4</w/a>, "x", 1) = 1',
        '11 write(4</w/b>, "x", 1 <unfinished ...>',
        "10 fsync(4</w/a>) = 0",
        "11 <... write resumed>) = 1",
    ]
    assert [c.name for c in calls_in(trace, "/w/")] == ["write:2", "write:1", "fsync:1"]
