"""The admin token: what the first start shows once, so that whoever started the server can sign in."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import or_, select, update

from groundwork.accounts.users import moment
from groundwork.core.clock import Clock
from groundwork.core.principal import DEFAULT_TENANT
from groundwork.storage import tables as t
from groundwork.storage.database import Database

FIRST = "admin token"
"""What the key of the first start is called; later ones get a number."""
DEMO = "token of the demo"
Make = Callable[[str, str | None], str]
"""Makes a key with the role admin that calls no models, by name and time of its end, and returns it."""


class AdminTokens:
    """Makes admin tokens: API keys with the role `admin`, of which only the hash is stored.

    Args:
        make: the room of keys makes them.
    """

    def __init__(self, database: Database, clock: Clock, make: Make) -> None:
        self._database = database
        self._clock = clock
        self._make = make

    def first(self) -> str | None:
        """Return a new token when nobody could sign in yet, None when there is a user or an admin key already."""
        with self._database.read() as connection:
            k = t.api_keys.c
            in_force = (k.revoked_at.is_(None), or_(k.expires_at.is_(None), k.expires_at > self._now()))
            someone = (
                connection.execute(select(t.users.c.id).limit(1)).first()
                or connection.execute(select(k.id).where(k.role == "admin", *in_force).limit(1)).first()
            )
        return None if someone else self.another()

    def for_demo(self) -> str:
        """Return a token of the demo's own, in place of the one before: whoever starts the demo is let in at once."""
        k = t.api_keys.c
        old = (k.tenant == DEFAULT_TENANT, k.name == DEMO, k.role == "admin", k.revoked_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(t.api_keys).where(*old).values(revoked_at=self._now()))
        return self._make(DEMO, None)

    def another(self, name: str = FIRST, expires_at: str | None = None) -> str:
        """Return a further token under a name like `name` that is free.

        Args:
            expires_at: ISO 8601; None: never.
        """
        with self._database.read() as connection:
            k = t.api_keys.c
            taken = set(
                connection.execute(select(k.name).where(k.name.startswith(name, autoescape=True))).scalars()
            )
        free = next(
            n for i in range(1, len(taken) + 2) if (n := name if i == 1 else f"{name} {i}") not in taken
        )
        return self._make(free, expires_at)

    def _now(self) -> str:
        return moment(self._clock.now())
