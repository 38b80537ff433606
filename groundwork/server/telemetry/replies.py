"""Answers of OTLP over HTTP: success with what was rejected, and errors as `google.rpc.Status`, in the request's encoding.

Source:
    OpenTelemetry Protocol Specification, "OTLP/HTTP Response".
"""

from __future__ import annotations

import json
from typing import NamedTuple

from groundwork.core.errors import (
    BusyError,
    DamagedError,
    GroundworkError,
    RateLimitedError,
    StorageFullError,
    UnavailableError,
)
from groundwork.telemetry.otlp.limits import Tally
from groundwork.telemetry.otlp.wire import status as status_message

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_CODES = {400: 3, 401: 16, 403: 7, 404: 12, 405: 12, 408: 4, 413: 8, 415: 3, 429: 14, 503: 14, 504: 4, 507: 8}
_INTERNAL = 13
_LONGEST = 4000


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def stored(tally: Tally, *, as_json: bool) -> Reply:
    """Return the answer to a request whose spans are stored, but for those in the tally."""
    message = tally.message()[:_LONGEST]
    if as_json:
        partial = {"rejectedSpans": str(tally.rejected), "errorMessage": message} if message else None
        body = json.dumps({"partialSuccess": partial} if partial else {}).encode()
        return Reply(200, body, JSON)
    if not message:
        return Reply(200, b"", PROTOBUF)
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = tally.rejected
    response.partial_success.error_message = message
    return Reply(200, response.SerializeToString(), PROTOBUF)


def refused(error: GroundworkError, *, as_json: bool) -> Reply:
    """Return the answer to a request of which nothing, or not all, could be stored."""
    status = 429 if isinstance(error, BusyError) else error.status
    private = isinstance(error, StorageFullError | UnavailableError | DamagedError)
    message = _OUTWARD[type(error)] if private and type(error) in _OUTWARD else error.message
    if error.hint and not private:
        message = f"{message}; {error.hint}"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if error.retryable or isinstance(error, RateLimitedError):
        seconds = float(error.details.get("retry_after_s") or 1.0)
        headers = ((b"retry-after", str(max(1, round(seconds + 0.499))).encode()),)
    if status == 401:
        headers += ((b"www-authenticate", b"Bearer"),)
    if status == 415:
        headers += ((b"accept-encoding", b"gzip, deflate"),)
    return told(status, message, as_json=as_json, headers=headers)


def told(status: int, message: str, *, as_json: bool, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """Return an error in words."""
    code = _CODES.get(status, _INTERNAL)
    message = message[:_LONGEST]
    if as_json:
        return Reply(status, json.dumps({"code": code, "message": message}).encode(), JSON, headers)
    return Reply(status, status_message(code, message), PROTOBUF, headers)


_OUTWARD: dict[type[GroundworkError], str] = {
    StorageFullError: "the disk of the store is full; what was acknowledged is kept",
    UnavailableError: "the store does not answer",
    DamagedError: "the store is damaged; its operator's log says more",
}
