"""Filters as a small tree; each index compiles it into its own language, never from a user's string.

JSON form: `{"eq": ["media_type", "text/html"]}`, `{"in": ["document_id", ["doc_a", "doc_b"]]}`,
`{"range": ["modified", 0, 1700000000]}` (inclusive; null leaves an end open), `{"exists": "language"}`,
`{"and": […]}`, `{"or": […]}`, `{"not": {…}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.knowledge.types import FILTER_FIELDS

Value = str | int


@dataclass(frozen=True)
class Eq:
    field: str
    value: Value


@dataclass(frozen=True)
class In:
    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Range:
    field: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Exists:
    field: str


@dataclass(frozen=True)
class And:
    parts: tuple[Filter, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Filter, ...]


@dataclass(frozen=True)
class Not:
    part: Filter


Filter = Eq | In | Range | Exists | And | Or | Not
MAX_DEPTH = 16
MAX_VALUES = 10_000


def parse_filter(tree: Mapping[str, Any], *, depth: int = 0) -> Filter:
    """Read a filter from its JSON form.

    Raises:
        InvalidInputError: unknown operator or field, a value of the wrong type, deeper than 16, over 10,000 values.
    """
    if depth > MAX_DEPTH:
        raise InvalidInputError(f"a filter may be nested {MAX_DEPTH} deep")
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise InvalidInputError(
            "a filter is an object with one operator", hint="operators: eq, in, range, exists, and, or, not"
        )
    ((operator, body),) = tree.items()
    match operator, body:
        case "eq", [str(name), value]:
            return Eq(_field(name), _value(name, value))
        case "in", [str(name), list(values)] if len(values) <= MAX_VALUES:
            return In(_field(name), tuple(_value(name, v) for v in values))
        case "range", [str(name), low, high] if FILTER_FIELDS.get(name) is int:
            return Range(name, _bound(name, low), _bound(name, high))
        case "exists", str(name):
            return Exists(_field(name))
        case (("and" | "or"), list(parts)) if len(parts) <= MAX_VALUES:
            read = tuple(parse_filter(p, depth=depth + 1) for p in parts)
            return And(read) if operator == "and" else Or(read)
        case "not", part:
            return Not(parse_filter(part, depth=depth + 1))
    raise InvalidInputError(
        f"the filter operator `{operator}` does not fit its arguments",
        hint=(__doc__ or "").split("JSON form: ")[1],
    )


def matches(condition: Filter | None, fields: Mapping[str, Value]) -> bool:
    """Say whether a row with these field values passes; the meaning every index must reproduce."""
    match condition:
        case None:
            return True
        case Eq(name, value):
            return fields.get(name) == value
        case In(name, values):
            return name in fields and fields[name] in values
        case Range(name, low, high):
            at = fields.get(name)
            return isinstance(at, int) and (low is None or at >= low) and (high is None or at <= high)
        case Exists(name):
            return name in fields
        case And(parts):
            return all(matches(p, fields) for p in parts)
        case Or(parts):
            return any(matches(p, fields) for p in parts)
        case Not(part):
            return not matches(part, fields)


def _field(name: str) -> str:
    if name not in FILTER_FIELDS:
        raise InvalidInputError(f"rows have no field `{name}`", hint=f"fields: {', '.join(FILTER_FIELDS)}")
    return name


def _value(name: str, value: Any) -> Value:
    expected = FILTER_FIELDS[_field(name)]
    if not isinstance(value, str | int) or type(value) is not expected:
        raise InvalidInputError(f"the field `{name}` holds {expected.__name__}, not {value!r}")
    return value


def _bound(name: str, value: Any) -> int | None:
    return None if value is None else int(_value(name, value))
