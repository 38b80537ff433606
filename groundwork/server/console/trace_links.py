"""From a record to its trace: the link, and for an answer its timeline in short. A missing trace takes nothing away."""

from __future__ import annotations

from typing import Any

from groundwork.core.errors import GroundworkError
from groundwork.core.principal import Principal
from groundwork.gateway.flow_trace import trace_hex
from groundwork.server.console import trace_tree
from groundwork.server.console import trace_words as words
from groundwork.server.house import House
from groundwork.telemetry.types import TraceInfo

SHORT = 12
"""Rows of a timeline in short."""
MOST = 200


def href_of(house: House, principal: Principal, record_id: str) -> str:
    """Return where the trace of a record is, by its trace id or the id of a job; empty where there is none."""
    found = _trace(house, principal, trace_hex(record_id)) if record_id else None
    return f"/traces/{found.trace_id}" if found is not None else ""


def of_answer(house: House, principal: Principal, answer_id: str) -> dict[str, Any] | None:
    """Return an answer's trace with the rows that took longest, in order; None where none was recorded or it is gone."""
    try:
        # Somebody who has just asked wants to see it now, not when the background has come round.
        identifier = house.telemetry.fresh().by_answer(principal, answer_id)
    except GroundworkError:
        return None
    trace = _trace(house, principal, identifier) if identifier else None
    if trace is None:
        return None
    found = house.telemetry.reader.tree(principal, trace.trace_id, limit=MOST)
    kept = {s.span_id for s in sorted(found.items, key=lambda s: s.duration_ms, reverse=True)[:SHORT]}
    scale = trace_tree.scale_of(trace, found.items)
    rows = trace_tree.rows(found.items, scale, whole=found.next is None)
    return {
        "href": f"/traces/{trace.trace_id}",
        "trace_id": trace.trace_id,
        "rows": [r for r in rows if r.span.span_id in kept],
        "scale": scale,
        "spans": trace.spans,
        "took": words.took(trace.duration_ms),
        "state": words.state(trace),
    }


def _trace(house: House, principal: Principal, trace_id: str) -> TraceInfo | None:
    try:
        found: TraceInfo = house.telemetry.fresh().trace(principal, trace_id)
    except GroundworkError:
        return None
    return found
