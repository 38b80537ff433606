"""How long spans stay: whole traces go, the oldest by arrival first, when their days are over or the store is too large.

Age counts from the arrival of a trace's last span by our clock, not from the times it tells: a clock that is years behind
does not lose a trace at once, and one that is ahead does not keep it for ever.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from groundwork.core.clock import Clock
from groundwork.telemetry.asking import Asking, asking
from groundwork.telemetry.deletion import Deleted, Deletions
from groundwork.telemetry.statements import Statement, run
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.writing import RESOURCE_EVERY

DAY_NS = 86_400 * 10**9
ENOUGH = 0.95
"""Share of the largest size at which dropping stops, so that it does not begin again with the next span."""
BUSY_SHARE = 0.5
"""Share of the time in which traces are dropped while others store."""
_PAGE = 100
_PURGE_EVERY_S = 86_400.0
_UNUSED_RESOURCES = Statement(
    "DELETE FROM resources WHERE last_seq < (SELECT coalesce(min(seq), 0) FROM spans) - ?"
)


@dataclass(frozen=True)
class Report:
    """What is kept, what was dropped so far, and the bounds.

    Attributes:
        bytes: what the store takes on the disk, free pages not counted; on PostgreSQL about what its rows take.
        oldest_ns: when the last span of the oldest trace came; None: there is none.
        dropped: traces and spans that went because of age (`age_traces`, `age_spans`), of size (`size_…`), or were deleted
            by somebody (`deleted_…`), since the store was made.
    """

    traces: int
    spans: int
    bytes: int
    oldest_ns: int | None
    days: int
    most_bytes: int
    dropped: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Retention:
    """Drops what is over the bounds.

    Args:
        days: how long a trace is kept after its last span came.
        most_bytes: how large the store may become; the oldest go then whether they are archived or not.
        waiting_since: the earliest hour (seconds since 1970) with spans that the archive does not have yet; None: none. What
            came since then stays, however old, so that nothing is lost while the archive takes no files.
        wait: how to wait for some seconds; for tests.
    """

    def __init__(
        self,
        store: SpanStore,
        clock: Clock,
        *,
        days: int,
        most_bytes: int,
        waiting_since: Callable[[], int | None] = lambda: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._most = most_bytes
        self._waiting_since = waiting_since
        self._wait = wait
        self._deletions = Deletions(store)
        self._purged_at: float | None = None
        self._purge = False

    def run(self, seconds: float = math.inf) -> int:
        """Drop what is due, also what an interrupted deletion left, and return how many spans went.

        Args:
            seconds: stop after so long, within a transaction's time; the next run goes on.
        """
        self._store.migrate()
        until = self._clock.monotonic() + seconds
        done = self._drop("interrupted", lambda ask, _: _condemned(ask), until)
        before = int(self._clock.now().timestamp() * 1e9) - self._days * DAY_NS
        waiting = self._waiting_since()
        before = before if waiting is None else min(before, waiting * 10**9)
        done += self._drop("age", lambda ask, after: _older(ask, before, after), until)
        if self._used() > self._most:
            done += self._drop_bytes(int(self._used() - ENOUGH * self._most), until)
        if done.spans:
            self._store.writer.submit(
                lambda cursor: run(cursor, _UNUSED_RESOURCES, 2 * RESOURCE_EVERY)
            ).result()
            self._purge = True
        self._purge_daily()
        return done.spans

    def report(self) -> Report:
        """Return what is kept and what was dropped."""
        self._store.migrate()
        with asking(self._store.database) as ask:
            traces, spans = ask.plain(
                "SELECT count(*), coalesce(sum(spans), 0) FROM traces WHERE tenant <> ''"
            )[0]
            oldest = ask.plain("SELECT arrived_ns FROM traces WHERE tenant <> '' ORDER BY num LIMIT 1")
            counts = ask.plain(
                "SELECT name, value FROM span_counts WHERE name NOT IN ('seq', 'num') ORDER BY name"
            )
        return Report(
            int(traces), int(spans), self._used(), oldest[0][0] if oldest else None, self._days, self._most,
            {name: int(value) for name, value in counts},
        )  # fmt: skip

    def _drop(self, reason: str, find: Callable[[Asking, int], list[int]], until: float) -> Deleted:
        done = Deleted()
        after = 0
        while self._clock.monotonic() <= until:
            begun = self._clock.monotonic()
            with asking(self._store.database) as ask:
                nums = find(ask, after)
            if not nums:
                break
            done += self._deletions.numbers(nums, reason)
            after = max(nums)
            self._rest(begun)
        return done

    def _drop_bytes(self, most: int, until: float) -> Deleted:
        """Drop the oldest traces until they made up so many bytes."""
        done = Deleted()
        while most > 0 and self._clock.monotonic() <= until:
            begun = self._clock.monotonic()
            with asking(self._store.database) as ask:
                rows = ask.plain(
                    "SELECT num, bytes FROM traces WHERE tenant <> '' ORDER BY num LIMIT ?", [_PAGE]
                )
            nums = []
            for num, size in rows:
                if most > 0:
                    nums.append(num)
                    most -= size
            if not nums:
                break
            done += self._deletions.numbers(nums, "size")
            self._rest(begun)
        return done

    def _rest(self, begun: float) -> None:
        self._wait(min(1.0, (self._clock.monotonic() - begun) * (1 - BUSY_SHARE) / BUSY_SHARE))

    def _used(self) -> int:
        with asking(self._store.database) as ask:
            if ask.dialect == "sqlite":
                pages, free, size = (
                    ask.plain(f"PRAGMA {name}")[0][0]
                    for name in ("page_count", "freelist_count", "page_size")
                )
                return int((pages - free) * size)
            return int(ask.plain("SELECT coalesce(sum(bytes), 0) FROM traces")[0][0])

    def _purge_daily(self) -> None:
        """Once a day, let go of the words of what was dropped; that rewrites the whole search index."""
        now = self._clock.monotonic()
        if self._purge and (self._purged_at is None or now - self._purged_at > _PURGE_EVERY_S):
            self._deletions.purge()
            self._purged_at, self._purge = now, False


def _condemned(ask: Asking) -> list[int]:
    return [
        row[0]
        for row in ask.plain("SELECT num FROM traces WHERE tenant = '' ORDER BY trace_id LIMIT ?", [_PAGE])
    ]


def _older(ask: Asking, before: int, after: int) -> list[int]:
    """Return the next traces whose last span came before a moment; numbers follow arrival, so a young page is the end."""
    rows = ask.plain(
        "SELECT num, arrived_ns FROM traces WHERE num > ? AND tenant <> '' ORDER BY num LIMIT ?",
        [after, _PAGE],
    )
    return [num for num, arrived in rows if arrived < before]
