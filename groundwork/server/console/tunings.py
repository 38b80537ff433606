"""Pages of tunings: the list with a form to start one, and what came out with a plot of every configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from groundwork.app.tuning_patch import patch_of
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.evaluation.reports.plots import interval
from groundwork.evaluation.tuning.space import MOST, USUAL_BUDGET
from groundwork.evaluation.tuning.types import PARTS, said_p
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.evaluation.tuning.types import Tuning, TuningPlan

router = APIRouter(prefix="/evaluations/tunings", include_in_schema=False)
PAGE = 30
FIELDS = ("app", "dataset", "metric", "budget")
OUTCOMES = {
    "change": ("good", "change it"),
    "keep": ("", "keep it as it is"),
    "insufficient": ("warn", "not enough evidence"),
}
STATES = {
    "planned": ("warn", "waits"),
    "running": ("warn", "runs"),
    "failed": ("bad", "stopped"),
    "cancelled": ("bad", "stopped"),
}
REFUSED = (InvalidInputError, NotFoundError, ForbiddenError, ConflictError)
Word = Annotated[str, Query(max_length=120)]


@router.get("")
def tunings_page(
    request: Request, house: House, principal: EvaluationsRead, app: Word = "", before: Word = ""
) -> Response:
    return _listed(request, house, principal, app=app, before=before)


@router.post("")
def start(request: Request, house: House, form: Posted, principal: EvaluationsRun) -> Response:
    """Show what a form would try and what it may cost; sent again from there, it is queued."""
    tuner = house.evaluation.tuner
    try:
        plan = _planned(house, principal, form)
    except REFUSED as error:
        return _listed(request, house, principal, given=_given(form), fault=error)
    if text_of(form, "run") != plan.app_digest:
        return _listed(request, house, principal, given=_given(form), plan=plan)
    found = tuner.start(principal, plan)
    _start(house, principal, found.id)
    return RedirectResponse(f"/evaluations/tunings/{found.id}", 303)


@router.get("/{tuning_id}")
def tuning_page(request: Request, tuning_id: str, house: House, principal: EvaluationsRead) -> Response:
    """Show one tuning."""
    found = house.evaluation.tuner.book.get(principal, tuning_id)
    report = found.report or {}
    try:
        patch = patch_of(house, found)
    except GroundworkError:
        patch = None
    return page(
        request,
        "tuning.html",
        room="evaluations",
        t=found,
        state=_state(found),
        report=report,
        gain=report.get("gain"),
        rows=_rows(report),
        plot=_gain_plot(report),
        patch=patch,
        said_p=said_p,
    )


@router.post("/{tuning_id}/resume")
def resume(
    request: Request, tuning_id: str, house: House, form: Posted, principal: EvaluationsRun
) -> Response:
    """Queue what is missing."""
    found = house.evaluation.tuner.book.get(principal, tuning_id)
    if found.state != "done":
        _start(house, principal, found.id)
    return RedirectResponse(f"/evaluations/tunings/{found.id}", 303)


def _listed(
    request: Request,
    house: House,
    principal: Principal,
    *,
    app: str = "",
    before: str = "",
    given: Mapping[str, Any] | None = None,
    plan: TuningPlan | None = None,
    fault: GroundworkError | None = None,
) -> Response:
    found = house.evaluation.tuner.book.list(principal, app=app, limit=PAGE + 1, before=before or None)
    older = address("/evaluations/tunings", app=app, before=found[PAGE - 1].id) if len(found) > PAGE else ""
    usual = {"app": "default", "dataset": "", "metric": "", "budget": str(USUAL_BUDGET), "parts": list(PARTS)}
    return page(
        request,
        "tunings.html",
        200 if fault is None else fault.status,
        room="evaluations",
        lines=[(t, _state(t)) for t in found[:PAGE]],
        older=older,
        apps=sorted(house.spec.apps),
        datasets=[d.name for d in house.datasets.list(principal)],
        given=given or usual,
        parts_known=PARTS,
        most=MOST,
        plan=plan,
        fault=fault,
    )


def _given(form: Any) -> dict[str, Any]:
    values: dict[str, Any] = {name: text_of(form, name)[:200] for name in FIELDS}
    return {**values, "parts": [p for p in PARTS if text_of(form, f"part_{p}") == "yes"]}


def _planned(house: House, principal: Principal, form: Any) -> TuningPlan:
    given = _given(form)
    if not given["budget"].isdigit():
        raise InvalidInputError(
            f"`{given['budget'][:20]}` is no number of configurations", hint=f"give 2 to {MOST}"
        )
    if not given["parts"]:
        raise InvalidInputError("nothing may be changed", hint="tick at least one part")
    return house.evaluation.tuner.plan(
        principal,
        given["app"],
        dataset=given["dataset"],
        metric=given["metric"],
        budget=int(given["budget"]),
        parts=given["parts"],
    )


def _state(found: Tuning) -> tuple[str, str]:
    if found.report is not None:
        return OUTCOMES[found.report["outcome"]]
    return STATES.get(found.state, ("", found.state))


def _rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the configurations with a plot each, all on one axis."""
    rows = list(report.get("configurations", ()))
    ends = [v for r in rows for v in (r["low"], r["high"], r["value"]) if v is not None]
    least, most = (min(ends), max(ends)) if ends else (0.0, 1.0)
    room = (most - least) * 0.05 or 0.01
    return [
        {
            **r,
            "plot": Markup(  # noqa: S704 - made of numbers and escaped words
                interval(
                    r["value"],
                    r["low"],
                    r["high"],
                    threshold=report["default"] if r["place"] else None,
                    zero=False,
                    state="pass" if r["place"] == report["chosen"]["place"] and report["recommended"] else "",
                    label=f"{r['title']}: {r['value']:.3f}, n = {r['n']}",
                    least=least - room,
                    most=most + room,
                )
            ),
        }
        for r in rows
    ]


def _gain_plot(report: Mapping[str, Any]) -> Markup | None:
    gain = report.get("gain")
    if not gain:
        return None
    state = "pass" if report["recommended"] else "undecided"
    label = f"gain on unseen examples {gain['value']:+.3f}, n = {gain['n']}"
    return Markup(interval(gain["value"], gain["low"], gain["high"], state=state, label=label))  # noqa: S704


def _start(house: Any, principal: Any, tuning_id: str) -> None:
    from groundwork.app.tuning import start_tuning  # numpy, which a server starts without

    start_tuning(house, principal, tuning_id)
