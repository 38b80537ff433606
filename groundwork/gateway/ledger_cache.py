"""Forget cached completions: those whose time is over, and those somebody asks to be gone."""

from __future__ import annotations

from datetime import datetime

from groundwork.gateway import ledger_statements as sql
from groundwork.gateway.keys import moment
from groundwork.storage.prepared import Cursor

AT_ONCE = 200


def purge(cursor: Cursor, now: datetime) -> int:
    """Delete expired completions among the oldest ones and return how many; called every few minutes."""
    at = moment(now)
    deleted = 0
    for tenant, key, expires_at in cursor.all(sql.OLD_ENTRIES, {"most": AT_ONCE}):
        if expires_at is not None and expires_at <= at:
            cursor.run(sql.FORGET_ENTRY, {"tenant": tenant, "key": key})
            cursor.run(sql.FORGET_DOCUMENTS, {"tenant": tenant, "key": key})
            deleted += 1
    return deleted
