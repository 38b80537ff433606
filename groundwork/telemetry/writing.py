"""One batch of spans into the store, within the writer's transaction: spans, their words, the lines of their traces."""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.storage.prepared import Cursor
from groundwork.telemetry import rows as r
from groundwork.telemetry.limits import SpanLimits
from groundwork.telemetry.removing import DELETE_VALUE, remove_spans, summed
from groundwork.telemetry.rows import Ready
from groundwork.telemetry.statements import Statement, fetch, insert, many, records, run, some
from groundwork.telemetry.summary import Summary, restored

OWN = "groundwork"
RESOURCE_EVERY = 50_000
"""After so many further spans a resource in use is noted again, so that an unused one can be told."""

TRACE_COLUMNS = (
    "num", "tenant", "trace_id", "name", "kind", "status", "service", "source", "app", "release", "environment", "user_id",
    "principal", "seen_by", "session_id", "answer_id", "feedback", "started_ns", "ended_ns", "duration_ns", "spans",
    "errors", "input_tokens", "output_tokens", "tokens", "cost_nanousd", "first_token_ms", "cached", "rootless", "first_seq",
    "last_seq", "arrived_ns", "bytes", "input", "output", "words", "origins",
)  # fmt: skip
_FIXED = ("num", "tenant", "trace_id", "feedback")
_CHANGING = tuple(name for name in TRACE_COLUMNS if name not in _FIXED)

_TRACES = Statement(f"SELECT {', '.join(TRACE_COLUMNS)} FROM traces WHERE tenant = ? AND trace_id IN (?*)")
_INSERT_TRACE = insert("traces", TRACE_COLUMNS)
_UPDATE_TRACE = Statement(f"UPDATE traces SET {', '.join(f'{n} = ?' for n in _CHANGING)} WHERE num = ?")
_INSERT_SPAN = insert("spans", r.SPAN_COLUMNS)
_INSERT_BODY = insert("span_bodies", r.BODY_COLUMNS)
_INSERT_WORDS = Statement(
    "INSERT INTO span_words (rowid, words) VALUES (?, ?)",
    "INSERT INTO span_words (seq, words) VALUES (?, array_to_tsvector(?::text[]))",
)
_INSERT_VALUE = Statement(
    "INSERT INTO trace_values (tenant, field, value, trace) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_DOCUMENT = Statement(
    "INSERT INTO span_documents (tenant, document_id, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_RESOURCE = Statement(
    "INSERT INTO resources (digest, content, last_seq) VALUES (?, ?, ?) "
    "ON CONFLICT (digest) DO UPDATE SET last_seq = excluded.last_seq WHERE resources.last_seq < excluded.last_seq"
)
_KNOWN = Statement("SELECT span_id, seq, source FROM spans WHERE trace = ? AND span_id IN (?*)")
_METERED_PARENTS = Statement(
    "SELECT seq, input_tokens, output_tokens, cost_nanousd FROM spans "
    "WHERE trace = ? AND span_id IN (?*) AND metered = 1"
)
_METERED_CHILDREN = Statement(
    "SELECT DISTINCT parent_id FROM spans WHERE trace = ? AND parent_id IN (?*) AND metered > 0 AND span_id <> parent_id"
)
_NO_LONGER = Statement("UPDATE spans SET metered = 2 WHERE seq = ?")
_COUNT = Statement("SELECT value FROM span_counts WHERE name = ?")
_SET_COUNT = Statement(
    "INSERT INTO span_counts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_ADD_COUNT = Statement(
    "INSERT INTO span_counts (name, value) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = span_counts.value + excluded.value"
)


@dataclass
class Batch:
    """Spans that were handed in together, by trace."""

    tenant: str
    traces: dict[str, list[Ready]]
    arrived_ns: int
    limits: SpanLimits
    # Resources this process has stored, with the number of the span at which it noted them last.
    resources: dict[str, int]


@dataclass
class Stored:
    """What became of a batch."""

    stored: int = 0
    duplicates: int = 0
    replaced: int = 0
    refused: int = 0
    cut: int = 0
    resources: dict[str, int] = field(default_factory=dict)


