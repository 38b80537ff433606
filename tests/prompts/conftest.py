"""The prompts of a workspace of their own: a real database, a real folder, a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from groundwork.core.clock import ManualClock
from groundwork.prompts.store import Prompts
from groundwork.storage.database import Database

CLOCK = ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "groundwork.db")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def prompts(database: Database, tmp_path: Path) -> Prompts:
    return Prompts(database, tmp_path / "prompts", ManualClock(CLOCK.wall))
