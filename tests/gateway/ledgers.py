"""Calls for tests of the ledger: admissions and settlements with few words, and a look into the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Table, select

from groundwork.core.clock import Clock, ManualClock
from groundwork.core.ids import new_id
from groundwork.core.principal import LOCAL
from groundwork.gateway.keys import Keys
from groundwork.gateway.ledger import DatabaseLedger
from groundwork.gateway.records import (
    Admission,
    Admitted,
    AttemptEnd,
    AttemptStart,
    BudgetLimit,
    CallState,
    KeyInfo,
    Settlement,
)
from groundwork.gateway.types import NO_USAGE, Caller, Usage
from groundwork.storage.database import Database

T = TypeVar("T")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HTTP = Caller(door="http")


def asking(
    caller: Caller = HTTP,
    *,
    reserve: int = 0,
    tokens: int = 0,
    limits: tuple[BudgetLimit, ...] = (),
    **more: Any,
) -> Admission:
    """Return an admission of a call to `openai/gpt-5`."""
    call_id = more.pop("call_id", new_id("call"))
    start = more.pop("attempt", AttemptStart(new_id("att"), 1, "first", "openai", "gpt-5"))
    values: dict[str, Any] = {
        "operation": "chat",
        "dialect": "openai_chat",
        "model": "openai/gpt-5",
        "stream": False,
        **more,
    }
    return Admission(
        call_id,
        caller,
        reserve_nanousd=reserve,
        estimate_tokens=tokens,
        attempt=start,
        limits=limits,
        **values,
    )


def ending(
    admission: Admission, *, cost: int = 0, usage: Usage = NO_USAGE, state: CallState = "done", **more: Any
) -> Settlement:
    """Return the settlement of a call whose first attempt served it."""
    end = AttemptEnd(admission.attempt.id, state, 200, "", usage, cost, 12.0, 3.0)
    served = {"provider": admission.attempt.provider, "model": admission.attempt.model}
    values: dict[str, Any] = {"attempts": (end,), **served, "usage": usage, "cost_nanousd": cost, **more}
    return Settlement(admission.call_id, state, **values)


@dataclass
class Books:
    """A database with a ledger and keys on it, and a clock that stands still."""

    database: Database
    clock: ManualClock
    ledger: DatabaseLedger
    keys: Keys

    def key(self, name: str = "key", **more: Any) -> tuple[Caller, KeyInfo]:
        """Make a key and return a caller who shows it."""
        secret, info = self.keys.create(LOCAL, name, **more)
        return replace(HTTP, key=secret), info

    def rows(self, table: Table) -> list[Any]:
        """Return all rows of a table."""
        with self.database.read() as connection:
            return list(connection.execute(select(table)))

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something asynchronous, for ten seconds at most."""

        async def bounded() -> T:
            async with asyncio.timeout(10):
                return await work()

        return asyncio.run(bounded())

    def admit(self, admission: Admission) -> Admitted:
        """Admit a call."""
        return self.run(lambda: self.ledger.admit(admission))

    def settle(self, settlement: Settlement) -> None:
        """Settle a call."""
        self.run(lambda: self.ledger.settle(settlement))

    def call(self, caller: Caller, *, reserve: int = 0, cost: int = 0, **more: Any) -> Admission:
        """Admit and settle a call."""
        admission = asking(caller, reserve=reserve, **more)
        self.admit(admission)
        self.settle(ending(admission, cost=cost))
        return admission


def open_books(database: Database, clock: ManualClock | None = None) -> Books:
    """Return a ledger over the database; close it at the end."""
    clock = clock or ManualClock(NOON)
    return Books(database, clock, DatabaseLedger(database, clock), Keys(database, clock))


__all__ = ["HTTP", "NOON", "Books", "Clock", "asking", "ending", "open_books"]
