"""Workspaces with releases for tests of pages, and of tenants that must not see each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL, Principal
from groundwork.releases.trials import Scored
from groundwork.releases.types import Deployment, Release
from tests.workspaces import FILES, light_workspace, write

PROMPT = "---\ninputs:\n  question: {{}}\n---\n{text}\n"


def released(root: Path, spec: str) -> tuple[Workspace, dict[str, Any]]:
    """Return a workspace with three releases, moves between environments, a canary that was taken back and one that runs."""
    workspace = light_workspace(root, spec)
    docs = write(root / "docs", FILES)
    workspace.ingest([docs])
    room = workspace.releases
    room.create(note="the first")
    write(
        docs,
        {
            "leave.md": FILES["leave.md"].replace("28 days", "30 days"),
            "new.md": "# New\n\nAll of it is new.\n",
        },
    )
    workspace.ingest([docs])
    room.create(note="two days more")
    room.create(
        note="declines more", spec=workspace.app_spec("default").model_copy(update={"threshold": 1.0})
    )
    for ref, to in (("default@1", "dev"), ("default@2", "dev"), ("default@1", "open"), ("default@2", "open")):
        assert room.promotions.promote(LOCAL, ref, to, reason=f"{ref} is good").promoted
    ann = Principal(name="user:ann", owner=True, role="operator")
    room.promotions.decide(ann, "default@1", "production", "approve", "looks right")
    room.promotions.decide(ann, "default@2", "production", "refuse", "the numbers are wrong")
    harmful = begun(workspace, LOCAL, "default@3", "open")
    while workspace.releases.promotions.deployment(LOCAL, harmful.id).state == "active":
        workspace.ask("How many days of paid leave does every employee have?", environment="open")
        assert room.trying.wait()
    running = begun(workspace, LOCAL, "default@1", "open")
    for n in range(40):
        pair = (1.0, 0.0) if n % 9 == 0 else (0.0, 1.0) if n % 7 == 0 else (1.0, 1.0)
        one, other = (Scored("", value, "well" if value else "unsupported") for value in pair)
        room.trials.record("default", running.id, f"u{n}", "candidate" if n % 2 else "baseline", one, other)
    return workspace, {"harmful": harmful.id, "running": running.id}


def begun(workspace: Workspace, owner: Principal, ref: str, environment: str) -> Deployment:
    """Begin a canary of half of the traffic."""
    found = workspace.releases.trials.begin(owner, ref, environment, changes={"share": 0.5})
    assert found.deployment is not None
    return found.deployment


def kept_release(workspace: Workspace, owner: Principal) -> tuple[Release, Deployment]:
    """Make a release that stands in `dev`, and another one that is tried beside it."""
    room = workspace.releases
    first, _ = room.create(principal=owner)
    assert room.promotions.promote(owner, first.id, "dev").promoted
    spec = workspace.app_spec("default").model_copy(update={"passages": 3})
    second, _ = room.create(principal=owner, spec=spec)
    return second, begun(workspace, owner, second.id, "dev")
