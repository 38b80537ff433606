"""Pages of labs and quizzes: the task, what is met, hints, the sheet; a draw of questions and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import GroundworkError
from groundwork.server.console.pathway_words import STATES, titles_of
from groundwork.server.console.render import page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import LabsRun, PathwaysRead, PathwaysWalk

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.pathways.labs.types import LabVerification

router = APIRouter(prefix="/pathways", include_in_schema=False)


@router.get("/labs")
def labs_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    room = house.pathways
    return page(
        request,
        "path_labs.html",
        room="pathways",
        labs=room.labs.all(principal),
        open=room.labs.open_run(principal),
        states=STATES,
        titles=titles_of(house.pathways.catalogues.current()),
    )


@router.get("/labs/{lab}")
def lab_page(request: Request, lab: str, house: House, principal: PathwaysRead) -> Response:
    return _lab(request, house, principal, lab)


@router.post("/labs/{lab}/start")
def start(request: Request, lab: str, form: Posted, house: House, principal: LabsRun) -> Response:
    try:
        run = house.pathways.labs.start(principal, lab, test_out=text_of(form, "test_out") == "1")
    except GroundworkError as error:
        return _lab(request, house, principal, lab, error)
    return RedirectResponse(f"/pathways/labs/{run.lab}", 303)


@router.post("/labs/{lab}/verify")
def verify(request: Request, lab: str, form: Posted, house: House, principal: LabsRun) -> Response:
    try:
        found = house.pathways.labs.verify(principal, lab)
    except GroundworkError as error:
        return _lab(request, house, principal, lab, error)
    return _lab(request, house, principal, lab, verification=found)


@router.post("/labs/{lab}/hint")
def hint(request: Request, lab: str, form: Posted, house: House, principal: LabsRun) -> Response:
    try:
        house.pathways.labs.hint(principal, lab)
    except GroundworkError as error:
        return _lab(request, house, principal, lab, error)
    return RedirectResponse(f"/pathways/labs/{lab}#hints", 303)


@router.post("/labs/{lab}/reset")
def reset(request: Request, lab: str, form: Posted, house: House, principal: LabsRun) -> Response:
    try:
        house.pathways.labs.reset(principal, lab)
    except GroundworkError as error:
        return _lab(request, house, principal, lab, error)
    return RedirectResponse(f"/pathways/labs/{lab}", 303)


@router.post("/labs/{lab}/answers")
def answer(request: Request, lab: str, form: Posted, house: House, principal: LabsRun) -> Response:
    try:
        for key in house.pathways.labs.show(principal, lab).asked:
            value = text_of(form, f"answer-{key}")
            if value:
                house.pathways.labs.answer(principal, lab, key, value[:500])
    except GroundworkError as error:
        return _lab(request, house, principal, lab, error)
    return RedirectResponse(f"/pathways/labs/{lab}#sheet", 303)


@router.get("/quizzes")
def quizzes_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    return page(
        request,
        "path_quizzes.html",
        room="pathways",
        quizzes=house.pathways.catalogues.current().catalogue.quizzes,
        results=house.pathways.quizzes.results(principal),
        titles=titles_of(house.pathways.catalogues.current()),
    )


@router.post("/quizzes/{quiz}")
def draw(request: Request, quiz: str, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    drawn = house.pathways.quizzes.draw(principal, quiz)
    return page(request, "path_quiz.html", room="pathways", drawn=drawn, result=None, missing=())


@router.post("/draws/{draw_id}")
def hand_in(request: Request, draw_id: str, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    drawn = house.pathways.quizzes.show(principal, draw_id)
    words = [text_of(form, f"question-{number}") for number in range(len(drawn.questions))]
    missing = tuple(n for n, word in enumerate(words) if not word.isdecimal())
    if missing:
        return page(
            request, "path_quiz.html", 400, room="pathways", drawn=drawn, result=None, missing=missing
        )
    result = house.pathways.quizzes.hand_in(principal, draw_id, [int(word[:4]) for word in words])
    return page(request, "path_quiz.html", room="pathways", drawn=drawn, result=result, missing=())


def _lab(
    request: Request,
    house: House,
    principal: Principal,
    lab: str,
    fault: GroundworkError | None = None,
    verification: LabVerification | None = None,
) -> Response:
    from groundwork.pathways.labs import task

    labs = house.pathways.labs
    found = task.find_lab(lab)
    line = next(known for known in labs.all(principal) if known.id == task.lab_id(lab))
    run = None if line.state == "new" else labs.show(principal, lab)
    return page(
        request,
        "path_lab.html",
        400 if fault else 200,
        room="pathways",
        line=line,
        run=run,
        text=run.task if run and run.task else task.filled(lab, task.example_draw(found)),
        fault=fault,
        verification=verification,
        states=STATES,
        titles=titles_of(house.pathways.catalogues.current()),
    )
