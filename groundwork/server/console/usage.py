"""Pages of what was called and what it cost: totals with plots, lists of calls, the record of one call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from groundwork.app import calls as words
from groundwork.app.money import usd
from groundwork.app.offers import cost_in_words
from groundwork.core.clock import SystemClock
from groundwork.core.principal import Principal
from groundwork.gateway.records import UsageRow
from groundwork.gateway.usage import AttemptRow, CallRow
from groundwork.server.console import pins, plots, trace_links
from groundwork.server.console.render import address, page
from groundwork.server.house import House
from groundwork.server.permissions import UsageRead

router = APIRouter(prefix="/usage", include_in_schema=False)
GROUPS = {
    "model": "model", "key": "key", "app": "app", "provider": "provider", "release": "release", "day": "day",
}  # fmt: skip
SPANS = {"1": "today", "7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
RECENT = 10
PER_PAGE = 50
NOBODY = {"key": "without a key", "app": "directly", "release": "no release", "provider": "nobody served it"}
COLOURS = {"done": "good", "open": "plain", "cancelled": "plain", "incomplete": "warn"}
Name = Annotated[str, Query(max_length=300)]


@router.get("")
def usage_page(
    request: Request,
    house: House,
    principal: UsageRead,
    by: Annotated[str, Query(max_length=20)] = "model",
    days: Annotated[str, Query(max_length=5)] = "30",
) -> Response:
    by, span = by if by in GROUPS else "model", days if days in SPANS else "30"
    today = SystemClock().now().date()
    first = today - timedelta(days=int(span) - 1)
    since = first.isoformat()
    total = _total(house.usage.totals(principal, by=[], since=since))
    names = words.key_names(house, principal)
    groups = ["provider", "model"] if by == "model" else [by]
    rows = house.usage.totals(principal, by=groups, since=since) if total.calls else []
    by_day = house.usage.totals(principal, by=["day"], since=since) if total.calls else []
    by_day.sort(key=lambda r: r.group["day"], reverse=True)
    cost_plot, calls_plot = _plots(by_day, first, today)
    return page(
        request,
        "usage.html",
        room="usage",
        by=by,
        groups=list(GROUPS.items()),
        span=span,
        spans=list(SPANS.items()),
        total=total,
        unpriced=words.unpriced(house, principal, since),
        rows=[_row(house, r, by, names) for r in (by_day if by == "day" else rows)],
        day_rows=by_day,
        cost_plot=cost_plot,
        calls_plot=calls_plot,
        recent=call_lines(house, principal, {}, RECENT, names),
    )


@router.get("/calls")
def calls_page(
    request: Request,
    house: House,
    principal: UsageRead,
    key: Name = "",
    app: Name = "",
    model: Name = "",
    provider: Name = "",
    release: Name = "",
    state: Name = "",
    answer: Name = "",
    day: Annotated[date | None, Query()] = None,
    before: Name = "",
) -> Response:
    given = {
        "model": model, "state": state, "key": key, "app": app, "provider": provider, "release": release, "answer": answer,
        "day": day.isoformat() if day else "",
    }  # fmt: skip
    filters = {k: v for k, v in given.items() if v}
    found = call_lines(house, principal, filters, PER_PAGE + 1, before=before or None)
    return page(
        request,
        "usage_calls.html",
        room="usage",
        calls=found[:PER_PAGE],
        next=found[PER_PAGE - 1]["id"] if len(found) > PER_PAGE else None,
        first=not before,
        filters=given,
        filtered=bool(filters),
        states=words.STATES,
        keys=house.keys.list(principal),
    )


@router.get("/{call_id}")
def call_page(request: Request, call_id: str, house: House, principal: UsageRead) -> Response:
    call = house.usage.call(principal, call_id)
    names = words.key_names(house, principal)
    made = words.made_for(house, principal, call)
    return page(
        request,
        "usage_call.html",
        room="usage",
        call=_record(house, call, names),
        attempts=[_attempt(a, call) for a in call.attempts],
        pins=_pins(call),
        facts=_facts(call, trace_links.href_of(house, principal, call.trace_id or call.id)),
        made=[_line(house, c, names) for c in made],
        made_cost=usd(sum(c.cost_usd for c in made)),
    )


def call_lines(
    house: House,
    principal: Principal,
    filters: Mapping[str, str],
    limit: int,
    names: Mapping[str, str] | None = None,
    before: str | None = None,
) -> list[dict[str, Any]]:
    """Return calls as lists show them, newest first."""
    known = words.key_names(house, principal) if names is None else names
    return [_line(house, c, known) for c in house.usage.calls(principal, filters, limit=limit, before=before)]


def _line(house: House, call: CallRow, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": call.id,
        "started_at": call.started_at,
        "model": call.model,
        "served": words.served(call),
        "state": call.state,
        "cached": call.cached,
        "error": call.error,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cost_words": words.cost(house, call),
        "time_words": words.duration(call.latency_ms),
        "who": words.who(call, names),
        "key_id": call.key_id,
        "app": call.app,
    }


def _record(house: House, call: CallRow, names: Mapping[str, str]) -> dict[str, Any]:
    said = words.ENDINGS.get(call.state, "")
    return {
        **_line(house, call, names),
        "title": f"{'An embedding' if call.operation == 'embed' else 'A reply'} of {call.model}",
        "problem": said if call.state not in ("done", "open") else "",
        "cached_input_tokens": call.cached_input_tokens,
        "reasoning_tokens": call.reasoning_tokens,
        "first_words": words.duration(call.first_token_ms),
        "energy_words": words.energy(call.energy_wh),
    }


def _attempt(attempt: AttemptRow, call: CallRow) -> dict[str, Any]:
    after = max(0.0, _since(call.started_at, attempt.started_at))
    place = f"began after {words.duration(after)}, took {words.duration(attempt.latency_ms)}"
    if attempt.first_token_ms is not None:
        place += f", first token after {words.duration(attempt.first_token_ms)}"
    return {
        "n": attempt.n,
        "reason_words": words.REASONS.get(attempt.reason, attempt.reason),
        "provider": attempt.provider,
        "model": attempt.model,
        "state": attempt.state,
        "colour": COLOURS.get(attempt.state, "bad"),
        "status": attempt.status,
        "failure_words": words.FAILURES.get(attempt.failure, attempt.failure),
        "input_tokens": attempt.input_tokens,
        "output_tokens": attempt.output_tokens,
        "cost_words": usd(attempt.cost_usd),
        "place_words": place,
        "stretch": plots.stretch(after, attempt.latency_ms, max(call.latency_ms, after + attempt.latency_ms)),
    }


def _pins(call: CallRow) -> list[pins.Pin]:
    found = [
        pins.pin("release", call.release) if call.release else None,
        pins.pin("prompt", call.prompt, pins.prompt_href(call.prompt)) if call.prompt else None,
        pins.pin("snapshot", call.snapshot) if call.snapshot else None,
        pins.pin("model", words.served(call), address("/usage/calls", model=call.model))
        if call.provider
        else None,
    ]
    return [p for p in found if p is not None]


def _facts(call: CallRow, trace: str) -> list[tuple[str, str, str]]:
    facts = [
        ("answer", call.answer_id, f"/answers/{call.answer_id}"),
        ("made for the call", call.parent, f"/usage/{call.parent}"),
        ("asked for", call.model, ""),
        ("dialect", call.dialect.replace("_", " "), ""),
        ("streamed", "yes" if call.stream else "no", ""),
        ("structured output", "" if call.structured == "none" else call.structured, ""),
        ("error", call.error, f"/problems/{call.error}"),
        ("tokens", "estimated: the provider said nothing" if call.estimated else "", ""),
        ("reserved at most", usd(call.reserved_usd) if call.reserved_usd else "", ""),
        ("trace", "the whole trace, with what was said" if trace else call.trace_id, trace),
    ]
    return [(name, value, href) for name, value, href in facts if value]


def _row(house: House, row: UsageRow, by: str, names: Mapping[str, str]) -> dict[str, Any]:
    value = row.group.get(by, "")
    title, cost = value or NOBODY.get(by, "–"), usd(row.cost_usd)
    if by == "key":
        title = names.get(value, title)
    if by == "model" and value:
        provider = row.group["provider"]
        title = f"{provider}/{value}" if provider != value else value
        if row.input_tokens:
            cost = cost_in_words(house, provider, value, row.cost_usd)
    wanted = {by: value, **({"provider": row.group["provider"]} if by == "model" else {})}
    return {
        "row": row,
        "title": title,
        "href": address("/usage/calls", **wanted) if value else "",
        "cost": cost,
    }


def _plots(by_day: list[UsageRow], first: date, last: date) -> tuple[plots.Plot, plots.Plot]:
    names = plots.days(first, last)
    found = {r.group["day"]: r for r in by_day}
    costs = [found[d].cost_usd if d in found else 0.0 for d in names]
    counts = [float(found[d].calls) if d in found else 0.0 for d in names]
    failed = [f"{found[d].failed:,} failed" if d in found else "none failed" for d in names]
    return plots.daily(names, costs, usd), plots.daily(names, counts, lambda n: f"{n:,.0f} calls", failed)


def _total(rows: list[UsageRow]) -> UsageRow:
    return rows[0] if rows else UsageRow({}, 0, 0, 0, 0, 0, 0.0, 0.0)


def _since(start: str, at: str) -> float:
    from datetime import datetime

    try:
        return (datetime.fromisoformat(at) - datetime.fromisoformat(start)).total_seconds() * 1000
    except (ValueError, TypeError):
        return 0.0
