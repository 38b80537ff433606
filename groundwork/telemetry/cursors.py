"""How far somebody has come who makes spans of records or hands spans on: a small state under a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.telemetry_tables import cursors


class Cursors:
    """The states in `telemetry.db`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, name: str) -> tuple[dict[str, Any], int]:
        """Return the state and its version; an empty one of version 0 where nothing was saved yet."""
        c = cursors.c
        with self._database.read() as connection:
            row = connection.execute(select(c.state, c.version).where(c.name == name)).one_or_none()
        return (dict(row.state), int(row.version)) if row is not None else ({}, 0)

    def version(self, name: str) -> int:
        """Return the version alone."""
        with self._database.read() as connection:
            return int(
                connection.execute(select(cursors.c.version).where(cursors.c.name == name)).scalar() or 0
            )

    def save(self, name: str, state: Mapping[str, Any], version: int) -> bool:
        """Save a state in place of that of `version` and say whether it was still the one stored."""
        row = {
            "state": dict(state),
            "version": version + 1,
            "updated_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        with self._database.write() as connection:
            if version == 0:
                return insert_or_ignore(connection, cursors, {"name": name, **row}) == 1
            c = cursors.c
            done = connection.execute(update(cursors).where(c.name == name, c.version == version).values(row))
            return int(done.rowcount) == 1
