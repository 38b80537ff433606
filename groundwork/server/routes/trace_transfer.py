"""Traces in and out as files, and where the export to another system stands."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, File, Path, Query, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from groundwork.server.bodies import Out
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import TracesRead, TracesWrite

router = APIRouter(prefix="/api/traces", tags=["traces"], responses=PROBLEMS)
IMPORT_BYTES = 256 * 1024 * 1024
TraceId = Annotated[str, Path(pattern="^[0-9a-f]{6,32}$", description="The id of a trace, or its beginning.")]


class QuarantinedBody(Out):
    """A record of the file that was not imported."""

    record: int = Field(description="Its number in the file, from 1: a line or a row.")
    reason: str


class ImportBody(Out):
    """What became of an imported file."""

    file: str
    formats: dict[str, int] = Field(description="How many records each importer has read.")
    records: int
    traces: int
    stored: int = Field(description="Spans that are new.")
    duplicates: int = Field(description="Spans that were here already.")
    quarantined: int
    quarantine: list[QuarantinedBody] = Field(description="The first 1,000 records that were not imported.")
    seconds: float


class ExporterBody(BaseModel):
    """Where the export of spans to another system stands."""

    target: str = Field(description="Its address; empty: none is set.")
    state: Literal["off", "well", "retrying", "open", "misconfigured"]
    waiting: int = Field(description="Spans that are stored and not handed on.")
    sent: int
    sampled_out: int
    rejected: int = Field(description="Taken in part: those the target did not store.")
    dropped: int = Field(description="Refused by the target for good.")
    skipped: int = Field(description="Waited beyond what the spool holds.")
    error: str
    sent_at: str


@router.post("/import", response_model=ImportBody)
def import_traces(
    house: House,
    principal: TracesWrite,
    file: Annotated[
        UploadFile, File(description="JSON lines, JSON or CSV, gzipped or not; at most 256 MiB.")
    ],
    format: Annotated[
        str, Query(pattern="^[a-z_]{1,40}$", description="Whose export it is; `auto` finds out.")
    ] = "auto",
) -> object:
    """Import traces that another tool has exported; doing so twice adds nothing."""
    from groundwork.telemetry.importing._files import upload
    from groundwork.telemetry.importing._running import run

    name = (file.filename or "upload")[:200]
    records = upload(file.file, name, IMPORT_BYTES)
    return run(house.telemetry.intake, principal.tenant, principal.name, name, records, format=format)


@router.get("/exporter", response_model=ExporterBody)
def get_exporter(house: House, principal: TracesRead) -> object:
    """Return where the export stands."""
    from groundwork.telemetry.exporting.exporter import ExportStatus

    exporter = house.telemetry.exporter
    return (ExportStatus() if exporter is None else exporter.status()).as_dict()


@router.get(
    "/{trace_id}/export",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The file.", "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
    },
)
def export_trace(
    trace_id: TraceId,
    house: House,
    principal: TracesRead,
    format: Annotated[
        Literal["otlp", "jsonl"], Query(description="OTLP's JSON, or our own JSON lines.")
    ] = "otlp",
) -> StreamingResponse:
    """Return a trace as a file that `import` reads again."""
    from groundwork.telemetry.exporting.files import lines, spans_of

    reader = house.telemetry.fresh()
    found = reader.trace(principal, trace_id)
    made = lines(spans_of(reader, principal, found.trace_id), format)
    name = f"{found.trace_id}.{'otlp.jsonl' if format == 'otlp' else 'jsonl'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(made, media_type="application/x-ndjson", headers=headers)
