"""Settings as they may be shown: an address without the password in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit


def shown(value: Any) -> Any:
    """Return a setting's value without passwords; anything but an address with one is returned as it is."""
    if not isinstance(value, str) or "://" not in value or "@" not in value:
        return value
    try:
        parts = urlsplit(value)
        address = parts.netloc.rpartition("@")
        user = address[0].partition(":")[0]
        return urlunsplit(parts._replace(netloc=f"{user}:…@{address[2]}"))
    except ValueError:
        return "…"
