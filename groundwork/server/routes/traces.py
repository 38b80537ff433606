"""Traces, spans, sessions and saved views: `/api/traces`, `/api/spans`, `/api/sessions`, `/api/views`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from groundwork.core.errors import InvalidInputError
from groundwork.server import trace_bodies as b
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import TracesDelete, TracesRead, ViewsWrite
from groundwork.telemetry.types import Order
from groundwork.telemetry.types import Query as Asked

router = APIRouter(prefix="/api", tags=["traces"], responses=PROBLEMS)
Asking = Annotated[Asked, Depends(b.asked)]
TraceId = Annotated[
    str, Path(max_length=64, description="The id of a trace, or the first 6 digits or more of it.")
]
SpanId = Annotated[str, Path(max_length=64, description="16 hexadecimal digits.")]


@router.get("/traces", response_model=b.TracesBody)
def list_traces(
    house: House,
    principal: TracesRead,
    asked: Asking,
    order: Order = "newest",
    limit: b.Limit = 50,
    cursor: b.Cursor = None,
) -> Any:
    """List the traces that fit, one page at a time."""
    page = house.telemetry.reader.traces(principal, asked, order=order, limit=limit, cursor=cursor)
    return {"items": page.items, "next": page.next}


@router.delete("/traces", response_model=b.DeletedBody)
def delete_traces(house: House, principal: TracesDelete, asked: Asking) -> Any:
    """Delete every trace that fits; at least one filter must be given."""
    if asked == Asked():
        raise InvalidInputError(
            "nothing says which traces are to be deleted",
            hint="give a filter, such as `session` or `until_ns`",
        )
    return house.telemetry.deletions.query(principal, asked)


@router.get("/traces/facets", response_model=b.FacetsBody)
def get_facets(house: House, principal: TracesRead, asked: Asking) -> Any:
    """Count the values of each field among the traces that fit."""
    reader = house.telemetry.reader
    found = reader.facets(principal, asked)
    counted = {name: [{"value": value, "traces": n} for value, n in values] for name, values in found.items()}
    return {"count": reader.count(principal, asked), "fields": counted}


@router.get("/traces/kept", response_model=b.KeptBody)
def get_kept(house: House, principal: TracesDelete) -> Any:
    """Say what the span store holds, its bounds, and what was dropped so far, of all tenants together."""
    return house.telemetry.retention.report()


@router.get("/traces/{trace_id}", response_model=b.TraceBody)
def get_trace(trace_id: TraceId, house: House, principal: TracesRead) -> Any:
    """Return the line of one trace."""
    return house.telemetry.reader.trace(principal, trace_id)


@router.delete("/traces/{trace_id}", response_model=b.DeletedBody)
def delete_trace(trace_id: TraceId, house: House, principal: TracesDelete) -> Any:
    """Delete one trace; nothing of its texts is left in the store."""
    line = house.telemetry.reader.trace(principal, trace_id)
    return house.telemetry.deletions.traces(principal, [line.trace_id])


@router.get("/traces/{trace_id}/spans", response_model=b.SpansBody)
def get_tree(
    trace_id: TraceId,
    house: House,
    principal: TracesRead,
    parent: Annotated[
        str, Query(pattern="^([0-9a-f]{16})?$", description="Only what is below this span.")
    ] = "",
    offset: Annotated[int, Query(ge=0, le=100_000_000, description="Spans to leave out.")] = 0,
    limit: b.Limit = 200,
    contains: Annotated[
        str, Query(max_length=1000, description="Only spans with these words; the last may be a beginning.")
    ] = "",
    errors: Annotated[bool, Query(description="Only spans that failed.")] = False,
) -> Any:
    """Return a page of the tree of a trace, depth first; `next` is the offset of the following page."""
    page = house.telemetry.reader.tree(
        principal, trace_id, parent=parent, offset=offset, limit=limit, contains=contains, errors=errors
    )
    return {"items": page.items, "next": page.next}


@router.get("/traces/{trace_id}/spans/{span_id}", response_model=b.SpanBody)
def get_span(trace_id: TraceId, span_id: SpanId, house: House, principal: TracesRead) -> Any:
    """Return one span with everything that is stored of it."""
    return b.span_body(house.telemetry.reader.span(principal, trace_id, span_id))


@router.get("/spans", response_model=b.SpansBody)
def list_spans(
    house: House, principal: TracesRead, asked: Asking, limit: b.Limit = 50, cursor: b.Cursor = None
) -> Any:
    """List single spans that fit, newest first; app, user, session and feedback are those of their traces."""
    page = house.telemetry.reader.spans(principal, asked, limit=limit, cursor=cursor)
    return {"items": page.items, "next": page.next}


@router.get("/sessions", response_model=b.SessionsBody)
def list_sessions(
    house: House, principal: TracesRead, asked: Asking, limit: b.Limit = 50, cursor: b.Cursor = None
) -> Any:
    """List the sessions of the traces that fit, the one with the newest trace first."""
    page = house.telemetry.reader.sessions(principal, asked, limit=limit, cursor=cursor)
    return {"items": page.items, "next": page.next}


@router.get("/sessions/{session_id}", response_model=b.SessionTracesBody)
def get_session(session_id: Annotated[str, Path(max_length=500)], house: House, principal: TracesRead) -> Any:
    """Return the traces of a session in the order of time, at most the newest 1,000."""
    found = house.telemetry.reader.session(principal, session_id)
    return {"session_id": session_id, "items": found}


@router.get("/views", response_model=list[b.ViewBody])
def list_views(house: House, principal: ViewsWrite, page: Annotated[str, Query(max_length=40)] = "") -> Any:
    """List one's own saved views and the shared ones."""
    return house.telemetry.views.list(principal, page)


@router.post("/views", status_code=201, response_model=b.ViewBody)
def save_view(body: b.ViewIn, house: House, principal: ViewsWrite) -> Any:
    """Keep a view under a name; one's own of the same page and name is overwritten."""
    return house.telemetry.views.save(principal, body.name, body.page, body.query, body.shared)


@router.delete("/views/{view_id}", status_code=204)
def delete_view(view_id: Annotated[str, Path(max_length=64)], house: House, principal: ViewsWrite) -> None:
    """Forget a saved view."""
    house.telemetry.views.delete(principal, view_id)
