"""The page of questions in SQL: the statement in the address, the answer as a table, and a plot over a column of times."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from groundwork.core.errors import InvalidInputError
from groundwork.server.console.render import address, page
from groundwork.server.console.series import Line, Series, series
from groundwork.server.house import House
from groundwork.server.permissions import TracesQuery
from groundwork.telemetry.sql import MOST_CHARS, SqlAnswer
from groundwork.telemetry.sql_views import ABOUT, COLUMNS, EXAMPLES

router = APIRouter(prefix="/query", include_in_schema=False)
PATH = "/query"
SHOWN = 200
SAVED = 10_000
PLOTTED = 4
LINKS = {
    "trace_id": "/traces/{}",
    "answer_id": "/answers/{}",
    "session_id": "/sessions/{}",
    "call_id": "/usage/{}",
}
"""Columns whose values are records with a page."""
Statement = Annotated[str, Query(max_length=MOST_CHARS)]


@router.get("")
def query_page(request: Request, house: House, principal: TracesQuery, sql: Statement = "") -> Response:
    answer, problem = None, None
    if sql.strip():
        try:
            answer = house.telemetry.sql.ask(principal, sql, SHOWN)
        except InvalidInputError as error:
            problem = error
    return page(
        request,
        "query.html",
        room="dashboards",
        sql=sql or EXAMPLES[0][1],
        asked=bool(sql.strip()),
        problem=problem,
        answer=answer,
        cells=[
            [_cell(name, value) for (name, _), value in zip(answer.columns, row, strict=True)]
            for row in answer.rows
        ]
        if answer
        else [],
        numeric=[_is_number(kind) for _, kind in answer.columns] if answer else [],
        plot=_plot(answer) if answer else None,
        samples=[(title, address(PATH, sql=statement)) for title, statement in EXAMPLES],
        download=address(f"{PATH}/result.csv", sql=sql),
        views=[(name, ABOUT[name], COLUMNS[name]) for name in COLUMNS],
        shown=SHOWN,
    )


@router.get("/result.csv")
def query_csv(house: House, principal: TracesQuery, sql: Statement) -> Response:
    """Answer as CSV, 10,000 rows at most; the header `X-More` says if there were more."""
    answer = house.telemetry.sql.ask(principal, sql, SAVED)
    headers = {
        "Content-Disposition": 'attachment; filename="result.csv"',
        "X-More": "true" if answer.more else "false",
    }
    return Response(csv_of(answer), media_type="text/csv; charset=utf-8", headers=headers)


def csv_of(answer: SqlAnswer) -> str:
    """Return an answer as CSV (RFC 4180). What a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name for name, _ in answer.columns])
    for row in answer.rows:
        writer.writerow([_csv_cell(value) for value in row])
    return out.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def _cell(name: str, value: Any) -> tuple[str, str, bool]:
    """Return what a cell shows, where it leads to, and whether there is nothing in it."""
    if value is None:
        return "null", "", True
    if isinstance(value, bool):
        return ("true" if value else "false"), "", False
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}", "", False
    if isinstance(value, int):
        return (f"{value:,}" if not name.endswith(("_ns", "_id", "seq")) else str(value)), "", False
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False), "", False
    text = str(value)
    href = LINKS[name].format(text) if name in LINKS and text.replace("_", "").isalnum() else ""
    return text, href, False


def _is_number(kind: str) -> bool:
    return kind.startswith(
        ("BIGINT", "INTEGER", "DOUBLE", "HUGEINT", "DECIMAL", "UBIGINT", "FLOAT", "SMALLINT", "TINYINT")
    )


def _plot(answer: SqlAnswer) -> Series | None:
    """Return a plot of up to four numbers over the first column, where that is a time."""
    if len(answer.rows) < 2 or not answer.columns[0][1].startswith(("TIMESTAMP", "DATE")):
        return None
    numbers = [n for n, (_, kind) in enumerate(answer.columns) if n and _is_number(kind)][:PLOTTED]
    rows = sorted((row for row in answer.rows if row[0] is not None), key=lambda row: str(row[0]))
    at = [_second(row[0]) for row in rows]
    if not numbers or len(set(at)) < 2:
        return None
    lines = [
        Line(answer.columns[n][0], [_number(row[n]) for row in rows], tone=("", "bad", "soft", "soft")[place])
        for place, n in enumerate(numbers)
    ]
    step = max(1, min(b - a for a, b in pairwise(at) if b > a))
    made = series("result", "Result", "count", at, step, lines, _say)
    return Series(
        made.slug, made.title, {**made.data, "traces": False}, made.lines, made.top, made.ticks, made.empty
    )


def _second(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _number(value: Any) -> float | None:
    return max(0.0, float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _say(value: float) -> str:
    return f"{value:,.4g}"
