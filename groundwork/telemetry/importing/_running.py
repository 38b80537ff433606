"""Run an import: find who reads each record, store its spans, count what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from groundwork.core.errors import BusyError, InvalidInputError
from groundwork.telemetry.importing import IMPORTERS, Importer
from groundwork.telemetry.importing._files import Record, Unreadable
from groundwork.telemetry.intake import Intake
from groundwork.telemetry.types import Span

BATCH = 500
MOST_NAMED = 1000
_TRIES = 60


@dataclass
class Quarantined:
    """A record that was not imported; `record` is its number in the file, from 1: a line or a row."""

    record: int
    reason: str


@dataclass
class ImportReport:
    """What became of a file. `duplicates` were stored already; `quarantine` names the first 1,000 of `quarantined`."""

    file: str
    formats: dict[str, int] = field(default_factory=dict)
    records: int = 0
    traces: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    quarantine: list[Quarantined] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def refuse(self, record: int, reason: str) -> None:
        """Count a record that could not be imported."""
        self.quarantined += 1
        if len(self.quarantine) < MOST_NAMED:
            self.quarantine.append(Quarantined(record, reason[:500]))


def run(
    intake: Intake,
    tenant: str,
    principal: str,
    name: str,
    found: Iterable[tuple[int, Record]],
    *,
    format: str = "auto",
    progress: Callable[[ImportReport], None] | None = None,
) -> ImportReport:
    """Import records and return what came of them. Records that were imported before add nothing.

    Args:
        name: the file, for the report. found: records with their numbers.
        format: name of an importer; `auto` finds out for each record.
        progress: called after every batch that was stored.

    Raises:
        NotFoundError: no importer of that name.
        StorageFullError, UnavailableError: the store refuses; what was stored stays, and a second run goes on.
    """
    started = time.monotonic()
    report = ImportReport(name)
    known = _importers() if format == "auto" else ((format, IMPORTERS.make(format)),)
    waiting: list[Span] = []
    traces: set[str] = set()
    now_ns = time.time_ns()
    for number, record in found:
        report.records += 1
        for span in _read(record, number, known, report):
            raw_source = f"import:{span[0]}"
            span[1].source = raw_source
            traces.add(span[1].trace_id)
            waiting.extend(intake.read([span[1]], now_ns=now_ns, principal=principal))
        if len(waiting) >= BATCH:
            _store(intake, tenant, waiting, report)
            waiting = []
            report.traces = len(traces)
            if progress is not None:
                progress(report)
    if waiting:
        _store(intake, tenant, waiting, report)
    report.traces = len(traces)
    report.seconds = time.monotonic() - started
    return report


def _read(
    record: Record, number: int, known: tuple[tuple[str, Importer], ...], report: ImportReport
) -> Iterator[tuple[str, Any]]:
    if isinstance(record, Unreadable):
        report.refuse(number, record.reason)
        return
    for name, importer in known:
        if importer.recognises(record):
            report.formats[name] = report.formats.get(name, 0) + 1
            try:
                for span in importer.spans(record):
                    yield name, span
            except InvalidInputError as error:
                report.refuse(number, error.message)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
                report.refuse(number, f"not read: {type(error).__name__}: {error}")
            return
    names = ", ".join(str(n)[:40] for n in list(record)[:8])
    report.refuse(
        number, f"no importer knows a record with the names {names}" if names else "an empty record"
    )


def _store(intake: Intake, tenant: str, spans: list[Span], report: ImportReport) -> None:
    for attempt in range(_TRIES):
        try:
            added = intake.store.add(tenant, spans)
        except BusyError as error:
            if attempt == _TRIES - 1:
                raise
            time.sleep(min(float(error.details.get("retry_after_s") or 0.5), 2.0))
            continue
        report.stored += added.stored
        report.duplicates += added.duplicates
        return


@cache
def _importers() -> tuple[tuple[str, Importer], ...]:
    made = [(name, IMPORTERS.make(name)) for name in IMPORTERS.names()]
    return tuple(sorted(made, key=lambda pair: pair[1].rank))
