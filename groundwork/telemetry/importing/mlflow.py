"""MLflow: traces as JSON with `info` and `data.spans`, in the form of MLflow 2 and in that of MLflow 3."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.importing._values import hex_id, items, mapping, nanoseconds, opened
from groundwork.telemetry.plain import dumped, number, plain, whole, word
from groundwork.telemetry.raw import ERROR, OK, UNSET, RawSpan
from groundwork.telemetry.types import SpanEvent

_CODES = {"OK": OK, "ERROR": ERROR, "UNSET": UNSET, "1": OK, "2": ERROR, "0": UNSET}


class MlflowExport:
    """What `info` says of the trace is said on its spans; assessments become evaluations."""

    rank: ClassVar = 25

    def recognises(self, record: Mapping[str, Any]) -> bool:
        if isinstance(record.get("trace"), str) and record["trace"].startswith("{"):
            return True
        data = record.get("data")
        return isinstance(record.get("info"), Mapping) and isinstance(data, Mapping) and "spans" in data

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        if isinstance(record.get("trace"), str):  # a row of `mlflow.search_traces`
            record = mapping(record["trace"])
        info, found = mapping(record.get("info")), items(mapping(record.get("data")).get("spans"))
        told = info.get("trace_id") or info.get("request_id")
        if not told and not found:
            raise InvalidInputError("the trace has neither an id nor spans")
        meta = mapping(info.get("trace_metadata")) or mapping(info.get("request_metadata"))
        made = [_span(item, told, meta) for item in found if isinstance(item, Mapping)]
        roots = [s for s in made if not s.parent_id]
        for name in ("mlflow.trace.user", "mlflow.trace.session"):
            for span in made:
                if meta.get(name):
                    span.attributes.setdefault(name, meta[name])
        yield from made
        if roots:
            for at, item in enumerate(items(info.get("assessments"))):
                if isinstance(item, Mapping):
                    yield _assessment(item, roots[0], at)


def _span(item: Mapping[str, Any], told: Any, meta: Mapping[str, Any]) -> RawSpan:
    context = mapping(item.get("context"))
    span_id = item.get("span_id") or context.get("span_id")
    own = item.get("trace_id") or context.get("trace_id")
    if not span_id:
        raise InvalidInputError("a span has no id")
    started = whole(item.get("start_time_unix_nano")) or nanoseconds(
        item.get("start_time") or item.get("start_time_ns")
    )
    ended = whole(item.get("end_time_unix_nano")) or nanoseconds(
        item.get("end_time") or item.get("end_time_ns")
    )
    if not started:
        raise InvalidInputError(f"the span `{str(span_id)[:40]}` tells no start")
    attributes = _attributes(item.get("attributes"))
    kind = word(item.get("span_type"))
    if kind:
        attributes.setdefault("mlflow.spanType", json.dumps(kind))
    for name, target in (("inputs", "mlflow.spanInputs"), ("outputs", "mlflow.spanOutputs")):
        if item.get(name) is not None:
            attributes.setdefault(target, plain(item[name]))
    status, message = _status(item)
    return RawSpan(
        trace_id=hex_id(own or told, 32),
        span_id=hex_id(span_id, 16),
        parent_id=hex_id(item.get("parent_span_id") or item.get("parent_id"), 16),
        name=word(item.get("name")),
        started_ns=started,
        ended_ns=max(ended, started),
        attributes=attributes,
        resource={"service.name": word(meta.get("mlflow.source.name"))}
        if meta.get("mlflow.source.name")
        else {},
        events=[_event(e) for e in items(item.get("events")) if isinstance(e, Mapping)],
        status=status,
        status_message=message,
    )


def _attributes(found: Any) -> dict[str, Any]:
    """Return attributes from an object, or from a list of pairs as OTLP's JSON has it."""
    if isinstance(found, list):
        from groundwork.telemetry.otlp.json_form import value_of

        return {
            str(p["key"]): value_of(p.get("value")) for p in found if isinstance(p, Mapping) and "key" in p
        }
    return {str(name): plain(value) for name, value in mapping(found).items()}


def _status(item: Mapping[str, Any]) -> tuple[int, str]:
    told = item.get("status")
    code = (
        told.get("code", told.get("status_code"))
        if isinstance(told, Mapping)
        else item.get("status_code", told)
    )
    message = (
        told.get("message", told.get("description"))
        if isinstance(told, Mapping)
        else item.get("status_message")
    )
    name = str(code or "").removeprefix("STATUS_CODE_").upper()
    return _CODES.get(name, UNSET), word(message)


def _event(told: Mapping[str, Any]) -> SpanEvent:
    at = whole(told.get("time_unix_nano")) or nanoseconds(told.get("timestamp"))
    return SpanEvent(word(told.get("name")), at, _attributes(told.get("attributes")))


def _assessment(item: Mapping[str, Any], root: RawSpan, at: int) -> RawSpan:
    feedback = mapping(item.get("feedback")) or mapping(item.get("expectation"))
    value = opened(feedback.get("value"))
    score = number(value) if not isinstance(value, bool) else float(value)
    attributes: dict[str, Any] = {"gen_ai.evaluation.name": word(item.get("assessment_name")) or "assessment"}
    if score is not None:
        attributes["gen_ai.evaluation.score.value"] = score
    if isinstance(value, bool | str) and value != "":
        attributes["gen_ai.evaluation.score.label"] = str(value).lower() if isinstance(value, bool) else value
    elif value is not None and score is None:
        attributes["gen_ai.evaluation.score.label"] = dumped(value)
    if word(item.get("rationale")):
        attributes["gen_ai.evaluation.explanation"] = word(item.get("rationale"))
    return RawSpan(
        trace_id=root.trace_id,
        span_id=hex_id(f"assessment {root.trace_id} {item.get('assessment_id') or at}", 16),
        parent_id=root.span_id,
        name=attributes["gen_ai.evaluation.name"],
        started_ns=root.ended_ns,
        ended_ns=root.ended_ns,
        attributes=attributes,
        resource=root.resource,
    )


plugin = MlflowExport
