"""Who asks: the visitor behind a cookie or a key, with the role that holds at this very moment."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from groundwork.accounts.names import principal_name
from groundwork.accounts.records import Visitor, principal_of
from groundwork.accounts.roles import lower
from groundwork.accounts.sessions import SEEN_EVERY_S, Sessions, not_signed_in
from groundwork.accounts.users import moment
from groundwork.core.clock import Clock
from groundwork.core.errors import NotFoundError, UnauthenticatedError
from groundwork.storage import tables as t
from groundwork.storage.database import Database


class Visitors:
    """Looks visitors up anew for every request, so that whoever is disabled, demoted or revoked is so at once."""

    def __init__(self, database: Database, clock: Clock, sessions: Sessions) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions

    def of_cookie(self, cookie: str) -> Visitor:
        """Return who is signed in with this cookie.

        Raises:
            UnauthenticatedError: the session is unknown or over, its user disabled or no member any more, its key revoked.
        """
        with self._database.read() as connection:
            session = self._sessions.find(connection, cookie)
            if session.user_id:
                visitor = _user(connection, session)
            else:
                row = connection.execute(
                    select(t.api_keys).where(t.api_keys.c.id == session.key_id)
                ).one_or_none()
                visitor = self._key(connection, row, session.digest)
                if visitor.principal.tenant != session.tenant:
                    raise not_signed_in("unknown")
        self._sessions.seen(session)
        return visitor

    def of_key(self, secret: str) -> Visitor:
        """Return who shows this API key. One without a role comes back with none, and may do nothing here.

        Raises:
            UnauthenticatedError: it is unknown, revoked or expired.
        """
        with self._database.read() as connection:
            digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
            row = connection.execute(select(t.api_keys).where(t.api_keys.c.digest == digest)).one_or_none()
            visitor = self._key(connection, row, "")
        self._key_seen(row)
        return visitor

    def of_user(self, user_id: str, tenant: str) -> Visitor:
        """Return a user as a visitor of a tenant.

        Raises:
            NotFoundError: the user is no member of it.
        """
        with self._database.read() as connection:
            row = _member(connection, user_id, tenant)
        if row is None or row.disabled_at is not None:
            raise NotFoundError(f"you are no member of a workspace `{tenant[:60]}`")
        return _visitor(row, "")

    def _key(self, connection: Connection, row: Row[Any] | None, session: str) -> Visitor:
        if row is None:
            raise _refused("unknown", "the API key is not known here")
        if row.revoked_at is not None:
            raise _refused("revoked", f"the API key `{row.name}` was revoked at {row.revoked_at}")
        if row.expires_at is not None and row.expires_at <= moment(self._clock.now()):
            raise _refused("expired", f"the API key `{row.name}` expired at {row.expires_at}")
        role = held_by_key(connection, row)
        return Visitor(
            principal_of(row.tenant, f"key:{row.id}", role, row.access),
            row.name,
            key_id=row.id,
            session=session,
        )

    def _key_seen(self, row: Row[Any] | None) -> None:
        now = self._clock.now()
        if row is None or (
            row.last_used_at
            and (now - datetime.fromisoformat(row.last_used_at)).total_seconds() < SEEN_EVERY_S
        ):
            return
        with self._database.write() as connection:
            connection.execute(
                update(t.api_keys).where(t.api_keys.c.id == row.id).values(last_used_at=moment(now))
            )


def _user(connection: Connection, session: Row[Any]) -> Visitor:
    row = _member(connection, session.user_id, session.tenant)
    if row is None or row.disabled_at is not None:
        raise not_signed_in("unknown")
    return _visitor(row, session.digest)


def _visitor(row: Row[Any], session: str) -> Visitor:
    name = principal_name(row.name)
    principal = principal_of(row.tenant, name, row.role, row.access, own=(name,))
    return Visitor(principal, row.title or row.name, user_id=row.id, session=session)


def _member(connection: Connection, user_id: str, tenant: str) -> Any:
    u, m = t.users.c, t.memberships.c
    return connection.execute(
        select(u.id, u.name, u.title, u.disabled_at, m.tenant, m.role, m.access)
        .join_from(t.users, t.memberships, m.user_id == u.id)
        .where(u.id == user_id, m.tenant == tenant)
    ).one_or_none()


def held_by_key(connection: Connection, row: Row[Any]) -> str:
    """Return the role of a key: never above what the user who made it holds now, nothing while they are disabled."""
    if not row.role or not row.created_by.startswith("user:"):
        return str(row.role or "")
    u, m = t.users.c, t.memberships.c
    maker = connection.execute(
        select(m.role)
        .join_from(t.users, t.memberships, m.user_id == u.id)
        .where(
            u.name == row.created_by.removeprefix("user:"), m.tenant == row.tenant, u.disabled_at.is_(None)
        )
    ).scalar()
    return lower(row.role, maker or "")


def _refused(reason: str, message: str) -> UnauthenticatedError:
    return UnauthenticatedError(
        message,
        hint="send a valid key as `Authorization: Bearer gw_…`; `groundwork key create --role viewer` makes one",
        reason=reason,
    )
