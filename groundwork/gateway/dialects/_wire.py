"""Bytes of event streams: JSON in one line, and the frames of server-sent events.

Text is written in ASCII with escapes, so that no reader can be confused by a line separator of Unicode, a lone surrogate
or a character cut in two by the network.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from groundwork.gateway.types import CallMeta

__all__ = ["DONE", "data", "encode", "event", "identifier", "quote"]

encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
DONE = b"data: [DONE]\n\n"


def data(value: Any) -> bytes:
    """Return an event without a name."""
    return f"data: {encode(value)}\n\n".encode("ascii")


def event(name: str, value: Any) -> bytes:
    """Return an event with a name."""
    return f"event: {name}\ndata: {encode(value)}\n\n".encode("ascii")


def identifier(prefix: str, meta: CallMeta, created: int) -> str:
    """Return an id of the dialect's own form that holds the call's, so that the call is found by it."""
    return prefix + (meta.call_id.partition("_")[2] or meta.call_id or str(created))
