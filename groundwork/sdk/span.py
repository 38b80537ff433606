"""One span while it is open, and its form on the wire: OTLP as JSON."""

from __future__ import annotations

import os
import time
import traceback
from typing import Any

KINDS = (
    "answer", "retrieval", "rerank", "generation", "embedding", "tool", "agent", "chain", "guardrail", "evaluation",
    "ingest", "job", "http", "span",
)  # fmt: skip
_CLIENT, _INTERNAL = 3, 1
_STACK = 8000


class OpenSpan:
    """What is known of a piece of work so far. Its methods may be called from any thread; none of them raises."""

    __slots__ = (
        "_begun", "attributes", "ended_ns", "events", "kind", "message", "name", "parent_id", "shared", "span_id",
        "started_ns", "status", "trace_id",
    )  # fmt: skip

    def __init__(self, name: str, kind: str, parent: OpenSpan | None, attributes: dict[str, Any]) -> None:
        self.trace_id: str = parent.trace_id if parent is not None else os.urandom(16).hex()
        self.span_id: str = os.urandom(8).hex()
        self.parent_id: str = parent.span_id if parent is not None else ""
        self.name = name[:500]
        self.kind = kind if kind in KINDS else "span"
        self.shared: dict[str, Any] = dict(parent.shared) if parent is not None else {}
        self.attributes = attributes
        self.events: list[dict[str, Any]] = []
        self.status = 0
        self.message = ""
        self.started_ns = time.time_ns()
        self.ended_ns = 0
        self._begun = time.perf_counter_ns()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since it began."""
        return (time.perf_counter_ns() - self._begun) / 1e6

    def end(self) -> None:
        """Say that the work is done; the wall clock may have been set meanwhile, so its length is measured beside it."""
        if not self.ended_ns:
            self.ended_ns = self.started_ns + max(0, time.perf_counter_ns() - self._begun)

    def failed(self, error: BaseException) -> None:
        """Note the exception that ended it."""
        self.status = 2
        self.message = f"{type(error).__name__}: {error}"[:1000]
        stack = "".join(traceback.format_exception(error))[-_STACK:]
        self.events.append(
            {
                "name": "exception",
                "timeUnixNano": str(time.time_ns()),
                "attributes": pairs(
                    {
                        "exception.type": type(error).__name__,
                        "exception.message": str(error)[:1000],
                        "exception.stacktrace": stack,
                    }
                ),
            }
        )

    def on_wire(self) -> dict[str, Any]:
        """Return it as OTLP's JSON has it."""
        made: dict[str, Any] = {
            "traceId": self.trace_id,
            "spanId": self.span_id,
            "name": self.name,
            "kind": _CLIENT if self.kind in ("generation", "embedding") else _INTERNAL,
            "startTimeUnixNano": str(self.started_ns),
            "endTimeUnixNano": str(self.ended_ns),
            "attributes": pairs({"groundwork.kind": self.kind, **self.shared, **self.attributes}),
            "status": {"code": self.status, "message": self.message},
        }
        if self.parent_id:
            made["parentSpanId"] = self.parent_id
        if self.events:
            made["events"] = self.events
        return made


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as OTLP's JSON has them; what is None is left out."""
    return [
        {"key": str(name), "value": _value(value)} for name, value in attributes.items() if value is not None
    ]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(v) for v in value]}}
    return {} if value is None else {"stringValue": str(value)}
