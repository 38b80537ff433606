"""Spans of our own records: made of the rows after the fact, so that no request waits and none contradicts the books.

Whoever keeps records offers them as a `Source`; the projector follows each, makes its spans and puts them into the store.
Ids of spans follow from those of records, so making them twice changes nothing, whichever process does it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import select

from groundwork.core.errors import GroundworkError
from groundwork.storage.database import Database
from groundwork.storage.telemetry_tables import spans as span_rows
from groundwork.storage.telemetry_tables import traces as trace_rows
from groundwork.telemetry.cursors import Cursors
from groundwork.telemetry.following import Due, Follower, Table
from groundwork.telemetry.store import SpanStore
from groundwork.telemetry.types import Span

AT_ONCE = 500
"""Records whose spans are made before they are stored, so that memory stays bounded."""
NEAR_SECONDS = 10.0
FAR_SECONDS = 300.0
SAVE_SECONDS = 2.0
_IDS_AT_ONCE = 400
log = logging.getLogger("groundwork.telemetry")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The spans of one record, its root first.

    Attributes:
        poorer: something is missing that spans which another process has made of the record may have; they are kept.
    """

    record_id: str
    tenant: str
    spans: Sequence[Span]
    poorer: bool = False


@dataclass(slots=True)
class Made:
    """What came of a look at records: their spans, and those that are not ready yet."""

    bundles: list[Bundle] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)


class Source(Table, Protocol):
    """A table of records with what makes spans of them.

    Attributes:
        name: of its cursor. shows_open: spans are made of records that are under way too, and made again at their end.
    """

    name: str
    shows_open: bool

    def since(self) -> str:
        """Return the id below which records are too old for spans."""
        ...

    def changed(self) -> bool:
        """Say whether anything may have been written since this was last asked; cheap."""
        ...

    def make(self, ids: Sequence[str]) -> Made:
        """Return the spans of these records; ids of which there is no record are left out."""
        ...

    def unmake(self, bundles: Sequence[Bundle]) -> None:
        """Take back what `make` used up, since its spans could not be stored."""
        ...

    def outdated(self, bundles: Sequence[Bundle]) -> list[str]:
        """Return ids of records that were erased while their spans were made and stored: these are made again."""
        ...


@dataclass
class _Followed:
    source: Source
    follower: Follower
    version: int
    near: float
    far: float
    saved: float = 0.0
    dirty: bool = False


