"""Find the keys of the traces or spans of one page: from the few rows of a rare value, or from the first row on in order.

Which way is taken is seen by counting the rows of each value asked for, up to a small number. All narrowing columns stand in
the index that is walked, so that also a walk to the end, when nothing is found, reads that index alone.
"""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from groundwork.telemetry.asking import Asking, Row
from groundwork.telemetry.filters import FEW, Asked, Terms, conditions
from groundwork.telemetry.hits import Hits
from groundwork.telemetry.types import Order

ORDERS: dict[Order, tuple[str, str]] = {
    "newest": ("started_ns", "ix_traces_list"),
    "slowest": ("duration_ns", "ix_traces_duration"),
    "dearest": ("cost_nanousd", "ix_traces_cost"),
    "most_tokens": ("tokens", "ix_traces_tokens"),
}
BLOCK, LARGEST_BLOCK = 256, 8192
FEW_TRACES = 500
"""The spans of so many traces are looked at and sorted."""
Key = tuple[int, int]
_OWN_INDEXES = (("session", "session_id", "ix_traces_session"), ("user", "user_id", "ix_traces_user"))


@dataclass
class _Start:
    """Where to begin: tables, their conditions, and what need not be asked again."""

    source: str
    first: Terms = field(default_factory=Terms)
    met: tuple[str, str] | None = None


def trace_keys(
    ask: Asking, asked: Asked, order: Order, after: Terms, limit: int, hits: Hits | None = None
) -> list[Key]:
    """Return `(num, key)` of the first traces found after a place, in order."""
    column, _ = ORDERS[order]
    if asked.words and hits is None:
        hits = Hits(ask, asked.words)
    few = hits.few(FEW) if hits else None
    terms = asked.on_trace()
    start = _trace_start(ask, asked, order, few, narrowed=len(terms.parts) > 1)
    for name, value in asked.values():
        if (name, value) != start.met:
            terms.also(asked.has_value(name, value))
    unread = hits if start.met != ("text", "") else None

    def block(place: Key | None, size: int) -> list[Row]:
        further = Terms() if place is None else _beyond(f"(t.{column}, t.num)", place)
        ranges = ", t.first_seq, t.last_seq, t.spans" if unread else ""
        sql = (
            f"SELECT t.num, t.{column}{ranges} FROM {start.source} WHERE {conditions(start.first, terms, after, further)} "
            f"ORDER BY t.{column} DESC, t.num DESC LIMIT ?"
        )
        return ask.plain(sql, [*start.first.values, *terms.values, *after.values, *further.values, size])

    if unread is None:
        return [(num, key) for num, key in block(None, limit)]
    return _chosen(block, lambda rows: unread.in_traces([(r[0], r[2], r[3], r[4]) for r in rows]), limit)


def span_keys(ask: Asking, asked: Asked, after: Terms, limit: int) -> list[Key]:
    """Return `(seq, start)` of the first spans found after a place, newest first."""
    hits = Hits(ask, asked.words) if asked.words else None
    few = hits.few(FEW) if hits else None
    terms = asked.on_span()
    start = _span_start(ask, asked, few)
    traces = _Traces(ask, asked)
    unread = hits if few is None else None

    def block(place: Key | None, size: int) -> list[Row]:
        further = Terms() if place is None else _beyond("(s.started_ns, s.seq)", place)
        sql = (
            f"SELECT s.seq, s.started_ns, s.trace FROM {start.source} "
            f"WHERE {conditions(start.first, terms, after, further)} "
            "ORDER BY s.started_ns DESC, s.seq DESC LIMIT ?"
        )
        return ask.plain(sql, [*start.first.values, *terms.values, *after.values, *further.values, size])

    def choose(rows: Sequence[Row]) -> list[bool]:
        fit = traces.fit([r[2] for r in rows])
        if unread is None:
            return fit
        return [a and b for a, b in zip(fit, unread.among([r[0] for r in rows]), strict=True)]

    if unread is None and not traces.asked:
        return [(row[0], row[1]) for row in block(None, limit)]
    return _chosen(block, choose, limit)


class _Traces:
    """Which traces have lines that fit what is asked of the traces of spans; each is looked at once."""

    def __init__(self, ask: Asking, asked: Asked) -> None:
        self._ask = ask
        self._terms = asked.on_its_trace()
        self._known: dict[int, bool] = {}
        self.asked = bool(self._terms.parts)

    def fit(self, nums: Sequence[int]) -> list[bool]:
        """Say of each trace whether its line fits."""
        if not self.asked:
            return [True] * len(nums)
        unknown = sorted(set(nums) - self._known.keys())
        if unknown:
            condition, these = self._ask.some(unknown)
            rows = self._ask.plain(
                f"SELECT t.num FROM traces t WHERE t.num {condition} AND {self._terms.sql}",
                [these, *self._terms.values],
            )
            fitting = {row[0] for row in rows}
            self._known.update((num, num in fitting) for num in unknown)
        return [self._known[num] for num in nums]


