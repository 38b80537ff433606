"""The span store and its reader over SQLite and over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from groundwork.core.clock import ManualClock
from groundwork.storage.database import Database
from groundwork.telemetry.reader import SpanReader
from groundwork.telemetry.store import SpanStore
from tests.storage.postgres import empty_postgres_url, postgres_server, postgres_url

__all__ = ["empty_postgres_url", "postgres_server", "postgres_url"]

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9


@dataclass
class Kept:
    """A store, its reader, and the clock by which spans arrive."""

    database: Database
    store: SpanStore
    reader: SpanReader
    clock: ManualClock


def kept_in(url: str | Path) -> Kept:
    database = Database(url)
    clock = ManualClock(NOW)
    return Kept(database, SpanStore(database, clock), SpanReader(database), clock)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def spans_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'telemetry.db'}"


@pytest.fixture
def kept(spans_url: str) -> Iterator[Kept]:
    made = kept_in(spans_url)
    yield made
    made.store.close()
    made.database.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Kept]:
    """On SQLite alone, where the other database has no part in what is tested."""
    made = kept_in(tmp_path / "telemetry.db")
    yield made
    made.store.close()
    made.database.close()
