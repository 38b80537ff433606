"""Overrides: somebody let a release pass in spite of a verdict, with their name under it."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, text, time
from groundwork.storage import improvement_tables as t

o = t.verdict_overrides.c


class Overrides(Kind):
    """One override."""

    title = "overrides of verdicts"
    room = "evaluation"
    made_by = "groundwork gate override VERDICT"
    table = t.verdict_overrides
    id = o.id
    at = o.at
    timed = True
    fields = described(
        id=text(o.id, "its id"),
        verdict=text(o.verdict_id, "which one"),
        role=text(o.role, "in which role"),
        by=text(o.principal, "who"),
        at=time(o.at, "when"),
    )
    page = "/gates/verdicts/{verdict}"


plugin = Overrides