@dataclass
class _Rows:
    """What is to be inserted."""

    spans: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[Any, ...]] = field(default_factory=list)
    words: list[tuple[Any, ...]] = field(default_factory=list)
    documents: list[tuple[Any, ...]] = field(default_factory=list)
    values: list[tuple[Any, ...]] = field(default_factory=list)
    gone: list[tuple[Any, ...]] = field(default_factory=list)
    new_traces: list[tuple[Any, ...]] = field(default_factory=list)
    old_traces: list[tuple[Any, ...]] = field(default_factory=list)


def store(cursor: Cursor, batch: Batch) -> Stored:
    """Store a batch. Nothing is kept outside of the transaction, so it may be undone and tried again."""
    done = Stored()
    known = {
        row["trace_id"]: row
        for row in records(cursor, _TRACES, TRACE_COLUMNS, batch.tenant, some(cursor, batch.traces))
    }
    seq = count(cursor, "seq")
    num = count(cursor, "num")
    rows = _Rows()
    for trace_id, spans in batch.traces.items():
        row = known.get(trace_id)
        if row is None:
            num += 1
            trace = _Trace(batch, num, Summary(), None)
            fresh = spans
        else:
            trace = _Trace(batch, row["num"], restored(row), row)
            fresh = _new_ones(cursor, trace, spans, done)
            room = batch.limits.spans_per_trace - trace.summary.spans
            if len(fresh) > room:
                done.refused += len(fresh) - max(0, room)
                fresh = fresh[: max(0, room)]
        if fresh:
            seq = trace.fold(cursor, trace_id, fresh, seq, rows)
            done.stored += len(fresh)
            done.cut += sum(x.span.cut for x in fresh)
    if not done.stored:
        return done
    _resources(cursor, batch, rows, done)
    _insert(cursor, rows)
    run(cursor, _SET_COUNT, "seq", seq)
    run(cursor, _SET_COUNT, "num", num)
    return done


def count(cursor: Cursor, name: str) -> int:
    """Return a number kept in the store, 0 where it was never set."""
    found = fetch(cursor, _COUNT, name)
    return int(found[0][0]) if found else 0


def add_count(cursor: Cursor, name: str, more: int) -> None:
    """Add to a number kept in the store."""
    if more:
        run(cursor, _ADD_COUNT, name, more)


class _Trace:
    """A trace that spans of the batch belong to."""

    def __init__(self, batch: Batch, num: int, summary: Summary, row: dict[str, Any] | None) -> None:
        self.batch = batch
        self.num = num
        self.summary = summary
        self.row = row
        self.before = {field: set(values) for field, values in summary.values.items()}

    def fold(self, cursor: Cursor, trace_id: str, fresh: Sequence[Ready], seq: int, rows: _Rows) -> int:
        """Give the spans their numbers, write down their rows and fold them into the line; return the last number."""
        tenant = self.batch.tenant
        summary = self.summary
        metered = self._metered(cursor, fresh)
        summary.numbered(seq + 1)
        for ready, counts in zip(fresh, metered, strict=True):
            seq += 1
            span = ready.span
            rows.spans.append(ready.span_row(seq, self.num, tenant, counts))
            rows.bodies.append(ready.body_row(seq))
            rows.words.append((seq, words_for(cursor.dialect, ready.words())))
            for document in ready.documents:
                rows.documents.append((tenant, r.storable(document), seq))
            summary.add(span, ready.size)
            if counts == 1:
                summary.meter(span.input_tokens, span.output_tokens, span.cost_nanousd)
        summary.numbered(seq)
        for name, values in summary.values.items():
            more = values - self.before[name] if name in self.before else values
            rows.values += [(tenant, name, r.storable(value), self.num) for value in more]
        for name, values in self.before.items():
            gone = values - summary.values.get(name, set())
            rows.gone += [(tenant, name, r.storable(value), self.num) for value in gone]
        line = summary.row()
        line["arrived_ns"] = self.batch.arrived_ns
        if self.row is None:
            line.update(num=self.num, tenant=tenant, trace_id=trace_id, feedback="")
            rows.new_traces.append(_line(line, TRACE_COLUMNS))
        else:
            rows.old_traces.append((*_line(line, _CHANGING), self.num))
        return seq

    def _metered(self, cursor: Cursor, fresh: Sequence[Ready]) -> list[int]:
        """Say of each span how it counts, see the column `metered`; stored parents stop counting where they must."""
        telling = {x.span.span_id for x in fresh if x.metered}
        if not telling:
            return [0] * len(fresh)
        parents = {x.span.parent_id for x in fresh if x.metered and x.span.parent_id != x.span.span_id}
        if self.row is not None:
            above = some(cursor, parents - telling - {""})
            for seq, input_tokens, output_tokens, cost in fetch(cursor, _METERED_PARENTS, self.num, above):
                run(cursor, _NO_LONGER, seq)
                self.summary.meter(input_tokens, output_tokens, cost, -1)
            below = fetch(cursor, _METERED_CHILDREN, self.num, some(cursor, telling))
            parents |= {parent for (parent,) in below}
        return [(2 if x.span.span_id in parents else 1) if x.metered else 0 for x in fresh]


