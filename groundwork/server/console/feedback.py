"""Feedback in the console: a thumb, a correction, a label, a comment, a golden example; each can be taken back."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import FeedbackWrite
from groundwork.telemetry.types import Feedback, FeedbackKind

router = APIRouter(prefix="/feedback", include_in_schema=False)
KINDS: tuple[FeedbackKind, ...] = get_args(FeedbackKind)
KIND_WORDS = {
    "thumb": "thumb", "correction": "should have said", "label": "label", "comment": "comment", "golden": "golden example",
}  # fmt: skip
MOST_SHOWN = 100
THUMBS = {"up": ("good", "helpful"), "down": ("bad", "not helpful")}


@router.post("")
def give(form: Posted, house: House, principal: FeedbackWrite) -> Response:
    """Keep what a person says of an answer or a trace, and go back to it."""
    kind = text_of(form, "kind")
    if kind not in KINDS:
        raise InvalidInputError(f"`{kind[:40]}` is no kind of feedback", hint=f"one of: {', '.join(KINDS)}")
    answer_id, trace_id = text_of(form, "answer_id"), text_of(form, "trace_id")
    house.telemetry.feedback.give(
        principal,
        kind,
        value=text_of(form, "value"),
        text=text_of(form, "text"),
        answer_id=answer_id,
        trace_id=trace_id,
        span_id=text_of(form, "span_id"),
        source="console",
    )
    return RedirectResponse(_page_of(answer_id, trace_id), 303)


@router.post("/{feedback_id}/withdraw")
def withdraw(feedback_id: str, form: Posted, house: House, principal: FeedbackWrite) -> Response:
    """Take one's own feedback back; it is kept and no longer counts."""
    house.telemetry.feedback.withdraw(principal, feedback_id)
    return RedirectResponse(_page_of(text_of(form, "answer_id"), text_of(form, "trace_id")), 303)


def feedback_of(
    house: House, principal: Principal, *, answer_id: str = "", trace_id: str = ""
) -> dict[str, Any]:
    """Return what was said of an answer, or of a trace and the answer it made, newest first, as a page shows it."""
    book = house.telemetry.feedback
    found = book.of_answer(principal, answer_id) if answer_id else book.of_trace(principal, trace_id)
    standing = [f for f in found if f.withdrawn_at is None]
    own = next((f for f in standing if f.kind == "thumb" and f.principal == principal.name), None)
    return {
        "answer_id": answer_id,
        "trace_id": trace_id,
        "thumb": own.value if own else "",
        "given": [_line(f, principal) for f in standing[:MOST_SHOWN]],
        "more": max(0, len(standing) - MOST_SHOWN),
    }


def _line(given: Feedback, principal: Principal) -> dict[str, Any]:
    state = THUMBS.get(given.value) if given.kind == "thumb" else None
    return {
        "id": given.id,
        "kind": KIND_WORDS.get(given.kind, given.kind),
        "state": state,
        "value": "" if state else given.value,
        "text": given.text,
        "who": given.principal,
        "at": given.created_at,
        "source": given.source,
        "own": given.principal == principal.name,
    }


def _page_of(answer_id: str, trace_id: str) -> str:
    # Built from ids alone: a form cannot send anybody to another host.
    if answer_id:
        return f"/answers/{quote(answer_id, safe='')}#feedback"
    return f"/traces/{quote(trace_id, safe='')}#feedback" if trace_id else "/traces"
