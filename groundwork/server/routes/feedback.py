"""What people and programs say of answers and traces: `/api/answers/{id}/feedback`, `/api/traces/…`, `/api/feedback`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, Field

from groundwork.server.bodies import In, Moment, Out
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import AnswersRead, FeedbackWrite, TracesRead
from groundwork.telemetry.feedback import MOST_LABEL, MOST_TEXT
from groundwork.telemetry.types import FeedbackKind

router = APIRouter(prefix="/api", tags=["feedback"], responses=PROBLEMS)
Key = Annotated[
    str | None,
    Header(
        max_length=200,
        description="The same key with the same feedback answers the first one; nothing is given twice.",
    ),
]


class FeedbackIn(In):
    """What is said."""

    kind: FeedbackKind = Field(description="`golden` is a candidate for a dataset.")
    value: str = Field(
        "", max_length=MOST_LABEL, description="`up` or `down` of a thumb, the label of a label; else empty."
    )
    text: str = Field(
        "",
        max_length=MOST_TEXT,
        description="What it should have said, the comment, or the expected output; a golden example without text takes the "
        "output as it is.",
    )
    span_id: str = Field(
        "", pattern="^([0-9a-f]{16})?$", description="The span that is meant; empty: all of it."
    )
    source: Literal["api", "sdk"] = "api"


class FeedbackBody(Out):
    """One feedback."""

    id: str
    kind: FeedbackKind
    value: str
    text: str
    answer_id: str
    trace_id: str
    span_id: str
    app: str
    principal: str = Field(description="Who gave it.")
    source: str = Field(description="`console`, `api` or `sdk`.")
    created_at: Moment
    withdrawn_at: str | None = Field(
        description="When it was taken back, or turned by its giver; it no longer counts."
    )


class FeedbackPage(BaseModel):
    """One page of feedback, newest first."""

    items: list[FeedbackBody]
    next: str | None = Field(description="`before` of the next page; null at the end.")


@router.post("/answers/{answer_id}/feedback", status_code=201, response_model=FeedbackBody)
def give_on_answer(
    answer_id: str, body: FeedbackIn, house: House, principal: FeedbackWrite, idempotency_key: Key = None
) -> Any:
    """Say something of an answer; a second thumb of the same person takes the place of the first."""
    return house.telemetry.feedback.give(
        principal, answer_id=answer_id, idempotency_key=idempotency_key, **body.model_dump()
    )


@router.get("/answers/{answer_id}/feedback", response_model=list[FeedbackBody])
def feedback_of_answer(answer_id: str, house: House, principal: AnswersRead) -> Any:
    """Return what everybody said of an answer, newest first."""
    return house.telemetry.feedback.of_answer(principal, answer_id)


@router.post("/traces/{trace_id}/feedback", status_code=201, response_model=FeedbackBody)
def give_on_trace(
    trace_id: str, body: FeedbackIn, house: House, principal: FeedbackWrite, idempotency_key: Key = None
) -> Any:
    """Say something of a trace or of one of its spans, also of one that another program sent."""
    return house.telemetry.feedback.give(
        principal, trace_id=trace_id, idempotency_key=idempotency_key, **body.model_dump()
    )


@router.get("/traces/{trace_id}/feedback", response_model=list[FeedbackBody])
def feedback_of_trace(trace_id: str, house: House, principal: TracesRead) -> Any:
    """Return what everybody said of a trace, newest first."""
    return house.telemetry.feedback.of_trace(principal, trace_id)


@router.get("/feedback", response_model=FeedbackPage)
def list_feedback(
    house: House,
    principal: AnswersRead,
    kind: FeedbackKind | None = None,
    app: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
) -> Any:
    """List feedback, newest first: the owner of a workspace sees everybody's, others their own."""
    return house.telemetry.feedback.list(principal, kind=kind or "", app=app, limit=limit, cursor=before)


@router.delete("/feedback/{feedback_id}", response_model=FeedbackBody)
def withdraw_feedback(feedback_id: str, house: House, principal: FeedbackWrite) -> Any:
    """Take one's own feedback back; it is kept and no longer counts."""
    return house.telemetry.feedback.withdraw(principal, feedback_id)
