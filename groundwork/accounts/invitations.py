"""Invitations: links with which somebody sets their password, once, within a few days; nothing of them is stored.

The link is signed over the user and what is stored as password at that moment. When a password is set, every link that was
made before fits no more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from sqlalchemy import Row, select

from groundwork.accounts.users import wrong_name_or_password
from groundwork.core.clock import Clock
from groundwork.core.errors import UnauthenticatedError
from groundwork.storage import tables as t
from groundwork.storage.database import Database

PREFIX = "inv_"
HOURS = 72


class Invitations:
    """Makes and opens invitations.

    Args:
        key: of the server; whoever has it can invite.
    """

    def __init__(self, database: Database, clock: Clock, key: bytes) -> None:
        self._database = database
        self._clock = clock
        self._key = key

    def make(self, user_id: str, hours: float = HOURS) -> str:
        """Return an invitation for a user; it opens until a password is set, at most so many hours.

        Raises:
            UnauthenticatedError: the user is gone or disabled.
        """
        row = self._row(user_id)
        if row is None:
            raise wrong_name_or_password()
        until = int(self._clock.now().timestamp() + hours * 3600)
        return PREFIX + _packed(f"{user_id}.{until:x}".encode(), self._seal(row, until))

    def open(self, token: str) -> str:
        """Return the id of the user whom a token invites.

        Raises:
            UnauthenticatedError: it is mistyped, used, too old, or its user is gone or disabled.
        """
        try:
            body, seal = _unpacked(token.strip().removeprefix(PREFIX))
            user_id, _, stamp = body.decode("ascii").partition(".")
            until = int(stamp, 16)
        except (ValueError, UnicodeDecodeError):
            raise _closed() from None
        row = self._row(user_id)
        if row is None or not hmac.compare_digest(seal, self._seal(row, until)):
            raise _closed()
        if until < self._clock.now().timestamp():
            raise _closed()
        return user_id

    def _row(self, user_id: str) -> Any:
        u = t.users.c
        with self._database.read() as connection:
            return connection.execute(
                select(u.id, u.password, u.created_at).where(u.id == user_id, u.disabled_at.is_(None))
            ).one_or_none()

    def _seal(self, row: Row[Any], until: int) -> bytes:
        parts = f"invitation\0{row.id}\0{row.created_at}\0{row.password}\0{until}"
        return hmac.new(self._key, parts.encode(), hashlib.sha256).digest()


def _packed(body: bytes, seal: bytes) -> str:
    return base64.urlsafe_b64encode(bytes([len(body)]) + body + seal).decode().rstrip("=")


def _unpacked(text: str) -> tuple[bytes, bytes]:
    if len(text) > 400 or not text.isascii():
        raise ValueError("too long")
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if not raw or len(raw) != 1 + raw[0] + 32:
        raise ValueError("cut")
    return raw[1 : 1 + raw[0]], raw[1 + raw[0] :]


def _closed() -> UnauthenticatedError:
    return UnauthenticatedError(
        "this invitation does not open: it was used, is too old, or was cut",
        hint="ask an admin for another one",
        reason="invitation",
    )
