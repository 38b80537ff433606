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

Kind = Literal[
    "doc", "chk", "ans", "job", "ing", "trc", "mov", "req", "cal", "call", "att", "key", "con", "run",
    "usr", "ses", "fbk", "viw", "exm", "cnd", "evl", "smp", "lbl", "jcd", "vrd", "ovr", "rel", "dep", "apv", "tun",
    "pln", "lab", "qzr", "ats", "rfl", "prf", "csg", "exp",
]  # fmt: skip
ID_LENGTH = 26
_TIME_DIGITS = 9
"""Digits of an id that only time decides: 45 of its 48 bits of milliseconds."""
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
_SHIFTS = range(120, -1, -10)


def new_id(kind: Kind) -> str:
    """Return a new id such as `ans_01jd…`: 26 base-32 characters, sorting by creation in milliseconds."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(secrets.token_bytes(10), "big")
    # 128 bits, filled up with two zeros to 13 pairs of digits: what base 32 of the 16 bytes is, in a third of the time.
    number <<= 2
    return f"{kind}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def derived_id(kind: Kind, *parts: str | int) -> str:
    """Return the id that follows from `parts`; equal parts in equal order answer equal ids (130 bits of SHA-256)."""
    return f"{kind}_{_base32(bytes.fromhex(digest_json(list(parts))))[:ID_LENGTH]}"


def scoped_id(kind: Kind, scope: str, *parts: str | int) -> str:
    """Return the id that follows from a scope such as `evl_…/exm_…/0`; it sorts where the scope's first id does.

    So what one piece of work makes is found again, also after a crash, and lists by time keep their order.
    """
    derived = derived_id(kind, scope, *parts)
    head, mark, rest = scope.partition("/")[0].partition("_")
    if not (mark and head and len(rest) == ID_LENGTH):
        return derived
    return f"{kind}_{rest[:_TIME_DIGITS]}{derived[len(kind) + 1 + _TIME_DIGITS :]}"


def kind_of(identifier: str) -> str:
    """Return the part before the underscore, or an empty string."""
    head, mark, _ = identifier.partition("_")
    return head if mark else ""


def _base32(raw: bytes) -> str:
    # base32hex keeps the order of the bytes, so ids sort by time.
    return base64.b32hexencode(raw).decode().rstrip("=").lower()
