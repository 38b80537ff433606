"""Ask, and read what was answered: `/api/ask`, `/api/answers`, `/api/conversations`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from groundwork.server.bodies import (
    AnswerBody,
    AnswersBody,
    AskIn,
    ConversationBody,
    ConversationsBody,
    ExplanationBody,
    LiveReplayBody,
    ReplayBody,
)
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import AnswersAsk, AnswersRead, ModelsCall

router = APIRouter(prefix="/api", tags=["answers"], responses=PROBLEMS)


@router.post("/ask", status_code=201, response_model=AnswerBody)
def ask(body: AskIn, house: House, principal: AnswersAsk) -> Any:
    """Answer a question with citations, or decline with a reason; either way it is recorded.

    Within a conversation a follow-up question is understood with what was said before. An app that asks a model pays for it.
    The release that stands in the environment answers; where none does, the app as `groundwork.toml` has it.
    """
    told: dict[str, Any] = {"environment": body.environment, "release": body.release, "unit": body.unit}
    return house.ask(
        body.question,
        app=body.app,
        principal=principal,
        snapshot=body.snapshot,
        conversation=body.conversation,
        **{name: value for name, value in told.items() if value},
    )


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


@router.post("/answers/{answer_id}/replay-live", response_model=LiveReplayBody)
def replay_live(
    answer_id: str,
    house: House,
    principal: ModelsCall,
    runs: Annotated[int, Query(ge=1, le=20, description="How often the models are asked.")] = 1,
) -> Any:
    """Ask the models of a recorded answer again and say how far they agree with what they said.

    This costs what the models cost, once for each run: the cache is not asked. The calls are in the ledger; no answer is
    recorded.
    """
    return house.replay_live(answer_id, principal, n=runs).as_dict()


@router.get("/answers/{answer_id}/explain", response_model=ExplanationBody)
def explain_answer(answer_id: str, house: House, principal: AnswersRead) -> Any:
    """Say why a recorded answer came out as it did."""
    return house.explain(answer_id, principal)


@router.get("/conversations", response_model=ConversationsBody)
def list_conversations(
    house: House,
    principal: AnswersRead,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
) -> Any:
    """List conversations, newest first."""
    found = house.conversations(principal, limit=limit + 1, before=before)
    more = len(found) > limit
    return {"items": found[:limit], "next": found[limit - 1].id if more else None}


@router.get("/conversations/{conversation_id}", response_model=ConversationBody)
def get_conversation(conversation_id: str, house: House, principal: AnswersRead) -> Any:
    """Return the answers of a conversation, oldest first."""
    return {"id": conversation_id, "answers": house.conversation(conversation_id, principal)}
