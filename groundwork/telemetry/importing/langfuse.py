"""Langfuse: traces with their observations, as its API, its exports and its test data have them, and single observations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.importing._values import hex_id, items, mapping, nanoseconds
from groundwork.telemetry.plain import dumped, number, parsed, plain, word
from groundwork.telemetry.raw import RawSpan, Scope

_SCALARS = {
    "type": "langfuse.observation.type",
    "level": "langfuse.observation.level",
    "statusMessage": "langfuse.observation.status_message",
    "input": "langfuse.observation.input",
    "output": "langfuse.observation.output",
    "model": "langfuse.observation.model.name",
    "providedModelName": "langfuse.observation.model.name",
    "completionStartTime": "langfuse.observation.completion_start_time",
    "promptName": "langfuse.observation.prompt.name",
    "promptVersion": "langfuse.observation.prompt.version",
}


class LangfuseExport:
    """A trace is a container there; it becomes a span where no single observation contains the others."""

    rank: ClassVar = 20

    def recognises(self, record: Mapping[str, Any]) -> bool:
        if isinstance(record.get("trace"), Mapping) and isinstance(record.get("observations"), list):
            return True
        if "traceId" in record and "startTime" in record and "type" in record:
            return True
        return (
            "id" in record and "timestamp" in record and ("observations" in record or "sessionId" in record)
        )

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        if isinstance(record.get("trace"), Mapping):
            trace = record["trace"]
            yield from _trace(trace, record["observations"])
        elif "traceId" in record:
            yield _observation(record, {})
        else:
            yield from _trace(record, items(record.get("observations")))


def _trace(trace: Mapping[str, Any], found: list[Any]) -> Iterator[RawSpan]:
    observations = [o for o in found if isinstance(o, Mapping) and o.get("id")]
    if not trace.get("id") and not observations:
        raise InvalidInputError("the trace has neither an id nor observations")
    spans = [_observation(o, trace) for o in observations]
    known = {s.span_id for s in spans}
    roots = [s for s in spans if not s.parent_id]
    if len(roots) != 1:
        root = _container(trace, spans, roots, known)
        for span in roots:
            span.parent_id = root.span_id
    else:
        root = roots[0]
        for name in ("input", "output"):
            value = trace.get(name)
            if value is not None:
                root.attributes[f"langfuse.trace.{name}"] = _text(value)
    if root not in spans:
        yield root
    yield from spans
    for score in items(trace.get("scores")):
        if isinstance(score, Mapping):
            yield _score(score, trace, root, known)
    for correction in items(trace.get("corrections")):
        if isinstance(correction, Mapping):
            name = f"correction of the {correction.get('name') or 'output'}"
            yield _score({**correction, "name": name, "value": None}, trace, root, known)


def _observation(told: Mapping[str, Any], trace: Mapping[str, Any]) -> RawSpan:
    trace_id = told.get("traceId") or trace.get("id")
    started = nanoseconds(told.get("startTime"))
    if not trace_id or not told.get("id"):
        raise InvalidInputError("an observation names no trace or has no id")
    if not started:
        raise InvalidInputError(f"the observation `{str(told['id'])[:60]}` tells no start")
    metadata = mapping(told.get("metadata"))
    attributes = {str(k): plain(v) for k, v in mapping(metadata.get("attributes")).items()}
    for name, target in _SCALARS.items():
        if told.get(name) is not None:
            attributes[target] = _text(told[name])
    usage = mapping(told.get("usageDetails")) or _usage(mapping(told.get("usage")))
    cost = mapping(told.get("costDetails"))
    total = number(told.get("totalCost", told.get("calculatedTotalCost")))
    if usage:
        attributes["langfuse.observation.usage_details"] = usage
    if cost or total:
        attributes["langfuse.observation.cost_details"] = cost or {"total": total}
    settings = mapping(told.get("modelParameters"))
    if settings:
        attributes["langfuse.observation.model.parameters"] = settings
    for name, value in metadata.items():
        if name not in ("attributes", "resourceAttributes", "scope"):
            attributes.setdefault(f"langfuse.observation.metadata.{name}", plain(value))
    first = number(told.get("timeToFirstToken"))
    if first is not None and not told.get("completionStartTime"):
        attributes["groundwork.first_token_ms"] = first * 1000
    _of_trace(attributes, trace)
    scope = mapping(metadata.get("scope"))
    return RawSpan(
        trace_id=hex_id(trace_id, 32),
        span_id=hex_id(told["id"], 16),
        parent_id=hex_id(told.get("parentObservationId"), 16),
        name=word(told.get("name")) or word(told.get("type")).lower(),
        started_ns=started,
        ended_ns=max(nanoseconds(told.get("endTime")), started),
        attributes=attributes,
        resource={str(k): plain(v) for k, v in mapping(metadata.get("resourceAttributes")).items()},
        scope=Scope(word(scope.get("name")), word(scope.get("version"))),
    )


def _of_trace(attributes: dict[str, Any], trace: Mapping[str, Any]) -> None:
    """Say on every span what Langfuse says of the trace alone."""
    for name, target in (
        ("userId", "langfuse.user.id"),
        ("sessionId", "langfuse.session.id"),
        ("release", "langfuse.release"),
        ("environment", "langfuse.environment"),
        ("version", "langfuse.version"),
        ("name", "langfuse.trace.name"),
    ):
        if trace.get(name):
            attributes.setdefault(target, word(trace[name]))
    tags = items(trace.get("tags"))
    if tags:
        attributes.setdefault("langfuse.trace.tags", plain(tags))


def _container(
    trace: Mapping[str, Any], spans: list[RawSpan], roots: list[RawSpan], known: set[str]
) -> RawSpan:
    """Return the trace as a span: in the place of the one parent that was not exported, where there is one."""
    missing = Counter(s.parent_id for s in spans if s.parent_id and s.parent_id not in known)
    trace_id = hex_id(trace.get("id"), 32) or spans[0].trace_id
    started = min([s.started_ns for s in spans] or [nanoseconds(trace.get("timestamp"))])
    told = nanoseconds(trace.get("timestamp"))
    started = min(started, told) if told else started
    latency = number(trace.get("latency"))
    ended = max([s.ended_ns for s in spans] or [started + int((latency or 0) * 1e9)])
    if not started:
        raise InvalidInputError("the trace tells no time")
    attributes: dict[str, Any] = {"langfuse.observation.type": "chain"}
    for name in ("input", "output"):
        if trace.get(name) is not None:
            attributes[f"langfuse.trace.{name}"] = _text(trace[name])
    _of_trace(attributes, trace)
    alone = next(iter(missing)) if len(missing) == 1 and not roots else ""
    resource = dict(spans[0].resource) if spans else {}
    return RawSpan(
        trace_id=trace_id,
        span_id=alone or hex_id(f"trace {trace_id}", 16),
        name=word(trace.get("name")) or "trace",
        started_ns=started,
        ended_ns=max(ended, started),
        attributes=attributes,
        resource=resource,
    )


def _score(score: Mapping[str, Any], trace: Mapping[str, Any], root: RawSpan, known: set[str]) -> RawSpan:
    """Return a score as an evaluation at the end of what was scored, however much later that was done."""
    about = hex_id(score.get("observationId"), 16)
    attributes = {
        "gen_ai.evaluation.name": word(score.get("name")) or "score",
        "gen_ai.evaluation.explanation": word(score.get("comment")),
        "gen_ai.evaluation.score.value": number(score.get("value")),
        "gen_ai.evaluation.score.label": word(score.get("stringValue") or score.get("longStringValue")),
        "langfuse.score.source": word(score.get("source")),
        "langfuse.score.at": word(score.get("timestamp") or score.get("createdAt")),
    }
    attributes = {name: value for name, value in attributes.items() if value not in ("", None)}
    _of_trace(attributes, trace)
    return RawSpan(
        trace_id=root.trace_id,
        span_id=hex_id(f"score {score.get('id') or dumped(dict(score))}", 16),
        parent_id=about if about in known else root.span_id,
        name=word(score.get("name")) or "score",
        started_ns=root.ended_ns,
        ended_ns=root.ended_ns,
        attributes=attributes,
        resource=root.resource,
    )


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the older form of usage in the present one."""
    return {name: usage[name] for name in ("input", "output", "total") if isinstance(usage.get(name), int)}


def _text(value: Any) -> Any:
    """Return a value; a text that was written as JSON text is read."""
    if isinstance(value, str):
        quoted = len(value) > 1 and value[0] == value[-1] == '"'
        found = parsed(f"[{value}]") if quoted else None
        return found[0] if isinstance(found, list) and len(found) == 1 else value
    return plain(value)


plugin = LangfuseExport
