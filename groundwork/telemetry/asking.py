"""One state of the store that questions are put to: rows by plain SQL, the same for both databases."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.storage.columns import as_written, storable
from groundwork.storage.database import Database
from groundwork.storage.faults import explain_driver_error

Row = tuple[Any, ...]


class Asking:
    """Answers SQL with `?` for values.

    `by` and `join` tell SQLite where to begin, since it keeps no statistics of the tables; PostgreSQL does.
    """

    def __init__(self, cursor: Any, dialect: str) -> None:
        self._cursor = cursor
        self.dialect = dialect
        # On SQLite a CROSS JOIN keeps the order of its tables.
        self.join = "CROSS JOIN" if dialect == "sqlite" else "JOIN"

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows; texts as they were written."""
        return [
            tuple([as_written(v) if v.__class__ is str else v for v in row])
            for row in self.plain(sql, values)
        ]

    def plain(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows as they are stored; for numbers."""
        if self.dialect == "postgresql":
            sql = sql.replace("%", "%%").replace("?", "%s")
        given = tuple([storable(v) if isinstance(v, str) else v for v in values])
        self._cursor.execute(sql, given)
        return list(self._cursor.fetchall())

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Yield all rows as they are stored, some at a time; ask nothing else meanwhile."""
        self._cursor.execute(sql.replace("?", "%s") if self.dialect == "postgresql" else sql, tuple(values))
        while rows := self._cursor.fetchmany(5000):
            yield from rows

    def by(self, index: str) -> str:
        """Return the words that make SQLite use an index."""
        return f"INDEXED BY {index}" if self.dialect == "sqlite" else ""

    def some(self, values: Sequence[Any]) -> tuple[str, Any]:
        """Return the condition `IN` a list of any length, and its value."""
        if self.dialect == "sqlite":
            return "IN (SELECT value FROM json_each(?))", json.dumps(list(values))
        return "= ANY(?)", list(values)


@contextmanager
def asking(database: Database) -> Iterator[Asking]:
    """Give one state of the store, throughout."""
    with database.read() as connection, connection.begin():
        cursor = connection.connection.cursor()
        try:
            yield Asking(cursor, database.dialect)
        except Exception as error:
            of_driver = isinstance(error, sqlite3.Error) or type(error).__module__.startswith("psycopg")
            explained = explain_driver_error(error, database.name) if of_driver else None
            if explained is None:
                raise
            raise explained from error
        finally:
            cursor.close()


def cursor_of(list_name: str, *place: Any) -> str:
    """Return the place after a row as an opaque word."""
    return base64.urlsafe_b64encode(json.dumps([list_name, *place]).encode()).decode().rstrip("=")


def place_of(cursor: str, list_name: str, *kinds: type) -> list[Any]:
    """Return the place that a cursor of this list stands for.

    Raises:
        InvalidInputError: it is a cursor of another list, or none.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        name, *place = found
        right = name == list_name and [type(x) for x in place] == list(kinds)
        if not right or any(type(x) is int and not -(1 << 63) <= x < 1 << 63 for x in place):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise InvalidInputError(
            "the cursor is not one of this list", hint="begin at the first page, without a cursor"
        ) from None
    return list(place)
