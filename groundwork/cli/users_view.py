"""How users, sessions and workspaces look on a terminal; pure layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundwork.cli.screen import Screen, count, moment, one_line

if TYPE_CHECKING:
    from groundwork.accounts.records import MembershipInfo, SessionInfo, TenantInfo, UserInfo


def made(user: UserInfo, link: str | None, screen: Screen) -> list[str]:
    """Show a new user, and the invitation this one time."""
    lines = [f"Made {screen.bold(user.name)}, {user.role} in {user.tenant}.", screen.soft(user.id)]
    return [*lines, *(invited(user, link, screen) if link else [])]


def invited(user: UserInfo, link: str, screen: Screen) -> list[str]:
    """Show an invitation."""
    said = f"Send this link to {user.title or user.name}; it opens once, within three days:"
    return [said, screen.teal(link)]


def listed(users: Sequence[UserInfo], screen: Screen, tenants: bool) -> list[str]:
    """Lay out users, one a line."""
    if not users:
        return ["There is no user. Make one with `groundwork user create NAME --role admin`."]
    rows = [
        [
            *([u.tenant] if tenants else []),
            one_line(u.name),
            one_line(u.title) or "–",
            u.role,
            u.state,
            moment(u.last_seen_at) if u.last_seen_at else "never",
        ]
        for u in users
    ]
    head = [*(["workspace"] if tenants else []), "name", "title", "role", "state", "last seen (UTC)"]
    return screen.table(head, rows, "<" * len(head), stretch=2 if tenants else 1)


def shown(user: UserInfo, members: Sequence[MembershipInfo], screen: Screen) -> list[str]:
    """Lay out one user."""
    access = (
        "everything" if user.access is None else ", ".join(user.access) or "public documents, own records"
    )
    facts = [
        ("name", user.name),
        ("title", one_line(user.title)),
        ("id", user.id),
        ("state", user.state),
        ("role", f"{user.role} in {user.tenant}"),
        ("reads", access),
        ("signs in", ", ".join(user.signs_in) or "not yet"),
        ("elsewhere", ", ".join(f"{m.role} in {m.tenant}" for m in members if m.tenant != user.tenant)),
        ("made", f"{moment(user.created_at)} by {user.created_by}"),
        ("last seen", moment(user.last_seen_at) if user.last_seen_at else "never"),
    ]
    lines: list[str] = []
    for name, value in facts:
        if value:
            lines += screen.paragraph(value, " " * 11, screen.soft(f"{name:<11}"))
    return lines


def removed(user: UserInfo, records: int, screen: Screen) -> list[str]:
    """Say that a user is gone, and what stands for the name now."""
    return [
        f"{user.name} is gone; sessions and memberships with them.",
        screen.soft(f"In {count(records, 'row')} {user.id} stands for the name."),
    ]


def sessions(found: Sequence[SessionInfo], ended: int, screen: Screen) -> list[str]:
    """Lay out sessions, or say that they are over."""
    if ended:
        return [f"Ended {count(ended, 'session')}."]
    if not found:
        return ["They are signed in nowhere."]
    rows = [
        [s.id, s.tenant, one_line(s.agent)[:40] or "–", moment(s.last_seen_at), s.expires_at[:10]]
        for s in found
    ]
    return screen.table(
        ["session", "workspace", "browser", "last used (UTC)", "ends"], rows, "<<<<<", stretch=2
    )


def token(link: str, screen: Screen) -> list[str]:
    """Show the address that signs in as admin, this one time."""
    return [
        "Open this address to sign in as admin; it holds a token and is shown this once:",
        screen.bold(link),
        screen.soft("`groundwork key list` shows it without the token; `groundwork key revoke` ends it."),
    ]


def tenants(found: Sequence[TenantInfo], screen: Screen) -> list[str]:
    """Lay out the workspaces of an installation."""
    rows = [
        [
            t.name,
            one_line(t.title) or "–",
            str(t.members),
            moment(t.created_at) if t.created_at else "always there",
        ]
        for t in found
    ]
    return screen.table(["workspace", "title", "members", "made (UTC)"], rows, "<<><", stretch=1)
