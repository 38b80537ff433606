"""JSON Schema at the door: is this a schema, does this value fit it, and is this text one strict JSON value.

Schemas come from clients and values from models, so neither may hurt the process: references are resolved inside the schema
only, regular expressions run in linear time or stop after a bounded number of steps, sizes and depths are limited, and a
pair of schema and value that would take too many evaluations is refused before it starts. Draft 2020-12 is meant where the
schema names no other.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from groundwork.core.errors import InvalidInputError
from groundwork.gateway import _schema_cost

MAX_SCHEMA_BYTES = 256 * 1024
MAX_DEPTH = 100
"""Nesting of arrays and objects, in schemas and in values."""

MAX_FAULTS = 8
MAX_FAULT_CHARS = 240
MAX_EVALUATIONS = 5_000_000
"""About half a second of one core at worst."""

_CACHED_SCHEMAS = 512
_CACHED_BYTES = 4 * 1024 * 1024
_LISTED_EVALUATIONS = 50_000
_BACKTRACKS = 20_000  # steps of a pattern with look-around or back references; others run in linear time
_PATTERN_BYTES = 1024 * 1024


class _Compiled(NamedTuple):
    validator: Any
    cost: _schema_cost.Cost
    size: int


_compiled: OrderedDict[bytes, _Compiled] = OrderedDict()
_compiled_bytes = 0
_lock = threading.Lock()


def check(schema: object, where: str = "schema") -> None:
    """Accept a schema that `faults` can work with; `where` is its name in the error.

    Raises:
        InvalidInputError: it is no JSON Schema, refers to something outside of itself, holds a pattern that is no regular
            expression, or is over the limits of size, depth or cost. The message names the place.
    """
    _compile(schema, where)


def faults(schema: Mapping[str, Any], value: object, limit: int = MAX_FAULTS) -> list[str]:
    """Return what is wrong with `value`, `<place>: <what>` each, at most `limit`; an empty list when it fits.

    Raises:
        InvalidInputError: the schema is none (see `check`).
    """
    compiled = _compile(schema, "schema")
    import jsonschema_rs

    widths = _widths(value)
    if len(widths) > MAX_DEPTH + 1:
        return [f"the value: nested more than {MAX_DEPTH} deep"]
    cost = compiled.cost.of(widths)
    if cost >= MAX_EVALUATIONS:
        said = f"{sum(widths):,} values, {len(widths) - 1} deep"
        return [f"the value: too costly to check against this schema ({said})"]
    try:
        if compiled.validator.is_valid(value):
            return []
        if cost > _LISTED_EVALUATIONS:  # making the list is what takes long: say the first one only
            compiled.validator.validate(value)
        return [_say(error) for error in islice(compiled.validator.iter_errors(value), limit)]
    except jsonschema_rs.ValidationError as error:
        return [_say(error)]
    except (ValueError, TypeError, UnicodeError) as error:
        return [f"the value: cannot be checked: {_short(str(error))}"]


def strict_json(text: str | bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Return the one JSON value that `text` is; of keys that occur twice the last one counts (RFC 8259, section 4).

    Raises:
        InvalidInputError: not JSON, NaN or an infinity (also as a number too large for a double), bytes that are not UTF-8,
            or nested deeper than `max_depth`.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise InvalidInputError(f"the JSON is nested more than {max_depth} deep") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the JSON is not UTF-8: byte {error.start} does not fit") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise InvalidInputError(f"this is not JSON: {error.msg} at {at}") from None
    except ValueError as error:
        said = "a number has too many digits" if "digits" in str(error) else _short(str(error))
        raise InvalidInputError(f"this is not JSON: {said}") from None
    openers = (
        text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    )
    if openers > max_depth and _nesting(value, max_depth) > max_depth:
        raise InvalidInputError(f"the JSON is nested more than {max_depth} deep")
    return value


def _compile(schema: object, where: str) -> _Compiled:
    global _compiled_bytes
    if not isinstance(schema, dict):
        said = "must be a JSON Schema, an object"
        raise InvalidInputError(f"`{where}` {said}, and is {_kind(schema)}", param=where)
    try:
        text = json.dumps(schema, separators=(",", ":"), allow_nan=False)
    except (RecursionError, ValueError, TypeError) as error:
        raise InvalidInputError(
            f"`{where}` is not JSON or nested too deep: {_short(str(error))}", param=where
        ) from None
    digest = hashlib.sha256(text.encode()).digest()
    with _lock:
        found = _compiled.get(digest)
        if found is not None:
            _compiled.move_to_end(digest)
            return found
    made = _make(schema, where, len(text))
    with _lock:
        if digest not in _compiled:
            _compiled[digest] = made
            _compiled_bytes += made.size
        while len(_compiled) > _CACHED_SCHEMAS or (_compiled_bytes > _CACHED_BYTES and len(_compiled) > 1):
            _compiled_bytes -= _compiled.popitem(last=False)[1].size
    return made


def _make(schema: dict[str, Any], where: str, size: int) -> _Compiled:
    if size > MAX_SCHEMA_BYTES:
        raise InvalidInputError(
            f"`{where}` is {size:,} bytes of JSON, at most {MAX_SCHEMA_BYTES:,} are read", param=where
        )
    if _nesting(schema, MAX_DEPTH) > MAX_DEPTH:
        raise InvalidInputError(f"`{where}` is nested more than {MAX_DEPTH} deep", param=where)

    import jsonschema_rs

    patterns = jsonschema_rs.FancyRegexOptions(
        backtrack_limit=_BACKTRACKS, size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES
    )
    try:
        validator = jsonschema_rs.validator_for(schema, offline=True, pattern_options=patterns, mask="it")
    except jsonschema_rs.ValidationError as error:
        raise _explain(error, where) from None
    except (ValueError, TypeError, UnicodeError) as error:
        raise InvalidInputError(
            f"`{where}` is not valid JSON Schema: {_short(str(error))}", param=where
        ) from None
    compiled = _Compiled(validator, _schema_cost.Cost(schema, MAX_EVALUATIONS), size)
    if compiled.cost.of([1]) >= MAX_EVALUATIONS:
        raise InvalidInputError(
            f"`{where}` refers to itself so often that no value can be checked in time", param=where
        )
    return compiled


def _widths(value: object) -> list[int]:
    """Return how many values there are at each depth, the value itself first; stops beyond the deepest allowed."""
    widths: list[int] = []
    level: list[Any] = [value]
    while level and len(widths) <= MAX_DEPTH + 1:
        widths.append(len(level))
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = inner
    return widths


def _nesting(value: object, enough: int) -> int:
    """Return how deep arrays and objects nest; counts no further than one beyond `enough`."""
    depth = 0
    level: list[Any] = [value]
    while depth <= enough:
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            break
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _explain(error: Any, where: str) -> InvalidInputError:
    path = list(error.instance_path)
    place = _path(where, path)
    said, hint = str(error.message), ""
    if path and path[-1] == "type":
        said = f"{error.instance!r} is no type"
        hint = "types are array, boolean, integer, null, number, object and string"
    elif path and path[-1] == "pattern":
        said = f"{error.instance!r} is no regular expression, or a too large one"
    elif "etrieval" in said:
        said, hint = (
            said.partition(" is not present")[0] + " is not here",
            "only references inside the schema are followed",
        )
    return InvalidInputError(f"`{place}` is not valid JSON Schema: {_short(said)}", hint=hint, param=place)


def _say(error: Any) -> str:
    return f"{_path('', error.instance_path) or 'the value'}: {_short(error.message)}"


def _path(root: str, path: list[str | int]) -> str:
    said = root
    for part in path:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else str(part)
    return _short(said)


def _short(text: str) -> str:
    return text if len(text) <= MAX_FAULT_CHARS else text[: MAX_FAULT_CHARS - 1] + "…"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", int: "a number", float: "a number", list: "an array"}
    return kinds.get(type(value), "something else")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value
