"""A workspace with two releases of one app, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL, Principal
from tests.storage.postgres import empty_postgres_url, postgres_server
from tests.workspaces import FILES, LIGHT, light_workspace, write

__all__ = ["empty_postgres_url", "postgres_server"]

SPEC = (
    LIGHT
    + """
[apps.default]
threshold = 0.2

[environments.dev]

[environments.staging]
after = "dev"

[environments.production]
approvals = 1

[environments.open]

[environments.guarded]
gate = "main"
role = "admin"

[gates.main]
"""
)
QUESTION = "How many days of paid leave does every employee have?"
ANN = Principal(name="user:ann", owner=True, role="operator")
VIEWER = Principal(name="user:vera", owner=True, role="viewer")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace: `default@1` says 28 days, `default@2` says 30."""
    root = tmp_path_factory.mktemp("released")
    with light_workspace(root / "home", SPEC) as workspace:
        docs = write(root / "home" / "docs", FILES)
        workspace.ingest([docs])
        workspace.releases.create(note="the first")
        write(docs, {"leave.md": FILES["leave.md"].replace("28 days", "30 days")})
        workspace.ingest([docs])
        workspace.releases.create(note="two days more")
    return root / "home"


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The root of a copy of the workspace."""
    return Path(shutil.copytree(made, tmp_path / "home"))


@pytest.fixture
def home(copy: Path) -> Iterator[Workspace]:
    with Workspace.open(copy) as workspace:
        yield workspace


@pytest.fixture
def says(home: Workspace) -> Callable[..., str]:
    """Ask the question and return how many days the answer names."""

    def ask(**more: object) -> str:
        answer = home.ask(QUESTION, **{"environment": "open", **more})  # type: ignore[arg-type]
        return "28" if "28" in answer.text else "30" if "30" in answer.text else answer.reason

    return ask


def promote(home: Workspace, ref: str, to: str = "open", principal: Principal = LOCAL) -> None:
    """Promote and make sure that it was."""
    found = home.releases.promotions.promote(principal, ref, to)
    assert found.promoted, found.missing
