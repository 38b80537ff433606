"""Work in the background: ingests, evaluations, gates, tunings, and how they went through crashes."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.storage import tables as t

j = t.jobs.c


class Jobs(Kind):
    """One job."""

    title = "jobs"
    room = "jobs"
    made_by = "groundwork evaluate --background"
    table = t.jobs
    id = j.id
    at = j.created_at
    timed = True
    fields = described(
        id=text(j.id, "its id"),
        kind=text(j.kind, "`ingest`, `evaluate`, `gate`, `tune` or `judge`"),
        state=text(j.state, "`done` when it went through"),
        attempts=number(j.attempts, "how often it was begun: above 1 after a crash"),
        by=text(j.principal, "who asked for it"),
        at=time(j.created_at, "when it was asked for"),
        finished=time(j.finished_at, "when it ended"),
    )
    forgotten = frozenset({"actor", "arguments", "progress"})
    page = "/jobs/{id}"


plugin = Jobs
