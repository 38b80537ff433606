"""A connection of one's own for whoever looks at the same tables again and again: it is cheap to ask for news."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import bindparam, func, select

from groundwork.core.errors import GroundworkError
from groundwork.storage.columns import Word
from groundwork.storage.database import Database
from groundwork.storage.faults import explain_driver_error
from groundwork.storage.prepared import Cursor, Prepared, Row


class Watch:
    """Reads rows with prepared statements, each look within one state of the database. For one thread at a time.

    The connection is opened with the first look and closed when the database is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._cursor: Any = None
        self._inside = False

    def version(self) -> int | None:
        """Return a number that is another one after anybody has written; None where the database has no such number."""
        if self._database.dialect != "sqlite":
            return None
        with self._explained():
            self._cursor.execute("PRAGMA data_version")
            return int(self._cursor.fetchone()[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within it all rows are those of one moment.

        Raises:
            GroundworkError: the database cannot be read.
        """
        with self._explained():
            self._cursor.execute(
                "BEGIN"
                if self._database.dialect == "sqlite"
                else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            )
            self._inside = True
            try:
                yield
            finally:
                self._inside = False
                if self._cursor is not None:
                    self._cursor.execute("COMMIT")

    def rows(self, statement: Prepared | Mapping[str, Prepared], values: Mapping[str, Any]) -> list[Row]:
        """Return the rows of a statement; of several for different databases, of the one for this."""
        chosen = statement if isinstance(statement, Prepared) else statement[self._database.dialect]
        with self._explained():
            return Cursor(self._cursor, self._database.dialect).all(chosen, values)

    def close(self) -> None:
        """Close the connection; it is opened again by the next look."""
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            if self._connection is None:
                self._open()
            yield
        except GroundworkError:
            raise
        except Exception as error:
            if not _is_of_the_driver(error):
                raise
            self.close()
            explained = explain_driver_error(error, self._database.name)
            if explained is None:
                raise
            raise explained from error

    def _open(self) -> None:
        self._connection = self._database.driver_connection()
        self._cursor = self._connection.cursor()
        if self._database.dialect == "sqlite":
            self._cursor.execute("PRAGMA query_only=ON")


def among(column: Any, statement: Any) -> dict[str, Prepared]:
    """Return a statement narrowed to the rows whose `column` is among the parameter `ids`, for each kind of database.

    The parameter is the ids joined by commas, which none of them holds.
    """
    given = bindparam("ids", type_=Word)
    as_json = func.json_each('["' + func.replace(given, ",", '","') + '"]').table_valued("value")
    return {
        "sqlite": Prepared(statement.where(column.in_(select(as_json.c.value)))),
        "postgresql": Prepared(statement.where(column == func.any(func.string_to_array(given, ",")))),
    }


def _is_of_the_driver(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] == "psycopg"
