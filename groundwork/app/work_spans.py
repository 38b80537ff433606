"""The spans of ingests and jobs, made of their records: what was found and done, what was put aside, how it went. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry import outcomes
from groundwork.telemetry.ids import span_id
from groundwork.telemetry.own import RESOURCE, SCHEMA, SERVICE, SOURCE, ms, nanoseconds, without_empty
from groundwork.telemetry.types import Span, SpanEvent, Status

if TYPE_CHECKING:
    from groundwork.app.projecting import IngestRecord, JobRecord

MOST_EVENTS = 100
STATUS: Mapping[str, Status] = {"succeeded": "ok", "failed": "error"}


def ingest_spans(record: IngestRecord, environment: str = "") -> list[Span]:
    """Return the span of an ingest; it hangs under the job that did it, where its record names one."""
    report: Mapping[str, Any] = record.report or {}
    ended = nanoseconds(record.finished_at or record.started_at)
    started = min(nanoseconds(record.started_at), ended - ms(float(report.get("seconds") or 0) * 1000))
    documents: Mapping[str, Any] = report.get("documents") or {}
    put_aside = report.get("quarantine") or ()
    snapshot = str(report.get("snapshot") or "")
    attributes = {
        "groundwork.ingest.id": record.id,
        "groundwork.index": record.index,
        **{f"groundwork.documents.{name}": count for name, count in sorted(documents.items())},
        "groundwork.chunks": report.get("chunks"),
        "groundwork.embedded": report.get("embedded"),
        "groundwork.snapshot.before": report.get("before"),
        "groundwork.warnings": list(report.get("warnings") or ()),
    }
    events = [
        SpanEvent(
            "groundwork.quarantined",
            ended,
            without_empty({"groundwork.path": q.get("path"), "groundwork.reason": q.get("reason"),
                           "groundwork.message": q.get("message"), "groundwork.media_type": q.get("media_type")}),
        )
        for q in put_aside[:MOST_EVENTS]
    ]  # fmt: skip
    trace = str(report.get("trace_id") or "")
    return [
        Span(
            trace_id=trace_hex(trace or record.id),
            span_id=span_id(record.id),
            parent_id=str(report.get("span_id") or "") if trace else "",
            name=f"ingest {record.index}",
            started_ns=started,
            ended_ns=ended,
            kind="ingest",
            status="ok",
            service=SERVICE,
            scope="groundwork.knowledge",
            environment=environment,
            principal=record.principal,
            snapshot=f"{record.index}@{snapshot}" if snapshot else "",
            attributes=without_empty(attributes),
            resource=RESOURCE,
            events=tuple(events),
            schema=SCHEMA,
            source=SOURCE,
        )
    ]


def job_spans(record: JobRecord, environment: str = "") -> list[Span]:
    """Return the span of a job, from when it was asked for; one that has not ended says that it is open."""
    under_way = record.finished_at is None
    started = nanoseconds(record.created_at)
    begun = nanoseconds(record.started_at or "")
    ended = max(started, begun, nanoseconds(record.finished_at or ""))
    error: Mapping[str, Any] = record.error or {}
    progress: Mapping[str, Any] = record.progress or {}
    attributes = {
        "groundwork.job.id": record.id,
        "groundwork.job.kind": record.kind,
        "groundwork.job.state": record.state,
        "groundwork.job.attempts": record.attempts,
        "groundwork.job.waited_ms": (begun - started) / 1e6 if begun else None,
        "groundwork.index": (record.arguments or {}).get("index"),
        "groundwork.ingest.id": record.result.get("id") if isinstance(record.result, Mapping) else None,
        "groundwork.cancel_requested": record.cancel_requested or None,
        "error.type": error.get("code"),
        outcomes.OPEN: under_way or None,
    }
    events = [SpanEvent("groundwork.job.started", begun)] if begun else []
    if progress:
        said = {f"groundwork.progress.{name}": progress.get(name) for name in ("stage", "done", "total")}
        events.append(SpanEvent("groundwork.progress", ended, without_empty(said)))
    if error:
        said = {"exception.type": error.get("code"), "exception.message": error.get("message")}
        events.append(SpanEvent("exception", ended, without_empty(said)))
    return [
        Span(
            trace_id=trace_hex(record.id),
            span_id=span_id(record.id),
            name=f"job {record.kind}",
            started_ns=started,
            ended_ns=ended,
            kind="job",
            status=STATUS.get(record.state, "unset"),
            status_message=str(error.get("message", "")),
            service=SERVICE,
            scope="groundwork.jobs",
            environment=environment,
            principal=record.principal,
            job_id=record.id,
            attributes=without_empty(attributes),
            resource=RESOURCE,
            events=tuple(events),
            schema=SCHEMA,
            source=SOURCE,
        )
    ]
