"""Ids that carry their kind: `doc_…`, `chk_…`, `ans_…`.

Things that change or happen get a random, time-ordered id; things that follow from their content get `derived` ids,
so that the same content gives the same id in every process and after every crash.
"""

from __future__ import annotations

import base64
import secrets
import time
from typing import Literal

from groundwork.core.digest import digest_json

Kind = Literal["doc", "chk", "ans", "job", "ing", "trc", "mov", "req", "cal"]
ID_LENGTH = 26


def new_id(kind: Kind) -> str:
    """Return a new id such as `ans_01jd…`: 26 base-32 characters, sorting by creation in milliseconds."""
    raw = (time.time_ns() // 1_000_000).to_bytes(6, "big") + secrets.token_bytes(10)
    return f"{kind}_{_base32(raw)}"


def derived_id(kind: Kind, *parts: str | int) -> str:
    """Return the id that follows from `parts`; equal parts in equal order answer equal ids (130 bits of SHA-256)."""
    return f"{kind}_{_base32(bytes.fromhex(digest_json(list(parts))))[:ID_LENGTH]}"


def kind_of(identifier: str) -> str:
    """Return the part before the underscore, or an empty string."""
    head, mark, _ = identifier.partition("_")
    return head if mark else ""


def _base32(raw: bytes) -> str:
    # base32hex keeps the order of the bytes, so ids sort by time.
    return base64.b32hexencode(raw).decode().rstrip("=").lower()
