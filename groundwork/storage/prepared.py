"""Statements that are written once and compiled once, for the paths where compiling again would cost more than running.

A statement is SQLAlchemy Core, so that column types, names and both dialects stay in one place; what is kept is the
driver's own text with positional parameters, and for every parameter and column what its type does to a value. Running one
costs some microseconds above the database's own work, a tenth of an execution through SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Boolean, Dialect, Table
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable
from sqlalchemy.types import TypeDecorator

from groundwork.storage.columns import AnyText, storable

Processor = Callable[[Any], Any]
Row = tuple[Any, ...]


class Prepared:
    """One statement for both databases.

    Every parameter is a `bindparam` or a column of an `insert`; lists of unknown length (`IN`) cannot be prepared.
    Parameters with a fixed value, as in `state == "open"`, need not be given.

    Args:
        statement: the statement; or a function that makes it from the dialect's own `insert`, which knows what to do about
            a key that is taken.
    """

    def __init__(self, statement: Executable | Callable[[Callable[[Table], Any]], Executable]) -> None:
        self._statement = statement
        self.compiled: dict[str, _Compiled] = {}

    def on(self, dialect: str) -> _Compiled:
        """Return the statement as the driver of `dialect` takes it."""
        found = self.compiled.get(dialect)
        if found is None:
            made = self._statement
            statement = made if isinstance(made, Executable) else made(_insert(dialect))
            found = self.compiled[dialect] = _compile(statement, dialect)
        return found


class Cursor:
    """Runs prepared statements on one cursor of a driver's connection."""

    __slots__ = ("_cursor", "dialect")

    def __init__(self, cursor: Any, dialect: str) -> None:
        self._cursor = cursor
        self.dialect = dialect

    def run(self, statement: Prepared, values: Mapping[str, Any]) -> int:
        """Run a statement that answers no rows and return how many it changed."""
        compiled = statement.compiled.get(self.dialect) or statement.on(self.dialect)
        cursor = self._cursor
        cursor.execute(compiled.sql, compiled.parameters(values))
        return cast(int, cursor.rowcount)

    def one(self, statement: Prepared, values: Mapping[str, Any]) -> Row | None:
        """Run a statement and return its first row, None where there is none."""
        compiled = statement.compiled.get(self.dialect) or statement.on(self.dialect)
        self._cursor.execute(compiled.sql, compiled.parameters(values))
        rows = self._cursor.fetchall()
        return compiled.row(rows[0]) if rows else None

    @property
    def driver(self) -> Any:
        """The driver's own cursor, for statements over many rows at once."""
        return self._cursor

    def all(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row]:
        """Run a statement and return all its rows."""
        compiled = statement.on(self.dialect)
        self._cursor.execute(compiled.sql, compiled.parameters(values))
        return [compiled.row(row) for row in self._cursor.fetchall()]


class _Compiled:
    """The driver's text, the parameters in its order, and what types do to values on their way in and out."""

    __slots__ = ("_changes", "_fixed", "_names", "_pick", "_results", "sql")

    def __init__(
        self,
        sql: str,
        binds: Sequence[tuple[str, Processor | None]],
        fixed: Mapping[str, Any],
        results: Sequence[Processor | None],
    ) -> None:
        self.sql = sql
        self._names = tuple(name for name, _ in binds)
        self._pick = itemgetter(*self._names) if len(binds) > 1 else None
        self._changes = tuple((i, change) for i, (_, change) in enumerate(binds) if change is not None)
        self._fixed = fixed
        self._results = tuple((i, change) for i, change in enumerate(results) if change is not None)

    def parameters(self, values: Mapping[str, Any]) -> Row | list[Any]:
        given = {**self._fixed, **values} if self._fixed else values
        if self._pick is None:
            found: Row = tuple([given[name] for name in self._names])
        else:
            found = self._pick(given)
        return _changed(found, self._changes) if self._changes else found

    def row(self, row: Row) -> Row:
        return tuple(_changed(row, self._results)) if self._results else row


def _changed(row: Row, changes: tuple[tuple[int, Processor], ...]) -> list[Any]:
    found = list(row)
    for i, change in changes:
        found[i] = change(found[i])
    return found


def _compile(statement: Executable, name: str) -> _Compiled:
    dialect = _dialect(name)
    compiled = cast(SQLCompiler, cast(Any, statement).compile(dialect=dialect))
    if compiled.post_compile_params or compiled.literal_execute_params:
        raise ValueError(f"a list of values cannot be prepared: {compiled}")
    binds = [(name, _change(compiled.binds[name].type, dialect)) for name in compiled.positiontup or ()]
    fixed = {
        name: compiled.binds[name].effective_value for name, _ in binds if not compiled.binds[name].required
    }
    columns = getattr(statement, "exported_columns", ())
    # Drivers answer text and numbers as they are; what needs a hand are our own types, and SQLite's truth values.
    results = [
        _impl(c.type, dialect).result_processor(dialect, None)
        if isinstance(c.type, (TypeDecorator, Boolean))
        else None
        for c in columns
    ]
    return _Compiled(str(compiled), binds, fixed, results)


def _change(kind: Any, dialect: Dialect) -> Processor | None:
    """Return what the type does to a value on its way in; None where the driver takes it as it is."""
    if isinstance(kind, AnyText):
        return _text
    if isinstance(kind, Boolean):
        return None  # both drivers take truth values
    change: Processor | None = _impl(kind, dialect).bind_processor(dialect)
    return change


def _text(value: str | None) -> str | None:
    return None if value is None else storable(value)


def _impl(kind: Any, dialect: Dialect) -> Any:
    return kind.dialect_impl(dialect)


def _insert(dialect: str) -> Callable[[Table], Any]:
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert


@cache
def _dialect(name: str) -> Dialect:
    if name == "sqlite":
        from sqlalchemy.dialects.sqlite import pysqlite

        return pysqlite.SQLiteDialect_pysqlite(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql import psycopg

    made: Dialect = cast(Any, psycopg.PGDialect_psycopg)(paramstyle="format")
    return made
