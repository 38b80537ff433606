"""Several processes write and read one index at once: nothing is lost, and no reader sees an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from tests.durability.processes import result, start
from tests.durability.stages import make_workspace


def write_and_read_at_once(folder: Path, embedder: str, writers: int, readers: int, rounds: int) -> None:
    root = make_workspace(folder / "workspace", embedder)
    stop = folder / "stop"
    writing = [start("write", str(root), str(folder / f"own{n}"), str(rounds)) for n in range(writers)]
    reading = [start("read", str(root), str(stop)) for _ in range(readers)]
    try:
        written = [result(w) for w in writing]
    finally:
        stop.touch()
    read = [result(r) for r in reading]
    assert [w["missing"] for w in written] == [[]] * writers
    assert [r["wrong"] for r in read] == [[]] * readers
    with Workspace.open(root) as workspace:
        documents, total = workspace.documents("default", limit=1000)
        assert total == writers * rounds
        assert len({d.document for d in documents}) == total
        assert workspace.snapshots("default")[0].chunks == total
        assert len(workspace.snapshots("default")) == total
        assert workspace.verify().damaged == ()


@pytest.mark.slow
def test_eight_processes_write_and_read_one_index_and_nothing_is_lost(tmp_path: Path) -> None:
    write_and_read_at_once(tmp_path, "none", writers=5, readers=3, rounds=2)


@pytest.mark.slow
def test_eight_processes_with_the_encoder_write_and_read_one_index(tmp_path: Path) -> None:
    write_and_read_at_once(tmp_path, "minilm", writers=6, readers=2, rounds=4)
