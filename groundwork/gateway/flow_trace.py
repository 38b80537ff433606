"""W3C trace context on the way out: providers that trace join the caller's trace (https://www.w3.org/TR/trace-context/).

Ids follow from the ids of the records, so that the spans that are made of the records later are those that were told.
"""

from __future__ import annotations

import hashlib
import secrets

from groundwork.core.ids import ID_LENGTH

_HEX = frozenset("0123456789abcdef")


def trace_hex(trace_id: str) -> str:
    """Return 32 hexadecimal digits: the id itself, the 16 bytes inside one of ours (`trc_…`), else its digest."""
    if len(trace_id) == 32 and _HEX.issuperset(trace_id):
        return trace_id
    return _inside(trace_id, 16) or _digest(trace_id, 16) or secrets.token_hex(16)


def span_hex(attempt_id: str) -> str:
    """Return 16 hexadecimal digits that follow from the attempt's id: the span that is made of it."""
    return _inside(attempt_id, 8) or _digest(attempt_id, 8) or secrets.token_hex(8)


def traceparent(trace: str, span: str) -> str:
    """Return the header's value for a sampled span."""
    return f"00-{trace}-{span}-01"


def _digest(text: str, size: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[: 2 * size] if text else ""


def _inside(identifier: str, size: int) -> str:
    """Return the last `size` of the 16 bytes of an id, as hexadecimal digits; empty where it holds none or only zeros."""
    text = identifier[-ID_LENGTH:]
    if len(identifier) <= ID_LENGTH or identifier[-ID_LENGTH - 1] != "_":
        return ""
    try:
        number = int(text, 32) >> 2 & (1 << 8 * size) - 1
    except ValueError:
        return ""
    return f"{number:0{2 * size}x}" if number else ""
