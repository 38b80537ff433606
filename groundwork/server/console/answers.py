"""Pages of the room where one asks and reads: `/`, `/answers`, and the record of an answer."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.answers.types import Answer
from groundwork.core.errors import GoneError
from groundwork.core.principal import Principal
from groundwork.server.console import evidence, pins
from groundwork.server.console.render import page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import AnswersAsk, AnswersRead

router = APIRouter(include_in_schema=False)
RECENT = 8
PER_PAGE = 30
Before = Annotated[str | None, Query(max_length=100)]
REPLAY_WORDS = {
    "identical": ("good", "Identical: the same sentences, from the same passages, with equal scores."),
    "same-set": ("warn", "Same set: the same text from the same passages, but their order or scores moved."),
    "drifted": ("bad", "Drifted: something else came out."),
    "redacted": (
        "warn",
        "Redacted: a document it was made from has been erased, so it cannot be made again.",
    ),
}


@router.get("/")
def ask_page(
    request: Request, house: House, principal: AnswersRead, question: str = "", app: str = ""
) -> Response:
    indexes = house.indexes(principal)
    return page(
        request,
        "ask.html",
        room="ask",
        empty=not any(i.documents for i in indexes),
        indexes=indexes,
        apps=sorted(house.spec.apps),
        app=app if app in house.spec.apps else "default",
        question=question[:100_000],
        limit=house.settings.max_question_chars,
        recent=[_line(a) for a in house.answers(principal, limit=RECENT)],
    )


@router.post("/ask")
def ask(form: Posted, house: House, principal: AnswersAsk) -> Response:
    answer = house.ask(text_of(form, "question"), app=text_of(form, "app") or "default", principal=principal)
    return RedirectResponse(f"/answers/{answer.id}", 303)


@router.get("/answers")
def answers_page(
    request: Request, house: House, principal: AnswersRead, before: Before = None, compare: Before = None
) -> Response:
    found = house.answers(principal, limit=PER_PAGE + 1, before=before)
    return page(
        request,
        "answers.html",
        room="answers",
        lines=[_line(a) for a in found[:PER_PAGE]],
        next=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        first=before is None,
        compare=house.answer(compare, principal) if compare else None,
    )


@router.get("/answers/compare")
def compare_page(request: Request, house: House, principal: AnswersRead, a: str, b: str) -> Response:
    left, right = house.answer(a, principal), house.answer(b, principal)
    said = evidence.compared(_said(left), _said(right))
    asked = evidence.compared(left.question, right.question)
    sides = [_side(answer, *words) for answer, *words in zip((left, right), said, asked, strict=True)]
    cited = [{(c.document_id, c.start, c.end) for c in x.citations} for x in (left, right)]
    rows = [
        (ours.what, ours, theirs, ours.version == theirs.version)
        for ours in pins.answer_pins(left)
        for theirs in pins.answer_pins(right)
        if ours.what == theirs.what
    ]
    return page(
        request,
        "compare.html",
        room="answers",
        sides=sides,
        rows=rows,
        shared=cited[0] & cited[1],
        same=left.text == right.text,
    )


@router.get("/answers/{answer_id}")
def answer_page(request: Request, answer_id: str, house: House, principal: AnswersRead) -> Response:
    return _record(request, house, principal, answer_id, "record")


@router.get("/answers/{answer_id}/replay")
def replay_page(request: Request, answer_id: str, house: House, principal: AnswersRead) -> Response:
    replay = house.replay(answer_id, principal)
    return _record(
        request, house, principal, answer_id, "replay", replay=replay, verdict=REPLAY_WORDS[replay.result]
    )


@router.get("/answers/{answer_id}/explain")
def explain_page(request: Request, answer_id: str, house: House, principal: AnswersRead) -> Response:
    try:
        explanation = house.explain(answer_id, principal)
    except GoneError as error:
        # An erased source is an expected outcome of this page, and its record is still worth reading.
        return _record(request, house, principal, answer_id, "explain", explanation=None, gone=error)
    return _record(request, house, principal, answer_id, "explain", explanation=explanation, gone=None)


@router.get("/answers/{answer_id}/settings")
def settings_page(request: Request, answer_id: str, house: House, principal: AnswersRead) -> Response:
    answer = house.answer(answer_id, principal)
    shown = json.dumps(dict(answer.settings), indent=2, ensure_ascii=False, sort_keys=True)
    return _record(request, house, principal, answer_id, "settings", recipe=shown)


def _record(
    request: Request, house: House, principal: Principal, answer_id: str, view: str, **more: Any
) -> Response:
    answer = house.answer(answer_id, principal)
    return page(
        request,
        f"answer_{view}.html",
        room="answers",
        view=view,
        answer=answer,
        pins=pins.answer_pins(answer),
        index=pins.index_of(answer),
        outcome=evidence.outcome(answer),
        sentences=evidence.sentences(answer),
        sources=evidence.sources(answer),
        others=evidence.others(answer),
        **more,
    )


def _line(answer: Answer) -> dict[str, object]:
    return {
        "answer": answer,
        "outcome": evidence.outcome(answer),
        "text": " ".join(s.text for s in evidence.sentences(answer)),
        "snapshot": next(p for p in pins.answer_pins(answer) if p.what == "snapshot"),
    }


def _side(answer: Answer, said: list[evidence.Word], asked: list[evidence.Word]) -> dict[str, object]:
    return {"answer": answer, "said": said, "asked": asked, "outcome": evidence.outcome(answer)}


def _said(answer: Answer) -> str:
    return answer.reason if answer.abstained else " ".join(s.text for s in evidence.sentences(answer))
