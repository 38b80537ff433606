"""Feedback on answers and traces: thumbs, corrections, labels; never the words of it."""

from __future__ import annotations

from sqlalchemy import case

from groundwork.evidence.records import Kind, described, text, time
from groundwork.storage import tables as t

f = t.feedback.c


class Feedback(Kind):
    """One piece of feedback that was not withdrawn."""

    title = "feedback"
    room = "telemetry"
    made_by = "groundwork feedback give ANSWER --up"
    table = t.feedback
    id = f.id
    at = f.created_at
    timed = True
    fields = described(
        id=text(f.id, "its id"),
        kind=text(f.kind, "`thumb`, `correction`, `label`, `comment` or `golden`"),
        thumb=text(case((f.kind == "thumb", f.value)), "`up` or `down`; null for other kinds"),
        answer=text(f.answer_id, "the answer; empty: none"),
        trace=text(f.trace_id, "the trace; empty: none"),
        app=text(f.app, "of the app"),
        release=text(f.release, "of the release; empty: none"),
        source=text(f.source, "where it was given"),
        by=text(f.principal, "who gave it"),
        at=time(f.created_at, "when"),
    )
    named = ("app",)
    only = f.withdrawn_at.is_(None)


plugin = Feedback
