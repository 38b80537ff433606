"""Find the calls nobody will settle any more, and charge them what was held for them.

A call is open from its admission to its settlement. One whose process has ended, or that this process no longer serves,
would hold its reservation for ever; and since the provider may have been asked, nothing less than what was held is safe.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from groundwork.gateway import ledger_statements as sql
from groundwork.gateway.keys import moment
from groundwork.gateway.ledger_settlement import lost
from groundwork.storage.machine import boot_id, is_dead
from groundwork.storage.prepared import Cursor

AT_ONCE = 200
LONGEST = timedelta(hours=3)
"""A call of a process of another machine or container, of which nothing can be known, is over after so long; no deadline
is longer than an hour."""


def recover(cursor: Cursor, now: datetime, process: str, served: Callable[[str], bool]) -> int:
    """Settle lost calls, `AT_ONCE` at most, and return how many they were.

    Args:
        process: JSON of this process. served: says whether it still serves a call of its own.
    """
    oldest = moment(now - LONGEST)
    found = 0
    for call_id, whose, started_at in cursor.all(sql.OPEN_CALLS, {"most": 100_000}):
        over = (
            not served(call_id) if whose == process else _is_over(whose, cursor.dialect, int(now.timestamp()))
        )
        if (over or started_at < oldest) and lost(cursor, call_id, now):
            found += 1
            if found == AT_ONCE:
                break
    return found


@lru_cache(maxsize=256)
def _is_over(process: str, dialect: str, _second: int) -> bool:
    """Say whether a process is known to have ended; looked up once in a second for all its calls."""
    known = json.loads(process)
    if dialect == "sqlite" and known.get("boot") and boot_id() and known["boot"] != boot_id():
        return True  # SQLite's processes are all on one machine, and this is another run of it
    return is_dead(known)
