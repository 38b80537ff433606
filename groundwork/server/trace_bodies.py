"""The shapes of traces, spans, sessions and saved views as they go out, and what a list of them is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from groundwork.server.bodies import In, Moment, Out
from groundwork.telemetry.types import Query as Asked
from groundwork.telemetry.types import Span, SpanKind, Status

Nanoseconds = Annotated[int, Field(description="Nanoseconds since 1970 in UTC.")]
TraceId = Annotated[str, Field(description="32 hexadecimal digits.")]
SpanId = Annotated[str, Field(description="16 hexadecimal digits.")]
_Word = Annotated[str, Query(max_length=500)]
_Moment = Annotated[int | None, Query(ge=0, le=(1 << 63) - 1, description="Nanoseconds since 1970 in UTC.")]
_Amount = Annotated[float | None, Query(ge=0, le=1e15, allow_inf_nan=False)]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries of one page.")]


def asked(
    since_ns: _Moment = None,
    until_ns: _Moment = None,
    app: _Word = "",
    release: _Word = "",
    environment: _Word = "",
    service: _Word = "",
    user: _Word = "",
    session: _Word = "",
    model: _Word = "",
    kind: _Word = "",
    name: Annotated[str, Query(max_length=1000)] = "",
    status: Annotated[
        Literal["", "ok", "error", "unset"],
        Query(description="`error` finds traces in which any span failed."),
    ] = "",
    source: _Word = "",
    answer: _Word = "",
    key: Annotated[str, Query(max_length=500, description="The id of an API key.")] = "",
    prompt: _Word = "",
    snapshot: _Word = "",
    feedback: Literal["", "up", "down", "any", "none"] = "",
    text: Annotated[
        str,
        Query(max_length=1000, description="Words that all stand in one span; the last may be a beginning."),
    ] = "",
    min_ms: _Amount = None,
    max_ms: _Amount = None,
    min_usd: _Amount = None,
    max_usd: _Amount = None,
    min_tokens: Annotated[int | None, Query(ge=0, le=(1 << 63) - 1)] = None,
) -> Asked:
    """Return what a list is narrowed to; every parameter has the name of the field."""
    return Asked(**locals())


class TraceBody(Out):
    """One line of the list of traces: what its spans say together."""

    trace_id: TraceId
    name: str
    kind: SpanKind
    started_ns: Nanoseconds
    duration_ms: float
    status: Status = Field(description="Of the root.")
    spans: int
    errors: int = Field(description="Spans that failed.")
    service: str
    app: str
    release: str
    environment: str
    user_id: str
    principal: str
    session_id: str
    models: list[str]
    input_tokens: int
    output_tokens: int
    cost_nanousd: int = Field(description="Billionths of a US dollar.")
    first_token_ms: float | None
    cached: bool
    answer_id: str
    input: str = Field(description="The beginning of it.")
    output: str = Field(description="The beginning of it.")
    source: str
    feedback: str
    rootless: bool = Field(
        description="No root has come yet; name, kind and status are those of its earliest span."
    )


class SpanLineBody(Out):
    """One span in a list or a tree."""

    trace_id: TraceId
    span_id: SpanId
    parent_id: str
    name: str
    kind: SpanKind
    status: Status
    started_ns: Nanoseconds
    duration_ms: float
    service: str
    app: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_nanousd: int | None
    depth: int = Field(description="Levels below the top; in trees only.")
    children: int = Field(description="Direct ones; in trees only.")
    missing_parent: bool = Field(description="Its parent never came.")


class SpanBody(BaseModel):
    """One span with everything that is stored of it."""

    trace_id: TraceId
    span_id: SpanId
    parent_id: str
    name: str
    kind: SpanKind
    status: Status
    status_message: str
    started_ns: Nanoseconds
    ended_ns: Nanoseconds
    service: str
    scope: str
    app: str
    release: str
    environment: str
    user_id: str
    principal: str
    session_id: str
    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost_nanousd: int | None
    first_token_ms: float | None
    cached: bool
    answer_id: str
    call_id: str
    job_id: str
    key_id: str
    prompt: str
    snapshot: str
    input: str
    output: str
    attributes: dict[str, Any]
    original: dict[str, Any] = Field(description="Attributes as they came, where normalising changed them.")
    resource: dict[str, Any]
    events: list[EventBody]
    links: list[LinkBody]
    schema_: str = Field(alias="schema", description="The convention that was recognised.")
    source: str
    cut: int = Field(description="Values that were cut or dropped because of limits.")


class EventBody(BaseModel):
    """Something that happened at one moment of a span."""

    name: str
    at_ns: Nanoseconds
    attributes: dict[str, Any]


class LinkBody(BaseModel):
    """Another span that this one has to do with."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class SessionBody(Out):
    """The traces of one session together."""

    session_id: str
    traces: int
    started_ns: Nanoseconds
    ended_ns: Nanoseconds
    errors: int
    app: str
    user_id: str
    input_tokens: int
    output_tokens: int
    cost_nanousd: int
    input: str = Field(description="The beginning of its first question.")


class TracesBody(BaseModel):
    """One page of traces."""

    items: list[TraceBody]
    next: str | None


class SpansBody(BaseModel):
    """One page of spans."""

    items: list[SpanLineBody]
    next: str | None


class SessionsBody(BaseModel):
    """One page of sessions."""

    items: list[SessionBody]
    next: str | None


class SessionTracesBody(BaseModel):
    """The traces of a session in the order of time."""

    session_id: str
    items: list[TraceBody]


class FacetBody(BaseModel):
    """A value and how many traces have it."""

    value: str
    traces: int


class FacetsBody(BaseModel):
    """Values among the newest 5,000 traces found, by field."""

    count: int = Field(description="Traces found, at most 10,000.")
    fields: dict[str, list[FacetBody]]


class DeletedBody(Out):
    """How much was deleted."""

    traces: int
    spans: int


class KeptBody(Out):
    """What the span store holds, its bounds, and what was dropped so far."""

    traces: int
    spans: int
    bytes: int = Field(description="What it takes on the disk.")
    oldest_ns: int | None = Field(description="When the last span of the oldest trace came.")
    days: int
    most_bytes: int
    dropped: dict[str, int] = Field(
        description="Traces and spans by reason: `age_…`, `size_…`, `deleted_…`, `interrupted_…`."
    )


class ViewIn(In):
    """A list with its filters, to be kept under a name."""

    name: str = Field(min_length=1, max_length=100)
    page: Literal["traces", "spans", "sessions", "dashboards", "query"]
    query: str = Field("", max_length=4000, description="The query string of the page.")
    shared: bool = False


class ViewBody(Out):
    """One saved view."""

    id: str
    name: str
    page: str
    query: str
    principal: str
    shared: bool
    created_at: Moment


def span_body(span: Span) -> dict[str, Any]:
    """Return a span as a JSON-compatible object."""
    names = [name for name in SpanBody.model_fields if name not in ("events", "links", "schema_")]
    body: dict[str, Any] = {name: _plain(getattr(span, name)) for name in names}
    events = [{"name": e.name, "at_ns": e.at_ns, "attributes": dict(e.attributes)} for e in span.events]
    links = [
        {"trace_id": x.trace_id, "span_id": x.span_id, "attributes": dict(x.attributes)} for x in span.links
    ]
    return {**body, "events": events, "links": links, "schema": span.schema}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


SpanBody.model_rebuild()
