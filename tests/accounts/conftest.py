"""The room over SQLite and over PostgreSQL, with a clock that moves when told to and hashes that cost next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from groundwork.accounts.passwords import Cost, Passwords
from groundwork.accounts.sessions import Sessions
from groundwork.accounts.tenants import Tenants
from groundwork.accounts.users import Users
from groundwork.accounts.visitors import Visitors
from groundwork.core.clock import ManualClock
from groundwork.gateway.keys import Keys
from groundwork.storage.database import Database
from tests.storage.conftest import database, empty_postgres_url, postgres_server, postgres_url, url

__all__ = ["database", "empty_postgres_url", "postgres_server", "postgres_url", "url"]
CHEAP = Cost(memory_kib=64, passes=1)
SECRET = "seven brown otters whistle"


class Counted(Passwords):
    """Passwords that remember at what cost each was looked at."""

    seen: list[bool]

    def check(self, stored: str, password: str):  # type: ignore[no-untyped-def]
        self.__dict__.setdefault("seen", []).append(bool(stored))
        return super().check(stored, password)


@dataclass
class Room:
    """The parts that tests use."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 11, 28, 12, tzinfo=UTC)))

    def __post_init__(self) -> None:
        self.passwords = Counted(CHEAP)
        self.users = Users(self.database, self.clock, self.passwords)
        self.sessions = Sessions(self.database, self.clock, days=7, idle_hours=12)
        self.tenants = Tenants(self.database, self.clock)
        self.visitors = Visitors(self.database, self.clock, self.sessions)
        self.keys = Keys(self.database, self.clock)


@pytest.fixture
def room(database: Database) -> Iterator[Room]:
    return Room(database)
