"""People of the workspace as records name them; neither password nor how they sign in."""

from __future__ import annotations

from sqlalchemy import literal

from groundwork.evidence.records import Kind, described, flag, text, time
from groundwork.storage import tables as t

m = t.memberships.c


class Users(Kind):
    """One person who is a member."""

    title = "users"
    room = "accounts"
    made_by = "groundwork user create NAME"
    table = t.memberships
    source = t.memberships.join(t.users, t.users.c.id == m.user_id)
    id = m.user_id
    at = m.created_at
    fields = described(
        id=text(m.user_id, "its id"),
        name=text(
            literal("user:", t.users.c.name.type) + t.users.c.name, "as other records name who did something"
        ),
        role=text(m.role, "in this workspace"),
        disabled=flag(t.users.c.disabled_at.is_not(None), "may not sign in"),
        at=time(m.created_at, "since when they are a member"),
        seen=time(t.users.c.last_seen_at, "when they were here last"),
    )
    watched = ("disabled",)


plugin = Users
