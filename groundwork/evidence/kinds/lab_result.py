"""Labs that a person passed; they see their own alone."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.storage import pathway_tables as t

r = t.lab_runs.c


class LabResults(Kind):
    """One run of a lab in which every point was met."""

    title = "labs passed"
    room = "pathways"
    made_by = "groundwork path lab NAME"
    table = t.lab_runs
    id = r.id
    at = r.finished_at
    fields = described(
        id=text(r.id, "its id"),
        lab=text(r.lab, "which one"),
        points=number(r.points, "met"),
        total=number(r.total, "points there are"),
        test_out=flag(r.test_out, "taken without the lesson, and without hints"),
        minutes=number(r.minutes, "of work; null: not measured"),
        version=text(r.version, "digest of its task and checks"),
        at=time(r.finished_at, "when it was passed"),
    )
    owner = r.owner
    only = r.state == "passed"
    page = "/pathways"


plugin = LabResults
