"""The list of traces: filters in the address, counts of values, saved views, two rows to compare, files to import."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.app import clients
from groundwork.core.clock import SystemClock
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.server.console import trace_filters as filtering
from groundwork.server.console import trace_words as words
from groundwork.server.console.render import address, page
from groundwork.server.console.trace_uploads import brought_in
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import TracesRead, ViewsWrite
from groundwork.telemetry.types import Order, SavedView

router = APIRouter(prefix="/traces", include_in_schema=False)
PATH = "/traces"
VIEWS = "traces"
"""What saved views call this page."""
PER_PAGE = 50
MAX_VIEW_NAME = 80
MAX_VIEW_QUERY = 2_000
COUNTED = ("app", "model", "kind", "service", "environment", "release", "source", "user", "status")
"""Fields whose values are offered with how many traces have each."""
MORE = (
    ("kind", "Kind"), ("service", "Service"), ("environment", "Environment"), ("release", "Release"), ("source", "Source"),
    ("feedback", "Feedback"),
)  # fmt: skip
TYPED = (
    ("name", "Name"), ("user", "User"), ("session", "Session"), ("answer", "Answer"), ("key", "Key"), ("prompt", "Prompt"),
    ("snapshot", "Snapshot"),
)  # fmt: skip
BOUNDS = (
    ("min_ms", "Longer than, ms"), ("max_ms", "Shorter than, ms"), ("min_usd", "Dearer than, USD"),
    ("max_usd", "Cheaper than, USD"), ("min_tokens", "More tokens than"),
)  # fmt: skip
Name = Annotated[str, Query(max_length=2_000)]


@router.get("")
def traces_page(
    request: Request,
    house: House,
    principal: TracesRead,
    order: Name = "newest",
    cursor: Name = "",
    live: Name = "",
    brought: Name = "",
) -> Response:
    """Show the list; with `live` in its address the page asks for its rows again every two seconds."""
    filters = filtering.read_filters(request.query_params, SystemClock().now())
    sorting: Order = order if order in filtering.ORDERS else "newest"
    reader = house.telemetry.reader
    found = reader.traces(principal, filters.query, order=sorting, limit=PER_PAGE, cursor=cursor or None)
    kept = {"order": sorting if sorting != "newest" else "", "live": "1" if live else ""}
    if request.headers.get("hx-request") == "true" and request.headers.get("hx-target") == "trace-list":
        return page(request, "trace_list.html", **_list(found.items, found.next, filters, kept, cursor))
    counted = reader.facets(principal, filters.query)
    empty = not found.items and not filters and not cursor
    return page(
        request,
        "traces.html",
        room="traces",
        **_list(found.items, found.next, filters, kept, cursor),
        filters=filters,
        faults=filters.faults,
        chips=filtering.chips(filters, PATH, kept),
        orders=filtering.ORDERS,
        order=sorting,
        spans=filtering.SPANS,
        choices={
            name: filtering.options(name, counted.get(name, ()), filters.given.get(name, ""))
            for name in (*COUNTED, "feedback")
        },
        more=MORE,
        typed=TYPED,
        bounds=BOUNDS,
        opened=any(name in filters.given for name, _ in (*MORE, *TYPED, *BOUNDS)) or "until" in filters.given,
        views=_views(house, principal, request.url.query),
        this=address("", **filters.given, order=kept["order"]).removeprefix("?"),
        path=PATH,
        brought=brought_in(request, brought),
        empty=empty,
        ways=ways(str(request.base_url), _needs_key(house, principal)),
    )


@router.post("/views")
def save_view(form: Posted, house: House, principal: ViewsWrite) -> Response:
    """Keep the filters of a list under a name."""
    name, query = text_of(form, "name")[:MAX_VIEW_NAME], text_of(form, "query")
    if not name:
        raise InvalidInputError("a saved view needs a name", hint="go back and give it one")
    if len(query) > MAX_VIEW_QUERY:
        raise InvalidInputError("these filters are too long to be saved", hint="leave some of them out")
    house.telemetry.views.save(principal, name, VIEWS, query, bool(text_of(form, "shared")))
    return RedirectResponse(_back(query), 303)


@router.post("/views/{view_id}/delete")
def delete_view(view_id: str, form: Posted, house: House, principal: ViewsWrite) -> Response:
    """Forget a saved view; the traces stay."""
    house.telemetry.views.delete(principal, view_id)
    return RedirectResponse(_back(text_of(form, "query")), 303)


def ways(origin: str, needs_key: bool) -> list[clients.Snippet]:
    """Return how spans of other programs get here: lines ready to be pasted, with the place for a key if one is needed."""
    base = origin.rstrip("/")
    variable = '\nexport OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20gw_…"' if needs_key else ""
    header = "-H 'Authorization: Bearer gw_…' " if needs_key else ""
    return [
        clients.Snippet(
            "otlp",
            "Any OpenTelemetry exporter",
            "bash",
            f'export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="{base}/v1/traces"\n'
            f'export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf"{variable}',
        ),
        clients.Snippet(
            "otlp-curl",
            "curl, to see one arrive",
            "bash",
            f"curl {base}/v1/traces {header}-H 'Content-Type: application/json' -d '\n"
            '{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "hello"}}]},\n'
            '  "scopeSpans": [{"spans": [{"traceId": "'
            "'$(openssl rand -hex 16)'"
            '", "spanId": "'
            "'$(openssl rand -hex 8)'"
            '", "name": "my first span",\n'
            '    "startTimeUnixNano": "'
            "'$(date +%s)000000000'"
            '", "endTimeUnixNano": "'
            "'$(date +%s)250000000'"
            "\"}]}]}]}'",
        ),
    ]


def _needs_key(house: House, principal: Principal) -> bool:
    return house.settings.gateway_keys == "required" or bool(house.keys.exist(principal.tenant))


def _list(
    found: Any, after: str | None, filters: filtering.Filters, kept: dict[str, str], cursor: str
) -> dict[str, Any]:
    return {
        "lines": words.lines(found),
        "filtered": bool(filters),
        "next": address(PATH, **filters.given, order=kept["order"], cursor=after) if after else "",
        "newest": address(PATH, **filters.given, **kept),
        "still": address(PATH, **filters.given, order=kept["order"]),
        "moving": address(PATH, **filters.given, order=kept["order"], live="1"),
        "first": not cursor,
        "live": bool(kept["live"]) and not cursor,
    }


def _views(house: House, principal: Principal, query: str) -> list[dict[str, Any]]:
    return [_view(v, principal, query) for v in house.telemetry.views.list(principal, VIEWS)]


def _view(view: SavedView, principal: Principal, query: str) -> dict[str, Any]:
    return {
        "view": view,
        "href": _back(view.query),
        "here": view.query == query,
        "own": view.principal == principal.name or principal.owner,
    }


def _back(query: str) -> str:
    # Only a query is ever taken from the form, so no address of another host can come of it.
    return f"{PATH}?{query}" if query else PATH
