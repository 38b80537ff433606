"""A migrated database on SQLite and on a real PostgreSQL, for whatever keeps books."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.storage.database import Database
from tests.storage.conftest import DIALECTS
from tests.storage.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=DIALECTS)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the newest tables, on both dialects."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    database = Database(tmp_path / "ledger.db")
    database.migrate()
    database.close()
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def books(ledger_url: str) -> Iterator[Database]:
    """A database with the newest tables, on both dialects."""
    database = Database(ledger_url)
    yield database
    database.close()
