"""What all spans of our own records have in common: who made them, how times are read, what is said about kept texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

SCHEMA = "groundwork"
SOURCE = "groundwork"
SERVICE = "groundwork"
RESOURCE: Mapping[str, Any] = {"service.name": SERVICE}
DOCUMENT_IDS = "groundwork.document.ids"
"""Ids of the documents whose text may stand in a span: where they are erased, its texts go."""
TEXTS = "groundwork.texts"
"""Why a span holds no texts: `off`, `missing` (the process ended or was too busy before they were stored), `erased`."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def nanoseconds(moment: str) -> int:
    """Return an ISO 8601 time as nanoseconds since 1970; 0 for none. Times without a zone are UTC."""
    if not moment:
        return 0
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - _EPOCH) // _MICROSECOND * 1000


def ms(milliseconds: float | None) -> int:
    """Return milliseconds as whole nanoseconds, 0 for none and for less than nothing."""
    return 0 if milliseconds is None else max(0, round(milliseconds * 1_000_000))


def texts_message(role: str, text: str) -> list[dict[str, Any]]:
    """Return one message of text in the form of the GenAI conventions."""
    return [{"role": role, "parts": [{"type": "text", "content": text}]}]


def without_empty(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes without those that say nothing: None, empty texts and empty lists."""
    return {k: v for k, v in attributes.items() if v is not None and v != "" and v != [] and v != ()}


def sorted_ids(ids: Sequence[str]) -> list[str]:
    """Return ids once each, sorted; empty ones are left out."""
    return sorted({i for i in ids if i})
