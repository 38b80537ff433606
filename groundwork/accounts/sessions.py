"""Sessions: browsers that are signed in, each by a random cookie of which only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from groundwork.accounts.records import SessionInfo
from groundwork.accounts.users import moment
from groundwork.core.clock import Clock
from groundwork.core.errors import NotFoundError, UnauthenticatedError
from groundwork.core.ids import new_id
from groundwork.storage import tables as t
from groundwork.storage.database import Database

COOKIE_BYTES = 32
SEEN_EVERY_S = 60.0
"""How exactly it is known when a session was last used; each writing would cost every page of the console a commit."""
MOST_SESSIONS = 50
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def digest_of(cookie: str) -> str:
    """Return what is stored of a cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """The sessions of an installation.

    Args:
        days: after which a session ends, used or not. idle_hours: after which one ends that was not used.
    """

    def __init__(self, database: Database, clock: Clock, days: float, idle_hours: float) -> None:
        self._database = database
        self._clock = clock
        self._whole = timedelta(days=days)
        self._idle = timedelta(hours=idle_hours)

    @property
    def seconds(self) -> int:
        """How long a session lasts at most."""
        return int(self._whole.total_seconds())

    def open(
        self, tenant: str, *, user_id: str = "", key_id: str = "", agent: str = "", instead_of: str = ""
    ) -> str:
        """Begin a session and return its cookie, a new one at every sign-in.

        Args:
            user_id, key_id: whose; one of them. agent: how the browser names itself.
            instead_of: the cookie that the browser brought, whose session ends.
        """
        cookie, now = secrets.token_urlsafe(COOKIE_BYTES), self._clock.now()
        at, s = moment(now), t.sessions.c
        row = {
            "digest": digest_of(cookie), "id": new_id("ses"), "tenant": tenant, "user_id": user_id, "key_id": key_id,
            "agent": _agent(agent), "created_at": at, "last_seen_at": at, "expires_at": moment(now + self._whole),
        }  # fmt: skip
        with self._database.write() as connection:
            gone = [s.digest == digest_of(instead_of)] if instead_of else []
            for where in (*gone, s.expires_at <= at, s.last_seen_at <= moment(now - self._idle)):
                connection.execute(delete(t.sessions).where(where))
            connection.execute(insert(t.sessions).values(**row))
            _keep_newest(connection, user_id, key_id)
            if user_id:
                connection.execute(update(t.users).where(t.users.c.id == user_id).values(last_seen_at=at))
        return cookie

    def find(self, connection: Connection, cookie: str) -> Row[Any]:
        """Return the row of the session that a cookie belongs to.

        Raises:
            UnauthenticatedError: there is none, or it is over; `reason` in the details says which.
        """
        row = None
        if _SHAPE.fullmatch(cookie):
            row = connection.execute(
                select(t.sessions).where(t.sessions.c.digest == digest_of(cookie))
            ).one_or_none()
        if row is None:
            raise not_signed_in("unknown")
        now = self._clock.now()
        if row.expires_at <= moment(now) or row.last_seen_at <= moment(now - self._idle):
            raise not_signed_in("expired")
        return row

    def seen(self, row: Row[Any]) -> None:
        """Note that a session was used now, at most once a minute."""
        now = self._clock.now()
        if (now - datetime.fromisoformat(row.last_seen_at)).total_seconds() < SEEN_EVERY_S:
            return
        at = moment(now)
        with self._database.write() as connection:
            connection.execute(
                update(t.sessions).where(t.sessions.c.digest == row.digest).values(last_seen_at=at)
            )
            if row.user_id:
                connection.execute(update(t.users).where(t.users.c.id == row.user_id).values(last_seen_at=at))

    def list(self, *, user_id: str = "", key_id: str = "", current: str = "") -> list[SessionInfo]:
        """Return the sessions of a user or of a key, the newest first; `current` is the digest of the one that asks."""
        now, s = self._clock.now(), t.sessions.c
        query = (
            select(t.sessions)
            .where(
                *_owned(user_id, key_id),
                s.expires_at > moment(now),
                s.last_seen_at > moment(now - self._idle),
            )
            .order_by(s.id.desc())
        )
        with self._database.read() as connection:
            return [
                SessionInfo(
                    r.id, r.tenant, r.agent, r.created_at, r.last_seen_at, r.expires_at, r.digest == current
                )
                for r in connection.execute(query)
            ]

    def revoke(self, session_id: str, *, user_id: str = "", key_id: str = "") -> None:
        """End one session of a user or key.

        Raises:
            NotFoundError: it is not one of theirs.
        """
        with self._database.write() as connection:
            where = (t.sessions.c.id == session_id, *_owned(user_id, key_id))
            if not connection.execute(delete(t.sessions).where(*where)).rowcount:
                raise NotFoundError(f"there is no session `{session_id[:60]}`", hint="it may be over already")

    def revoke_all(self, *, user_id: str = "", key_id: str = "", keep: str = "") -> int:
        """End every session of a user or key but the one whose digest is `keep`, and return how many there were."""
        with self._database.write() as connection:
            where = (*_owned(user_id, key_id), t.sessions.c.digest != keep)
            return int(connection.execute(delete(t.sessions).where(*where)).rowcount)

    def close(self, digest: str) -> None:
        """End the session with this digest of a cookie, if there is one."""
        with self._database.write() as connection:
            connection.execute(delete(t.sessions).where(t.sessions.c.digest == digest))

    def move(self, digest: str, tenant: str) -> None:
        """Work in another tenant from now on; whether that is allowed was looked at before."""
        with self._database.write() as connection:
            connection.execute(update(t.sessions).where(t.sessions.c.digest == digest).values(tenant=tenant))


def not_signed_in(reason: str = "missing") -> UnauthenticatedError:
    """Return the error for somebody who is not signed in; `reason` is one word for machines."""
    said = {"expired": "the session is over", "missing": "nobody is signed in"}.get(
        reason, "this session is not known here"
    )
    return UnauthenticatedError(
        said, hint="sign in at /sign-in, or send an API key as `Authorization: Bearer gw_…`", reason=reason
    )


def _owned(user_id: str, key_id: str) -> tuple[Any, ...]:
    s = t.sessions.c
    return (s.user_id == user_id,) if user_id else (s.user_id == "", s.key_id == (key_id or "-"))


def _keep_newest(connection: Connection, user_id: str, key_id: str) -> None:
    s = t.sessions.c
    mine = select(s.digest).where(*_owned(user_id, key_id)).order_by(s.id.desc()).offset(MOST_SESSIONS)
    old = list(connection.execute(mine.limit(1000)).scalars())
    if old:
        connection.execute(delete(t.sessions).where(s.digest.in_(old)))


def _agent(agent: str) -> str:
    return "".join(c if c.isprintable() else " " for c in agent)[:200]
