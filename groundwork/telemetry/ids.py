"""Ids of spans that are made of records: they follow from the record's id, so that one record is one span."""

from __future__ import annotations

import hashlib


def span_id(record_id: str, part: str = "") -> str:
    """Return 16 hexadecimal digits for a record, or for a named part of it, such as a stage of an answer."""
    text = f"{record_id}/{part}" if part else record_id
    return hashlib.sha256(text.encode()).hexdigest()[:16]
