"""`/metrics`: the counters of this process, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse

from groundwork.app.telemetry_counts import telemetry_counts
from groundwork.server import metrics
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import MetricsRead

router = APIRouter(tags=["health"], responses=PROBLEMS)


@router.get("/metrics", response_class=PlainTextResponse)
def read_metrics(request: Request, house: House, principal: MetricsRead) -> PlainTextResponse:
    """Return the counters of process, gateway and traces, in Prometheus' text format; most begin at its start."""
    state = request.app.state
    text = metrics.text(state.gateway.metrics, telemetry_counts(house), state.http)
    return PlainTextResponse(text, media_type=metrics.CONTENT_TYPE)
