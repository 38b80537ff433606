"""Token buckets: how many requests and tokens a key may use in a minute.

A bucket holds what one minute allows and fills evenly. A call that needs more than a full bucket is let in when the bucket
is full and leaves it in debt, since it could never be let in otherwise. Time is no wall clock: see storage/leases.py.
"""

from __future__ import annotations

from typing import NamedTuple

from groundwork.core.errors import RateLimitedError
from groundwork.gateway import ledger_statements as sql
from groundwork.gateway.keys import Terms
from groundwork.storage.machine import boot_id, boot_seconds
from groundwork.storage.prepared import Cursor


class Take(NamedTuple):
    """What a bucket holds once a call has taken its part."""

    unit: str
    level: float
    at: float
    boot: str


def look(cursor: Cursor, key: Terms, *, requests: int, tokens: int) -> list[Take]:
    """Return what is to be stored when the call is let in; nothing is changed here.

    Raises:
        RateLimitedError: with `retry_after_s`.
    """
    wanted = [
        (unit, per_minute, need)
        for unit, per_minute, need in (
            ("requests", key.requests_per_minute, requests),
            ("tokens", key.tokens_per_minute, tokens),
        )
        if per_minute > 0 and need > 0
    ]
    if not wanted:
        return []
    stored = {row[0]: row for row in cursor.all(sql.BUCKETS, {"tenant": key.tenant, "scope": key.scope})}
    now, boot = _clock(cursor)
    takes = []
    for unit, per_minute, need in wanted:
        size = max(per_minute, 1.0)
        level = size
        row = stored.get(unit)
        if row is not None and row[3] == boot:
            level = min(size, row[1] + max(0.0, now - row[2]) * per_minute / 60)
        missing = min(float(need), size) - level
        if missing > 1e-9:
            raise _limited(key, unit, per_minute, missing * 60 / per_minute)
        takes.append(Take(unit, level - need, now, boot))
    return takes


def take(cursor: Cursor, key: Terms, takes: list[Take]) -> None:
    """Store what `look` has found."""
    for unit, level, at, boot in takes:
        cursor.run(
            sql.FILL_BUCKET,
            {"tenant": key.tenant, "scope": key.scope, "unit": unit, "level": level, "at": at, "boot": boot},
        )


def give_back(cursor: Cursor, tenant: str, key_id: str, tokens: int) -> None:
    """Put back tokens that were taken by estimate and not used; a negative number takes more."""
    cursor.run(
        sql.GIVE_BACK,
        {"tenant": tenant, "scope": f"key:{key_id}", "unit_": "tokens", "more": float(tokens)},
    )


def _clock(cursor: Cursor) -> tuple[float, str]:
    if cursor.dialect == "postgresql":
        row = cursor.one(sql.SERVER_CLOCK, {})
        assert row is not None
        return float(row[0]), ""
    return boot_seconds(), boot_id()


def _limited(key: Terms, unit: str, per_minute: float, seconds: float) -> RateLimitedError:
    return RateLimitedError(
        f"the API key `{key.name}` may use {per_minute:g} {unit} a minute, and they are used up",
        hint=f"come again in {seconds:.1f} s, or have the rate raised",
        retry_after_s=round(seconds, 3),
        unit=unit,
        per_minute=per_minute,
    )
