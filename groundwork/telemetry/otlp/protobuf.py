"""OTLP as protobuf. A request with one span that protobuf's parser refuses is taken apart, so that the others are stored."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.otlp.limits import NO_ID, Limits, Tally
from groundwork.telemetry.otlp.wire import parts
from groundwork.telemetry.plain import DEEPEST, clean, unbounded
from groundwork.telemetry.raw import NO_SCOPE, RawSpan, Scope
from groundwork.telemetry.types import SpanEvent, SpanLink

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

_RESOURCE_SPANS, _RESOURCE, _SCOPE_SPANS, _SCOPE, _SPANS, _URL = 1, 1, 2, 1, 2, 3
_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


def spans(body: bytes, limits: Limits, tally: Tally) -> Iterator[RawSpan]:
    """Return the spans of an `ExportTraceServiceRequest`, each made when it is asked for.

    Raises:
        InvalidInputError: the body is no protobuf message, or cut off.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return _salvaged(_taken_apart(body), limits, tally)
    return _spans(request, limits, tally)


def _spans(request: Any, limits: Limits, tally: Tally) -> Iterator[RawSpan]:
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes, limits)[0]
        for part in group.scope_spans:
            url = part.schema_url or group.schema_url
            told = part.scope
            scope = Scope(clean(told.name), clean(told.version), clean(url)) if told.name or url else NO_SCOPE
            for item in part.spans:
                span = _span(item, limits, tally)
                if span is not None:
                    span.resource, span.scope = resource, scope
                    yield span


def _span(item: Any, limits: Limits, tally: Tally) -> RawSpan | None:
    trace_id, span_id, parent = item.trace_id, item.span_id, item.parent_span_id
    if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        tally.reject(NO_ID)
        return None
    if parent and (len(parent) != 8 or parent == span_id):
        tally.warn("a parent that is no other span")
        parent = b""
    attributes, cut = _attributes(item.attributes, limits)
    if item.trace_state:
        attributes.setdefault("otel.trace_state", clean(item.trace_state))
    events, links = item.events, item.links
    made_events: list[SpanEvent] = []
    if events:
        for event in events[: limits.events]:
            at = event.time_unix_nano
            found = _attributes(event.attributes, limits)[0]
            made_events.append(SpanEvent(clean(event.name), at if at < 2**63 else 0, found))
        cut += len(events) - len(made_events)
    made_links: list[SpanLink] = []
    if links:
        for link in links[: limits.links]:
            if len(link.trace_id) == 16 and len(link.span_id) == 8:
                found = _attributes(link.attributes, limits)[0]
                made_links.append(SpanLink(link.trace_id.hex(), link.span_id.hex(), found))
        cut += len(links) - len(made_links)
    return RawSpan(
        trace_id=trace_id.hex(),
        span_id=span_id.hex(),
        parent_id=parent.hex() if parent and parent != _NO_SPAN else "",
        name=clean(item.name),
        started_ns=item.start_time_unix_nano,
        ended_ns=item.end_time_unix_nano,
        attributes=attributes,
        events=made_events,
        links=made_links,
        kind=item.kind,
        status=item.status.code,
        status_message=clean(item.status.message),
        dropped=cut + item.dropped_attributes_count + item.dropped_events_count + item.dropped_links_count,
    )


def _attributes(found: Any, limits: Limits) -> tuple[dict[str, Any], int]:
    if len(found) > limits.attributes:
        return {clean(a.key): _value(a.value) for a in found[: limits.attributes]}, len(
            found
        ) - limits.attributes
    return {clean(a.key): _value(a.value) for a in found}, 0


def _value(value: AnyValue, depth: int = 0) -> Any:
    which = value.WhichOneof("value")
    if which == "string_value":
        return clean(value.string_value)
    if which == "int_value":
        return value.int_value
    if which == "double_value":
        told = value.double_value
        return told if math.isfinite(told) else unbounded(told)
    if which == "bool_value":
        return value.bool_value
    if which == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if which is None:
        return None
    if depth >= DEEPEST:
        return "…"
    if which == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if which == "kvlist_value":
        return {clean(pair.key): _value(pair.value, depth + 1) for pair in value.kvlist_value.values}
    return None


def _taken_apart(body: bytes) -> list[tuple[bytes, bytes, bytes, bytes, bytes]]:
    """Return every span of a request with its surroundings, as bytes: resource, its schema, scope, its schema, span."""
    found = []
    try:
        for group in parts(body, _RESOURCE_SPANS):
            resource, outer = b"".join(parts(group, _RESOURCE)), b"".join(parts(group, _URL))
            for part in parts(group, _SCOPE_SPANS):
                scope, url = b"".join(parts(part, _SCOPE)), b"".join(parts(part, _URL))
                found += [(resource, outer, scope, url, span) for span in parts(part, _SPANS)]
    except ValueError as error:
        raise InvalidInputError(
            f"the body is no OTLP request: {error}", hint="send an ExportTraceServiceRequest as protobuf"
        ) from None
    return found


def _salvaged(
    found: list[tuple[bytes, bytes, bytes, bytes, bytes]], limits: Limits, tally: Tally
) -> Iterator[RawSpan]:
    """Yield the spans that can be read one by one; text that is no UTF-8 is set right, what cannot be read is rejected."""
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    for resource_bytes, outer, scope_bytes, url, span_bytes in found:
        item = _lenient(Span, span_bytes, tally)
        if item is None:
            tally.reject("a span that is no protobuf message, or nested too deep")
            continue
        span = _span(item, limits, tally)
        if span is None:
            continue
        resource = _lenient(Resource, resource_bytes, tally) or Resource()
        scope = _lenient(InstrumentationScope, scope_bytes, tally) or InstrumentationScope()
        span.resource = _attributes(resource.attributes, limits)[0]
        span.scope = Scope(clean(scope.name), clean(scope.version), (url or outer).decode("utf-8", "replace"))
        yield span


def _lenient(kind: Any, data: bytes, tally: Tally) -> Any:
    """Return a message whose texts need not be UTF-8, None where it is no message."""
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(data)
    except DecodeError:
        pass
    try:
        loose = _loose(kind.DESCRIPTOR.full_name).FromString(data)
    except DecodeError:
        return None
    made = kind()
    _copy(loose, made)
    tally.warn("text that was no UTF-8")
    return made


@cache
def _loose(name: str) -> Any:
    """Return a class of the same messages in which every text is bytes, so that the parser takes any."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from opentelemetry.proto.common.v1 import common_pb2
    from opentelemetry.proto.resource.v1 import resource_pb2
    from opentelemetry.proto.trace.v1 import trace_pb2

    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            _untext(message)
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _untext(message: Any) -> None:
    text, raw = 9, 12  # TYPE_STRING, TYPE_BYTES of descriptor.proto
    for field in message.field:
        if field.type == text:
            field.type = raw
    for inner in message.nested_type:
        _untext(inner)


def _copy(source: Message, target: Message) -> None:
    for field, value in source.ListFields():
        known = target.DESCRIPTOR.fields_by_name[field.name]
        if field.message_type is not None:
            if field.is_repeated:
                for item in value:
                    _copy(item, getattr(target, field.name).add())
            else:
                getattr(target, field.name).SetInParent()
                _copy(value, getattr(target, field.name))
            continue
        text = known.type == known.TYPE_STRING
        if field.is_repeated:
            getattr(target, field.name).extend([v.decode("utf-8", "replace") if text else v for v in value])
        else:
            setattr(target, field.name, value.decode("utf-8", "replace") if text else value)
