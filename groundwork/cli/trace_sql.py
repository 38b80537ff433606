"""`groundwork trace sql`: questions in SQL over spans, traces, calls, answers and feedback."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli.door import Commands, Door, Reply, principal, question_of

if TYPE_CHECKING:
    from groundwork.cli.screen import Screen
    from groundwork.telemetry.sql import SqlAnswer

LONGEST = 200


def register(app: Commands) -> None:
    """Add the command to the group `trace`."""
    app.add("sql", interrupted="nothing was changed")(sql)


def sql(
    door: Door,
    statement: Annotated[
        str,
        typer.Argument(
            metavar="STATEMENT", help="One SELECT; `-` reads it from standard input.", show_default=False
        ),
    ],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="Rows.")] = 1000,
    timeout: Annotated[
        float,
        typer.Option("--timeout", min=0.1, max=120, metavar="SECONDS", help="It is stopped after so long."),
    ] = 30.0,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
) -> Reply | None:
    """Ask in SQL over the views spans, traces, calls, answers and feedback.

    Closed hours are archived first, so that what is asked often is read from Parquet. Times are UTC.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.telemetry
        room.fresh()
        room.archive.catch_up()
        answer = room.sql.ask(asking, question_of(statement), limit, timeout)
    if as_csv and not door.json:
        _write_csv(answer)
        return None
    return Reply(answer.as_dict(), lambda screen: _lines(answer, screen))


def _lines(answer: SqlAnswer, screen: Screen) -> list[str]:
    rows = [[_cell(value) for value in row] for row in answer.rows]
    numbers = "".join(
        ">"
        if rows and all(isinstance(row[n], int | float) for row in answer.rows if row[n] is not None)
        else "<"
        for n in range(len(answer.columns))
    )
    widest = max(range(len(answer.columns)), key=lambda n: max((len(r[n]) for r in rows), default=0))
    lines = screen.table([name for name, _ in answer.columns], rows, numbers, stretch=widest)
    said = (
        f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}{', the first of more' if answer.more else ''}"
    )
    return [*lines, "", screen.soft(f"{said}, {answer.seconds:.2f} s"), *answer.notes]


def _cell(value: Any) -> str:
    from groundwork.cli.screen import one_line

    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"
    text = one_line(str(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _write_csv(answer: SqlAnswer) -> None:
    import csv
    import json

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([name for name, _ in answer.columns])
    for row in answer.rows:
        writer.writerow([json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v for v in row])
    for note in answer.notes:
        print(note, file=sys.stderr)
