"""Pages of a person on the way: where one stands, the plan as a calendar, notes, proofs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.server.console import pathway_calendar
from groundwork.server.console.pathway_words import GRADES, STATES, titles_of
from groundwork.server.console.render import page
from groundwork.server.forms import Posted, text_of, texts_of
from groundwork.server.house import House
from groundwork.server.permissions import PathwaysRead, PathwaysWalk

if TYPE_CHECKING:
    from groundwork.core.principal import Principal

router = APIRouter(prefix="/pathways", include_in_schema=False)
Word = Annotated[str, Query(max_length=200)]
LONGEST_NOTE = 20_000


@router.get("")
def pathways_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    return _overview(request, house, principal)


@router.post("/plan")
def make_plan(request: Request, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    from groundwork.pathways.walking.days import day_of

    given = {name: text_of(form, name)[:200] for name in ("start_from", "target", "hours", "start", "by")}
    try:
        plan = house.pathways.walk.plan(
            principal,
            start_from=given["start_from"],
            target=given["target"],
            hours=_hours(given["hours"]),
            start=day_of(given["start"], "start") if given["start"] else None,
            by=day_of(given["by"], "wished day", last=True) if given["by"] else None,
        )
    except GroundworkError as error:
        return _overview(request, house, principal, error, given)
    return RedirectResponse(f"/pathways/plans/{plan.id}", 303)


@router.get("/plan")
def latest_plan(house: House, principal: PathwaysRead) -> Response:
    plan = house.pathways.planner.latest(principal)
    return RedirectResponse(f"/pathways/plans/{plan.id}" if plan else "/pathways", 303)


@router.get("/plans/{plan_id}")
def plan_page(request: Request, plan_id: str, house: House, principal: PathwaysRead) -> Response:
    from groundwork.pathways.walking.ninety import ninety_days

    planner = house.pathways.planner
    plan = planner.get(principal, plan_id)
    loaded = house.pathways.catalogues.current()
    before = planner.get(principal, plan.previous) if plan.previous else None
    return page(
        request,
        "path_plan.html",
        room="pathways",
        plan=plan,
        months=pathway_calendar.months(plan),
        lane=pathway_calendar.lane,
        streams=pathway_calendar.STREAMS,
        diff=planner.diff(before, plan) if before else None,
        ninety=ninety_days(plan, loaded),
        titles=titles_of(loaded),
        states=STATES,
        standing=house.pathways.walk.skills(principal),
    )


@router.post("/declare")
def declare(form: Posted, house: House, principal: PathwaysWalk) -> Response:
    """Say which skills one holds already; the whole list is given, so that one can be taken back."""
    chosen = tuple(word[:80] for word in texts_of(form, "skill"))
    house.pathways.walk.set_profile(principal, declared=chosen)
    return RedirectResponse("/pathways/declared", 303)


@router.get("/declared")
def declared_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    loaded = house.pathways.catalogues.current()
    return page(
        request,
        "path_declared.html",
        room="pathways",
        profile=house.pathways.walk.profile(principal),
        standing=house.pathways.walk.skills(principal),
        stages=[
            (stage, [s for s in loaded.catalogue.skills if s.stage == stage.id])
            for stage in loaded.catalogue.stages
        ],
        states=STATES,
    )


@router.get("/notes")
def notes_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    return _notes(request, house, principal)


@router.post("/notes")
def reflect(request: Request, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    question, text = text_of(form, "question")[:80], text_of(form, "text")[:LONGEST_NOTE]
    try:
        house.pathways.notes.reflect(principal, question, text)
    except GroundworkError as error:
        return _notes(request, house, principal, error, {"question": question, "text": text})
    return RedirectResponse("/pathways/notes", 303)


@router.post("/notes/{note_id}/forget")
def forget(note_id: str, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    house.pathways.notes.forget(principal, note_id)
    return RedirectResponse("/pathways/notes", 303)


@router.post("/attestations/{attestation_id}/withdraw")
def withdraw(attestation_id: str, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    house.pathways.notes.withdraw(principal, attestation_id)
    return RedirectResponse("/pathways/notes", 303)


@router.get("/proofs")
def proofs_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    room = house.pathways
    return page(
        request,
        "path_proofs.html",
        room="pathways",
        proofs=room.proofs.list(principal),
        problems=room.proofs.verify_chain(principal),
        states=STATES,
        grades=GRADES,
    )


@router.get("/proofs/{proof_id}")
def proof_page(request: Request, proof_id: str, house: House, principal: PathwaysRead) -> Response:
    return page(
        request,
        "path_proof.html",
        room="pathways",
        state=house.pathways.proofs.show(principal, proof_id),
        states=STATES,
        grades=GRADES,
    )


def _overview(
    request: Request,
    house: House,
    principal: Principal,
    fault: GroundworkError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    room = house.pathways
    loaded, profile, plan = (
        room.catalogues.current(),
        room.walk.profile(principal),
        room.planner.latest(principal),
    )
    values = {
        "start_from": profile.background,
        "target": profile.target,
        "hours": f"{profile.hours_per_week:g}" if profile.hours_per_week else "8",
        "start": "",
        "by": profile.by,
    }
    return page(
        request,
        "pathways.html",
        400 if fault else 200,
        room="pathways",
        next=room.walk.next(principal),
        profile=profile,
        plan=plan,
        forecast=room.planner.forecast(principal) if plan else None,
        progress=room.walk.progress(principal),
        backgrounds=loaded.catalogue.backgrounds,
        targets=loaded.targets(),
        titles=titles_of(loaded),
        problems=room.catalogues.problems(),
        labs=room.labs.all(principal),
        states=STATES,
        fault=fault,
        given=given or values,
        today=date.today().isoformat(),
    )


def _notes(
    request: Request,
    house: House,
    principal: Principal,
    fault: GroundworkError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    room = house.pathways
    loaded = room.catalogues.current()
    return page(
        request,
        "path_notes.html",
        400 if fault else 200,
        room="pathways",
        reflections=room.notes.reflections(principal),
        questions=loaded.catalogue.reflections,
        attestations=room.notes.attestations(principal, withdrawn=True),
        titles=titles_of(loaded),
        fault=fault,
        given=given or {"question": "", "text": ""},
    )


def _hours(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InvalidInputError(
            f"`{text[:40]}` is no number of hours", hint="say how many hours a week, such as 8"
        ) from None
