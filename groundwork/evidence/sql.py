"""Columns that stand inside JSON records: the same expression on SQLite (`json_extract`) and PostgreSQL (`jsonb`).

A path is a few plain keys, declared beside the field; nothing of it comes from a predicate. What is not there, or is of
another type than declared, is null.
"""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Double, Text, cast, literal, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from groundwork.storage.columns import AnyText

Column = ColumnElement[Any]


def json_text(column: Column, *path: str) -> Column:
    """Return the text at a path, null for what is no text."""
    return type_coerce(_Inside(column, "text", path), AnyText)


def json_number(column: Column, *path: str) -> Column:
    """Return the number at a path as a double."""
    return type_coerce(_Inside(column, "number", path), Double)


def json_flag(column: Column, *path: str) -> Column:
    """Return the truth value at a path."""
    return type_coerce(_Inside(column, "flag", path), Boolean)


def json_size(column: Column, *path: str) -> Column:
    """Return how many members the list or mapping at a path has; 0 where there is none."""
    return type_coerce(_Inside(column, "size", path), Double)


def json_words(column: Column, *path: str) -> Column:
    """Return the list at a path, or the keys of the mapping there, as JSON text; see `contains`."""
    return type_coerce(_Inside(column, "words", path), Text)


def json_where(
    column: Column, path: Sequence[str], where: tuple[str, str], take: Sequence[str], kind: str = "number"
) -> Column:
    """Return what stands at `take` in the first member of the list at `path` whose field begins as it should.

    Args:
        where: key of a member, and the beginning of the text that it has to have. kind: `number`, `text` or `flag`.
    """
    types: dict[str, Any] = {"number": Double, "text": AnyText, "flag": Boolean}
    return type_coerce(_Member(column, kind, path, where, take), types[kind])


def json_count(column: Column, path: Sequence[str], key: str) -> Column:
    """Return how many members of the list or mapping at `path` have a value at `key` that is not null."""
    return type_coerce(_Counted(column, path, key), Double)


def contains(words: Column, value: Column) -> Column:
    """Say whether a JSON list of texts holds a text."""
    return type_coerce(_Holds(words, value), Boolean)


def before(column: Column, mark: str) -> Column:
    """Return the text before a mark, null where there is none: the name in `name@version`."""
    return type_coerce(_Before(column, literal(mark, Text)), AnyText)


def usd(column: Column) -> Column:
    """Return billionths of a US dollar as dollars."""
    return cast(column, Double) / 1_000_000_000


def unindexed(column: Column) -> Column:
    """Return a column that SQLite looks up in no index: where nearly every row fits, walking the table costs a quarter."""
    return type_coerce(_Unindexed(column), column.type)


# ---- how it is written ----


def _sqlite_path(path: Sequence[str]) -> str:
    return "$" + "".join(f".{json.dumps(key)}" for key in path)


def _postgres_path(path: Sequence[str]) -> str:
    return "{" + ",".join(f'"{key}"' for key in path) + "}"


class _Inside(FunctionElement[Any]):
    """One value at a path; the clauses are the column and the path in both ways of writing it."""

    inherit_cache = True

    def __init__(self, column: Column, kind: str, path: Sequence[str]) -> None:
        self.name = f"json_{kind}"
        super().__init__(
            type_coerce(column, Text), literal(_sqlite_path(path), Text), literal(_postgres_path(path), Text)
        )


class _Member(FunctionElement[Any]):
    inherit_cache = True

    def __init__(
        self, column: Column, kind: str, path: Sequence[str], where: tuple[str, str], take: Sequence[str]
    ) -> None:
        self.name = f"json_member_{kind}"
        texts = (
            _sqlite_path(path), _postgres_path(path), _sqlite_path([where[0]]), _postgres_path([where[0]]), where[1],
            _sqlite_path(take), _postgres_path(take),
        )  # fmt: skip
        super().__init__(type_coerce(column, Text), *(literal(text, Text) for text in texts))


