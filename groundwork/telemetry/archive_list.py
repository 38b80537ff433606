"""The list of archived files in the database: the one truth about which spans are archived, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from groundwork.storage.database import insert_or_ignore
from groundwork.storage.telemetry_tables import span_files, spans
from groundwork.telemetry.archive_index import may_hold
from groundwork.telemetry.counting import HOUR

NOTHING: Mapping[str, Any] = {"name": "", "bytes": 0, "digest": "", "spans": 0, "traces": b""}
"""What stands in the row of a file that was dropped."""
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One archived file; it holds the spans of its hour with `after_seq < seq <= through_seq`."""

    tenant: str
    hour: int
    n: int
    name: str
    after_seq: int
    through_seq: int
    spans: int
    bytes: int
    digest: str


_COLUMNS = tuple(span_files.c[name] for name in ArchivedFile.__dataclass_fields__)


def files(connection: Connection, tenant: str) -> list[ArchivedFile]:
    """Return the files of a tenant that hold spans, oldest hour first."""
    held = and_(span_files.c.tenant == tenant, span_files.c.spans > 0)
    rows = connection.execute(select(*_COLUMNS).where(held).order_by(span_files.c.hour, span_files.c.n))
    return [ArchivedFile(*row) for row in rows]


def holding(
    connection: Connection, tenant: str, trace_ids: set[str], hour: int | None = None
) -> list[ArchivedFile]:
    """Return the files, of one hour or of all, that may hold one of the traces, oldest hour first."""
    held = and_(span_files.c.tenant == tenant, span_files.c.spans > 0)
    if hour is not None:
        held = and_(held, span_files.c.hour == hour)
    rows = connection.execute(
        select(*_COLUMNS, span_files.c.traces).where(held).order_by(span_files.c.hour, span_files.c.n)
    )
    return [ArchivedFile(*row[:-1]) for row in rows if any(may_hold(row[-1], t) for t in trace_ids)]


def oldest(connection: Connection) -> list[tuple[ArchivedFile, float]]:
    """Return the files of all tenants, oldest hour first, with the time they were made, in seconds since 1970."""
    rows = connection.execute(
        select(*_COLUMNS, span_files.c.created_at).where(span_files.c.spans > 0).order_by(span_files.c.hour)
    )
    return [(ArchivedFile(*row[:-1]), datetime.fromisoformat(row[-1]).timestamp()) for row in rows]


def names(connection: Connection) -> set[str]:
    """Return the names of all files."""
    return set(connection.execute(select(span_files.c.name)).scalars())


def size(connection: Connection) -> int:
    """Return the size of all files in bytes."""
    return int(connection.execute(select(func.sum(span_files.c.bytes))).scalar() or 0)


def through(connection: Connection, tenant: str, hour: int) -> int:
    """Return the place up to which spans of an hour are archived; 0 where none are."""
    return int(
        connection.execute(select(func.max(span_files.c.through_seq)).where(_of(tenant, hour))).scalar() or 0
    )


def through_all(connection: Connection, tenant: str) -> dict[int, int]:
    """Return by hour what `through` does."""
    last = func.max(span_files.c.through_seq)
    of = span_files.c.tenant == tenant
    rows = connection.execute(select(span_files.c.hour, last).where(of).group_by(span_files.c.hour))
    return {int(hour): int(seq) for hour, seq in rows}


def next_number(connection: Connection, tenant: str, hour: int) -> int:
    """Return the number of the next file of an hour, from 1."""
    return (
        int(connection.execute(select(func.max(span_files.c.n)).where(_of(tenant, hour))).scalar() or 0) + 1
    )


def add(connection: Connection, row: Mapping[str, Any], read: int) -> bool:
    """Add a file, unless another one came first or not all of the `read` spans it was made of are still stored."""
    tenant, hour = row["tenant"], row["hour"]
    if through(connection, tenant, hour) != row["after_seq"]:
        return False
    stored = and_(
        spans.c.tenant == tenant,
        spans.c.started_ns >= hour * _NS,
        spans.c.started_ns < (hour + HOUR) * _NS,
        spans.c.seq > row["after_seq"],
        spans.c.seq <= row["through_seq"],
    )
    found = connection.execute(select(func.count()).select_from(spans).where(stored)).scalar_one()
    return found == read and insert_or_ignore(connection, span_files, row) == 1


def replace(connection: Connection, file: ArchivedFile, values: Mapping[str, Any]) -> bool:
    """Let a row name another file, unless it no longer names the one that was read."""
    same = and_(_of(file.tenant, file.hour), span_files.c.n == file.n, span_files.c.name == file.name)
    return bool(connection.execute(update(span_files).where(same).values(**values)).rowcount == 1)


def drop(connection: Connection, tenant: str) -> list[str]:
    """Take every file of a tenant from the list and return their names."""
    mine = span_files.c.tenant == tenant
    held = [name for name in connection.execute(select(span_files.c.name).where(mine)).scalars() if name]
    connection.execute(delete(span_files).where(mine))
    return held


def hours(connection: Connection, tenant: str, after: int, through: int) -> set[int]:
    """Return the hours in which live spans began that were stored between two places."""
    hour = spans.c.started_ns // (HOUR * _NS)
    within = and_(spans.c.tenant == tenant, spans.c.seq > after, spans.c.seq <= through)
    return {int(n) * HOUR for n in connection.execute(select(hour).where(within).distinct()).scalars()}


def _of(tenant: str, hour: int) -> ColumnElement[bool]:
    return and_(span_files.c.tenant == tenant, span_files.c.hour == hour)
