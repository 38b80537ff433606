"""Spans as columns: the form of archived files, of Parquet that is exported, and of what SQL looks at.

What is a list or an object in a span is JSON text here, with sorted keys, so that equal spans are equal rows. `started_at`
and `ended_at` are for people; `started_ns` and `ended_ns` are exact.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from groundwork.storage.columns import as_written, storable
from groundwork.telemetry.types import Span, SpanEvent, SpanLink

WORDS = (
    "trace_id", "span_id", "parent_id", "name", "kind", "status", "status_message", "service", "scope", "app", "release",
    "environment", "user_id", "principal", "session_id", "provider", "model", "answer_id", "call_id", "job_id", "key_id",
    "prompt", "snapshot", "schema", "source",
)  # fmt: skip
TEXTS = ("input", "output")
OBJECTS = ("attributes", "original", "resource")
NUMBERS = ("started_ns", "ended_ns", "input_tokens", "output_tokens", "cached_tokens", "cost_nanousd", "cut")
LISTS = ("events", "links")
COMPRESSION = "zstd"


def schema() -> Any:
    """Return the Arrow schema, `seq` first: the place of a span in the order in which spans were stored."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("seq", pa.int64(), nullable=False),
            pa.field("started_at", pa.timestamp("us"), nullable=False),
            pa.field("ended_at", pa.timestamp("us"), nullable=False),
            *(pa.field(name, pa.int64()) for name in NUMBERS),
            pa.field("first_token_ms", pa.float64()),
            pa.field("cached", pa.bool_()),
            *(pa.field(name, pa.string()) for name in (*WORDS, *TEXTS, *OBJECTS, *LISTS)),
        ]
    )


def to_table(rows: Sequence[tuple[int, Span]]) -> Any:
    """Return spans with their places as an Arrow table."""
    import pyarrow as pa

    spans = [span for _, span in rows]
    columns: dict[str, Any] = {
        "seq": [seq for seq, _ in rows],
        "started_at": [span.started_ns // 1000 for span in spans],
        "ended_at": [span.ended_ns // 1000 for span in spans],
        "events": [_dump([[e.name, e.at_ns, dict(e.attributes)] for e in span.events]) for span in spans],
        "links": [_dump([[x.trace_id, x.span_id, dict(x.attributes)] for x in span.links]) for span in spans],
    }
    for name in (*NUMBERS, "first_token_ms", "cached", *WORDS, *TEXTS):
        columns[name] = [getattr(span, name) for span in spans]
    for name in OBJECTS:
        columns[name] = [_dump(dict(getattr(span, name))) for span in spans]
    form = schema()
    return pa.table([_array(columns[field.name], field.type) for field in form], schema=form)


def from_table(table: Any) -> Iterator[tuple[int, Span]]:
    """Yield the spans of a table with their places, as they were given to `to_table`."""
    named = {f.name for f in fields(Span)}
    for row in table.to_pylist():
        values = {name: row[name] for name in named if name in row}
        for name in (*WORDS, *TEXTS):
            values[name] = as_written(values[name])
        for name in OBJECTS:
            values[name] = _load(row[name]) or {}
        values["events"] = tuple(SpanEvent(*event) for event in _load(row["events"]) or ())
        values["links"] = tuple(SpanLink(*link) for link in _load(row["links"]) or ())
        yield row["seq"], Span(**values)


def empty() -> Any:
    """Return a table without rows."""
    return schema().empty_table()


def _array(values: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # lone surrogates, which no encoding has; they are escaped as in the database
        return pa.array(list(_escaped(values)), kind)


def _escaped(values: Iterable[Any]) -> Iterator[Any]:
    return (storable(value) if isinstance(value, str) else value for value in values)


def _dump(value: Any) -> str:
    if not value:
        return ""
    return storable(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str))


def _load(text: str) -> Any:
    return json.loads(as_written(text)) if text else None
