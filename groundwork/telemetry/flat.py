"""Lists and objects that were flattened into attribute names, such as `llm.tools.0.name`, put together again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MOST = 10_000
"""Elements of one list that are looked at."""


def gathered(attributes: Mapping[str, Any], prefix: str) -> tuple[list[Any], list[str]]:
    """Return the elements under `prefix` in the order of their numbers, and the names they came from.

    `prefix` ends with a dot. An element is an object where names go on after its number, else the value itself; gaps in the
    numbers close up.
    """
    found: dict[int, Any] = {}
    names: list[str] = []
    start = len(prefix)
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        digits, _, rest = name[start:].partition(".")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
            continue
        names.append(name)
        index = int(digits)
        if not rest:
            found.setdefault(index, value)
        elif len(found) < MOST or index in found:
            into = found.setdefault(index, {})
            if isinstance(into, dict):
                place(into, rest.split("."), value)
    return [_lists(found[index]) for index in sorted(found)], names


def nested(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of dotted names as nested objects; numbered members become lists."""
    into: dict[str, Any] = {}
    for name, value in items:
        place(into, name.split("."), value)
    return {key: _lists(value) for key, value in into.items()}


def place(into: dict[str, Any], path: list[str], value: Any) -> None:
    """Put a value at a path; where a plain value is in the way, the rest of the path stays one name."""
    for at, part in enumerate(path[:-1]):
        below = into.setdefault(part, {})
        if not isinstance(below, dict) or at >= 16:
            into[".".join(path[at:])] = value
            return
        into = below
    into[path[-1]] = value


def _lists(value: Any) -> Any:
    """Turn objects whose names are all numbers into lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isascii() and key.isdigit() and len(key) < 10 for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(inner) for key, inner in value.items()}
