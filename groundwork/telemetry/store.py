"""The span store: whoever hands spans in is told that they are stored when they are, and never before.

One writer commits for all who wait. Cleaning, cutting and writing out happen in the thread that hands in; only rows and the
lines of traces are made inside the transaction.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from groundwork.core.clock import Clock
from groundwork.core.errors import BusyError
from groundwork.storage.database import Database
from groundwork.storage.prepared import Cursor
from groundwork.telemetry.limits import SpanLimits
from groundwork.telemetry.masking import Masker
from groundwork.telemetry.rows import Ready, prepare
from groundwork.telemetry.statements import Statement, run
from groundwork.telemetry.types import Added, Span
from groundwork.telemetry.writer import Sync, Writer
from groundwork.telemetry.writing import OWN, Batch, Stored, store

WAITING_SPANS = 20_000
WAITING_BYTES = 128 * 1024 * 1024
TOGETHER = 1000
"""Spans of one operation of the writer; more are cut into several, so that no other waits long."""
ON_THE_LOOP = 8
"""Up to so many spans are cleaned on the event loop itself; more would keep it from its work."""
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_KEEP_RESOURCES = 4096


@dataclass
class _Part:
    """Spans that are stored together, by trace and by id."""

    traces: dict[str, dict[str, Ready]] = field(default_factory=dict)
    duplicates: int = 0
    refused: int = 0


_MARK = Statement("UPDATE traces SET feedback = ? WHERE tenant = ? AND trace_id = ?")


class SpanStore:
    """Where spans are kept. Many threads may use one object; its thread starts with the first span.

    Args:
        database: its tables are made or brought up to date on first use.
        limits: what is kept of a span.
        masker: what is hidden in it.
        sync: see `Writer`; a killed process loses nothing that was acknowledged either way.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: SpanLimits | None = None,
        masker: Masker | None = None,
        *,
        sync: Sync = "normal",
    ) -> None:
        self.database = database
        self.limits = limits or SpanLimits()
        self._clock = clock
        self._masker = masker or Masker()
        self.writer = Writer(database, sync)
        self._lock = threading.Lock()
        self._migrated = False
        self._waiting = Counter[str]()
        self._counts = Counter[str]()
        self._resources: dict[str, int] = {}

    def add(self, tenant: str, spans: Sequence[Span]) -> Added:
        """Store spans and return when they are committed.

        A span whose name `(tenant, trace_id, span_id)` is taken is a duplicate and changes nothing, unless both are our own
        (`source` is `groundwork`): then it takes the place of the earlier one. Spans whose ids are no hexadecimal digits of
        the right length, or whose trace is full, are refused and counted.

        Raises:
            BusyError: too many spans wait; `retry_after_s` says when to come again. None of these is stored.
            StorageFullError, UnavailableError, DamagedError: the store refuses; those of the first batches may be stored,
                and handing all in again stores none twice.
        """
        self._admit(spans)
        try:
            futures = [self._submit(tenant, part) for part in self._prepared(spans)]
            return self._added([future.result() for future in futures])
        finally:
            self._leave(spans)

    async def add_async(self, tenant: str, spans: Sequence[Span]) -> Added:
        """Do what `add` does without blocking the event loop."""
        self._admit(spans)
        try:
            if len(spans) <= ON_THE_LOOP and self._migrated:
                parts = list(self._prepared(spans))
            else:
                parts = await asyncio.to_thread(lambda: list(self._prepared(spans)))
            futures = [self._submit(tenant, part) for part in parts]
            return self._added([await asyncio.wrap_future(future) for future in futures])
        finally:
            self._leave(spans)

    def mark(self, tenant: str, trace_id: str, *, feedback: str) -> bool:
        """Put the newest thumb, `up`, `down` or empty, on the line of a trace; False: there is no such trace."""
        self.migrate()
        return self.writer.submit(lambda cursor: run(cursor, _MARK, feedback, tenant, trace_id)).result() > 0

    def counters(self) -> dict[str, int]:
        """Return what this process has seen: spans `stored`, `duplicates`, `replaced`, `refused` (by ids or a full trace),
        `busy` (turned away), `cut` (values), `waiting` (now)."""
        names = ("stored", "duplicates", "replaced", "refused", "busy", "cut")
        with self._lock:
            return {**{name: self._counts[name] for name in names}, "waiting": self._waiting["spans"]}

    def migrate(self) -> None:
        """Make the tables, or bring them up to date, once."""
        if not self._migrated:
            self.database.migrate("telemetry")
            self._migrated = True

    def close(self) -> None:
        """Store what waits and end the thread; the object may be used again."""
        self.writer.close()

    def _admit(self, spans: Sequence[Span]) -> None:
        size = sum(len(s.input) + len(s.output) + 1000 for s in spans)
        with self._lock:
            waiting = self._waiting["spans"]
            full = waiting + len(spans) > WAITING_SPANS or self._waiting["bytes"] + size > WAITING_BYTES
            if waiting and full:
                self._counts["busy"] += len(spans)
                raise BusyError(
                    f"too many spans wait to be stored ({waiting})",
                    hint="the disk is slow or more comes than it takes; send them again in a moment",
                    retry_after_s=1.0,
                )
            self._waiting["spans"] += len(spans)
            self._waiting["bytes"] += size

    def _leave(self, spans: Sequence[Span]) -> None:
        size = sum(len(s.input) + len(s.output) + 1000 for s in spans)
        with self._lock:
            self._waiting["spans"] -= len(spans)
            self._waiting["bytes"] -= size

    def _prepared(self, spans: Sequence[Span]) -> Iterator[_Part]:
        """Yield the spans, cleaned and by trace, in parts that are stored together."""
        self.migrate()
        now_ns = _nanoseconds(self._clock)
        for start in range(0, len(spans), TOGETHER):
            part = _Part()
            for span in spans[start : start + TOGETHER]:
                if not (_TRACE_ID.fullmatch(span.trace_id) and _SPAN_ID.fullmatch(span.span_id)):
                    part.refused += 1
                    continue
                trace = part.traces.setdefault(span.trace_id, {})
                before = trace.get(span.span_id)
                if before is not None:
                    part.duplicates += 1
                    if not span.source == before.span.source == OWN:
                        continue
                trace[span.span_id] = prepare(span, self.limits, self._masker, now_ns)
            yield part

    def _submit(self, tenant: str, part: _Part) -> Future[Stored]:
        traces = {trace_id: list(spans.values()) for trace_id, spans in part.traces.items()}
        batch = Batch(tenant, traces, _nanoseconds(self._clock), self.limits, self._resources)

        def operation(cursor: Cursor) -> Stored:
            done = store(cursor, batch)
            done.duplicates += part.duplicates
            done.refused += part.refused
            return done

        return self.writer.submit(operation)

    def _added(self, outcomes: Sequence[Stored]) -> Added:
        stored = sum(x.stored for x in outcomes)
        duplicates = sum(x.duplicates for x in outcomes)
        with self._lock:
            self._counts["stored"] += stored
            self._counts["duplicates"] += duplicates
            self._counts["replaced"] += sum(x.replaced for x in outcomes)
            self._counts["refused"] += sum(x.refused for x in outcomes)
            self._counts["cut"] += sum(x.cut for x in outcomes)
            for outcome in outcomes:
                self._resources.update(outcome.resources)
            while len(self._resources) > _KEEP_RESOURCES:
                self._resources.pop(next(iter(self._resources)))
        return Added(stored, duplicates)


def _nanoseconds(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1e9)
