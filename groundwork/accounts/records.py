"""What the room hands out about people: never a password, a hash or a cookie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from groundwork.core.principal import Principal


@dataclass(frozen=True)
class UserInfo:
    """A user as a member of one tenant.

    Attributes:
        access: what opens documents beside public ones and `user:<name>`; None reads everything in the tenant.
        signs_in: by what means; empty while neither a password is set nor OpenID Connect has been used.
        elsewhere: how many further tenants the user is a member of.
    """

    id: str
    name: str
    title: str
    tenant: str
    role: str
    access: tuple[str, ...] | None
    signs_in: tuple[Literal["password", "oidc"], ...]
    elsewhere: int
    created_at: str
    created_by: str
    disabled_at: str | None = None
    last_seen_at: str | None = None

    @property
    def state(self) -> Literal["active", "disabled", "invited"]:
        """Whether the user can sign in; one who was invited has no means yet."""
        if self.disabled_at:
            return "disabled"
        return "active" if self.signs_in else "invited"

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-compatible object."""
        found = asdict(self)
        found["access"] = None if self.access is None else list(self.access)
        return {**found, "signs_in": list(self.signs_in), "state": self.state}


@dataclass(frozen=True)
class MembershipInfo:
    """A tenant that a user may work in, and the role there."""

    tenant: str
    title: str
    role: str


@dataclass(frozen=True)
class TenantInfo:
    """A tenant, which people call a workspace; `members` counts its users."""

    name: str
    title: str
    members: int
    created_at: str
    created_by: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class SessionInfo:
    """A browser that is signed in; `agent` is how it names itself, `current` says that it is the one that asks."""

    id: str
    tenant: str
    agent: str
    created_at: str
    last_seen_at: str
    expires_at: str
    current: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Visitor:
    """Who asks, with what: a user or key behind a session of a browser, or a key that a program shows.

    Attributes:
        principal: what every query takes; its role is the one of the session's tenant.
        title: how the visitor is addressed on a page.
        user_id, key_id: whose session or key it is. session: digest of the session's cookie; empty without a session.
    """

    principal: Principal
    title: str
    user_id: str = ""
    key_id: str = ""
    session: str = ""


def principal_of(
    tenant: str, name: str, role: str, access: Iterable[str] | None, own: Iterable[str] = ()
) -> Principal:
    """Return a principal of a tenant; `own` opens documents beside `access`, and no access at all (None) is an owner."""
    tokens = frozenset() if access is None else frozenset([*access, *own])
    return Principal(tenant, name, tokens, owner=access is None, role=role)
