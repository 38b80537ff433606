"""Who comes from a sign-in provider: known by issuer and subject, never by a name or address that can change hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from groundwork.accounts.names import user_name
from groundwork.accounts.users import Users, usual_access
from groundwork.core.clock import Clock
from groundwork.core.errors import ConflictError, UnauthenticatedError
from groundwork.core.principal import Principal
from groundwork.storage import tables as t
from groundwork.storage.database import Database, exclusive

if TYPE_CHECKING:
    from groundwork.accounts.oidc import Identity


def welcome(
    database: Database, users: Users, clock: Clock, identity: Identity, tenant: str, *, follow: bool
) -> tuple[str, str]:
    """Return `(user id, tenant)` of an identity; the first time the user is made in `tenant`.

    Args:
        follow: whether the role there follows the claims at every sign-in; else it was given once and an admin changes it.

    Raises:
        UnauthenticatedError: the user is disabled, or the name belongs to somebody who signs in otherwise.
    """
    known = users.of_subject(identity.subject)
    if known is None:
        maker = Principal(tenant, "oidc", owner=True, role="admin")
        try:
            made = users.create(
                maker,
                user_name(identity.name),
                role=identity.role,
                title=identity.title,
                subject=identity.subject,
            )
        except ConflictError:
            raise UnauthenticatedError(
                f"the name `{identity.name[:100]}` belongs to another account here",
                hint="an admin may remove or rename that account; it is not handed over by an address alone",
                reason="name",
            ) from None
        return made.id, tenant
    user_id, disabled = known
    if disabled:
        raise UnauthenticatedError("this user is disabled here", hint="ask an admin", reason="disabled")
    if follow:
        _follow(database, user_id, tenant, identity.role)
    return user_id, users.tenant_for(user_id)


def _follow(database: Database, user_id: str, tenant: str, role: str) -> None:
    m = t.memberships.c
    where = (m.user_id == user_id, m.tenant == tenant)
    with database.write() as connection:
        exclusive(connection, "users")
        row = connection.execute(select(m.role, m.access).where(*where)).one_or_none()
        if row is None or row.role == role:
            return
        changes: dict[str, object] = {"role": role}
        if row.access == usual_access(row.role):
            changes["access"] = usual_access(role)
        connection.execute(update(t.memberships).where(*where).values(**changes))
