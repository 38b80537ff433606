"""Leases: one writer at a time, and a stale one is refused, however long it slept.

A lease is a row with a token that only grows. Who publishes checks its token inside the transaction that
publishes; who was stopped past the time of its lease finds a newer token and is refused.

Time is never the wall clock, which jumps. On PostgreSQL it is the server's clock, the one clock all machines
share. On SQLite all processes are on one machine, as its log needs shared memory, and the time is
CLOCK_BOOTTIME: it goes on while the machine sleeps, is not set by anybody, and is the same in every process.
It begins anew with every start of the machine, so the row also holds the id of the run it counts in: of
another run it is over, whatever its number says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, delete, select, text, update

from groundwork.core.errors import BusyError, GroundworkError, InvalidInputError, LeaseLostError
from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.machine import boot_id, boot_seconds, is_dead, this_process
from groundwork.storage.tables import leases

TTL = 15.0
LONGEST_POLL = 0.5


class Leases:
    """The leases of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(
        self,
        name: str,
        owner: str,
        ttl: float = TTL,
        wait: float = 0.0,
        on_wait: Callable[[str, float], None] | None = None,
    ) -> Lease:
        """Return the lease of `name`, renewed in the background until it is released.

        Args:
            name: what is written, such as `index:default:handbook`.
            owner: who it is, for people: it is told to those who wait.
            ttl: seconds after which a holder that gives no sign of life is passed over; one whose process is
                known to have ended is passed over at once.
            wait: seconds to wait for another holder.
            on_wait: called with the holder's `owner` and the seconds waited so far, at each look; may raise
                to give up.

        Raises:
            BusyError: another one held it all the time; `details["owner"]` says who.
        """
        if ttl <= 0:
            raise InvalidInputError(f"a lease of {ttl} s is none", hint="give a `ttl` above 0")
        begun = time.monotonic()
        pause = 0.02
        while True:
            token, holder = self._try(name, owner, ttl)
            if token is not None:
                return Lease(self._database, name, owner, token, ttl)
            waited = time.monotonic() - begun
            if waited >= wait:
                raise BusyError(
                    f"`{name}` is being written by {holder}, and waiting for {waited:.0f} s did not help",
                    hint="wait until it has finished, or stop it",
                    owner=holder,
                    name=name,
                )
            if on_wait is not None:
                on_wait(holder, waited)
            time.sleep(min(pause, wait - waited))
            pause = min(pause * 1.5, LONGEST_POLL)

    def holder(self, name: str) -> str | None:
        """Return the owner of a lease that is held now, None when nobody holds it."""
        with self._database.read() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            return None if row is None or self._is_free(connection, row) else str(row.owner)

    def forget(self, name: str) -> bool:
        """Drop the row of a lease nobody holds, if its name is never used again: tokens would begin anew."""
        with self._database.write() as connection:
            locked = select(leases).where(leases.c.name == name).with_for_update()
            row = connection.execute(locked).one_or_none()
            if row is None or not self._is_free(connection, row):
                return False
            connection.execute(delete(leases).where(leases.c.name == name))
            return True

    def _try(self, name: str, owner: str, ttl: float) -> tuple[int | None, str]:
        """Take the lease when it is free and return its token, or None and who holds it."""
        with self._database.read() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            if row is not None and not self._is_free(connection, row):
                return None, str(row.owner)
        with self._database.write() as connection:
            free = {"name": name, "owner": "", "token": 0, "expires_at": 0.0, "boot": "", "process": {}}
            insert_or_ignore(connection, leases, {**free, "renewed_at": ""})
            row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one()
            if not self._is_free(connection, row):
                return None, str(row.owner)
            token = int(row.token) + 1
            connection.execute(
                update(leases)
                .where(leases.c.name == name)
                .values(owner=owner, token=token, process=this_process(), **_span(connection, ttl))
            )
            return token, owner

    @staticmethod
    def _is_free(connection: Connection, row: Row[Any]) -> bool:
        if row.expires_at <= 0 or row.boot != _run(connection):
            return True
        return bool(row.expires_at <= _now(connection)) or is_dead(row.process)


@dataclass
class Lease:
    """The right to write `name`, until it is released or somebody with a greater token has taken it over.

    Attributes:
        token: grows with every acquisition of the name.
    """

    _database: Database
    name: str
    owner: str
    token: int
    ttl: float
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _lost: bool = False

    def __post_init__(self) -> None:
        self._renewing = threading.Thread(
            target=self._renew_until_ended, name=f"lease {self.name}", daemon=True
        )
        self._renewing.start()

    @property
    def lost(self) -> bool:
        """Whether somebody is known to have taken it over; `check` asks the database."""
        return self._lost

    def check(self, connection: Connection) -> None:
        """Make sure that nobody has taken the lease over, and that nobody can before this transaction ends.

        Args:
            connection: of `Database.write`: the transaction that publishes.

        Raises:
            LeaseLostError: somebody has; roll back.
        """
        row = connection.execute(
            select(leases.c.token, leases.c.owner).where(leases.c.name == self.name).with_for_update()
        ).one_or_none()
        if row is None or row.token != self.token or self._ended.is_set():
            self._lost = True
            by = f" by {row.owner}" if row is not None and row.token != self.token else ""
            raise LeaseLostError(
                f"the lease of `{self.name}` (token {self.token}) was taken over{by}",
                hint="this process stood still for too long; nothing was published, run it again",
                name=self.name,
                token=self.token,
            )

    def release(self) -> None:
        """Give it back, so that the next one need not wait; doing so twice or too late is no error."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._renewing.join()
        # When it cannot be said now, the time of the lease or the end of this process says it later.
        with suppress(GroundworkError), self._database.write() as connection:
            connection.execute(update(leases).where(*self._mine()).values(expires_at=0.0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(self.ttl / 3):
            try:
                with self._database.write() as connection:
                    renewed = connection.execute(
                        update(leases).where(*self._mine()).values(**_span(connection, self.ttl))
                    ).rowcount
            except GroundworkError:
                continue  # busy or full: tried again; `check` decides in the end
            if not renewed:
                self._lost = True
                return

    def _mine(self) -> tuple[Any, ...]:
        return leases.c.name == self.name, leases.c.token == self.token


def _span(connection: Connection, ttl: float) -> dict[str, Any]:
    return {
        "expires_at": _now(connection) + ttl,
        "boot": _run(connection),
        "renewed_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _now(connection: Connection) -> float:
    if connection.dialect.name == "postgresql":
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return boot_seconds()


def _run(connection: Connection) -> str:
    return "" if connection.dialect.name == "postgresql" else boot_id()
