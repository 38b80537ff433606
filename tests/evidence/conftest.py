"""One database for the room, on SQLite and on PostgreSQL; each test begins with empty tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.core.clock import SystemClock
from groundwork.evidence.engine import Checker
from groundwork.storage.database import Database
from tests.evidence.house import House, opened
from tests.storage.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("evidence") / "groundwork.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def house(sqlite: Database, tmp_path: Path) -> House:
    """An empty house on SQLite."""
    made = House(sqlite, opened(tmp_path))
    made.clear()
    return made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """An empty house on either database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("house")
        return
    database = Database(request.getfixturevalue("postgres_url"))
    yield House(database, opened(tmp_path))
    database.close()


@pytest.fixture
def checker(house: House) -> Checker:
    return Checker(house.database, SystemClock(), house.key)
