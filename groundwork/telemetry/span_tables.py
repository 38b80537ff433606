"""All spans of a tenant as Arrow tables, each span once: those in archived files, and live ones that are in none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, select

from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.storage.telemetry_tables import spans as span_rows
from groundwork.telemetry import archive_list as listed
from groundwork.telemetry.archive import Archive
from groundwork.telemetry.archive_list import ArchivedFile
from groundwork.telemetry.archive_schema import COMPRESSION, schema, to_table
from groundwork.telemetry.between import between
from groundwork.telemetry.counting import HOUR
from groundwork.telemetry.types import Span

_NS = 1_000_000_000
_PAGE = 10_000
MOST_IN_FILE = 1_000_000
FOREVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class State:
    """Which spans are where, at one moment.

    Attributes:
        newest: place of the last span. live: how many rows the store has.
        waiting: hours that may have spans in no file. through: by hour, the place up to which its spans are in files.
    """

    newest: int
    live: int
    waiting: tuple[int, ...]
    through: Mapping[int, int]
    files: tuple[ArchivedFile, ...]


class SpanTables:
    """Reads spans from the store and the archive together. An owner gets all of the tenant, others their own."""

    def __init__(self, database: Database, archive: Archive) -> None:
        self._database = database
        self.archive = archive

    def state(self, tenant: str) -> State:
        """Return which spans are where."""
        # How far the archive came is read first: an older state only makes more hours be looked at.
        looked, waiting = self.archive.state(tenant)
        with self._database.read() as connection:
            of = span_rows.c.tenant == tenant
            newest = int(connection.execute(select(func.max(span_rows.c.seq)).where(of)).scalar() or 0)
            live = int(connection.execute(select(func.count()).select_from(span_rows).where(of)).scalar_one())
            hours = set(waiting) | listed.hours(connection, tenant, looked, newest)
            through = listed.through_all(connection, tenant)
            files = tuple(listed.files(connection, tenant))
        return State(newest, live, tuple(sorted(hours)), through, files)

    def unarchived(self, principal: Principal, state: State) -> Iterator[tuple[int, Span]]:
        """Yield spans that are in no file, newest hour first."""
        for hour in reversed(state.waiting):
            after = state.through.get(hour, 0)
            while True:
                begin, end = hour * _NS, (hour + HOUR) * _NS
                page = between(self._database, principal.tenant, begin, end, after, state.newest, _PAGE)
                yield from (x for x in page if principal.owner or x[1].principal == principal.name)
                if len(page) < _PAGE:
                    break
                after = page[-1][0]

    def tables(self, principal: Principal, since_ns: int = 0, until_ns: int = FOREVER) -> Iterator[Any]:
        """Yield tables of spans that began in `since <= time < until`, archived ones first."""
        state = self.state(principal.tenant)
        live = [x for x in self.unarchived(principal, state) if since_ns <= x[1].started_ns < until_ns]
        again = {
            span.span_id for _, span in live if span.source == "groundwork" and hour_of(span) in state.through
        }
        for file in state.files:
            if file.hour * _NS < until_ns and (file.hour + HOUR) * _NS > since_ns:
                yield from self._kept(file, principal, since_ns, until_ns, again)
        for start in range(0, len(live), _PAGE):
            yield to_table(live[start : start + _PAGE])

    def _kept(
        self, file: ArchivedFile, principal: Principal, since_ns: int, until_ns: int, again: set[str]
    ) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        with self.archive.place.open(file.name) as opened:
            for n in range(opened.num_row_groups):
                table = opened.read_row_group(n)
                began = table["started_ns"]
                wanted = pc.and_(pc.greater_equal(began, since_ns), pc.less(began, until_ns))
                if not principal.owner:
                    wanted = pc.and_(wanted, pc.equal(table["principal"], principal.name))
                if again:
                    wanted = pc.and_(
                        wanted, pc.invert(pc.is_in(table["span_id"], pa.array(sorted(again), pa.string())))
                    )
                table = table.filter(wanted)
                if table.num_rows:
                    yield table


def hour_of(span: Span) -> int:
    """Return the hour in which a span began, in seconds since 1970."""
    second = span.started_ns // _NS
    return second - second % HOUR


def write_parquet(tables: Iterator[Any], target: BinaryIO, most: int) -> tuple[int, bool]:
    """Write tables as one Parquet file; return how many spans it holds, and whether more than `most` were there."""
    import pyarrow.parquet as pq

    rows, more = 0, False
    with pq.ParquetWriter(target, schema(), compression=COMPRESSION) as writer:
        for table in tables:
            if rows + table.num_rows > most:
                table, more = table.slice(0, most - rows), True
            rows += table.num_rows
            writer.write_table(table)
            if more:
                break
    return rows, more


def export_parquet(
    tables: Iterator[Any], directory: Path, *, each: Callable[[int], object] = lambda spans: None
) -> Sequence[tuple[Path, int]]:
    """Write tables as `spans-0001.parquet` and so on, a million spans each, and return the files with their counts.

    Args:
        directory: is made; files of these names in it are written over.
        each: called with how many spans are written so far.
    """
    import pyarrow.parquet as pq

    directory.mkdir(parents=True, exist_ok=True)
    made: list[tuple[Path, int]] = []
    total, writer = 0, None
    try:
        for table in tables:
            if writer is None or made[-1][1] + table.num_rows > MOST_IN_FILE:
                if writer is not None:
                    writer.close()
                made.append((directory / f"spans-{len(made) + 1:04}.parquet", 0))
                writer = pq.ParquetWriter(made[-1][0], schema(), compression=COMPRESSION)
            writer.write_table(table)
            made[-1] = (made[-1][0], made[-1][1] + table.num_rows)
            total += table.num_rows
            each(total)
    finally:
        if writer is not None:
            writer.close()
    return made
