"""Build, run and answer for AI systems: cited answers that can be replayed, in one process.

    from groundwork import Workspace

    workspace = Workspace.init(Path("handbook"))
    workspace.ingest([Path("docs")])
    answer = workspace.ask("How do I roll back an index?")

Names are resolved when they are asked for, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundwork.answers.types import Answer, Citation, Explanation, Replay
    from groundwork.app.workspace import Workspace
    from groundwork.core.errors import GroundworkError
    from groundwork.core.principal import LOCAL, Principal
    from groundwork.knowledge.records import IngestReport, SearchResult, SnapshotDiff, SnapshotInfo
    from groundwork.sdk.observing import Client, observe
    from groundwork.telemetry.giving import feedback

_HOMES = {
    "Answer": "groundwork.answers.types",
    "Citation": "groundwork.answers.types",
    "Client": "groundwork.sdk.observing",
    "Explanation": "groundwork.answers.types",
    "GroundworkError": "groundwork.core.errors",
    "IngestReport": "groundwork.knowledge.records",
    "LOCAL": "groundwork.core.principal",
    "Principal": "groundwork.core.principal",
    "Replay": "groundwork.answers.types",
    "SearchResult": "groundwork.knowledge.records",
    "SnapshotDiff": "groundwork.knowledge.records",
    "SnapshotInfo": "groundwork.knowledge.records",
    "Workspace": "groundwork.app.workspace",
    "feedback": "groundwork.telemetry.giving",
    "observe": "groundwork.sdk.observing",
}

__all__ = [
    "LOCAL",
    "Answer",
    "Citation",
    "Client",
    "Explanation",
    "GroundworkError",
    "IngestReport",
    "Principal",
    "Replay",
    "SearchResult",
    "SnapshotDiff",
    "SnapshotInfo",
    "Workspace",
    "feedback",
    "observe",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `groundwork` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
