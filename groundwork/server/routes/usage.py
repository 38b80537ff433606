"""What was called and what it cost: `/api/usage`, `/api/calls`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from groundwork.app import calls as words
from groundwork.gateway.usage import CallRow
from groundwork.server.described import PROBLEMS
from groundwork.server.gateway_bodies import CacheBody, CallBody, CallsBody, CallState, ClearedBody, UsageBody
from groundwork.server.house import House
from groundwork.server.permissions import CacheClear, UsageRead

router = APIRouter(prefix="/api", tags=["usage"], responses=PROBLEMS)
Group = Literal["key", "app", "release", "model", "provider", "day", "answer"]
Name = Annotated[str | None, Query(max_length=300)]
Day = Annotated[date | None, Query(description="A day of UTC.")]


@router.get("/usage", response_model=UsageBody)
def get_usage(
    house: House,
    principal: UsageRead,
    by: Annotated[list[Group] | None, Query(max_length=4, description="None: one row of everything.")] = None,
    since: Day = None,
    until: Day = None,
) -> Any:
    """Add up calls, tokens and cost by group, from one day to another, both included."""
    first, last = _day(since), _day(until)
    rows = house.usage.totals(principal, by=list(by or ()), since=first, until=last)
    return {"by": list(by or ()), "since": first, "until": last, "rows": rows}


@router.get("/calls", response_model=CallsBody)
def list_calls(
    house: House,
    principal: UsageRead,
    key: Annotated[str | None, Query(max_length=100, description="The id of a key.")] = None,
    app: Name = None,
    model: Annotated[str | None, Query(max_length=300, description="As it was asked for.")] = None,
    provider: Name = None,
    state: CallState | None = None,
    answer: Name = None,
    day: Day = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
) -> Any:
    """List calls, newest first."""
    given = {
        "key": key, "app": app, "model": model, "provider": provider, "state": state, "answer": answer, "day": _day(day),
    }  # fmt: skip
    filters = {k: v for k, v in given.items() if v is not None}
    found = house.usage.calls(principal, filters, limit=limit + 1, before=before)
    more = len(found) > limit
    return {"items": [_body(house, c) for c in found[:limit]], "next": found[limit - 1].id if more else None}


@router.get("/calls/{call_id}", response_model=CallBody)
def get_call(call_id: str, house: House, principal: UsageRead) -> Any:
    """Return one call with its attempts, and the calls that an app made to serve it."""
    call = house.usage.call(principal, call_id)
    made = words.made_for(house, principal, call)
    return {
        **_body(house, call),
        "made": [_body(house, c) for c in made],
        "made_cost_usd": sum(c.cost_usd for c in made),
    }


@router.get("/cache", response_model=CacheBody)
def get_cache(house: House, principal: UsageRead, model: Name = None) -> Any:
    """Count the completions that the gateway keeps to answer equal calls from, by model."""
    return {"rows": house.door.cache.cached(principal, model)}


@router.delete("/cache", response_model=ClearedBody)
def clear_cache(house: House, principal: CacheClear, model: Name = None) -> Any:
    """Forget cached completions: all, or those asked for as `model`. Equal calls ask the provider again, and cost."""
    return {"removed": house.door.cache.clear(principal, model)}


def _body(house: House, call: CallRow) -> dict[str, Any]:
    return {**call.as_dict(), "price_known": words.price_known(house, call)}


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
