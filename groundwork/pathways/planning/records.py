"""Plans as JSON and back: what `path_plans` keeps is what a plan says by `as_dict`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from groundwork.pathways.planning.types import Calendar, Change, Forecast, Pace, Plan, PlanItem, PlanRequest


def plan_from(record: Mapping[str, Any]) -> Plan:
    """Return the plan that `as_dict` wrote down."""
    values = dict(record)
    values["items"] = tuple(_item(item) for item in values["items"])
    values["forecast"] = _forecast(values["forecast"])
    values["fits"] = _forecast(values["fits"]) if values.get("fits") else None
    values["changes"] = tuple(Change(**change) for change in values["changes"])
    values["reviews"] = tuple(date.fromisoformat(day) for day in values["reviews"])
    values["buffer_until"] = _day(values["buffer_until"])
    for name in ("dropped", "notes", "declared"):
        values[name] = tuple(values[name])
    return Plan(**values)


def request_from(record: Mapping[str, Any]) -> PlanRequest:
    """Return the request that a plan keeps."""
    values = dict(record)
    calendar = values["calendar"]
    values["calendar"] = Calendar(
        date.fromisoformat(calendar["start"]),
        calendar["hours_per_week"],
        tuple(
            (date.fromisoformat(a), date.fromisoformat(b), hours) for a, b, hours in calendar["exceptions"]
        ),
    )
    values["by"] = _day(values["by"])
    values["pace"] = Pace(**values["pace"])
    for name in ("declared", "proven", "done", "extra"):
        values[name] = tuple(values[name])
    return PlanRequest(**values)


def _item(record: Mapping[str, Any]) -> PlanItem:
    values = dict(record)
    for name in ("start", "end", "done"):
        values[name] = date.fromisoformat(values[name])
    for name in ("needed_by", "unlocks", "without", "resources"):
        values[name] = tuple(values[name])
    return PlanItem(**values)


def _forecast(record: Mapping[str, Any]) -> Forecast:
    values = dict(record)
    for name in ("p10", "p50", "p90"):
        values[name] = date.fromisoformat(values[name])
    values["pace"] = Pace(**values["pace"])
    return Forecast(**values)


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