class _Counted(FunctionElement[Any]):
    inherit_cache = True
    name = "json_counted"

    def __init__(self, column: Column, path: Sequence[str], key: str) -> None:
        texts = (_sqlite_path(path), _postgres_path(path), _sqlite_path([key]), _postgres_path([key]))
        super().__init__(type_coerce(column, Text), *(literal(text, Text) for text in texts))


class _Holds(FunctionElement[Any]):
    inherit_cache = True
    name = "json_holds"

    def __init__(self, words: Column, value: Column) -> None:
        super().__init__(type_coerce(words, Text), value)


class _Unindexed(FunctionElement[Any]):
    inherit_cache = True
    name = "unindexed"


class _Before(FunctionElement[Any]):
    inherit_cache = True
    name = "text_before"


def _parts(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> list[Any]:
    """Return a callable for each clause, so that only what is used is rendered (and its parameters bound)."""
    kw.pop("within_columns_clause", None)
    return [lambda clause=clause: compiler.process(clause, **kw) for clause in element.clauses]


_SQLITE = {
    "text": "CASE json_type({0}, {1}) WHEN 'text' THEN json_extract({0}, {1}) END",
    "number": "CASE WHEN json_type({0}, {1}) IN ('integer', 'real') THEN CAST(json_extract({0}, {1}) AS REAL) END",
    "flag": "CASE json_type({0}, {1}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
    "size": "(SELECT count(*) FROM json_each({0}, {1}))",
    "words": (
        "CASE json_type({0}, {1}) WHEN 'array' THEN json_extract({0}, {1}) "
        "WHEN 'object' THEN (SELECT json_group_array(j.key) FROM json_each({0}, {1}) AS j) END"
    ),
}
_POSTGRES = {
    "text": "CASE jsonb_typeof({0} #> {1}) WHEN 'string' THEN {0} #>> {1} END",
    "number": "CASE jsonb_typeof({0} #> {1}) WHEN 'number' THEN CAST({0} #>> {1} AS DOUBLE PRECISION) END",
    "flag": "CASE jsonb_typeof({0} #> {1}) WHEN 'boolean' THEN CAST({0} #>> {1} AS BOOLEAN) END",
    "size": (
        "CASE jsonb_typeof({0} #> {1}) WHEN 'array' THEN jsonb_array_length({0} #> {1}) "
        "WHEN 'object' THEN (SELECT count(*) FROM jsonb_object_keys({0} #> {1})) ELSE 0 END"
    ),
    "words": (
        "CASE jsonb_typeof({0} #> {1}) WHEN 'array' THEN CAST({0} #> {1} AS TEXT) "
        "WHEN 'object' THEN (SELECT CAST(jsonb_agg(k) AS TEXT) FROM jsonb_object_keys({0} #> {1}) AS j(k)) END"
    ),
}
# Text that no PostgreSQL text can be stands in JSON as an escape, which `jsonb` refuses.
_JSONB = "CAST(replace({0}, '\\u0000', '\\ufffd') AS JSONB)"
_ARRAY = "CASE jsonb_typeof({0} #> {1}) WHEN 'array' THEN {0} #> {1} ELSE '[]'::jsonb END"
_MAPPING = "CASE jsonb_typeof({0} #> {1}) WHEN 'object' THEN {0} #> {1} ELSE '{{}}'::jsonb END"


def _jsonb(text: str) -> str:
    return _JSONB.format(text)


def _as_path(text: str) -> str:
    return f"CAST({text} AS TEXT[])"


@compiles(_Inside, "sqlite")
def _inside_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, path, _ = _parts(element, compiler, **kw)
    return _filled(_SQLITE[element.name.removeprefix("json_")], column, path)


@compiles(_Inside, "postgresql")
def _inside_postgres(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, _, path = _parts(element, compiler, **kw)
    return _filled(
        _POSTGRES[element.name.removeprefix("json_")], lambda: _jsonb(column()), lambda: _as_path(path())
    )


@compiles(_Member, "sqlite")
def _member_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, path, _, key, _, value, take, _ = _parts(element, compiler, **kw)
    wanted = _filled(_SQLITE[element.name.removeprefix("json_member_")], lambda: "m.value", take)
    return (
        f"(SELECT {wanted} FROM json_each({column()}, {path()}) AS m WHERE m.type = 'object' AND "
        f"substr(json_extract(m.value, {key()}), 1, length({value()})) = {value()} LIMIT 1)"
    )


@compiles(_Member, "postgresql")
def _member_postgres(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, _, path, _, key, value, _, take = _parts(element, compiler, **kw)
    wanted = _filled(
        _POSTGRES[element.name.removeprefix("json_member_")], lambda: "m.v", lambda: _as_path(take())
    )
    rows = _filled(_ARRAY, lambda: _jsonb(column()), lambda: _as_path(path()))
    return (
        f"(SELECT {wanted} FROM jsonb_array_elements({rows}) AS m(v) WHERE "
        f"substr(m.v #>> {_as_path(key())}, 1, length({value()})) = {value()} LIMIT 1)"
    )


@compiles(_Counted, "sqlite")
def _counted_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, path, _, key, _ = _parts(element, compiler, **kw)
    return (
        f"(SELECT count(*) FROM json_each({column()}, {path()}) AS m WHERE m.type = 'object' "
        f"AND json_extract(m.value, {key()}) IS NOT NULL)"
    )


@compiles(_Counted, "postgresql")
def _counted_postgres(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, _, path, _, key = _parts(element, compiler, **kw)
    array = _filled(_ARRAY, lambda: _jsonb(column()), lambda: _as_path(path()))
    mapping = _filled(_MAPPING, lambda: _jsonb(column()), lambda: _as_path(path()))
    found = f"m.v #>> {_as_path(key())} IS NOT NULL"
    return (
        f"((SELECT count(*) FROM jsonb_array_elements({array}) AS m(v) WHERE {found}) + "
        f"(SELECT count(*) FROM jsonb_each({mapping}) AS m(k, v) WHERE {found}))"
    )


@compiles(_Holds, "sqlite")
def _holds_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    words, value = _parts(element, compiler, **kw)
    return f"EXISTS (SELECT 1 FROM json_each({words()}) AS h WHERE h.value = {value()})"


@compiles(_Holds, "postgresql")
def _holds_postgres(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    words, value = _parts(element, compiler, **kw)
    return (
        "EXISTS (SELECT 1 FROM jsonb_array_elements_text("
        f"CASE jsonb_typeof({_jsonb(words())}) WHEN 'array' THEN {_jsonb(words())} ELSE '[]'::jsonb END) AS h(v) "
        f"WHERE h.v = {value()})"
    )


@compiles(_Unindexed, "sqlite")
def _unindexed_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (make() for make in _parts(element, compiler, **kw))
    return f"+{column}"


@compiles(_Unindexed, "postgresql")
def _unindexed_postgres(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (make() for make in _parts(element, compiler, **kw))
    return str(column)


@compiles(_Before, "sqlite")
def _before_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, mark = (make() for make in _parts(element, compiler, **kw))
    return f"CASE WHEN instr({column}, {mark}) > 0 THEN substr({column}, 1, instr({column}, {mark}) - 1) END"


@compiles(_Before, "postgresql")
def _before_postgres(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, mark = (make() for make in _parts(element, compiler, **kw))
    return f"CASE WHEN strpos({column}, {mark}) > 0 THEN split_part({column}, {mark}, 1) END"


def _filled(template: str, *makers: Any) -> str:
    """Fill a template whose places may occur several times; each occurrence is rendered, so that its parameter is bound."""
    pieces = [make() for make in makers]
    return template.format(*pieces)
