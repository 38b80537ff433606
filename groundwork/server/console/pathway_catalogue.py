"""Pages of the catalogue: the map of skills, roles side by side, milestones with what proves them, resources, facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import GroundworkError
from groundwork.server.console import pathway_map
from groundwork.server.console.pathway_words import STATES, subject_of, titles_of
from groundwork.server.console.render import page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import PathwaysRead, PathwaysWalk

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.pathways.catalogue.carried import FactView
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.types import Role
    from groundwork.pathways.walking.types import SubjectState

router = APIRouter(prefix="/pathways", include_in_schema=False)
Word = Annotated[str, Query(max_length=200)]
_PLACES = {
    "skills": "/pathways/skills/",
    "roles": "/pathways/roles/",
    "milestones": "/pathways/milestones/",
    "actions": "/pathways/milestones/",
}
"""Lists of the catalogue whose entries have a page of their own."""


@router.get("/skills")
def skills_page(request: Request, house: House, principal: PathwaysRead, role: Word = "") -> Response:
    loaded = house.pathways.catalogues.current()
    standing = house.pathways.walk.skills(principal)
    chosen = loaded.role(role) if role else None
    wanted = set(loaded.requirements(chosen)[0]) if chosen else None
    skills = [s for s in loaded.catalogue.skills if wanted is None or s.id in wanted]
    return page(
        request,
        "path_skills.html",
        room="pathways",
        map=pathway_map.drawn(loaded.catalogue.stages, skills, standing),
        box=(pathway_map.BOX_WIDTH, pathway_map.BOX_HEIGHT),
        stages=[(stage, [s for s in skills if s.stage == stage.id]) for stage in loaded.catalogue.stages],
        standing=standing,
        counts=Counter(standing.get(s.id, "open") for s in skills),
        roles=loaded.targets(),
        role=chosen,
        states=STATES,
        attributions=loaded.attributions,
    )


@router.get("/skills/{skill_id}")
def skill_page(request: Request, skill_id: str, house: House, principal: PathwaysRead) -> Response:
    loaded = house.pathways.catalogues.current()
    skill = loaded.skill(skill_id)
    standing = house.pathways.walk.skills(principal)
    everything = loaded.catalogue
    return page(
        request,
        "path_skill.html",
        room="pathways",
        skill=skill,
        state=standing.get(skill.id, "open"),
        standing=standing,
        titles={s.id: s.title for s in everything.skills},
        unlocks=[s for s in everything.skills if any(p.skill == skill.id for p in s.prerequisites)],
        milestones=[m for m in everything.milestones if skill.id in m.proves or skill.id in m.needs],
        roles=[r for r in everything.roles if skill.id in r.skills],
        resources=[loaded.resource(r) for r in skill.resources],
        quiz=loaded.quiz(skill.quiz) if skill.quiz else None,
        sources=_sources(loaded),
        states=STATES,
        attributions=loaded.attributions,
    )


@router.get("/roles")
def roles_page(
    request: Request, house: House, principal: PathwaysRead, a: Word = "", b: Word = ""
) -> Response:
    loaded = house.pathways.catalogues.current()
    pair = [loaded.role(word) for word in (a, b) if word]
    standing = house.pathways.walk.skills(principal)
    return page(
        request,
        "path_roles.html",
        room="pathways",
        roles=loaded.catalogue.roles,
        transitions=loaded.catalogue.transitions,
        names=_names(loaded),
        pair=pair,
        rows=_side_by_side(loaded, pair) if len(pair) == 2 else (),
        standing=standing,
        states=STATES,
        sources=_sources(loaded),
        attributions=loaded.attributions,
    )


@router.get("/roles/{role_id}")
def role_page(request: Request, role_id: str, house: House, principal: PathwaysRead) -> Response:
    loaded = house.pathways.catalogues.current()
    role = loaded.role(role_id)
    skills, milestones = loaded.requirements(role)
    weights = _weights(loaded, role)
    found = [loaded.skill(s) for s in skills]
    return page(
        request,
        "path_role.html",
        room="pathways",
        role=role,
        skills=sorted(found, key=lambda s: (-weights.get(s.id, 0.0), s.title)),
        weights=weights,
        milestones=[loaded.milestone(m) for m in milestones],
        transitions=[t for t in loaded.catalogue.transitions if role.id in (t.start, t.target)],
        names=_names(loaded),
        standing=house.pathways.walk.skills(principal),
        states=STATES,
        sources=_sources(loaded),
        attributions=loaded.attributions,
    )


@router.get("/milestones/{subject_id}")
def milestone_page(
    request: Request, subject_id: str, house: House, principal: PathwaysRead, checked: Word = ""
) -> Response:
    return _milestone(request, house, principal, subject_id, checked=bool(checked))


@router.post("/milestones/{subject_id}")
def check_milestone(subject_id: str, form: Posted, house: House, principal: PathwaysWalk) -> Response:
    found = subject_of(house.pathways.catalogues.current(), subject_id)
    house.pathways.walk.check(principal, found.id)
    return RedirectResponse(f"/pathways/milestones/{found.id}?checked=1", 303)


@router.post("/milestones/{subject_id}/attest")
def attest(
    request: Request, subject_id: str, form: Posted, house: House, principal: PathwaysWalk
) -> Response:
    statement, link = text_of(form, "statement"), text_of(form, "link")
    found = subject_of(house.pathways.catalogues.current(), subject_id)
    try:
        house.pathways.notes.attest(principal, found.id, statement, link)
    except GroundworkError as error:
        return _milestone(
            request, house, principal, subject_id, error, {"statement": statement, "link": link}
        )
    return RedirectResponse(f"/pathways/milestones/{found.id}", 303)


@router.get("/facts")
def facts_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    loaded = house.pathways.catalogues.current()
    sections: dict[str, list[FactView]] = {}
    for fact in loaded.facts():
        sections.setdefault(fact.section, []).append(fact)
    return page(
        request,
        "path_facts.html",
        room="pathways",
        sections=sections,
        places=_PLACES,
        sources=_sources(loaded),
        attributions=loaded.attributions,
    )


@router.get("/resources")
def resources_page(request: Request, house: House, principal: PathwaysRead) -> Response:
    loaded = house.pathways.catalogues.current()
    used: dict[str, list[Any]] = {}
    for skill in loaded.catalogue.skills:
        for resource in skill.resources:
            used.setdefault(resource, []).append(skill)
    return page(
        request,
        "path_resources.html",
        room="pathways",
        resources=loaded.catalogue.resources,
        used=used,
        sources=_sources(loaded),
    )


def _milestone(
    request: Request,
    house: House,
    principal: Principal,
    subject_id: str,
    fault: GroundworkError | None = None,
    given: Mapping[str, str] | None = None,
    checked: bool = False,
) -> Response:
    loaded = house.pathways.catalogues.current()
    subject = subject_of(loaded, subject_id)
    state: SubjectState = house.pathways.walk.look(principal, subject.id)
    return page(
        request,
        "path_milestone.html",
        400 if fault else 200,
        room="pathways",
        subject=subject,
        state=state,
        states=STATES,
        proof=house.pathways.proofs.show(principal, state.proof) if state.proof else None,
        attestations=[
            a for a in house.pathways.notes.attestations(principal, withdrawn=True) if a.subject == subject.id
        ],
        titles=titles_of(loaded),
        fault=fault,
        given=given or {"statement": "", "link": ""},
        checked=checked,
        sources=_sources(loaded),
    )


def _weights(loaded: Loaded, role: Role) -> Mapping[str, float]:
    return role.skills or (loaded.role(role.same_as).skills if role.same_as else {})


def _names(loaded: Loaded) -> dict[str, str]:
    """Return titles of roles and backgrounds by id."""
    backgrounds = {e.id: e.title for e in loaded.catalogue.backgrounds}
    return backgrounds | {e.id: e.title for e in loaded.catalogue.roles}


def _sources(loaded: Loaded) -> dict[str, str]:
    return {s.id: s.about for s in loaded.catalogue.sources}


def _side_by_side(loaded: Loaded, pair: list[Role]) -> list[tuple[Any, float | None, float | None]]:
    """Return skills that either of two roles needs, with the weight in each; None where it is not needed."""
    both = [set(loaded.requirements(role)[0]) for role in pair]
    weights = [_weights(loaded, role) for role in pair]
    rows = []
    for skill_id in sorted(both[0] | both[1]):
        cells = [weights[n].get(skill_id, 0.0) if skill_id in both[n] else None for n in (0, 1)]
        rows.append((loaded.skill(skill_id), cells[0], cells[1]))
    return sorted(rows, key=lambda r: (r[1] is None, r[2] is None, r[0].title))
