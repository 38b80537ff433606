"""Who may come into a workspace, and in which role."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, text, time
from groundwork.storage import tables as t

m = t.memberships.c


class Memberships(Kind):
    """One membership."""

    title = "memberships"
    room = "accounts"
    made_by = "groundwork user create NAME --role ROLE"
    table = t.memberships
    id = m.user_id
    at = m.created_at
    fields = described(
        user=text(m.user_id, "id of the user"),
        role=text(m.role, "`viewer`, `builder`, `operator` or `admin`"),
        reads_all=flag(m.access.is_(None), "no document is closed to them"),
        by=text(m.created_by, "who let them in"),
        at=time(m.created_at, "since when"),
    )


plugin = Memberships
