"""The kinds of background work, and the engine that carries them through crashes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.gateway.flow_trace import trace_hex
from groundwork.jobs import JobContext, Jobs
from groundwork.telemetry.current import Current, within
from groundwork.telemetry.ids import span_id

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
        # What is done here stands in the trace of the job.
        work = Current(trace_hex(context.id), span_id(context.id), principal=context.principal.name)
        with within(work):
            report = workspace.ingest(
                [Path(p) for p in a["paths"]],
                index=a["index"],
                principal=context.principal,
                access=a["access"],
                progress=lambda p: context.progress(asdict(p)),
                cancelled=context.cancelled,
            )
        return report.as_dict()

    def evaluate(context: JobContext) -> dict[str, Any]:
        # It may run twice: a second run finds what the first one wrote.
        from groundwork.app.running import work

        return work(workspace, context)

    def gate(context: JobContext) -> dict[str, Any]:
        # It may run twice: a second run takes the evaluations of the first and decides the same again.
        from groundwork.app.gating import work

        return work(workspace, context)

    def tune(context: JobContext) -> dict[str, Any]:
        # It may run twice: a second run finds what the first one wrote.
        from groundwork.app.tuning import work

        return work(workspace, context)

    def judge(context: JobContext) -> dict[str, Any]:
        # It may run twice: a second run finds in the cache what the judge said.
        from groundwork.app.judging import work

        return work(workspace, context)

    kinds = {"ingest": ingest, "evaluate": evaluate, "gate": gate, "tune": tune, "judge": judge}
    return DurableJobs(database, engine, kinds)
