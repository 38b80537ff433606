"""OTLP as JSON: ids in hexadecimal, enums as numbers, 64-bit numbers as text, unknown names passed over.

Source:
    OpenTelemetry Protocol Specification, "JSON Protobuf Encoding". What protobuf's own JSON writes beside it is understood
    too: ids in base64, enums by name, numbers as numbers.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.otlp.limits import NO_ID, Limits, Tally
from groundwork.telemetry.plain import DEEPEST, clean, decoder, number, plain
from groundwork.telemetry.raw import NO_SCOPE, RawSpan, Scope
from groundwork.telemetry.types import SpanEvent, SpanLink

_KINDS = {
    f"SPAN_KIND_{n}": i
    for i, n in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_CODES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_HEX = frozenset("0123456789abcdef")


def read(body: bytes, tally: Tally) -> dict[str, Any]:
    """Return a JSON request as an object.

    Raises:
        InvalidInputError: it is no JSON object, or nested too deep to be read.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
        tally.warn("text that was no UTF-8")
    try:
        value = decoder().decode(text)
    except RecursionError:
        raise InvalidInputError("the body is nested too deep", hint="send flat attributes") from None
    except ValueError as error:
        raise InvalidInputError(f"the body is no JSON: {str(error)[:200]}") from None
    if not isinstance(value, dict):
        raise InvalidInputError("the body is no JSON object", hint="send an ExportTraceServiceRequest")
    found = value.get("resourceSpans")
    if found is not None and not isinstance(found, list):
        raise InvalidInputError("`resourceSpans` is no list", hint="send an ExportTraceServiceRequest")
    return value


def spans(request: Mapping[str, Any], limits: Limits, tally: Tally) -> Iterator[RawSpan]:
    """Yield the spans of a request that was read."""
    for group in _objects(request.get("resourceSpans")):
        resource = _attributes(_object(group.get("resource")).get("attributes"), limits)[0]
        outer = _text(group.get("schemaUrl"))
        for part in _objects(group.get("scopeSpans") or group.get("instrumentationLibrarySpans")):
            told = _object(part.get("scope") or part.get("instrumentationLibrary"))
            url = _text(part.get("schemaUrl")) or outer
            scope = (
                Scope(_text(told.get("name")), _text(told.get("version")), url) if told or url else NO_SCOPE
            )
            found = part.get("spans")
            for item in found if isinstance(found, list) else ():
                span = _span(item, limits, tally)
                if span is not None:
                    span.resource, span.scope = resource, scope
                    yield span


def _span(item: Any, limits: Limits, tally: Tally) -> RawSpan | None:
    if not isinstance(item, dict):
        tally.reject("a span is no object")
        return None
    trace_id, span_id = _id(item.get("traceId"), 32), _id(item.get("spanId"), 16)
    if not trace_id or not span_id:
        tally.reject(NO_ID)
        return None
    parent = item.get("parentSpanId")
    parent_id = _id(parent, 16)
    if (parent and not parent_id and set(_text(parent)) - {"0"}) or parent_id == span_id:
        tally.warn("a parent that is no other span")
        parent_id = ""
    attributes, cut = _attributes(item.get("attributes"), limits)
    state = _text(item.get("traceState"))
    if state:
        attributes.setdefault("otel.trace_state", state)
    status = _object(item.get("status"))
    events, links = item.get("events"), item.get("links")
    made_events, more = _events(events, limits)
    made_links, worse = _links(links, limits)
    for name in ("droppedAttributesCount", "droppedEventsCount", "droppedLinksCount"):
        cut += min(max(_whole(item.get(name)), 0), 2**31)
    kind, code = item.get("kind"), status.get("code")
    return RawSpan(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=_text(item.get("name")),
        started_ns=_whole(item.get("startTimeUnixNano")),
        ended_ns=_whole(item.get("endTimeUnixNano")),
        attributes=attributes,
        events=made_events,
        links=made_links,
        kind=_KINDS.get(kind, 0) if isinstance(kind, str) else _whole(kind),
        status=_CODES.get(code, 0) if isinstance(code, str) else _whole(code),
        status_message=_text(status.get("message")),
        dropped=cut + more + worse,
    )


def _events(found: Any, limits: Limits) -> tuple[list[SpanEvent], int]:
    if not isinstance(found, list) or not found:
        return [], 0
    made = []
    for item in found[: limits.events]:
        told = _object(item)
        at = _whole(told.get("timeUnixNano"))
        made.append(
            SpanEvent(
                _text(told.get("name")),
                at if 0 <= at < 2**63 else 0,
                _attributes(told.get("attributes"), limits)[0],
            )
        )
    return made, len(found) - len(made)


def _links(found: Any, limits: Limits) -> tuple[list[SpanLink], int]:
    if not isinstance(found, list) or not found:
        return [], 0
    made = []
    for item in found[: limits.links]:
        told = _object(item)
        trace_id, span_id = _id(told.get("traceId"), 32), _id(told.get("spanId"), 16)
        if trace_id and span_id:
            made.append(SpanLink(trace_id, span_id, _attributes(told.get("attributes"), limits)[0]))
    return made, len(found) - len(made)


def _attributes(found: Any, limits: Limits) -> tuple[dict[str, Any], int]:
    if not isinstance(found, list):
        return {}, 0
    made: dict[str, Any] = {}
    for item in found[: limits.attributes]:
        if isinstance(item, dict):
            key = item.get("key")
            if isinstance(key, str) and key:
                made[clean(key)] = value_of(item.get("value"))
    return made, max(0, len(found) - limits.attributes)


def value_of(value: Any, depth: int = 0) -> Any:
    """Return an `AnyValue` as a plain value; what is none is taken as it stands."""
    if not isinstance(value, dict):
        return plain(value, depth)
    if "stringValue" in value:
        text = value["stringValue"]
        return clean(text) if isinstance(text, str) else plain(text, depth)
    if "intValue" in value:
        told = value["intValue"]
        if isinstance(told, str):
            try:
                told = int(told[:40])
            except ValueError:
                return clean(told)
        return plain(told)
    if "doubleValue" in value:
        told = value["doubleValue"]
        found = number(told)
        return plain(told) if found is None else found
    if "boolValue" in value:
        return value["boolValue"] in (True, "true")
    if depth >= DEEPEST:
        return "…"
    if "arrayValue" in value:
        items = _object(value["arrayValue"]).get("values")
        return [value_of(item, depth + 1) for item in items] if isinstance(items, list) else []
    if "kvlistValue" in value:
        pairs = _object(value["kvlistValue"]).get("values")
        return {
            clean(_text(pair.get("key"))): value_of(pair.get("value"), depth + 1) for pair in _objects(pairs)
        }
    if "bytesValue" in value:
        return plain(value["bytesValue"], depth)
    return None


def _id(value: Any, length: int) -> str:
    """Return an id in small hexadecimal digits, empty where it is none."""
    if not isinstance(value, str):
        return ""
    if len(value) == length:
        digits = value.lower()
        return digits if _HEX.issuperset(digits) and digits.strip("0") else ""
    if len(value) in (24, 12) and value.endswith("="):
        try:
            digits = base64.b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            return ""
        return digits if len(digits) == length and digits.strip("0") else ""
    return ""


def _whole(value: Any) -> int:
    """Return a whole number from a number or its text, -1 where it is one that cannot be, 0 where nothing is told."""
    if value is None or isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value if -(2**64) < value < 2**64 else -1
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value) if len(value) <= 20 else -1
    found = number(value)
    return int(found) if found is not None and abs(found) < 2**64 else 0 if value == "" else -1


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
