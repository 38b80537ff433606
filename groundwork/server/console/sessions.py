"""Sessions: traces that belong together, as a list and as the turns of one conversation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from groundwork.core.clock import SystemClock
from groundwork.server.console import trace_filters as filtering
from groundwork.server.console import trace_words as words
from groundwork.server.console.render import address, page
from groundwork.server.house import House
from groundwork.server.permissions import TracesRead
from groundwork.telemetry.types import TraceInfo

router = APIRouter(prefix="/sessions", include_in_schema=False)
PATH = "/sessions"
PER_PAGE = 50
MOST_TURNS = 200
Cursor = Annotated[str, Query(max_length=2_000)]


@router.get("")
def sessions_page(request: Request, house: House, principal: TracesRead, cursor: Cursor = "") -> Response:
    """List sessions, the one with the newest trace first."""
    filters = filtering.read_filters(request.query_params, SystemClock().now())
    found = house.telemetry.reader.sessions(principal, filters.query, limit=PER_PAGE, cursor=cursor or None)
    return page(
        request,
        "sessions.html",
        room="traces",
        found=[{"session": s, **words.of_session(s)} for s in found.items],
        filters=filters,
        faults=filters.faults,
        chips=filtering.chips(filters, PATH, {}),
        spans=filtering.SPANS,
        next=address(PATH, **filters.given, cursor=found.next) if found.next else "",
        newest=address(PATH, **filters.given),
        first=not cursor,
    )


@router.get("/{session_id:path}")
def session_page(request: Request, session_id: str, house: House, principal: TracesRead) -> Response:
    """Show a session as a conversation: what was asked and said, each with its trace."""
    traces = sorted(house.telemetry.reader.session(principal, session_id), key=lambda t: t.started_ns)
    shown = traces[-MOST_TURNS:]
    return page(
        request,
        "session.html",
        room="traces",
        session_id=session_id,
        turns=[_turn(t) for t in shown],
        earlier=len(traces) - len(shown),
        all_of_them=address("/traces", session=session_id),
        first=traces[0],
        total={
            "traces": len(traces),
            "time": words.took(
                (max(t.started_ns + t.duration_ms * 1e6 for t in traces) - traces[0].started_ns) / 1e6
            ),
            "tokens": words.tokens(sum(t.input_tokens for t in traces), sum(t.output_tokens for t in traces)),
            "cost": words.cost(sum(t.cost_nanousd for t in traces)),
            "failed": sum(bool(t.errors) for t in traces),
        },
    )


def _turn(trace: TraceInfo) -> dict[str, Any]:
    return {
        "trace": trace,
        "title": words.title(trace),
        "kind": words.KIND_WORDS.get(trace.kind, trace.kind),
        "state": words.state(trace),
        "thumb": words.THUMBS.get(trace.feedback),
        "started": words.moment_of(trace.started_ns),
        "took": words.took(trace.duration_ms),
        "tokens": words.tokens(trace.input_tokens, trace.output_tokens),
        "cost": words.cost(trace.cost_nanousd),
    }
