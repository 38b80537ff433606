"""Spans as a file: OTLP's JSON, a request on every line as the collector writes it, or our own JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Literal, Protocol

from groundwork.core.principal import Principal
from groundwork.telemetry.otlp.encode import to_json
from groundwork.telemetry.types import Order, Page, Query, Span, SpanInfo, TraceInfo

FileFormat = Literal["otlp", "jsonl"]
_TOGETHER = 200
_PAGE = 200


class Reader(Protocol):
    """What is asked for spans; see `telemetry/reader.py`."""

    def traces(
        self,
        principal: Principal,
        query: Query,
        *,
        order: Order = "newest",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[TraceInfo]:
        """Return a page of traces."""
        ...

    def tree(
        self, principal: Principal, trace_id: str, *, parent: str = "", offset: int = 0, limit: int = 200
    ) -> Page[SpanInfo]:
        """Return a page of a trace's spans."""
        ...

    def span(self, principal: Principal, trace_id: str, span_id: str) -> Span:
        """Return a span with everything."""
        ...


def spans_of(reader: Reader, principal: Principal, trace_id: str) -> Iterator[Span]:
    """Yield the spans of a trace that the principal may see, a parent before its children.

    Raises:
        NotFoundError: there is no such trace for the principal.
    """
    offset = 0
    while True:
        page = reader.tree(principal, trace_id, offset=offset, limit=_PAGE)
        for info in page.items:
            yield reader.span(principal, info.trace_id, info.span_id)
        offset += len(page.items)
        if page.next is None or not page.items:
            return


def chosen(reader: Reader, principal: Principal, query: Query, most: int) -> Iterator[Span]:
    """Yield the spans of the traces that a query finds, newest trace first, `most` traces at most."""
    cursor: str | None = None
    left = most
    while left > 0:
        page = reader.traces(principal, query, limit=min(_PAGE, left), cursor=cursor)
        for trace in page.items:
            yield from spans_of(reader, principal, trace.trace_id)
        left -= len(page.items)
        cursor = page.next
        if cursor is None or not page.items:
            return


def lines(spans: Iterable[Span], form: FileFormat) -> Iterator[bytes]:
    """Yield the lines of a file; `groundwork trace import` reads both forms."""
    if form == "jsonl":
        for span in spans:
            yield json.dumps(asdict(span), ensure_ascii=False, default=dict).encode() + b"\n"
        return
    left = iter(spans)
    while together := list(islice(left, _TOGETHER)):
        yield to_json(together) + b"\n"
