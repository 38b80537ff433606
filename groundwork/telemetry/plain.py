"""Plain values: what JSON can hold and any database can store, made of whatever was sent, without growing deep or wild."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

DEEPEST = 32
"""Levels of lists and objects that are kept; what lies deeper stands as text."""
LONGEST_JSON = 1024 * 1024
"""Characters of a text that is looked into; a longer one stays the text it is."""
_MOST_INT, _LEAST_INT = 2**63 - 1, -(2**63)


def plain(value: Any, depth: int = 0) -> Any:
    """Return the value with nothing in it that cannot be stored: no NaN, bytes, lone surrogates or bottomless nesting.

    Numbers that are not finite become `"NaN"`, `"Infinity"`, `"-Infinity"`, whole numbers outside 64 bits and bytes (base64)
    become text.
    """
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if _LEAST_INT <= value <= _MOST_INT else str(value)[:400]
    if isinstance(value, float):
        return value if math.isfinite(value) else unbounded(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {clean(k) if isinstance(k, str) else str(k): plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(v, depth + 1) for v in value]
    return clean(str(value))


def clean(text: str) -> str:
    """Return the text without halves of characters, which no UTF-8 can carry, and without NUL, which PostgreSQL refuses."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd") if "\0" in text else text


def unbounded(value: float) -> str:
    """Return a number that is not finite in the words of protobuf's JSON."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def parsed(text: str) -> Any:
    """Return what a text says as JSON, in plain values; None where it is no object or array, or too long to look into."""
    head = text[:64].lstrip()[:1]
    if head not in ("{", "[") or len(text) > LONGEST_JSON:
        return None
    try:
        value = decoder().decode(text)
    except (ValueError, RecursionError):
        return None
    return value if tame(text) else plain(value)


@cache
def decoder() -> json.JSONDecoder:
    """Return what reads JSON without numbers that cannot be stored; texts may still hold halves of characters."""
    return json.JSONDecoder(parse_float=_finite, parse_int=_within, parse_constant=str)


def tame(text: str) -> bool:
    """Say whether what JSON text was read as is plain already; nesting is never deeper than there are brackets."""
    return "\\u" not in text and text.count("[") + text.count("{") <= DEEPEST


def _finite(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits[:400]


def _within(digits: str) -> int | str:
    if len(digits) < 19:
        return int(digits)
    return digits[:400] if len(digits) > 20 or not _LEAST_INT <= int(digits) <= _MOST_INT else int(digits)


def dumped(value: Any) -> str:
    """Return a value as people read it: a text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def whole(value: Any) -> int | None:
    """Return a count: a whole number of at least 0 from a number or its text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value <= _MOST_INT else None
    if isinstance(value, float):
        return int(value) if 0 <= value < 2**63 else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return None


def number(value: Any) -> float | None:
    """Return a finite number from a number or its text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        found = value
    elif isinstance(value, int):
        found = float(value) if abs(value) < 10**300 else math.inf
    elif isinstance(value, str) and len(value) <= 40:
        try:
            found = float(value)
        except ValueError:
            return None
    else:
        return None
    return found if math.isfinite(found) else None


def word(value: Any) -> str:
    """Return a short text such as an id or a name; numbers as they are written, nothing for lists and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""
