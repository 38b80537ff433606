"""Background ingest: it is found again after a restart, shows how far it is, and can be cancelled."""

from __future__ import annotations

import time
from pathlib import Path

from groundwork.app.workspace import Workspace
from tests.workspaces import FILES, light_workspace, write


def finished(workspace: Workspace, job: str) -> bool:
    for _ in range(600):
        if workspace.job(job).finished:
            return True
        time.sleep(0.05)
    return False


def test_a_queued_ingest_is_done_by_the_next_process_that_works(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", FILES)
    with light_workspace(tmp_path / "ws") as asking:
        job = asking.start_ingest([docs], idempotency_key="once")
        assert asking.start_ingest([docs], idempotency_key="once") == job
        assert asking.job(job).state == "queued"
    with Workspace.open(tmp_path / "ws") as working:
        working.start_worker()
        assert finished(working, job)
        info = working.job(job)
        assert info.state == "succeeded"
        assert info.result["documents"]["added"] == 3
        assert [j.id for j in working.jobs()] == [job]
        assert len(working.documents()[0]) == 3


def test_a_failed_job_keeps_what_went_wrong(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "ws") as workspace:
        job = workspace.start_ingest([tmp_path / "nowhere"])
        workspace.start_worker()
        assert finished(workspace, job)
        info = workspace.job(job)
        assert info.state == "failed"
        assert info.error is not None
        assert info.error["code"] == "not_found"


def test_a_waiting_job_can_be_cancelled(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", FILES)
    with light_workspace(tmp_path / "ws") as workspace:
        job = workspace.start_ingest([docs])
        assert workspace.cancel(job).state == "cancelled"
        assert workspace.snapshots() == []
