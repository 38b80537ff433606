"""Bring recorded runs in from a file: read in this process, stored as it goes, and said what came of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import InvalidInputError
from groundwork.server.console.kept import kept_of
from groundwork.server.console.render import address, plural
from groundwork.server.forms import Posted
from groundwork.server.house import House
from groundwork.server.permissions import TracesWrite

router = APIRouter(prefix="/traces", include_in_schema=False)
MAX_BYTES = 128 * 1024 * 1024
REASONS = 5


@router.post("/uploads")
def bring_in(request: Request, form: Posted, house: House, principal: TracesWrite) -> Response:
    """Import a file and go back to the list, which says what came of it.

    Raises:
        InvalidInputError: no file was sent, or it has none of the forms that are read.
        TooLargeError: it is over 128 MiB, packed or unpacked.
    """
    from groundwork.telemetry.importing._files import upload
    from groundwork.telemetry.importing._running import run

    file = next((f for f in form.getlist("files") if isinstance(f, UploadFile) and f.filename), None)
    if file is None:
        raise InvalidInputError("no file was sent", hint="choose a file")
    name = str(file.filename)
    records = upload(file.file, name, MAX_BYTES)
    report = run(house.telemetry.intake, principal.tenant, principal.name, name[:200], records)
    return RedirectResponse(address("/traces", brought=kept_of(request).put(report)), 303)


def brought_in(request: Request, name: str) -> dict[str, Any] | None:
    """Return what came of an import in words; None where nothing is known of it any more."""
    from groundwork.telemetry.importing._running import ImportReport

    report = kept_of(request).get(name) if name else None
    if not isinstance(report, ImportReport):
        return None
    stored = f"{plural(report.stored, 'span')} of {plural(report.traces, 'trace')} stored"
    already = f", {report.duplicates:,} were here already" if report.duplicates else ""
    return {
        "file": report.file,
        "said": f"{stored}{already}",
        "quarantined": report.quarantined,
        "reasons": [f"record {q.record}: {q.reason}" for q in report.quarantine[:REASONS]],
        "colour": "bad" if not report.traces else "warn" if report.quarantined else "good",
    }
