"""Evaluations and their results, comparisons, tunings: `/api/evaluations`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query

from groundwork.app.evaluating import planned, queued
from groundwork.server.bodies import Limit, Offset
from groundwork.server.described import PROBLEMS
from groundwork.server.evaluation_bodies import EvaluationBody, EvaluationIn, PlanBody, ResultsBody
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun

if TYPE_CHECKING:
    from groundwork.evaluation.types import Result

router = APIRouter(prefix="/api/evaluations", tags=["evaluations"], responses=PROBLEMS)
Name = Annotated[str, Query(max_length=200)]
Only = Literal["", "failed", "done", "produced", "low"]
Order = Literal["dataset", "worst"]


@router.get("", response_model=list[EvaluationBody])
def list_evaluations(
    house: House,
    principal: EvaluationsRead,
    app: Name = "",
    dataset: Name = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64, description="The id to go on from.")] = None,
) -> Any:
    """List evaluations, newest first."""
    return house.evaluation.book.list(principal, app=app, dataset=dataset, limit=limit, before=before)


@router.post("", response_model=EvaluationBody, status_code=202)
def start_evaluation(body: EvaluationIn, house: House, principal: EvaluationsRun) -> Any:
    """Plan an evaluation and queue it; it goes on after a crash, and no example is run or paid twice."""
    return queued(house, principal, planned(house, principal, **body.model_dump()))


@router.post("/plan", response_model=PlanBody)
def plan_evaluation(body: EvaluationIn, house: House, principal: EvaluationsRun) -> Any:
    """Say what an evaluation would run, what it may cost and what it can show; nothing is run or kept."""
    return planned(house, principal, **body.model_dump()).as_dict()


@router.get("/{evaluation_id}", response_model=EvaluationBody)
def get_evaluation(evaluation_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return an evaluation: how far it is, and its metrics with intervals once it is done."""
    return house.evaluation.book.get(principal, evaluation_id)


@router.get("/{evaluation_id}/results", response_model=ResultsBody)
def list_results(
    evaluation_id: str,
    house: House,
    principal: EvaluationsRead,
    only: Annotated[Only, Query(description="A state, or `low`: what is not perfect.")] = "",
    tag: Annotated[str, Query(max_length=200, description="Only examples with this tag.")] = "",
    order: Annotated[Order, Query(description="As the dataset has them, or the worst first.")] = "dataset",
    limit: Limit = 50,
    offset: Offset = 0,
) -> Any:
    """List results. Outputs are shown to who made the evaluation and to who reads every document."""
    book = house.evaluation.book
    found = book.get(principal, evaluation_id)
    ids = {x.id for x in book.examples(principal, found.id) if tag in x.tags} if tag else None
    items, total = book.page(
        principal, found.id, only=only, example_ids=ids, order=order, limit=limit, offset=offset
    )
    return {"items": [_result(r) for r in items], "total": total, "limit": limit, "offset": offset}


@router.post("/{evaluation_id}/cancel", response_model=EvaluationBody)
def cancel_evaluation(evaluation_id: str, house: House, principal: EvaluationsRun) -> Any:
    """Stop an evaluation at its next example; what is done is kept."""
    return house.evaluation.book.cancel(principal, evaluation_id)


@router.post("/{evaluation_id}/resume", response_model=EvaluationBody, status_code=202)
def resume_evaluation(evaluation_id: str, house: House, principal: EvaluationsRun) -> Any:
    """Queue what is missing of an evaluation that was stopped; one that is done stays as it is."""
    return queued(house, principal, house.evaluation.book.get(principal, evaluation_id))


def _result(found: Result) -> dict[str, Any]:
    return asdict(found)
