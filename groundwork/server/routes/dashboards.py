"""Dashboards, questions in SQL and spans as Parquet: `/api/dashboards`, `/api/query`, `/api/spans.parquet`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from groundwork.app import boards
from groundwork.core.clock import SystemClock
from groundwork.core.errors import InvalidInputError
from groundwork.server.bodies import In, Out
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import TracesQuery, TracesRead

router = APIRouter(prefix="/api", tags=["dashboards"], responses=PROBLEMS)
Name = Annotated[str, Query(max_length=300, description="Empty: all.")]
Moment = Annotated[datetime | None, Query(description="ISO 8601; UTC where no zone is given.")]
PARQUET = "application/vnd.apache.parquet"
MOST_SPANS = 250_000
PIECE = 1 << 20
MOST_NS = 2**63 - 1


class ShareBody(Out):
    """A share with its 95 % Wilson interval; the three are null where `n` is 0."""

    hits: int
    n: int
    value: float | None
    low: float | None
    high: float | None


class TimesBody(Out):
    """Percentiles in milliseconds, each within 1 %; null where `n` is 0."""

    n: int
    p50: float | None
    p95: float | None
    p99: float | None


class MeasuresBody(Out):
    """Everything that is measured of a stretch of time, or of one group in it."""

    requests: int = Field(
        description="Roots of traces that somebody waited for; calls where narrowed to a model."
    )
    errors: ShareBody
    latency: TimesBody
    first_token: TimesBody
    per_minute: float
    calls: int = Field(description="Generations and embeddings; tokens and cost are theirs.")
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_nanousd: int = Field(description="Billionths of a US dollar.")
    unpriced: int = Field(description="Calls whose cost nobody knows; they count as 0.")
    cache: ShareBody
    abstention: ShareBody
    groundedness: ShareBody
    feedback: ShareBody


class PointBody(Out):
    """One step of the series."""

    at: int = Field(description="Its beginning in seconds since 1970.")
    measures: MeasuresBody


class RowBody(Out):
    """One value of a grouping."""

    value: str
    service: str
    provider: str
    measures: MeasuresBody


class DearBody(Out):
    """A trace that cost much."""

    trace_id: str
    answer_id: str
    app: str
    cost_nanousd: int


class DashboardBody(Out):
    """Measures over `since <= time < until`, in seconds since 1970, and over as long a time before."""

    since: int
    until: int
    step_s: int
    filters: dict[str, str]
    total: MeasuresBody
    before: MeasuresBody
    series: list[PointBody]
    rows: dict[str, list[RowBody]] = Field(description="By `app`, `key`, `release` and `model`.")
    dearest: list[DearBody]
    background: dict[str, int] = Field(description="Ingests, jobs and evaluations, which no measure counts.")
    counted_spans: int


class QueryIn(In):
    """A question in SQL."""

    statement: str = Field(
        max_length=20_000, description="One SELECT over spans, traces, calls, answers, feedback."
    )
    limit: int = Field(1000, ge=1, le=10_000, description="Rows.")
    timeout_s: float = Field(10.0, ge=0.1, le=50, description="Seconds after which it is stopped.")


class ColumnBody(Out):
    """A column of an answer, with its type in DuckDB's words."""

    name: str
    type: str


class QueryBody(Out):
    """The answer to a question in SQL."""

    columns: list[ColumnBody]
    rows: list[list[Any]] = Field(description="Times are ISO 8601 in UTC.")
    more: bool = Field(description="Whether rows were left out.")
    seconds: float
    notes: list[str] = Field(description="What was not looked at.")


@router.get("/dashboards", response_model=DashboardBody)
def get_dashboard(
    house: House,
    principal: TracesRead,
    range: Annotated[
        str, Query(max_length=10, description="Such as `1h`, `24h`, `7d`, `30d`.")
    ] = boards.DEFAULT_RANGE,
    since: Moment = None,
    until: Moment = None,
    app: Name = "",
    service: Name = "",
    model: Name = "",
    provider: Name = "",
    key: Name = "",
    release: Name = "",
) -> Any:
    """Return measures, their series and groups; `since` takes the place of `range`, and `until` is now by default."""
    last = _utc(until) or SystemClock().now()
    try:
        first = _utc(since) or last - boards.range_of(range)
    except OverflowError:
        raise InvalidInputError(f"there is no time {range} before {last.isoformat()}") from None
    given = {
        "app": app,
        "service": service,
        "model": model,
        "provider": provider,
        "key": key,
        "release": release,
    }
    return boards.dashboard(house, principal, first, last, given).as_dict()


@router.post("/query", response_model=QueryBody)
def post_query(house: House, principal: TracesQuery, body: QueryIn) -> Any:
    """Ask in SQL over the spans, traces, calls, answers and feedback of the workspace."""
    return house.telemetry.sql.ask(principal, body.statement, body.limit, body.timeout_s).as_dict()


@router.get(
    "/spans.parquet",
    response_class=StreamingResponse,
    responses={200: {"content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_spans(
    house: House,
    principal: TracesQuery,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, Query(ge=1, le=MOST_SPANS, description="Spans.")] = MOST_SPANS,
) -> StreamingResponse:
    """Download spans that began in `since <= time < until` as Parquet; the header `X-More` says whether some are left."""
    from groundwork.telemetry.span_tables import write_parquet

    tables = house.telemetry.tables.tables(principal, _ns(since, 0), _ns(until, MOST_NS))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed, and with it gone, when it was sent
    try:
        _, more = write_parquet(tables, file, limit)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    headers = {
        "Content-Disposition": 'attachment; filename="spans.parquet"',
        "Content-Length": str(size),
        "X-More": "true" if more else "false",
    }
    return StreamingResponse(_pieces(file), media_type=PARQUET, headers=headers)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInputError(f"`{moment.isoformat()}` is no time this knows") from None


def _ns(moment: datetime | None, otherwise: int) -> int:
    at = _utc(moment)
    return otherwise if at is None else max(0, min(MOST_NS, int(at.timestamp()) * 10**9))
