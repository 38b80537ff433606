"""Traces that are no longer live, opened from the archive: the same questions and answers, from a small store of its own."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundwork.core.clock import SystemClock
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.telemetry.archive import Archive
from groundwork.telemetry.reader import SpanReader
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.types import Page, Span, SpanInfo, TraceInfo

KEPT = 4
"""Opened traces that stay open, the last ones asked for."""
_DIGITS = 32


class WholeReader(SpanReader):
    """A reader that looks for a trace in the archive where none is live; it is found by its whole id.

    Lists and searches are of live traces; SQL sees both.

    Args:
        archive: makes the archive when it is first needed.
    """

    def __init__(self, database: Database, archive: Callable[[], Archive]) -> None:
        super().__init__(database)
        self._archive = archive
        self._opened: OrderedDict[tuple[str, str, str], _Opened] = OrderedDict()
        self._opening = threading.Lock()

    def trace(self, principal: Principal, trace_id: str) -> TraceInfo:
        try:
            return super().trace(principal, trace_id)
        except NotFoundError as absent:
            return self._archived(principal, trace_id, absent).trace(principal, trace_id)

    def tree(self, principal: Principal, trace_id: str, **wanted: Any) -> Page[SpanInfo]:
        try:
            return super().tree(principal, trace_id, **wanted)
        except NotFoundError as absent:
            return self._archived(principal, trace_id, absent).tree(principal, trace_id, **wanted)

    def span(self, principal: Principal, trace_id: str, span_id: str) -> Span:
        try:
            return super().span(principal, trace_id, span_id)
        except NotFoundError as absent:
            return self._archived(principal, trace_id, absent).span(principal, trace_id, span_id)

    def close(self) -> None:
        """Let go of the traces that were opened from the archive."""
        with self._opening:
            while self._opened:
                self._opened.popitem()[1].close()

    def _archived(self, principal: Principal, trace_id: str, absent: NotFoundError) -> SpanReader:
        wanted = trace_id.strip().lower()
        if len(wanted) != _DIGITS:
            raise absent
        key = (principal.tenant, "" if principal.owner else principal.name, wanted)
        with self._opening:
            found = self._opened.get(key)
            # What is kept open is looked up again, so that an erased trace is gone at once.
            try:
                spans = self._archive().trace(principal, wanted)
            except NotFoundError:
                if found is not None:
                    self._opened.pop(key).close()
                raise absent from None
            if found is None or found.count != len(spans):
                if found is not None:
                    self._opened.pop(key).close()
                found = self._opened[key] = _Opened(principal.tenant, spans)
            self._opened.move_to_end(key)
            while len(self._opened) > KEPT:
                self._opened.popitem(last=False)[1].close()
            return found.reader


class _Opened:
    """One trace in a temporary store."""

    def __init__(self, tenant: str, spans: list[Span]) -> None:
        self.count = len(spans)
        self._folder = tempfile.TemporaryDirectory(prefix="groundwork-trace-")
        self._database = Database(Path(self._folder.name) / "telemetry.db")
        store = SpanStore(self._database, SystemClock())
        store.add(tenant, spans)
        store.close()
        self.reader = SpanReader(self._database)

    def close(self) -> None:
        self._database.close()
        self._folder.cleanup()
