"""`groundwork trace import` and `groundwork trace export`: traces in and out, as files and to another system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from groundwork.cli.door import Commands, Door, Reply, principal
from groundwork.cli.screen import Screen, duration, one_line

if TYPE_CHECKING:
    from groundwork.telemetry.exporting.exporter import ExportStatus
    from groundwork.telemetry.importing._running import ImportReport


class Step(NamedTuple):
    """How far an import is."""

    stage: str
    done: int
    total: int
    current: str


SHOWN = 10


def register(app: Commands) -> None:
    """Add the commands to the group `trace`."""
    app.add("import")(import_)
    app.add("export", interrupted="the file is as it was")(export)


def import_(
    door: Door,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="JSON lines, JSON, CSV or Parquet; gzipped or not.",
            show_default=False,
        ),
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Whose export it is: langfuse, phoenix, mlflow, otlp, tau_bench, groundwork; `auto` finds out.",
        ),
    ] = "auto",
) -> Reply:
    """Bring in traces that other tools have exported; the same file twice adds nothing."""
    from groundwork.telemetry.importing._files import records
    from groundwork.telemetry.importing._running import run

    reports: list[ImportReport] = []
    with door.workspace() as workspace, door.progress("span") as progress:
        intake = workspace.telemetry.intake
        for file in files:

            def said(report: ImportReport) -> None:
                progress(Step("reading", report.stored + report.duplicates, 0, ""))

            owner = principal(None)
            reports.append(
                run(intake, owner.tenant, owner.name, str(file), records(file), format=format, progress=said)
            )
    refused = any(r.quarantined and not r.stored and not r.duplicates for r in reports)
    return Reply(
        {"files": [r.as_dict() for r in reports]}, lambda screen: _reports(reports, screen), int(refused)
    )


def export(
    door: Door,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A file of JSON lines; of Parquet, a folder.", show_default=False
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORM",
            help="`otlp`: OTLP's JSON; `jsonl`: a span on every line; `parquet`: a folder of columns, the archive too.",
        ),
    ] = "otlp",
    trace: Annotated[str, typer.Option("--trace", metavar="TRACE", help="Only this trace.")] = "",
    text: Annotated[
        str, typer.Option("--text", metavar="WORDS", help="Only where these words stand in one span.")
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="FIELD=VALUE", help="Only such, as in `groundwork trace list`. Repeatable."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Such as `2026-11-28T10:00`, or back from now: `2h`."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before this time.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many traces, newest first.")] = 100_000,
    status: Annotated[
        bool, typer.Option("--status", help="Say where the export to the target of `[export]` stands.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Hand on what waits, now.")] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Hand on only what comes from now on.")] = False,
) -> Reply:
    """Write traces into a file, or hand them on to the target of `[export]`."""
    from groundwork.core.errors import InvalidInputError

    if status or now or skip:
        return _onward(door, now=now, skip=skip)
    if file is None:
        raise InvalidInputError(
            "no file is named", hint="name one, or use --status, --now or --skip for the target of `[export]`"
        )
    if format not in ("otlp", "jsonl", "parquet"):
        raise InvalidInputError(
            f"there is no form `{one_line(format)[:40]}`", hint="use `otlp`, `jsonl` or `parquet`"
        )
    from groundwork.cli.traces import question
    from groundwork.telemetry.exporting.files import chosen, lines, spans_of

    query = question(text, where, since, until)
    if format == "parquet":
        if trace or text or where:
            raise InvalidInputError(
                "Parquet takes all spans of a time",
                hint="leave out --trace, --text and --where; use --since and --until",
            )
        return _columns(door, file, query.since_ns, query.until_ns)
    with door.workspace() as workspace:
        reader = workspace.telemetry.fresh()
        owner = principal(None)
        traces: set[str] = set()
        count = 0

        def counted() -> Any:
            nonlocal count
            if trace:
                found = spans_of(reader, owner, reader.trace(owner, trace).trace_id)
            else:
                found = chosen(reader, owner, query, limit)
            for span in found:
                traces.add(span.trace_id)
                count += 1
                yield span

        _write(file, lines(counted(), "jsonl" if format == "jsonl" else "otlp"))
    document = {"file": str(file), "format": format, "traces": len(traces), "spans": count}
    return Reply(document, lambda screen: [f"{count:,} spans of {len(traces):,} traces are in {file}"])


def _columns(door: Door, folder: Path, since_ns: int | None, until_ns: int | None) -> Reply:
    """Write every span of a time as Parquet, those in the archive too."""
    from groundwork.core.errors import InvalidInputError
    from groundwork.telemetry.span_tables import FOREVER, export_parquet

    with door.workspace() as workspace, door.progress("span") as progress:
        workspace.telemetry.catch_up()
        tables = workspace.telemetry.tables.tables(principal(None), since_ns or 0, until_ns or FOREVER)
        try:
            made = export_parquet(
                tables, folder, each=lambda spans: progress(Step("writing", spans, 0, str(folder)))
            )
        except OSError as error:
            raise InvalidInputError(f"{folder} cannot be written: {error.strerror}") from error
    count = sum(spans for _, spans in made)
    files = [{"file": str(path), "spans": spans} for path, spans in made]
    document = {"folder": str(folder), "format": "parquet", "spans": count, "files": files}
    return Reply(document, lambda screen: [f"{count:,} spans are in {folder} ({len(made)} files)"])


def _write(file: Path, lines: Any) -> None:
    """Write beside the file and put it in its place when it is whole."""
    from groundwork.core.errors import InvalidInputError

    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(aside, "wb") as out:
            for line in lines:
                out.write(line)
        os.replace(aside, file)
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)


def _onward(door: Door, *, now: bool, skip: bool) -> Reply:
    from groundwork.telemetry.exporting.exporter import ExportStatus

    with door.workspace() as workspace:
        exporter = workspace.telemetry.exporter
        if exporter is None:
            return Reply(
                ExportStatus().as_dict(),
                lambda screen: ["No target is set; see `[export]` in groundwork.toml."],
            )
        if skip:
            exporter.skip()
        if now:
            workspace.telemetry.fresh()
            exporter.drain()
            exporter.close()
        found = exporter.status()
    wrong = now and found.state != "well"
    return Reply(found.as_dict(), lambda screen: _standing(found, screen), int(wrong))


def _standing(found: ExportStatus, screen: Screen) -> list[str]:
    words = {
        "well": screen.green("well"),
        "retrying": screen.amber("trying again"),
        "open": screen.red("target is down"),
        "misconfigured": screen.red("refused: look at the address and the headers"),
        "off": "off",
    }
    lines = [f"{screen.bold(found.target)}: {words[found.state]}"]
    lines.append(
        f"{found.sent:,} spans sent, {found.waiting:,} waiting"
        + (f"; last at {found.sent_at}" if found.sent_at else "")
    )
    lost = [
        f"{number:,} {what}"
        for number, what in (
            (found.sampled_out, "left out by the sample"),
            (found.rejected, "not stored by the target"),
            (found.dropped, "refused by the target"),
            (found.skipped, "skipped since too many waited"),
        )
        if number
    ]
    lines += [", ".join(lost)] if lost else []
    lines += screen.paragraph(one_line(found.error), "  ", "  ") if found.error else []
    return lines


def _reports(reports: list[ImportReport], screen: Screen) -> list[str]:
    lines = []
    for report in reports:
        formats = ", ".join(report.formats) or "nothing that is known"
        lines.append(
            f"{screen.bold(one_line(report.file))}: {report.stored:,} spans of {report.traces:,} traces ({formats}) "
            f"in {duration(report.seconds)}"
        )
        if report.duplicates:
            lines.append(f"  {report.duplicates:,} spans were here already")
        if report.quarantined:
            lines.append(
                screen.amber(f"  {report.quarantined:,} of {report.records:,} records were not imported:")
            )
            for entry in report.quarantine[:SHOWN]:
                lines += screen.paragraph(f"record {entry.record}: {one_line(entry.reason)}", "    ", "    ")
            if report.quarantined > SHOWN:
                lines.append(f"    and {report.quarantined - SHOWN:,} more; --json names them")
    return lines
