"""What importers share: ids that follow from other ids, and times in any usual form."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from groundwork.telemetry.plain import number, parsed

_HEX = re.compile(r"[0-9a-f]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FINE = re.compile(r"(\.\d{6})\d+")


def hex_id(value: Any, digits: int) -> str:
    """Return an id of so many hexadecimal digits: the one that was given where it is such, else one that follows from it.

    Forms that are such: digits with or without `0x`, `tr-` or dashes, and base64 of the right number of bytes.
    """
    text = str(value or "").strip()
    if not text:
        return ""
    bare = text.lower().removeprefix("tr-").removeprefix("0x").replace("-", "")
    if len(bare) == digits and _HEX.fullmatch(bare) and bare.strip("0"):
        return bare
    if text.endswith("=") and len(text) <= 24:
        try:
            found = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            found = ""
        if len(found) == digits and found.strip("0"):
            return found
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:digits]


def nanoseconds(value: Any) -> int:
    """Return a moment as nanoseconds since 1970, 0 where there is none: ISO 8601, or numbers of s, ms, us or ns."""
    if value is None or value == "" or isinstance(value, bool):
        return 0
    if isinstance(value, datetime):
        at = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (at - _EPOCH) // _MICROSECOND * 1000
    if isinstance(value, int):
        return _scaled(value)
    told = number(value)
    if told is not None:
        return _scaled(told)
    try:
        at = datetime.fromisoformat(_FINE.sub(r"\1", str(value).strip()[:48]))
    except ValueError:
        return 0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - _EPOCH) // _MICROSECOND * 1000


def _scaled(value: float) -> int:
    """Return a number of seconds, milli-, micro- or nanoseconds in nanoseconds; which it is shows in its size."""
    size = abs(value)
    for limit, factor in ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (1e20, 1)):
        if size < limit:
            return int(value * factor) if isinstance(value, int) else round(value * factor)
    return 0


def opened(value: Any) -> Any:
    """Return what a text says as JSON where it is JSON, else the value itself."""
    found = parsed(value) if isinstance(value, str) else None
    return value if found is None else found


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, also one that came as JSON text; an empty one for anything else."""
    found = opened(value)
    return dict(found) if isinstance(found, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a list, also one that came as JSON text; an empty one for anything else."""
    found = opened(value)
    return list(found) if isinstance(found, list | tuple) else []
