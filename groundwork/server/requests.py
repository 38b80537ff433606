"""Each request as a piece of work with ids: its trace, as the client says or its own, and one line of the log at its end."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from groundwork.core.ids import new_id
from groundwork.gateway.flow_trace import trace_hex
from groundwork.server.http_counts import route_of
from groundwork.telemetry.current import Current, from_traceparent, within

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUIET = ("/static/", "/livez", "/readyz", "/metrics")
"""Paths that programs ask for all the time: their lines are of the level `debug`, as long as they are answered."""
access = logging.getLogger("groundwork.access")


async def told(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request within its trace and log it.

    What is recorded on the way (answers, calls, ingests) and every line that is logged carries the trace's id.
    """
    headers = dict(scope["headers"])
    trace, span = from_traceparent(headers.get(b"traceparent", b"").decode("latin-1"))
    request_id = new_id("req")
    scope["request_id"] = request_id
    work = Current(trace or trace_hex(request_id), span, request_id)
    begun = time.perf_counter()
    status = 0

    async def noting(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    with within(work):
        try:
            await app(scope, receive, noting)
        finally:
            took = (time.perf_counter() - begun) * 1000
            counts = getattr(scope["app"].state, "http", None) if "app" in scope else None
            if counts is not None:
                counts.add(scope["method"], route_of(scope), status, took)
            _log(scope, status, took)


async def told_of_call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a call of the gateway and log it; the gateway knows the trace by itself."""
    begun = time.perf_counter()
    status = 0
    call_id = b""

    async def noting(message: Message) -> None:
        nonlocal status, call_id
        if message["type"] == "http.response.start":
            status = message["status"]
            call_id = next((v for k, v in message["headers"] if k == b"x-request-id"), b"")
        await send(message)

    trace, span = from_traceparent(dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1"))
    try:
        await app(scope, receive, noting)
    finally:
        called = call_id.decode("latin-1")
        with within(Current(trace or (trace_hex(called) if called else ""), span, called)):
            _log(scope, status, (time.perf_counter() - begun) * 1000, called)


def _log(scope: Scope, status: int, duration_ms: float, call_id: str = "") -> None:
    path: str = scope["path"]
    quiet = call_id or path.startswith(QUIET)
    level = logging.WARNING if status >= 500 else logging.DEBUG if quiet and status < 400 else logging.INFO
    if not access.isEnabledFor(level):
        return
    said = {
        "method": scope["method"],
        "path": path[:500],
        "status": status,
        "duration_ms": round(duration_ms, 2),
    }
    if call_id:
        said["call_id"] = call_id
    # No status: the client left before there was one.
    access.log(level, "%s %s %s", scope["method"], path[:500], status or "left", extra=said)
