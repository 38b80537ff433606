"""The rail for whoever asks: a room that they may not enter is not offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import Request

from groundwork.server.doorkeeper import visitor_of

Room = tuple[str, str, str, str]
NEEDED = {
    "ask": "answers.read", "answers": "answers.read", "knowledge": "documents.read", "prompts": "prompts.read",
    "models": "models.read", "keys": "keys.read", "traces": "traces.read", "dashboards": "traces.read",
    "usage": "usage.read", "datasets": "datasets.read", "evaluations": "evaluations.read", "judges": "evaluations.read",
    "gates": "evaluations.read", "releases": "releases.read", "pathways": "pathways.read",
    "jobs": "jobs.read", "settings": "settings.read",
}  # fmt: skip
"""The permission that the first page of a room asks for."""


def may_of(request: Request) -> Callable[[str], bool]:
    """Return a function that says whether who asks holds a permission; where nobody signs in, everything is theirs."""
    visitor = visitor_of(request)
    if visitor is None:
        return lambda permission: True
    keeper, principal = request.app.state.doorkeeper, visitor.principal
    return lambda permission: bool(keeper.allows(principal, permission))


def rooms_for(request: Request, rooms: Sequence[Room]) -> list[Room]:
    """Return the rooms that who asks may enter; who sees users but no settings goes to the former."""
    may, found = may_of(request), []
    for room in rooms:
        slug, name, href, key = room
        if may(NEEDED.get(slug, "public")):
            found.append(room)
        elif slug == "settings" and may("users.read"):
            found.append((slug, name, f"{href}/users", key))
    return found
