"""Digests: what an immutable thing is named by."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return `value` as JSON bytes that depend on the value alone.

    Keys are sorted, no blank is added, text is UTF-8 and not escaped; NaN and infinities are refused (ValueError).
    Follows RFC 8785 in key order and white space for keys of the Basic Multilingual Plane; floats are written as Python
    writes them (shortest form that reads back equal).
    """
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_text(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8; lone surrogates are encoded as they stand."""
    return digest_bytes(text.encode("utf-8", "surrogatepass"))


def digest_json(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `value`."""
    return digest_bytes(canonical_json(value))


def short(digest: str) -> str:
    """Return the first seven characters of a digest: how people see it."""
    return digest[:7]
