"""Labs: `/api/labs` – begin one, verify it over its records, hints, answers, begin again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.pathway_bodies import (
    HintBody,
    LabAnswerIn,
    LabIn,
    LabLineBody,
    LabRunBody,
    VerificationBody,
)
from groundwork.server.permissions import LabsRun, PathwaysRead

router = APIRouter(prefix="/api/labs", tags=["pathways"], responses=PROBLEMS)


@router.get("", response_model=list[LabLineBody])
def list_labs(house: House, principal: PathwaysRead) -> Any:
    """List the labs, and how far one is with each."""
    return house.pathways.labs.all(principal)


@router.get("/{lab}", response_model=LabRunBody)
def get_lab(lab: str, house: House, principal: PathwaysRead) -> Any:
    """Return one's newest run of a lab with its task; 404 before it was begun."""
    return house.pathways.labs.show(principal, lab).as_dict()


@router.post("/{lab}/start", response_model=LabRunBody)
def start_lab(lab: str, body: LabIn, house: House, principal: LabsRun) -> Any:
    """Begin a lab, or take up the run that is open; its start is laid out in the workspace."""
    return house.pathways.labs.start(principal, lab, test_out=body.test_out).as_dict()


@router.post("/{lab}/verify", response_model=VerificationBody)
def verify_lab(lab: str, house: House, principal: LabsRun) -> Any:
    """Check every point over the records; 200 also when it is not passed, and a signed proof when it is."""
    return house.pathways.labs.verify(principal, lab).as_dict()


@router.post("/{lab}/hint", response_model=HintBody)
def hint_lab(lab: str, house: House, principal: LabsRun) -> Any:
    """Return the next hint, from the gentlest on."""
    return {"hint": house.pathways.labs.hint(principal, lab)}


@router.post("/{lab}/answers", response_model=LabRunBody)
def answer_lab(lab: str, body: LabAnswerIn, house: House, principal: LabsRun) -> Any:
    """Write an answer onto the sheet of a run that is open."""
    return house.pathways.labs.answer(principal, lab, body.key, body.value).as_dict()


@router.post("/{lab}/reset", response_model=LabRunBody)
def reset_lab(lab: str, house: House, principal: LabsRun) -> Any:
    """Begin a lab again with another draw; what lay in its folder is moved aside, and records stay."""
    return house.pathways.labs.reset(principal, lab).as_dict()
