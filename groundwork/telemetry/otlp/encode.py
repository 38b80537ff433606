"""Spans as an OTLP request with the current GenAI names, as protobuf and as JSON; `decode` gives the same spans again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.telemetry.journey import attributes_of, resource_of
from groundwork.telemetry.normalise import KIND_NAMES, usual_kind
from groundwork.telemetry.raw import ERROR, OK, UNSET
from groundwork.telemetry.types import Span

SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
"""The version of the conventions whose names are written."""
_KINDS = {name: number for number, name in KIND_NAMES.items()}
_STATUS = {"unset": UNSET, "ok": OK, "error": ERROR}


def to_protobuf(spans: Sequence[Span]) -> bytes:
    """Return spans as an `ExportTraceServiceRequest` in protobuf."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    for resource, scopes in _grouped(spans):
        group = request.resource_spans.add()
        _fill(group.resource.attributes, resource)
        for scope, members in scopes.items():
            part = group.scope_spans.add()
            part.schema_url = SCHEMA_URL
            part.scope.name, part.scope.version = _scope(scope)
            for span in members:
                _add(part.spans.add(), span)
    made: bytes = request.SerializeToString()
    return made


def to_json(spans: Sequence[Span]) -> bytes:
    """Return spans as an `ExportTraceServiceRequest` in OTLP's JSON, on one line."""
    groups = []
    for resource, scopes in _grouped(spans):
        parts = []
        for scope, members in scopes.items():
            name, version = _scope(scope)
            parts.append(
                {
                    "scope": {"name": name, "version": version},
                    "spans": [_object(span) for span in members],
                    "schemaUrl": SCHEMA_URL,
                }
            )
        groups.append({"resource": {"attributes": _pairs(resource)}, "scopeSpans": parts})
    return json.dumps({"resourceSpans": groups}, ensure_ascii=False, separators=(",", ":")).encode()


def _grouped(spans: Sequence[Span]) -> list[tuple[dict[str, Any], dict[str, list[Span]]]]:
    """Return spans by resource and scope, each in the order in which its first span stands."""
    groups: dict[str, tuple[dict[str, Any], dict[str, list[Span]]]] = {}
    for span in spans:
        resource = resource_of(span)
        key = json.dumps(resource, sort_keys=True, default=str)
        groups.setdefault(key, (resource, {}))[1].setdefault(span.scope, []).append(span)
    return list(groups.values())


def _scope(scope: str) -> tuple[str, str]:
    name, mark, version = scope.rpartition("@")
    return (name, version) if mark and name else (scope, "")


def _sent(span: Span) -> tuple[dict[str, Any], int]:
    """Return the attributes a span travels with and its OTLP kind."""
    attributes = attributes_of(span)
    told = attributes.get("span.kind")
    kind = _KINDS.get(told, 0) if isinstance(told, str) else 0
    if kind:
        del attributes["span.kind"]
    return attributes, kind or usual_kind(span.kind)


def _add(message: Any, span: Span) -> None:
    attributes, kind = _sent(span)
    message.trace_id, message.span_id = bytes.fromhex(span.trace_id), bytes.fromhex(span.span_id)
    message.parent_span_id = bytes.fromhex(span.parent_id)
    message.name, message.kind = span.name, kind
    message.start_time_unix_nano, message.end_time_unix_nano = span.started_ns, span.ended_ns
    state = attributes.pop("otel.trace_state", "")
    message.trace_state = state if isinstance(state, str) else ""
    _fill(message.attributes, attributes)
    for event in span.events:
        made = message.events.add()
        made.name, made.time_unix_nano = event.name, max(event.at_ns, 0)
        _fill(made.attributes, event.attributes)
    for link in span.links:
        made = message.links.add()
        made.trace_id, made.span_id = bytes.fromhex(link.trace_id), bytes.fromhex(link.span_id)
        _fill(made.attributes, link.attributes)
    message.status.code, message.status.message = _STATUS[span.status], span.status_message
    message.dropped_attributes_count = min(max(span.cut, 0), 2**32 - 1)


def _fill(into: Any, attributes: Mapping[str, Any]) -> None:
    for key, value in attributes.items():
        pair = into.add()
        pair.key = key
        _set(pair.value, value)


def _set(into: Any, value: Any) -> None:
    if isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int):
        into.int_value = value
    elif isinstance(value, float):
        into.double_value = value
    elif isinstance(value, Mapping):
        into.kvlist_value.SetInParent()
        _fill(into.kvlist_value.values, value)
    elif isinstance(value, list | tuple):
        into.array_value.SetInParent()
        for item in value:
            _set(into.array_value.values.add(), item)
    elif value is not None:
        into.string_value = str(value)


def _object(span: Span) -> dict[str, Any]:
    attributes, kind = _sent(span)
    state = attributes.pop("otel.trace_state", "")
    made: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": str(span.started_ns),
        "endTimeUnixNano": str(span.ended_ns),
        "attributes": _pairs(attributes),
        "status": {"code": _STATUS[span.status], "message": span.status_message},
    }
    if span.parent_id:
        made["parentSpanId"] = span.parent_id
    if state:
        made["traceState"] = str(state)
    if span.events:
        made["events"] = [
            {"name": e.name, "timeUnixNano": str(max(e.at_ns, 0)), "attributes": _pairs(e.attributes)}
            for e in span.events
        ]
    if span.links:
        made["links"] = [
            {"traceId": k.trace_id, "spanId": k.span_id, "attributes": _pairs(k.attributes)}
            for k in span.links
        ]
    if span.cut:
        made["droppedAttributesCount"] = min(span.cut, 2**32 - 1)
    return made


def _pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any(value)} for key, value in attributes.items()]


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _pairs(value)}}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_any(item) for item in value]}}
    return {} if value is None else {"stringValue": str(value)}
