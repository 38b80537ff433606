"""Phoenix: rows of its spans table (`context.trace_id`, `attributes.…`) and spans of its REST interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.importing._values import hex_id, items, mapping, nanoseconds, opened
from groundwork.telemetry.plain import plain, word
from groundwork.telemetry.raw import ERROR, OK, UNSET, RawSpan
from groundwork.telemetry.types import SpanEvent

_STATUS = {"OK": OK, "ERROR": ERROR, "UNSET": UNSET}
_DEPTH = 12


class PhoenixExport:
    """Attributes are OpenInference, flattened again where they come as objects."""

    rank: ClassVar = 30

    def recognises(self, record: Mapping[str, Any]) -> bool:
        if "context.trace_id" in record and "context.span_id" in record:
            return True
        return isinstance(record.get("context"), Mapping) and "span_kind" in record and "start_time" in record

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        context = mapping(record.get("context"))
        trace_id = record.get("context.trace_id") or context.get("trace_id")
        span_id = record.get("context.span_id") or context.get("span_id")
        if not trace_id or not span_id:
            raise InvalidInputError("the row names no trace or no span")
        started = nanoseconds(record.get("start_time"))
        if not started:
            raise InvalidInputError(f"the span `{str(span_id)[:40]}` tells no start")
        attributes: dict[str, Any] = {}
        for name, value in record.items():
            if name.startswith("attributes.") and not _nothing(value):
                _flatten(name[len("attributes.") :], opened(value), attributes)
        for name, value in mapping(record.get("attributes")).items():
            if not _nothing(value):
                _flatten(name, opened(value) if name.startswith("llm.") else value, attributes)
        kind = word(record.get("span_kind"))
        if kind and kind != "UNKNOWN":
            attributes.setdefault("openinference.span.kind", kind)
        yield RawSpan(
            trace_id=hex_id(trace_id, 32),
            span_id=hex_id(span_id, 16),
            parent_id=hex_id(None if _nothing(record.get("parent_id")) else record["parent_id"], 16),
            name=word(record.get("name")),
            started_ns=started,
            ended_ns=max(nanoseconds(record.get("end_time")), started),
            attributes=attributes,
            events=[e for e in map(_event, items(record.get("events"))) if e is not None],
            status=_STATUS.get(word(record.get("status_code")).upper(), UNSET),
            status_message=word(record.get("status_message")),
        )


def _event(told: Any) -> SpanEvent | None:
    if not isinstance(told, Mapping):
        return None
    attributes = plain(mapping(told.get("attributes")))
    return SpanEvent(
        word(told.get("name")), nanoseconds(told.get("timestamp") or told.get("time")), attributes
    )


def _flatten(name: str, value: Any, into: dict[str, Any], depth: int = 0) -> None:
    """Spell objects and lists of objects out in names, as OpenInference sends them; plain lists stay whole."""
    whole = name in ("metadata", "llm.invocation_parameters") or depth >= _DEPTH
    if isinstance(value, Mapping) and not whole:
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, into, depth + 1)
    elif isinstance(value, list) and not whole and value and all(isinstance(v, Mapping) for v in value):
        for at, inner in enumerate(value):
            _flatten(f"{name}.{at}", inner, into, depth + 1)
    elif not _nothing(value):
        into[name] = plain(value)


def _nothing(value: Any) -> bool:
    """Say whether a cell of a table is empty: None, NaN, or no text."""
    return value is None or value == "" or value != value


plugin = PhoenixExport
