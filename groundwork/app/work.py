"""The kinds of background work, and the engine that carries them through crashes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.jobs import JobContext, Jobs

if TYPE_CHECKING:
    from groundwork.app.build import Rooms
    from groundwork.app.workspace import Workspace


def make_jobs(workspace: Workspace, rooms: Rooms) -> Jobs:
    """Return the engine with a handler for every kind; it works only in the process that calls `start`."""
    from groundwork.jobs.dbos_engine import DurableJobs

    database = rooms.database
    engine = database.url if database.dialect == "postgresql" else rooms.data / "jobs.db"

    def ingest(context: JobContext) -> dict[str, Any]:
        # One step that may run twice: a second run finds by digest what the first one stored.
        a = context.arguments
        report = workspace.ingest(
            [Path(p) for p in a["paths"]],
            index=a["index"],
            principal=context.principal,
            access=a["access"],
            progress=lambda p: context.progress(asdict(p)),
            cancelled=context.cancelled,
        )
        return report.as_dict()

    return DurableJobs(database, engine, {"ingest": ingest})