def _chosen(
    block: Callable[[Key | None, int], list[Row]], choose: Callable[[Sequence[Row]], list[bool]], limit: int
) -> list[Key]:
    """Return the first rows that are chosen, reading block after block."""
    found: list[Key] = []
    place: Key | None = None
    size = BLOCK
    while True:
        rows = block(place, size)
        found += [(r[0], r[1]) for r, wanted in zip(rows, choose(rows), strict=True) if wanted]
        if len(found) >= limit or len(rows) < size:
            return found[:limit]
        place = (rows[-1][1], rows[-1][0])
        size = min(2 * size, LARGEST_BLOCK)


def _beyond(columns: str, place: Key) -> Terms:
    terms = Terms()
    terms.add(f"{columns} < (?, ?)", *place)
    return terms


def _trace_start(ask: Asking, asked: Asked, order: Order, few: list[int] | None, *, narrowed: bool) -> _Start:
    counted = [(_values(ask, asked, name, value), name, value) for name, value in asked.values()]
    rarest = min(counted, default=None)
    if few is not None and (rarest is None or len(few) <= rarest[0]):
        spans = _listed(ask, few, "spans s", "s.seq")
        source = f"(SELECT DISTINCT s.trace FROM {spans.source}) y {ask.join} traces t ON t.num = y.trace"
        return _Start(source, spans.first, met=("text", ""))
    if rarest is not None and rarest[0] <= FEW:
        start = _Start(f"trace_values v {ask.join} traces t ON t.num = v.trace", met=rarest[1:])
        start.first.add("v.tenant = ? AND v.field = ? AND v.value = ?", asked.tenant, *rarest[1:])
        return start
    for name, column, index in _OWN_INDEXES:
        value = getattr(asked.query, name)
        if value and (order == "newest" or _rows(ask, asked, column, index, value) <= FEW):
            return _Start(f"traces t {ask.by(index)}")
    if asked.query.feedback in ("up", "down", "any") and ask.dialect == "sqlite":
        return _Start("traces t INDEXED BY ix_traces_feedback")
    # What is asked of the line stands in this index alone; a value of the spans is looked up by number from any.
    index = "ix_traces_list" if narrowed else ORDERS[order][1]
    return _Start(f"traces t {ask.by(index)}")


def _span_start(ask: Asking, asked: Asked, few: list[int] | None) -> _Start:
    if few is not None:
        return _listed(ask, few, "spans s", "s.seq")
    of_trace = f"spans s {ask.by('ux_spans_trace_span')}"
    counted = [(_values(ask, asked, name, value), name, value) for name, value in asked.values()]
    rarest = min(counted, default=None)
    if rarest is not None and rarest[0] <= FEW_TRACES:
        start = _Start(f"trace_values v {ask.join} {of_trace} ON s.trace = v.trace")
        start.first.add("v.tenant = ? AND v.field = ? AND v.value = ?", asked.tenant, *rarest[1:])
        return start
    traces = _its_traces(ask, asked)
    if len(traces) <= FEW_TRACES:
        return _listed(ask, traces, of_trace, "s.trace")
    return _Start(f"spans s {ask.by('ix_spans_list')}")


def _its_traces(ask: Asking, asked: Asked) -> list[int]:
    """Return the traces whose spans are asked for, as far as their lines say, up to what is few and one more."""
    terms = asked.on_its_trace()
    if not terms.parts:
        return [0] * (FEW_TRACES + 1)
    terms.add("t.tenant = ?", asked.tenant)
    indexes = [index for name, _, index in _OWN_INDEXES if getattr(asked.query, name)]
    if asked.query.feedback in ("up", "down", "any"):
        indexes.append("ix_traces_feedback")
    sql = f"SELECT t.num FROM traces t {ask.by([*indexes, 'ix_traces_list'][0])} WHERE {terms.sql} LIMIT ?"
    return [int(row[0]) for row in ask.plain(sql, [*terms.values, FEW_TRACES + 1])]


def _listed(ask: Asking, numbers: list[int], table: str, column: str) -> _Start:
    """Return a beginning at rows whose numbers are known."""
    if ask.dialect == "sqlite":
        start = _Start(f"json_each(?) x CROSS JOIN {table} ON {column} = x.value")
    else:
        start = _Start(f"unnest(?::bigint[]) x (value) JOIN {table} ON {column} = x.value")
    start.first.values.append(ask.some(numbers)[1])
    return start


def _values(ask: Asking, asked: Asked, name: str, value: str) -> int:
    """Count the traces with a value in one of their spans, up to what is few and one more."""
    found = ask.plain(
        "SELECT count(*) FROM (SELECT 1 FROM trace_values WHERE tenant = ? AND field = ? AND value = ? LIMIT ?) x",
        [asked.tenant, name, value, FEW + 1],
    )
    return int(found[0][0])


def _rows(ask: Asking, asked: Asked, column: str, index: str, value: str) -> int:
    found = ask.plain(
        f"SELECT count(*) FROM (SELECT 1 FROM traces {ask.by(index)} "
        f"WHERE tenant = ? AND {column} = ? AND {column} <> '' LIMIT ?) x",
        [asked.tenant, value, FEW + 1],
    )
    return int(found[0][0])
