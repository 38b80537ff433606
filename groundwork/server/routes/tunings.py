"""Tunings: `/api/tunings`. They are queued here and written into the spec by hand or on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query

from groundwork.server.bodies import Limit
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun
from groundwork.server.tuning_bodies import PatchBody, TuningBody, TuningIn, TuningPlanBody

if TYPE_CHECKING:
    from groundwork.evaluation.tuning.types import TuningPlan

router = APIRouter(prefix="/api/tunings", tags=["evaluations"], responses=PROBLEMS)


@router.get("", response_model=list[TuningBody])
def list_tunings(
    house: House,
    principal: EvaluationsRead,
    app: Annotated[str, Query(max_length=120)] = "",
    limit: Limit = 50,
    before: Annotated[str | None, Query(max_length=64, description="The id to go on from.")] = None,
) -> Any:
    """List tunings, newest first."""
    return house.evaluation.tuner.book.list(principal, app=app, limit=limit, before=before)


@router.post("", response_model=TuningBody, status_code=202)
def start_tuning(
    body: TuningIn,
    house: House,
    principal: EvaluationsRun,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Any:
    """Plan a search for a better configuration and queue it; it goes on after a crash, and nothing is run twice."""
    from groundwork.app.tuning import start_tuning

    tuner = house.evaluation.tuner
    found = tuner.start(principal, _planned(body, house, principal))
    start_tuning(house, principal, found.id, idempotency_key=idempotency_key)
    return tuner.book.get(principal, found.id)


@router.post("/plan", response_model=TuningPlanBody)
def plan_tuning(body: TuningIn, house: House, principal: EvaluationsRun) -> Any:
    """Say what a search would try and about what it would cost; nothing is run or kept."""
    return _planned(body, house, principal).as_dict()


@router.get("/{tuning_id}", response_model=TuningBody)
def get_tuning(tuning_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return a tuning: how far it is, and its report once it is done."""
    return house.evaluation.tuner.book.get(principal, tuning_id)


@router.get("/{tuning_id}/patch", response_model=PatchBody)
def get_patch(tuning_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return how `groundwork.toml` changes to what a tuning chose; nothing is written."""
    from groundwork.app.tuning_patch import patch_of

    found = house.evaluation.tuner.book.get(principal, tuning_id)
    patch = patch_of(house, found)
    recommended = bool(found.report and found.report["recommended"])
    return {"diff": patch.diff, "then": list(patch.then), "recommended": recommended}


@router.post("/{tuning_id}/resume", response_model=TuningBody, status_code=202)
def resume_tuning(tuning_id: str, house: House, principal: EvaluationsRun) -> Any:
    """Queue what is missing of a tuning that was stopped; one that is done stays as it is."""
    from groundwork.app.tuning import start_tuning

    book = house.evaluation.tuner.book
    found = book.get(principal, tuning_id)
    if found.state != "done":
        start_tuning(house, principal, found.id)
    return book.get(principal, found.id)


def _planned(body: TuningIn, house: House, principal: EvaluationsRun) -> TuningPlan:
    options = body.model_dump()
    return house.evaluation.tuner.plan(principal, options.pop("app"), **options)
