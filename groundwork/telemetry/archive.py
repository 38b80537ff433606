"""Closed hours of spans as Parquet files, which cost a tenth of the space and are read by the column.

A file is written aside, synced and renamed before the row that names it is committed, so a killed process leaves at worst a
file that nobody refers to, and `sweep` takes it away. A file holds the spans of its hour up to a place in the order in which
spans were stored; those that come late make another file. Which spans are archived follows from that alone, so nothing is
archived twice. Files are never changed: where a trace is erased, a new one without it takes the place of the old.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from groundwork.core.clock import Clock, SystemClock
from groundwork.core.digest import digest_bytes
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.storage.columns import storable
from groundwork.storage.database import Database, exclusive
from groundwork.storage.failpoints import failpoint
from groundwork.storage.telemetry_tables import spans
from groundwork.telemetry import archive_list as listed
from groundwork.telemetry.archive_index import filter_of
from groundwork.telemetry.archive_list import ArchivedFile
from groundwork.telemetry.archive_place import ArchivePlace
from groundwork.telemetry.archive_schema import COMPRESSION, LISTS, OBJECTS, from_table, schema, to_table
from groundwork.telemetry.counting import DAY, HOUR, is_open
from groundwork.telemetry.cursors import Cursors
from groundwork.telemetry.types import Span

GRACE_SECONDS = 600
"""How long after its end an hour stays open, so that what comes a little late needs no file of its own."""
MOST_SPANS = 200_000
"""Of one file; an hour with more has several."""
PAGE = 10_000
"""Spans that are in memory at once; a row group of a file holds as many."""
SWEEP_SECONDS = 3600.0
MOST_OF_A_TRACE = 100_000
OWN = "groundwork"
_CURSOR = "archive"
_NS = 1_000_000_000
_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")

Read = Callable[[str, int, int, int, int, int], Sequence[tuple[int, Span]]]
"""`read(tenant, from_ns, to_ns, after_seq, through_seq, limit)`: live spans, see `telemetry/between.py`."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What a run did: spans and files written, files dropped because of age or size, unfinished ones swept away.

    Attributes:
        left: closed hours that it had no time for.
    """

    spans: int = 0
    files: int = 0
    dropped: int = 0
    swept: int = 0
    left: int = 0

    def __bool__(self) -> bool:
        """Whether there is more to do at once."""
        return self.left > 0


@dataclass(slots=True)
class _Written:
    """What was read of an hour into a file: `last` is the place of the last span, `whole` says that it was all."""

    last: int
    read: int = 0
    kept: int = 0
    whole: bool = False
    changed: int = 0
    traces: set[str] = field(default_factory=set)
    own: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Gone:
    """Which spans are to go: those of some traces; only single ones of them where `span_ids` is given."""

    trace_ids: frozenset[str]
    span_ids: frozenset[str] | None = None

    def applied(self, table: Any) -> tuple[Any, int]:
        """Return a table without them, and how many rows they were."""
        import pyarrow as pa
        import pyarrow.compute as pc

        gone = pc.is_in(table["trace_id"], pa.array(sorted(self.trace_ids), pa.string()))
        if self.span_ids is not None:
            gone = pc.and_(gone, pc.is_in(table["span_id"], pa.array(sorted(self.span_ids), pa.string())))
        kept = table.filter(pc.invert(gone))
        return kept, table.num_rows - kept.num_rows


@dataclass(frozen=True, slots=True)
class _Renamed:
    """Another name for whoever acted, in the column and wherever it is a value inside JSON."""

    old: str
    new: str

    def applied(self, table: Any) -> tuple[Any, int]:
        """Return a table with the other name, and in how many rows the old one stood."""
        import pyarrow.compute as pc

        acted = pc.equal(table["principal"], storable(self.old))
        rows, places = acted, {"principal": pc.if_else(acted, storable(self.new), table["principal"])}
        old, new = (storable(json.dumps(name, ensure_ascii=False)) for name in (self.old, self.new))
        for column in (*OBJECTS, *LISTS):
            rows = pc.or_(rows, pc.fill_null(pc.match_substring(table[column], old), False))
            places[column] = pc.replace_substring(table[column], old, new)
        for column, values in places.items():
            place = table.schema.get_field_index(column)
            table = table.set_column(place, table.schema.field(place), values)
        return table, int(pc.sum(rows).as_py() or 0)


class Archive:
    """The archived spans of a workspace. Safe to use from several threads and processes.

    Args:
        database: of telemetry.
        place: of the files.
        read: reads live spans by time.
        tenants: gives every tenant that has spans.
        days: archived spans are kept so long after they were archived, or after their hour where that is later.
        most_bytes: of all files together; the oldest are dropped first. None: no bound.
    """

    def __init__(
        self,
        database: Database,
        place: ArchivePlace,
        read: Read,
        tenants: Callable[[], Iterable[str]],
        clock: Clock | None = None,
        *,
        days: int = 365,
        most_bytes: int | None = None,
    ) -> None:
        self._database = database
        self.place = place
        self._read = read
        self._tenants = tenants
        self._clock = clock or SystemClock()
        self._days = days
        self._most_bytes = most_bytes
        self._cursors = Cursors(database)
        self._swept_at = self._clock.monotonic()

    # -- writing ----------------------------------------------------------------------------------------------
    def catch_up(self, *, grace_s: int = GRACE_SECONDS, seconds: float | None = None) -> Archived:
        """Archive closed hours, drop what is too old or too much, and sweep what interrupted runs left behind.

        Args:
            grace_s: how long after its end an hour stays open.
            seconds: after these no further hour is begun; None: every closed hour is archived.

        Raises:
            StorageFullError, UnavailableError: the place does not take files; the next run goes on.
        """
        written = files = swept = left = 0
        until = None if seconds is None else self._clock.monotonic() + seconds
        for tenant in self._tenants():
            more_spans, more_files, more_left = self._archive_tenant(tenant, grace_s, until)
            written, files, left = written + more_spans, files + more_files, left + more_left
        dropped = self._drop()
        if self._clock.monotonic() - self._swept_at >= SWEEP_SECONDS:
            swept = self.sweep()
            self._swept_at = self._clock.monotonic()
        return Archived(written, files, dropped, swept, left)

    def _archive_tenant(self, tenant: str, grace_s: int, until: float | None) -> tuple[int, int, int]:
        """Archive the closed hours of a tenant; return spans, files, and hours that are left.

        The cursor only says where to look; what is archived the files say.
        """
        name = f"{_CURSOR}:{tenant}"
        state, version = self._cursors.load(name)
        looked, hours = _state(state)
        waiting = set(hours)
        with self._database.read() as connection:
            of = spans.c.tenant == tenant
            newest = int(connection.execute(select(func.max(spans.c.seq)).where(of)).scalar() or 0)
            if newest > looked:
                waiting |= listed.hours(connection, tenant, looked, newest)
        closed_before = int(self._clock.now().timestamp()) - grace_s - HOUR
        written = files = 0
        left = sorted(h for h in waiting if h > closed_before)
        late = 0
        for hour in sorted(waiting.difference(left)):
            if until is not None and self._clock.monotonic() >= until:
                left, late = [*left, hour], late + 1
                continue
            more_spans, more_files, whole = self._archive_hour(tenant, hour, newest)
            written, files = written + more_spans, files + more_files
            left += () if whole else (hour,)
        left.sort()
        if (max(newest, looked), tuple(left)) != (looked, hours):
            self._cursors.save(name, {"seq": max(newest, looked), "open": left}, version)
        return written, files, late

    def _archive_hour(self, tenant: str, hour: int, newest: int) -> tuple[int, int, bool]:
        """Archive an hour up to a place; return how many spans and files that made, and whether nothing is left."""
        written = files = 0
        while True:
            before = self.through(tenant, hour)
            if before >= newest:
                return written, files, True
            done = self._write_hour(tenant, hour, before, newest)
            if done is None:
                if self.through(tenant, hour) == before:
                    return written, files, False  # spans of it are being erased: the next run reads it again
                continue
            written, files = written + done.kept, files + bool(done.kept)
            if done.whole:
                return written, files, True

    def _write_hour(self, tenant: str, hour: int, after: int, newest: int) -> _Written | None:
        """Write a file and commit its row; None where somebody was first, or what was read is no longer there."""
        for _ in range(3):
            done = _Written(after)
            with self._database.read() as connection:
                n = listed.next_number(connection, tenant, hour)
            made = self._write(tenant, hour, n, self._pages(tenant, hour, newest, done))
            failpoint("archive.synced")
            if not done.read:
                return done
            stale = _Gone(frozenset(t for t, _ in done.own), frozenset(s for _, s in done.own))
            earlier = self._rewritten(self._holding(tenant, stale.trace_ids, hour), stale)
            row = {
                "tenant": tenant, "hour": hour, "n": n, "after_seq": after,
                "through_seq": newest if done.whole else done.last, "spans": done.kept, **made,
                "traces": filter_of(done.traces), "created_at": self._now(),
            }  # fmt: skip
            with self._database.write() as connection:
                exclusive(connection, f"archive:{tenant}")
                right = listed.add(connection, row, done.read)
                if right:
                    for file, values, _ in earlier:
                        listed.replace(connection, file, values)
                failpoint("archive.stored")
            failpoint("archive.committed")
            for file, values, _ in earlier:
                self._remove(file.name if right else values["name"])
            if right:
                return done
            self._remove(made["name"])
            if self.through(tenant, hour) != after:
                return None
        return None

    def _pages(self, tenant: str, hour: int, newest: int, done: _Written) -> Iterator[Any]:
        """Yield tables of spans of an hour that are not archived yet, and note what was read."""
        while done.read < MOST_SPANS:
            found = self._read(tenant, hour * _NS, (hour + HOUR) * _NS, done.last, newest, PAGE)
            done.read += len(found)
            if found:
                done.last = found[-1][0]
            kept = [(seq, span) for seq, span in found if not is_open(span)]
            done.kept += len(kept)
            done.traces.update(span.trace_id for _, span in kept)
            done.own.update((span.trace_id, span.span_id) for _, span in kept if span.source == OWN)
            if kept:
                yield to_table(kept)
            if len(found) < PAGE:
                done.whole = True
                return

    def _write(self, tenant: str, hour: int, n: int, pages: Iterator[Any]) -> dict[str, Any]:
        """Write a file of tables and return its name, size and digest; for no rows none is written."""
        import pyarrow.parquet as pq

        first = next(pages, None)
        if first is None:
            return {"name": "", "bytes": 0, "digest": ""}

        def write(file: Any) -> None:
            with pq.ParquetWriter(file, schema(), compression=COMPRESSION) as writer:
                writer.write_table(first)
                for table in pages:
                    writer.write_table(table)

        at = datetime.fromtimestamp(hour, UTC)
        folder = tenant if _SAFE.fullmatch(tenant) else "t-" + digest_bytes(tenant.encode())[:32]
        # Two that write the same file at once must not write over each other: one of them is told so and removes its own.
        name = f"{folder}/{at:%Y-%m-%d}/{at:%H}-{n}-{secrets.token_hex(4)}.parquet"
        size, digest = self.place.write(name, write)
        return {"name": name, "bytes": size, "digest": digest}

    def state(self, tenant: str) -> tuple[int, tuple[int, ...]]:
        """Return `(seq, hours)`: spans up to this place are archived, but for those of these hours."""
        return _state(self._cursors.load(f"{_CURSOR}:{tenant}")[0])

    # -- reading ----------------------------------------------------------------------------------------------
    def files(self, tenant: str) -> list[ArchivedFile]:
        """Return the files of a tenant that hold spans, oldest hour first."""
        with self._database.read() as connection:
            return listed.files(connection, tenant)

    def through(self, tenant: str, hour: int) -> int:
        """Return the place up to which spans of an hour are archived; 0 where none are."""
        with self._database.read() as connection:
            return listed.through(connection, tenant, hour)

    def waiting_since(self) -> int | None:
        """Return the earliest hour (seconds since 1970) with spans in no file; None where every span is in one.

        Spans that began earlier are archived, so that retention may drop them.
        """
        found: set[int] = set()
        for tenant in self._tenants():
            looked, hours = self.state(tenant)
            with self._database.read() as connection:
                found |= set(hours) | listed.hours(connection, tenant, looked, (1 << 63) - 1)
        return min(found, default=None)

    def is_archived(self, tenant: str, started_ns: int, seq: int) -> bool:
        """Say whether a span, by its start and place, is in the archive, so that its live row may go."""
        second = started_ns // _NS
        return seq <= self.through(tenant, second - second % HOUR)

    def archived_through(self, tenant: str) -> dict[int, int]:
        """Return, by hour (seconds since 1970), the place up to which its spans are archived."""
        with self._database.read() as connection:
            return listed.through_all(connection, tenant)

    def trace(self, principal: Principal, trace_id: str) -> list[Span]:
        """Return the archived spans of a trace in the order in which they were stored, 100,000 at most.

        Raises:
            NotFoundError: none is archived, or it is not the principal's to see.
        """
        found: dict[str, tuple[int, Span]] = {}
        if _TRACE_ID.fullmatch(trace_id):
            for file in self._holding(principal.tenant, {trace_id}):
                for seq, span in self._of_trace(file, trace_id):
                    if span.span_id not in found or found[span.span_id][0] < seq:
                        found[span.span_id] = (seq, span)
                if len(found) >= MOST_OF_A_TRACE:
                    break
        seen = [span for _, span in sorted(found.values(), key=lambda item: item[0])]
        if not seen or not (principal.owner or all(span.principal == principal.name for span in seen)):
            raise NotFoundError(
                f"there is no archived trace `{trace_id[:64]}`", hint="give all 32 digits of its id"
            )
        return seen[:MOST_OF_A_TRACE]

    def bytes(self) -> int:
        """Return the size of all files."""
        with self._database.read() as connection:
            return listed.size(connection)

    # -- removing ---------------------------------------------------------------------------------------------
    def erase(self, tenant: str, trace_ids: Iterable[str]) -> int:
        """Remove traces from every file and return how many spans went; call it after their live rows are gone.

        When it returns, no file holds them. Interrupted, it is to be called again.
        """
        wanted = frozenset(t for t in trace_ids if _TRACE_ID.fullmatch(t))
        return self._change(lambda: self._holding(tenant, wanted), _Gone(wanted))

    def rename(self, old: str, new: str) -> int:
        """Give whoever acted another name in every file of every tenant, and return in how many spans the old one stood.

        When it returns, no file holds the old name as one who acted. Interrupted, it is to be called again.
        """

        def files() -> list[ArchivedFile]:
            with self._database.read() as connection:
                return [file for file, _ in listed.oldest(connection)]

        return self._change(files, _Renamed(old, new))

    def _change(self, files: Callable[[], list[ArchivedFile]], change: _Gone | _Renamed) -> int:
        """Write the files anew that a change touches, until none is left; return how many spans it touched."""
        done = 0
        while True:
            again = 0
            for file, values, touched in self._rewritten(files(), change):
                with self._database.write() as connection:
                    exclusive(connection, f"archive:{file.tenant}")
                    right = listed.replace(connection, file, values)
                failpoint("archive.replaced")
                self._remove(file.name if right else values["name"])
                if right:
                    done += touched
                else:
                    again += 1  # another process wrote it anew meanwhile
            if not again:
                return done

    def drop_tenant(self, tenant: str) -> int:
        """Remove every file of a tenant and return how many there were."""
        with self._database.write() as connection:
            exclusive(connection, f"archive:{tenant}")
            names = listed.drop(connection, tenant)
        for name in names:
            self._remove(name)
        return len(names)

    def sweep(self, grace_seconds: float = 3600.0) -> int:
        """Remove files that nothing refers to and that are older than the grace time; return how many there were."""
        found = list(self.place.names())
        with self._database.read() as connection:
            wanted = listed.names(connection)
        swept = 0
        for name, age in found:
            if name not in wanted and age >= grace_seconds:
                self.place.remove(name)
                swept += 1
        return swept

    def _rewritten(
        self, files: Iterable[ArchivedFile], change: _Gone | _Renamed
    ) -> list[tuple[ArchivedFile, dict[str, Any], int]]:
        """Write files anew with a change and return their new rows; files that it does not touch are left out."""
        made = []
        for file in files:
            held = _Written(0)
            values = self._write(file.tenant, file.hour, file.n, self._kept(file, change, held))
            failpoint("archive.rewritten")
            if not held.changed:
                self._remove(values["name"])
                continue
            row = {**values, "spans": held.kept, "traces": filter_of(held.traces)}
            made.append((file, row, held.changed))
        return made

    def _kept(self, file: ArchivedFile, change: _Gone | _Renamed, held: _Written) -> Iterator[Any]:
        with self.place.open(file.name) as opened:
            for n in range(opened.num_row_groups):
                table = opened.read_row_group(n)
                held.read += table.num_rows
                table, changed = change.applied(table)
                held.changed += changed
                held.kept += table.num_rows
                held.traces.update(table["trace_id"].unique().to_pylist())
                if table.num_rows:
                    yield table

    def _of_trace(self, file: ArchivedFile, trace_id: str) -> Iterator[tuple[int, Span]]:
        import pyarrow.compute as pc

        with self.place.open(file.name) as opened:
            for n in range(opened.num_row_groups):
                ids = opened.read_row_group(n, columns=["trace_id"])["trace_id"]
                if pc.any(pc.equal(ids, trace_id)).as_py():
                    yield from from_table(opened.read_row_group(n).filter(pc.equal(ids, trace_id)))

    def _holding(self, tenant: str, trace_ids: Iterable[str], hour: int | None = None) -> list[ArchivedFile]:
        wanted = set(trace_ids)
        if not wanted:
            return []
        with self._database.read() as connection:
            return listed.holding(connection, tenant, wanted, hour)

    def _drop(self) -> int:
        """Drop the files that are too old, then the oldest while there is too much."""
        now = self._clock.now().timestamp()
        with self._database.read() as connection:
            total = listed.size(connection) if self._most_bytes is not None else 0
            files = listed.oldest(connection)
        dropped = 0
        for file, created in files:
            too_much = self._most_bytes is not None and total > self._most_bytes
            if not too_much and now - max(file.hour + HOUR, created) < self._days * DAY:
                continue
            with self._database.write() as connection:
                # The row stays, so that live spans it held are not archived once more.
                done = listed.replace(connection, file, listed.NOTHING)
            if done:
                failpoint("archive.dropped")
                self._remove(file.name)
                total, dropped = total - file.bytes, dropped + 1
        return dropped

    def _remove(self, name: str) -> None:
        if name:
            self.place.remove(name)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def _state(stored: Mapping[str, Any]) -> tuple[int, tuple[int, ...]]:
    return int(stored.get("seq", 0)), tuple(sorted(int(hour) for hour in stored.get("open", ())))
