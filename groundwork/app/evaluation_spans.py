"""The span of an evaluation, made of its record: what was run over what, what came out, links to traces of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.evaluation.worst import primary
from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry import outcomes
from groundwork.telemetry.ids import span_id
from groundwork.telemetry.own import RESOURCE, SCHEMA, SERVICE, SOURCE, nanoseconds, without_empty
from groundwork.telemetry.types import Span, SpanEvent, SpanLink, Status

MOST_LINKS = 100
"""The traces of so many of the first examples; a trace holds 128 links at most."""
STATUS: Mapping[str, Status] = {"done": "ok", "failed": "error"}


@dataclass(frozen=True)
class EvaluationRecord:
    """A row of `evaluations`."""

    id: str
    tenant: str
    app: str
    dataset: str
    dataset_version: str
    split: str
    state: str
    plan: str
    record: Any
    progress: Any
    summary: Any
    cost_nanousd: int
    release: str
    job_id: str
    created_at: str
    created_by: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True)
class Ran:
    """The trace of one result: of an answer, or of a model call."""

    example_id: str
    answer_id: str
    trace_id: str


def evaluation_spans(record: EvaluationRecord, ran: Sequence[Ran], environment: str = "") -> list[Span]:
    """Return the span of an evaluation, under its job where one did it; one that has not ended says that it is open."""
    about: Mapping[str, Any] = record.record or {}
    progress: Mapping[str, Any] = record.progress or {}
    error: Mapping[str, Any] = about.get("error") or {}
    subject: Mapping[str, Any] = about.get("subject") or {}
    under_way = record.finished_at is None
    started = nanoseconds(record.started_at or record.created_at)
    ended = max(started, nanoseconds(record.finished_at or ""))
    known: Mapping[str, Any] = about.get("scorers") or {}
    scorers = {name: known[name] for name in about.get("order") or known}
    attributes = {
        "groundwork.evaluation.id": record.id,
        "groundwork.evaluation.state": record.state,
        "groundwork.evaluation.plan": record.plan,
        "groundwork.evaluation.subject": subject.get("name"),
        "groundwork.evaluation.scorers": list(scorers),
        "groundwork.dataset": f"{record.dataset}@{record.dataset_version}",
        "groundwork.dataset.split": record.split,
        "groundwork.examples": about.get("n"),
        "groundwork.results": progress.get("done"),
        "groundwork.results.failed": progress.get("failed"),
        # What it cost stands with the calls; here it would be counted a second time.
        "groundwork.evaluation.cost_nanousd": record.cost_nanousd,
        "error.type": error.get("code"),
        outcomes.OPEN: under_way or None,
        **_numbers(record, scorers),
    }
    said = {"exception.type": error.get("code"), "exception.message": error.get("message")}
    events = [SpanEvent("exception", ended, without_empty(said))] if error else []
    pins: Mapping[str, Any] = subject.get("pins") or {}
    return [
        Span(
            trace_id=trace_hex(record.job_id or record.id),
            span_id=span_id(record.id),
            parent_id=span_id(record.job_id) if record.job_id else "",
            name=f"evaluation {subject.get('name', '')}".strip(),
            started_ns=started,
            ended_ns=ended,
            kind="evaluation",
            status=STATUS.get(record.state, "unset"),
            status_message=str(error.get("message", "")),
            service=SERVICE,
            scope="groundwork.evaluation",
            app=record.app,
            release=record.release,
            environment=environment,
            principal=record.created_by,
            job_id=record.job_id,
            snapshot=str(pins.get("snapshot") or ""),
            prompt=str(pins.get("prompt") or ""),
            attributes=without_empty(attributes),
            resource=RESOURCE,
            events=tuple(events),
            links=tuple(_link(r) for r in ran[:MOST_LINKS]),
            schema=SCHEMA,
            source=SOURCE,
        )
    ]


def _numbers(record: EvaluationRecord, scorers: Mapping[str, Any]) -> dict[str, Any]:
    name = primary(scorers)
    m = (record.summary or {}).get(name) or {}
    return (
        {f"groundwork.metric.{name}.{part}": m.get(part) for part in ("value", "low", "high", "n")}
        if m
        else {}
    )


def _link(ran: Ran) -> SpanLink:
    trace = trace_hex(ran.trace_id or ran.answer_id)
    return SpanLink(trace, span_id(ran.answer_id or ran.trace_id), {"groundwork.example.id": ran.example_id})