class Projector:
    """Brings the spans of our own records up to date. Safe to use from several threads and several processes.

    Args:
        monotonic: seconds; for tests.
    """

    def __init__(
        self,
        store: SpanStore,
        database: Database,
        sources: Sequence[Source],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._database = database
        self._sources = sources
        self._cursors = Cursors(database)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._followed: list[_Followed] | None = None
        self._counts = {"records": 0, "spans": 0, "again": 0, "postponed": 0}
        self._caught_up_at = monotonic()

    def catch_up(self) -> int:
        """Make the spans of all records that are new or have ended, and return how many spans that were.

        Raises:
            GroundworkError: the store refuses (busy, full, gone) or a database cannot be read; the next call goes on.
        """
        with self._lock:
            followed = self._begin()
            total = sum(self._follow(one) for one in followed)
            self._caught_up_at = self._monotonic()
            return total

    def counters(self) -> Mapping[str, float]:
        """Return what was done since the start: `records`, `spans`, `again` (offered a second time), `postponed`; and
        `lag_seconds` since everything was up to date."""
        return {**self._counts, "lag_seconds": max(0.0, self._monotonic() - self._caught_up_at)}

    def close(self) -> None:
        """Save how far it came."""
        with self._lock:
            for one in self._followed or ():
                if one.dirty:
                    try:
                        self._save(one)
                    except GroundworkError as error:
                        log.info(
                            "how far spans of `%s` came was not saved: %s", one.source.name, error.message
                        )
            self._followed = None

    # ---- one source ----

    def _begin(self) -> list[_Followed]:
        if self._followed is None:
            self._store.migrate()
            self._followed = [self._resumed(source) for source in self._sources]
        return self._followed

    def _resumed(self, source: Source) -> _Followed:
        state, version = self._cursors.load(source.name)
        now = self._monotonic()
        return _Followed(source, Follower(source, state, source.since()), version, now, now, now)

    def _follow(self, one: _Followed) -> int:
        now = self._monotonic()
        changed = one.source.changed()
        if not changed and not one.follower.waiting:
            if one.dirty and now - one.saved >= SAVE_SECONDS:
                self._save(one)
            return 0
        near, far = now - one.near >= NEAR_SECONDS, now - one.far >= FAR_SECONDS
        made = 0
        while True:
            due = one.follower.look(AT_ONCE, near=near, far=far)
            one.near = now if near or far else one.near
            one.far = now if far else one.far
            near = far = False
            made += self._take(one, due)
            if not due.more:
                break
        if one.dirty and now - one.saved >= SAVE_SECONDS:
            self._save(one)
        return made

    def _take(self, one: _Followed, due: Due) -> int:
        made = 0
        one.follower.later((*due.fresh, *due.again))  # until they have been taken
        for ids, again in ((due.fresh, False), (due.again, True)):
            for start in range(0, len(ids), AT_ONCE):
                made += self._project(one, ids[start : start + AT_ONCE], again=again)
        if one.source.shows_open and due.begun:
            self._add(one, one.source.make(due.begun).bundles)
        return made

    def _project(self, one: _Followed, ids: Sequence[str], *, again: bool) -> int:
        found = one.source.make(ids)
        bundles = found.bundles
        if again:
            self._counts["again"] += len(bundles)
        # What is stored already may hold texts that are nowhere else.
        doubtful = [b for b in bundles if b.poorer or (again and not one.source.shows_open)]
        if doubtful:
            unknown = {b.record_id for b in self._unknown(doubtful)}
            known = {b.record_id for b in doubtful} - unknown
            bundles = [b for b in bundles if b.record_id not in known]
        stored = self._add(one, bundles)
        waiting = set(found.not_ready)
        one.follower.taken(b.record_id for b in found.bundles if b.record_id not in waiting)
        one.dirty = True
        self._counts["postponed"] += len(waiting)
        self._counts["records"] += len(bundles)
        self._counts["spans"] += stored
        return stored

    def _add(self, one: _Followed, bundles: Sequence[Bundle]) -> int:
        if not bundles:
            return 0
        try:
            total = self._store_all(bundles)
        except BaseException:
            one.source.unmake(bundles)
            raise
        outdated = one.source.outdated(bundles)
        if outdated:
            self._store_all(one.source.make(outdated).bundles)
        return total

    def _store_all(self, bundles: Sequence[Bundle]) -> int:
        by_tenant: dict[str, list[Span]] = {}
        for bundle in bundles:
            by_tenant.setdefault(bundle.tenant, []).extend(bundle.spans)
        total = 0
        for tenant, spans in by_tenant.items():
            self._store.add(tenant, spans)
            total += len(spans)
        return total

    def _unknown(self, bundles: Sequence[Bundle]) -> list[Bundle]:
        """Return the bundles whose root is not stored."""
        named = [((b.tenant, b.spans[0].trace_id, b.spans[0].span_id), b) for b in bundles if b.spans]
        known = known_spans(self._database, (name for name, _ in named))
        return [b for name, b in named if name not in known]

    def _save(self, one: _Followed) -> None:
        if self._cursors.save(one.source.name, one.follower.state(), one.version):
            one.version += 1
            one.dirty, one.saved = False, self._monotonic()
            return
        # Another process has gone on from here: what it did not take is found by its numbers.
        log.debug("another process follows `%s` too", one.source.name)
        fresh = self._resumed(one.source)
        one.follower, one.version, one.dirty, one.saved = fresh.follower, fresh.version, False, fresh.saved


def known_spans(database: Database, names: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Return which of these spans, named by tenant, trace and span, are stored."""
    wanted = list(names)
    found: set[tuple[str, str, str]] = set()
    t, s = trace_rows.c, span_rows.c
    with database.read() as connection:
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            some = wanted[start : start + _IDS_AT_ONCE]
            query = (
                select(t.tenant, t.trace_id, s.span_id)
                .join(span_rows, s.trace == t.num)
                .where(
                    t.tenant.in_({tenant for tenant, _, _ in some}),
                    t.trace_id.in_({trace for _, trace, _ in some}),
                    s.span_id.in_({span for _, _, span in some}),
                )
            )
            found.update((r[0], r[1], r[2]) for r in connection.execute(query))
    return found
