"""Ask, and read what was answered: `/api/ask`, `/api/answers`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from groundwork.server.bodies import AnswerBody, AnswersBody, AskIn, ExplanationBody, ReplayBody
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import AnswersAsk, AnswersRead

router = APIRouter(prefix="/api", tags=["answers"], responses=PROBLEMS)


@router.post("/ask", status_code=201, response_model=AnswerBody)
def ask(body: AskIn, house: House, principal: AnswersAsk) -> Any:
    """Answer a question with citations, or decline with a reason; either way it is recorded."""
    return house.ask(body.question, app=body.app, principal=principal, snapshot=body.snapshot)


@router.get("/answers", response_model=AnswersBody)
def list_answers(
    house: House,
    principal: AnswersRead,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
    app: Annotated[str | None, Query(max_length=100)] = None,
) -> Any:
    """List recorded answers, newest first."""
    found = house.answers(principal, limit=limit + 1, before=before, app=app)
    more = len(found) > limit
    return {"items": found[:limit], "next": found[limit - 1].id if more else None}


@router.get("/answers/{answer_id}", response_model=AnswerBody)
def get_answer(answer_id: str, house: House, principal: AnswersRead) -> Any:
    """Return one recorded answer with what it was made from."""
    return house.answer(answer_id, principal)


@router.post("/answers/{answer_id}/replay", response_model=ReplayBody)
def replay_answer(answer_id: str, house: House, principal: AnswersRead) -> Any:
    """Make a recorded answer again from its pins and say whether the same came out; records nothing."""
    return house.replay(answer_id, principal)


@router.get("/answers/{answer_id}/explain", response_model=ExplanationBody)
def explain_answer(answer_id: str, house: House, principal: AnswersRead) -> Any:
    """Say why a recorded answer came out as it did."""
    return house.explain(answer_id, principal)
