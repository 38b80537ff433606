"""Column types that hold the same values on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

from groundwork.core.json_writer import json_writer

# Order and comparison by code point on both, whatever the locale of the PostgreSQL cluster.
Word = Text().with_variant(Text(collation="C"), "postgresql")
"""Ids, names, digests, timestamps: text without NUL or lone surrogates, ordered by code point."""

Count = BigInteger().with_variant(Integer(), "sqlite")
"""A signed 64-bit number; on SQLite `INTEGER`, so that it may be an autoincrementing primary key."""

_write = json_writer(sort_keys=True)
_ESCAPE = "\uf8fe"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff\uf8fe]")
_ESCAPED = re.compile(_ESCAPE + "([0-9a-f]{4})")


class AnyText(TypeDecorator[str]):
    """Text with any characters in it, read back as it was written.

    File names that are no UTF-8 come as lone surrogates, which neither database takes, and PostgreSQL refuses
    NUL; such characters are stored as U+F8FE (private use) and four hexadecimal digits.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Word)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else as_written(value)


class Json(TypeDecorator[Any]):
    """A JSON value as text; keys are sorted, so that equal values are equal rows; NaN is refused."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else storable(_write(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(as_written(value))


class Unsigned(TypeDecorator[int]):
    """An unsigned 64-bit number, such as an inode, in a signed column."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Count)

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return value if value is None or value < 1 << 63 else value - (1 << 64)

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        return value if value is None or value >= 0 else value + (1 << 64)


def storable(text: str) -> str:
    """Return the text as both databases take it, see `AnyText`."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub(lambda m: f"{_ESCAPE}{ord(m[0]):04x}", text) if _UNSTORABLE.search(text) else text


def as_written(stored: str) -> str:
    """Return the text that `storable` was given."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), stored) if _ESCAPE in stored else stored