def _new_ones(cursor: Cursor, trace: _Trace, spans: Sequence[Ready], done: Stored) -> list[Ready]:
    """Return the spans that the trace does not have yet; our own make room for a newer state of themselves."""
    there = {
        span_id: (seq, source)
        for span_id, seq, source in fetch(
            cursor, _KNOWN, trace.num, some(cursor, [x.span.span_id for x in spans])
        )
    }
    if not there:
        return list(spans)
    fresh: list[Ready] = []
    stale: list[int] = []
    for ready in spans:
        found = there.get(ready.span.span_id)
        if found is None:
            fresh.append(ready)
        elif ready.span.source == OWN and found[1] == OWN and _differs(cursor, found[0], ready):
            fresh.append(ready)
            stale.append(found[0])
            done.replaced += 1
        else:
            done.duplicates += 1
    if stale:
        remove_spans(cursor, stale)
        trace.summary = summed(cursor, trace.num)
    return fresh


_BODY = Statement("SELECT resource, input, output, content FROM span_bodies WHERE seq = ?")
_ROW = Statement(f"SELECT {', '.join(r.SPAN_COLUMNS[3:-1])} FROM spans WHERE seq = ?")


def _differs(cursor: Cursor, seq: int, ready: Ready) -> bool:
    body = fetch(cursor, _BODY, seq)
    row = fetch(cursor, _ROW, seq)
    same = (
        body
        and row
        and tuple(body[0]) == ready.body_row(seq)[1:]
        and tuple(row[0]) == ready.span_row(seq, 0, "", 0)[3:-1]
    )
    return not same


def words_for(dialect: str, text: str) -> Any:
    """Return a searched text as the search index takes it."""
    return r.storable(text) if dialect == "sqlite" else r.words_of(text)


def _line(line: dict[str, Any], columns: Sequence[str]) -> tuple[Any, ...]:
    return r.stored([line[name] for name in columns])


def _resources(cursor: Cursor, batch: Batch, rows: _Rows, done: Stored) -> None:
    last = rows.spans[-1][0]
    texts = {x.resource: x.resource_text for spans in batch.traces.values() for x in spans if x.resource}
    for digest, text in texts.items():
        noted = batch.resources.get(digest)
        if noted is None or noted + RESOURCE_EVERY < last:
            run(cursor, _RESOURCE, digest, r.storable(text), last)
            done.resources[digest] = last


def _insert(cursor: Cursor, rows: _Rows) -> None:
    many(cursor, _INSERT_TRACE, rows.new_traces)
    many(cursor, _UPDATE_TRACE, rows.old_traces)
    many(cursor, _INSERT_SPAN, rows.spans)
    many(cursor, _INSERT_BODY, rows.bodies)
    many(cursor, _INSERT_WORDS, rows.words)
    many(cursor, DELETE_VALUE, rows.gone)
    many(cursor, _INSERT_VALUE, rows.values)
    many(cursor, _INSERT_DOCUMENT, rows.documents)
