"""The page of dashboards: what happened in a stretch of time, against as long a time before, from rollups alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from groundwork.app import boards as words
from groundwork.app.calls import duration, key_names
from groundwork.app.money import usd
from groundwork.core.clock import SystemClock
from groundwork.core.errors import InvalidInputError
from groundwork.server.console.render import address, page
from groundwork.server.console.series import Line, Series, series
from groundwork.server.house import House
from groundwork.server.permissions import TracesRead
from groundwork.telemetry.dashboards import Dashboard, Measures, Row
from groundwork.telemetry.shares import Share

router = APIRouter(prefix="/dashboards", include_in_schema=False)
PATH = "/dashboards"
GROUPS = {
    "app": ("By app", "App"), "model": ("By model", "Model"), "key": ("By key", "Key"), "release": ("By release", "Release"),
}  # fmt: skip
NOBODY = {"app": "no app named", "key": "without a key", "release": "no release", "model": "no model named"}
FIRST_ROWS = 8
Name = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True)
class Shown:
    """One row of a table: what it is of, the dashboard of it alone, and its records."""

    title: str
    about: str
    narrow: str
    records: str
    measures: Measures


@router.get("")
def dashboards_page(
    request: Request,
    house: House,
    principal: TracesRead,
    range: Name = words.DEFAULT_RANGE,
    app: Name = "",
    service: Name = "",
    model: Name = "",
    provider: Name = "",
    key: Name = "",
    release: Name = "",
) -> Response:
    fault = ""
    try:
        length = words.range_of(range)
    except InvalidInputError as error:
        fault, range = f"{error.message}: {error.hint}", words.DEFAULT_RANGE
        length = words.range_of(range)
    given = {
        "app": app,
        "service": service,
        "model": model,
        "provider": provider,
        "key": key,
        "release": release,
    }
    filters = {name: value for name, value in given.items() if value}
    now = SystemClock().now()
    board = words.dashboard(house, principal, now - length, now, filters)
    spoken = words.said(range)
    names = key_names(house, principal)
    here = {"range": range, **filters}
    times = {"since": _iso(board.since), "until": _iso(board.until)}
    plots = {plot.slug: plot for plot in _plots(board, {**_traces(filters)})}
    return page(
        request,
        "dashboards.html",
        room="dashboards",
        empty=not board.counted_spans,
        quiet=not (board.total.requests or board.total.calls),
        board=board,
        fault=fault,
        length=spoken,
        ranges=[
            (word, said[0], address(PATH, **{**here, "range": word})) for word, said in words.RANGES.items()
        ],
        range=range,
        filters=filters,
        chips=[
            (name, names.get(value, value), address(PATH, **{k: v for k, v in here.items() if k != name}))
            for name, value in filters.items()
        ],
        cards=[
            (card, address("/traces", **{**times, **_traces(filters), **card.filters}), plots.get(card.slug))
            for card in words.cards(board, spoken)
        ],
        groups=[
            (slug, *said, _rows(slug, board.rows[slug], here, times, names))
            for slug, said in GROUPS.items()
            if slug not in filters
        ],
        first_rows=FIRST_ROWS,
        dearest=board.dearest,
        steps=[
            _step(p.at, p.measures, board.step_s, filters)
            for p in board.series
            if p.measures.requests or p.measures.calls
        ],
        percent=words.percent,
        interval=words.interval,
        duration=duration,
        compact=words.compact,
        when=words.moment,
        nano=words.NANO,
    )


def _traces(filters: Mapping[str, str]) -> dict[str, str]:
    """Return the filters of a dashboard as those of the list of traces, which knows no providers."""
    return {name: value for name, value in filters.items() if name != "provider"}


def _rows(
    slug: str,
    rows: Sequence[Row],
    here: Mapping[str, str],
    times: Mapping[str, str],
    names: Mapping[str, str],
) -> list[Shown]:
    found = []
    for row in rows:
        wanted = {slug: row.value, "service": row.service, "provider": row.provider}
        named = {name: value for name, value in wanted.items() if value}
        title = names.get(row.value, row.value) if slug == "key" else row.value
        about = "service" if row.service else row.provider if row.provider != row.value else ""
        filters = {k: v for k, v in here.items() if k != "range"}
        found.append(
            Shown(
                title or row.service or NOBODY[slug],
                about,
                address(PATH, **{**here, **named}) if named else "",
                address("/traces", **{**times, **_traces({**filters, **named})}) if named else "",
                row.measures,
            )
        )
    return found


def _step(at: int, measures: Measures, step_s: int, filters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "at": words.moment(at),
        "href": address("/traces", since=_iso(at), until=_iso(at + step_s), **_traces(filters)),
        "measures": measures,
    }


def _plots(board: Dashboard, filters: Mapping[str, str]) -> list[Series]:
    """Return a plot for each card, from the series of steps."""
    points = [p.measures for p in board.series]
    at = [p.at for p in board.series]
    query = address("", **filters).removeprefix("?")

    def plot(slug: str, title: str, unit: Any, lines: Sequence[Line], say: Any) -> Series:
        return series(slug, title, unit, at, board.step_s, lines, say, query)

    def shares(slug: str, title: str, found: Sequence[Share]) -> Series:
        line = Line(title, [s.value for s in found], [s.low for s in found], [s.high for s in found])
        return plot(slug, title, "share", [line], words.percent)

    def percentiles(slug: str, title: str, name: str) -> Series:
        found = [getattr(p, name) for p in points]
        lines = [Line("p95", [t.p95 for t in found], tone="soft"), Line("p50", [t.p50 for t in found])]
        return plot(slug, title, "ms", lines, duration)

    cost = [p.cost_nanousd * words.NANO for p in points]
    read, written = [float(p.input_tokens) for p in points], [float(p.output_tokens) for p in points]
    return [
        plot("traffic", "Requests", "count", [Line("requests", [float(p.requests) for p in points], bars=True),
             Line("failed", [float(p.errors.hits) for p in points], bars=True, tone="bad")], words.compact),
        shares("errors", "Failed", [p.errors for p in points]),
        percentiles("latency", "Time", "latency"),
        percentiles("first-token", "Time to first token", "first_token"),
        plot("cost", "Cost", "usd", [Line("cost", cost, bars=True)], usd),
        plot("tokens", "Tokens", "tokens", [Line("read", read, tone="soft"), Line("written", written)], words.compact),
        shares("abstention", "Says it does not know", [p.abstention for p in points]),
        shares("groundedness", "Sentences with a source", [p.groundedness for p in points]),
        shares("feedback", "Thumbs up", [p.feedback for p in points]),
        shares("cache", "Answered from the cache", [p.cache for p in points]),
    ]  # fmt: skip


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
