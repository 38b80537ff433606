"""Our own spans, a line each, as `groundwork trace export --format jsonl` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.importing._values import hex_id, items, mapping
from groundwork.telemetry.journey import KINDS, attributes_of, resource_of
from groundwork.telemetry.normalise import usual_kind
from groundwork.telemetry.plain import number, whole, word
from groundwork.telemetry.raw import ERROR, OK, UNSET, RawSpan, Scope
from groundwork.telemetry.types import Span, SpanEvent, SpanLink

_STATUS = {"ok": OK, "error": ERROR}
_WHOLE = ("started_ns", "ended_ns", "input_tokens", "output_tokens", "cached_tokens", "cost_nanousd", "cut")
_MAPPINGS = ("attributes", "original", "resource")


class OwnSpans:
    """Every field comes back as it was, but for who sent it."""

    rank: ClassVar = 1

    def recognises(self, record: Mapping[str, Any]) -> bool:
        return "trace_id" in record and "span_id" in record and "started_ns" in record and "kind" in record

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        span = _span(record)
        name, _, version = span.scope.rpartition("@")
        yield RawSpan(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_id=span.parent_id,
            name=span.name,
            started_ns=span.started_ns,
            ended_ns=span.ended_ns,
            attributes=attributes_of(span),
            resource=resource_of(span),
            scope=Scope(name, version) if name else Scope(span.scope),
            events=span.events,
            links=span.links,
            kind=usual_kind(span.kind),
            status=_STATUS.get(span.status, UNSET),
            status_message=span.status_message,
            dropped=span.cut,
        )


def _span(record: Mapping[str, Any]) -> Span:
    if not record.get("trace_id") or not record.get("span_id"):
        raise InvalidInputError("the span names no trace or has no id")
    values: dict[str, Any] = {}
    for field in fields(Span):
        told = record.get(field.name)
        if told is None:
            continue
        if field.name in _WHOLE:
            values[field.name] = whole(told)
        elif field.name in _MAPPINGS:
            values[field.name] = mapping(told)
        elif field.name == "first_token_ms":
            values[field.name] = number(told)
        elif field.name == "cached":
            values[field.name] = told is True
        elif field.name not in ("events", "links"):
            values[field.name] = word(told)
    values["trace_id"], values["span_id"] = hex_id(record["trace_id"], 32), hex_id(record["span_id"], 16)
    values["parent_id"] = hex_id(record.get("parent_id"), 16)
    values["started_ns"] = values.get("started_ns") or 0
    values["ended_ns"] = max(values.get("ended_ns") or 0, values["started_ns"])
    values["cut"] = values.get("cut") or 0
    if values.get("kind") not in KINDS:
        values["kind"] = "span"
    values["events"] = tuple(
        SpanEvent(word(e.get("name")), whole(e.get("at_ns")) or 0, mapping(e.get("attributes")))
        for e in items(record.get("events"))
        if isinstance(e, Mapping)
    )
    values["links"] = tuple(
        SpanLink(hex_id(e["trace_id"], 32), hex_id(e["span_id"], 16), mapping(e.get("attributes")))
        for e in items(record.get("links"))
        if isinstance(e, Mapping) and e.get("trace_id") and e.get("span_id")
    )
    return Span(**{"name": "", **values})


plugin = OwnSpans
