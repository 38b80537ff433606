"""Canaries and shadows: a release tried on the traffic beside the one that stands, and what came out."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_number, json_text
from groundwork.storage import improvement_tables as t

d = t.deployments.c


class Canaries(Kind):
    """One trial."""

    title = "canaries"
    room = "releases"
    made_by = "groundwork release canary REF --to ENVIRONMENT"
    table = t.deployments
    id = d.id
    at = d.created_at
    timed = True
    fields = described(
        id=text(d.id, "its id"),
        app=text(d.app, "of the release"),
        environment=text(d.environment, "where"),
        release=text(d.release, "id of the release that was tried"),
        previous=text(d.previous, "id of the one that stood there"),
        kind=text(d.kind, "`canary` or `shadow`"),
        state=text(d.state, "`active`, `promoted`, `rolled_back` or `ended`"),
        decision=text(
            json_text(d.record, "state", "settled"), "`harm`, `benefit`, or empty: nothing was shown"
        ),
        n=number(json_number(d.record, "state", "n"), "requests that took part"),
        verdict=text(d.verdict_id, "the verdict it rests on; empty: none was needed"),
        by=text(d.created_by, "who began it"),
        at=time(d.created_at, "when"),
        ended=time(d.ended_at, "when it ended"),
    )
    named = ("app",)
    only = d.kind.in_(("canary", "shadow"))
    forgotten = frozenset({"record", "share"})
    page = "/releases/trials/{id}"


plugin = Canaries
