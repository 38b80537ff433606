"""Roles: what each may do. One contains the one before it; a permission stands at the first role that has it."""

from __future__ import annotations

from typing import Literal, cast

from groundwork.core.errors import ForbiddenError, InvalidInputError
from groundwork.core.principal import DEFAULT_TENANT, Principal

Role = Literal["viewer", "builder", "operator", "admin"]

FIRST_HELD: dict[str, tuple[str, ...]] = {
    "viewer": (
        "public", "account.self", "answers.read", "answers.ask", "documents.read", "prompts.read", "models.read",
        "models.call", "usage.read", "jobs.read", "traces.read", "feedback.write", "views.write", "datasets.read",
        "evaluations.read", "releases.read", "pathways.read", "pathways.walk",
    ),
    "builder": (
        "documents.write", "prompts.write", "models.check", "traces.write", "traces.query", "datasets.write",
        "evaluations.run", "judges.label", "releases.write", "labs.run",
    ),
    "operator": (
        "snapshots.move", "keys.read", "keys.write", "cache.clear", "metrics.read", "jobs.cancel", "settings.read",
        "workspace.verify", "traces.delete", "users.read", "releases.promote",
    ),
    "admin": ("users.write", "verdicts.override"),
}  # fmt: skip
ROLES: tuple[Role, ...] = tuple(cast(Role, name) for name in FIRST_HELD)
OF_THE_INSTALLATION = frozenset({"settings.read", "metrics.read"})
"""What tells of the whole installation and not of one tenant: held in the tenant `default` alone."""


def permissions_of(role: str, tenant: str = DEFAULT_TENANT) -> frozenset[str]:
    """Return every permission of a role in a tenant; nothing for a word that is no role."""
    if role not in FIRST_HELD:
        return frozenset()
    held = {p for name in ROLES[: rank(role) + 1] for p in FIRST_HELD[name]}
    return frozenset(held if tenant == DEFAULT_TENANT else held - OF_THE_INSTALLATION)


def rank(role: str) -> int:
    """Return the place of a role, from 0; -1 for a word that is none."""
    return ROLES.index(cast(Role, role)) if role in FIRST_HELD else -1


def lower(one: str, other: str) -> str:
    """Return the role of the two that may do less; a word that is no role may do nothing and comes back as ``""``."""
    least = min(rank(one), rank(other))
    return ROLES[least] if least >= 0 else ""


def role_named(word: str) -> Role:
    """Return the role of that name.

    Raises:
        InvalidInputError: there is none.
    """
    if word not in FIRST_HELD:
        raise InvalidInputError(f"`{word[:40]}` is no role", hint=f"roles are {', '.join(ROLES)}")
    return cast(Role, word)


def may_give(principal: Principal, role: str) -> None:
    """Make sure that the principal may give, change or take a role: nobody does so above their own.

    Raises:
        ForbiddenError: the role is above the principal's.
    """
    if rank(role) > rank(principal.role):
        raise ForbiddenError(
            f"`{principal.name}` has the role `{principal.role or 'none'}` and may not decide about `{role}`",
            hint=f"ask somebody with the role `{role}`",
        )


def may_run_installation(principal: Principal) -> bool:
    """Say whether the principal runs the installation: an admin of the tenant `default`."""
    return principal.tenant == DEFAULT_TENANT and principal.role == "admin"
