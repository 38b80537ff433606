"""A real workspace behind a real application, made once; the fake one for situations that need faults or minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.jobs import JobInfo
from groundwork.server.application import create_app
from tests.server.fake_workspace import LEAVE, TRAVEL, FakeWorkspace

BASE = "http://127.0.0.1:8700"
SPEC = """
[indexes.default]
embedder = "none"

[indexes.other]
embedder = "none"

[apps.default]
index = "default"
strategy = "lexical"
threshold = 0.2
"""


def client_of(workspace: object, **options: object) -> TestClient:
    """Return a client as a program on this machine is one."""
    app = create_app(workspace, **options)  # type: ignore[arg-type]
    return TestClient(app, base_url=BASE, client=("127.0.0.1", 50000), raise_server_exceptions=False)


def make_workspace(root: Path) -> Workspace:
    """Make a workspace with three ingests: two documents, one of them changed and one file that cannot be read."""
    workspace = Workspace.init(root)
    (root / "groundwork.toml").write_text(SPEC, encoding="utf-8")
    workspace.close()
    workspace = Workspace.open(root)
    docs = root / "handbook"
    docs.mkdir()
    (docs / "leave.md").write_text(LEAVE.replace("five days", "three days"), encoding="utf-8")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    workspace.ingest([docs])
    (docs / "leave.md").write_text(LEAVE, encoding="utf-8")
    (docs / "travel policy.txt").write_text(TRAVEL, encoding="utf-8")
    workspace.ingest([docs])
    return workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = make_workspace(tmp_path_factory.mktemp("workspace"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def client(workspace: Workspace) -> Iterator[TestClient]:
    with client_of(workspace) as made:
        yield made


@pytest.fixture(scope="session")
def answer_id(client: TestClient) -> str:
    question = "How many days may be carried into the next year?"
    return str(client.post("/api/ask", json={"question": question}).json()["id"])


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeWorkspace]:
    made = FakeWorkspace(tmp_path, jobs_=[job("job_1", "running"), job("job_2", "succeeded")])
    yield made
    made.close()


@pytest.fixture
def fake_client(fake: FakeWorkspace) -> Iterator[TestClient]:
    with client_of(fake) as made:
        yield made


def job(identifier: str, state: str) -> JobInfo:
    """Return a job as the engine would show it."""
    done = {"documents": {"added": 3, "unchanged": 12}, "chunks": 120, "embedded": 80, "seconds": 4.2}
    problem = {
        "code": "busy",
        "message": "somebody else writes",
        "hint": "try again",
        "retryable": True,
        "details": {},
    }
    return JobInfo(
        id=identifier,
        kind="ingest",
        state=state,  # type: ignore[arg-type]
        arguments={"paths": ["/x/leave.md"], "index": "default"},
        progress={"stage": "embedding", "done": 40, "total": 120, "current": "leave.md"},
        result=done if state == "succeeded" else None,
        error=problem if state == "failed" else None,
        principal="local",
        created_at="2026-11-20T12:00:00+00:00",
        started_at="2026-11-20T12:00:00+00:00",
        finished_at=None,
        cancel_requested=False,
        attempts=1,
    )
