"""Statements over many rows at once, for the driver of either database."""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from groundwork.storage.columns import as_written
from groundwork.storage.prepared import Cursor


class Statement:
    """One statement for both databases: `?` for a value, `IN (?*)` for a list of any length."""

    __slots__ = ("_texts", "copy")

    def __init__(self, sqlite: str, postgresql: str | None = None, *, copy: str = "") -> None:
        self.copy = copy
        other = postgresql or sqlite
        self._texts = {
            "sqlite": sqlite.replace("IN (?*)", "IN (SELECT value FROM json_each(?))"),
            "postgresql": other.replace("IN (?*)", "= ANY(?)").replace("%", "%%").replace("?", "%s"),
        }

    def on(self, dialect: str) -> str:
        """Return the driver's text."""
        return self._texts[dialect]


def some(cursor: Cursor, values: Iterable[Any]) -> Any:
    """Return a list as the parameter of `IN (?*)`."""
    return json.dumps(list(values)) if cursor.dialect == "sqlite" else list(values)


def run(cursor: Cursor, statement: Statement, *values: Any) -> int:
    """Run a statement that answers no rows and return how many it changed."""
    cursor.driver.execute(statement.on(cursor.dialect), values)
    return int(cursor.driver.rowcount)


def many(cursor: Cursor, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement once for each row; PostgreSQL takes plain inserts as one stream."""
    if not rows:
        return
    if statement.copy and cursor.dialect == "postgresql":
        with cursor.driver.copy(statement.copy) as stream:
            for row in rows:
                stream.write_row(row)
    else:
        cursor.driver.executemany(statement.on(cursor.dialect), rows)


def fetch(cursor: Cursor, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
    """Return all rows that a statement answers."""
    cursor.driver.execute(statement.on(cursor.dialect), values)
    return list(cursor.driver.fetchall())


def records(cursor: Cursor, statement: Statement, names: Sequence[str], *values: Any) -> list[dict[str, Any]]:
    """Return all rows by the names of their columns, texts as they were written."""
    return [
        {n: as_written(v) if isinstance(v, str) else v for n, v in zip(names, row, strict=True)}
        for row in fetch(cursor, statement, *values)
    ]


def insert(table: str, columns: Sequence[str]) -> Statement:
    """Return the statement that inserts one row."""
    names = ", ".join(columns)
    return Statement(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})",
        copy=f"COPY {table} ({names}) FROM STDIN",
    )
