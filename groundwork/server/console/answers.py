"""Pages of the room where one asks and reads: `/`, `/answers`, `/conversations`, and the record of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.answers.types import UNSUPPORTED_MARK, Answer, LiveReplay
from groundwork.core.errors import GoneError, InvalidInputError
from groundwork.core.principal import Principal
from groundwork.server.console import evidence, pins, rail, trace_links
from groundwork.server.console.feedback import feedback_of
from groundwork.server.console.kept import kept_of
from groundwork.server.console.making import can_be_asked_again, making, once
from groundwork.server.console.releases import released_apps
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import AnswersAsk, AnswersRead, ModelsCall

if TYPE_CHECKING:
    from groundwork.pathways.walking.types import NextStep

router = APIRouter(include_in_schema=False)
RECENT = 8
PER_PAGE = 30
TURNS = 6
"""Turns of a conversation that stand above the next question; as many are looked at to understand it."""
MAX_RUNS = 20
AGREEMENT = {
    "same_text": "the same text",
    "same_citations": "the same citations",
    "same_abstention": "answers or declines alike",
    "token_f1": "words in common (token F1)",
    "rouge_l": "longest common sequence (ROUGE-L)",
    "citation_overlap": "cited text in common",
}
_SENTENCE = re.compile(r"sentence \d+ is supported$")
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
    return _ask_page(request, house, principal, question[:100_000], app)


@router.post("/ask")
def ask(form: Posted, house: House, principal: AnswersAsk) -> Response:
    answer = house.ask(
        text_of(form, "question"),
        app=text_of(form, "app") or "default",
        principal=principal,
        # Every question here may be gone on from; one turn more or less costs a row.
        conversation=text_of(form, "conversation") or "new",
    )
    return RedirectResponse(f"/answers/{answer.id}", 303)


@router.get("/conversations")
def conversations_page(
    request: Request, house: House, principal: AnswersRead, before: Before = None
) -> Response:
    found = house.conversations(principal, limit=PER_PAGE + 1, before=before)
    return page(
        request,
        "conversations.html",
        room="ask",
        found=found[:PER_PAGE],
        next=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        first=before is None,
    )


@router.get("/conversations/{conversation_id}")
def conversation_page(
    request: Request, conversation_id: str, house: House, principal: AnswersRead
) -> Response:
    turns = house.conversation(conversation_id, principal)
    return _ask_page(request, house, principal, "", turns[-1].app, turns)


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
def replay_page(
    request: Request,
    answer_id: str,
    house: House,
    principal: AnswersRead,
    live: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    replay = house.replay(answer_id, principal)
    kept = kept_of(request).get(live) if live else None
    found = kept if isinstance(kept, LiveReplay) and kept.id == answer_id else None
    return _record(
        request,
        house,
        principal,
        answer_id,
        "replay",
        replay=replay,
        verdict=REPLAY_WORDS[replay.result],
        live=found,
        gone=bool(live) and found is None,
        shares=[(name, getattr(found, what)) for what, name in AGREEMENT.items()] if found else [],
        max_runs=MAX_RUNS,
    )


@router.post("/answers/{answer_id}/replay-live")
def replay_live(
    request: Request, answer_id: str, form: Posted, house: House, principal: ModelsCall
) -> Response:
    written = text_of(form, "runs")
    runs = int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
    if not 1 <= runs <= MAX_RUNS:
        raise InvalidInputError(
            f"`{written[:20]}` is no number of runs", hint=f"ask the models 1 to {MAX_RUNS} times"
        )
    found = house.replay_live(answer_id, principal, n=runs)
    path = address(f"/answers/{answer_id}/replay", live=kept_of(request).put(found))
    return RedirectResponse(f"{path}#live", 303)


@router.get("/answers/{answer_id}/explain")
def explain_page(request: Request, answer_id: str, house: House, principal: AnswersRead) -> Response:
    try:
        explanation = house.explain(answer_id, principal)
    except GoneError as error:
        # An erased source is an expected outcome of this page, and its record is still worth reading.
        return _record(request, house, principal, answer_id, "explain", explanation=None, gone=error)
    answer = explanation.answer
    of_sentences = [c for c in explanation.checks if _SENTENCE.match(str(c["name"]))]
    return _record(
        request,
        house,
        principal,
        answer_id,
        "explain",
        explanation=explanation,
        gone=None,
        checks=[c for c in explanation.checks if c not in of_sentences],
        judged=list(zip((*answer.sentences, *answer.removed), of_sentences, strict=False)),
        prompts=explanation.prompts or ((),) * len(explanation.exchanges),
    )


@router.get("/answers/{answer_id}/settings")
def settings_page(request: Request, answer_id: str, house: House, principal: AnswersRead) -> Response:
    answer = house.answer(answer_id, principal)
    shown = json.dumps(dict(answer.settings), indent=2, ensure_ascii=False, sort_keys=True)
    return _record(request, house, principal, answer_id, "settings", recipe=shown)


def _ask_page(
    request: Request,
    house: House,
    principal: Principal,
    question: str,
    app: str,
    turns: Sequence[Answer] = (),
) -> Response:
    indexes = house.indexes(principal)
    apps = [*sorted(house.spec.apps), *released_apps(house, principal)]
    empty = not turns and not any(i.documents for i in indexes)
    return page(
        request,
        "ask.html",
        room="ask",
        empty=empty,
        next=_next_step(request, house, principal) if empty else None,
        indexes=indexes,
        apps=apps,
        app=app if app in apps else "default",
        question=question,
        limit=house.settings.max_question_chars,
        turns=[_line(a) for a in turns],
        conversation=turns[-1].conversation if turns else "",
        recent=[] if turns else [_line(a) for a in house.answers(principal, limit=RECENT)],
    )


def _next_step(request: Request, house: House, principal: Principal) -> NextStep | None:
    """Return the next step of the pathway; None to whom pathways are closed, and in a house without that room."""
    if not rail.may_of(request)("pathways.read"):
        return None
    try:
        walk = house.pathways.walk
    except ImportError:
        return None
    return walk.next(principal)


def _record(
    request: Request, house: House, principal: Principal, answer_id: str, view: str, **more: Any
) -> Response:
    answer = house.answer(answer_id, principal)
    made = making(house, principal, answer)
    before, after = _around(house, principal, answer) if view == "record" else ([], [])
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
        others=[] if answer.redacted else evidence.others(answer),
        made=made,
        again=once(made, answer) if made and can_be_asked_again(answer) else "",
        before=[_line(a) for a in before[-TURNS:]],
        earlier=max(0, len(before) - TURNS),
        after=[_line(a) for a in after],
        limit=house.settings.max_question_chars,
        trace=trace_links.of_answer(house, principal, answer.id) if view == "record" else None,
        golden=" ".join(s.text for s in evidence.sentences(answer)),
        feedback=feedback_of(house, principal, answer_id=answer.id) if view == "record" else None,
        **more,
    )


def _around(house: House, principal: Principal, answer: Answer) -> tuple[list[Answer], list[Answer]]:
    """Return the turns before and after an answer in its conversation; none where it is in none."""
    if answer.conversation is None:
        return [], []
    turns = house.conversation(answer.conversation, principal)
    place = next((n for n, turn in enumerate(turns) if turn.id == answer.id), len(turns))
    return turns[:place], turns[place + 1 :]


def _line(answer: Answer) -> dict[str, object]:
    return {
        "answer": answer,
        "outcome": evidence.outcome(answer),
        "text": " ".join(_told(answer, s) for s in evidence.sentences(answer)),
        "snapshot": next(p for p in pins.answer_pins(answer) if p.what == "snapshot"),
    }


def _told(answer: Answer, sentence: evidence.Sentence) -> str:
    """Return a sentence for a place without marks; what a model wrote and nothing supports is still said to be so."""
    return (
        sentence.text if sentence.sources or not answer.exchanges else f"{sentence.text} {UNSUPPORTED_MARK}"
    )


def _side(answer: Answer, said: list[evidence.Word], asked: list[evidence.Word]) -> dict[str, object]:
    return {"answer": answer, "said": said, "asked": asked, "outcome": evidence.outcome(answer)}


def _said(answer: Answer) -> str:
    return (
        answer.reason if answer.abstained else " ".join(_told(answer, s) for s in evidence.sentences(answer))
    )
