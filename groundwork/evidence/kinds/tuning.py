"""Tunings: searches for a better configuration whose gain is measured on examples that the search did not see."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, text, time
from groundwork.storage import improvement_tables as t

u = t.tunings.c


class Tunings(Kind):
    """One tuning."""

    title = "tunings"
    room = "evaluation"
    made_by = "groundwork tune run"
    table = t.tunings
    id = u.id
    at = u.created_at
    timed = True
    fields = described(
        id=text(u.id, "its id"),
        app=text(u.app, "of which app"),
        dataset=text(u.dataset, "on which dataset"),
        state=text(u.state, "`done` when its report is there"),
        by=text(u.created_by, "who began it"),
        at=time(u.created_at, "when"),
        finished=time(u.finished_at, "when it was done"),
    )
    named = ("app", "dataset")
    forgotten = frozenset({"progress"})
    page = "/evaluations/tunings/{id}"


plugin = Tunings
