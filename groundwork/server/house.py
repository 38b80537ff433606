"""What handlers share: the workspace behind this application, and whether it is ready."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from groundwork.core.clock import Clock, SystemClock
from groundwork.core.errors import GroundworkError
from groundwork.core.principal import LOCAL

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

READY_SECONDS = 1.0
"""How long a finding of readiness is believed, so that frequent probes cost nothing."""


@dataclass
class Readiness:
    """Whether the server can do its work: it can write, its schema is current, and it is not going down."""

    workspace: Workspace
    clock: Clock
    draining: bool = False
    _looked_at: float = float("-inf")
    _problems: tuple[str, ...] = ()

    def problems(self) -> tuple[str, ...]:
        """Return what stands in the way, in words; nothing when the server is ready. Blocks for a file and a query."""
        if self.draining:
            return ("the server is going down",)
        now = self.clock.monotonic()
        if now - self._looked_at >= READY_SECONDS:
            self._problems = (*_write_problem(self.workspace.root), *_schema_problem(self.workspace))
            self._looked_at = now
        return self._problems


def workspace_of(request: Request) -> Any:
    """Return the workspace this application serves."""
    return request.app.state.workspace


if TYPE_CHECKING:
    House = Annotated[Workspace, Depends(workspace_of)]
else:
    House = Annotated[Any, Depends(workspace_of)]


def readiness(workspace: Workspace, clock: Clock | None = None) -> Readiness:
    """Return the readiness of a workspace, not looked at yet."""
    return Readiness(workspace, clock or SystemClock())


def _write_problem(root: Path) -> tuple[str, ...]:
    try:
        with tempfile.TemporaryFile(dir=root / ".groundwork") as file:
            file.write(b"ready")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return (f"the workspace cannot be written: {error.strerror}",)
    return ()


def _schema_problem(workspace: Workspace) -> tuple[str, ...]:
    try:
        workspace.answers(LOCAL, limit=1)
    except GroundworkError as error:
        return (error.message,)
    return ()
