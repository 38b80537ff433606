"""Saved views of traces and dashboards: that somebody keeps looking at something; never what they search for."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, text, time
from groundwork.storage import tables as t

v = t.saved_views.c


class SavedViews(Kind):
    """One view: a page with its filters, under a name."""

    title = "saved views"
    room = "telemetry"
    made_by = "groundwork serve"
    table = t.saved_views
    id = v.id
    at = v.created_at
    fields = described(
        id=text(v.id, "its id"),
        name=text(v.name, "what it is called"),
        page=text(v.page, "`traces`, `spans`, `sessions`, `dashboards` or `query`"),
        failed_only=flag(v.query.contains("status=error"), "it shows what failed and nothing else"),
        of_one_app=flag(v.query.contains("app="), "it is narrowed to one app"),
        shared=flag(v.shared, "everybody in the workspace sees it"),
        by=text(v.principal, "who saved it"),
        at=time(v.created_at, "when it was first saved"),
    )
    named = ("name",)
    owner = v.principal
    forgotten = frozenset({"query"})
    watched = ("failed_only", "of_one_app")


plugin = SavedViews
