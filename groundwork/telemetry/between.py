"""Live spans by the time they began and the place they were stored at, for what works through them in pages."""

from __future__ import annotations

from groundwork.storage.database import Database
from groundwork.telemetry import rows as r
from groundwork.telemetry.asking import asking
from groundwork.telemetry.types import Span

_HEAD = 1 + len(r.SPAN_COLUMNS)
_SPANS = (
    f"SELECT t.trace_id, {', '.join('s.' + c for c in r.SPAN_COLUMNS)}, "  # noqa: S608
    f"{', '.join('b.' + c for c in r.BODY_COLUMNS)}, r.content FROM spans s "
    "JOIN traces t ON t.num = s.trace AND t.tenant = s.tenant JOIN span_bodies b ON b.seq = s.seq "
    "LEFT JOIN resources r ON r.digest = b.resource "
)


def between(
    database: Database, tenant: str, from_ns: int, to_ns: int, after_seq: int, through_seq: int, limit: int
) -> list[tuple[int, Span]]:
    """Return spans that began in `from_ns <= time < to_ns`, with `after_seq < seq <= through_seq`, by place."""
    with asking(database) as ask:
        rows = ask.rows(
            _SPANS
            + "WHERE s.tenant = ? AND s.started_ns >= ? AND s.started_ns < ? AND s.seq > ? AND s.seq <= ? "
            "ORDER BY s.seq LIMIT ?",
            [tenant, from_ns, to_ns, after_seq, through_seq, limit],
        )
    return [(row[1], _span(row)) for row in rows]


def _span(row: tuple[object, ...]) -> Span:
    return r.span_of(
        str(row[0]),
        dict(zip(r.SPAN_COLUMNS, row[1:_HEAD], strict=True)),
        dict(zip(r.BODY_COLUMNS, row[_HEAD:-1], strict=True)),
        None if row[-1] is None else str(row[-1]),
    )
