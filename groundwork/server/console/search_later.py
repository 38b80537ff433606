"""Where ids of the later rooms lead, and what words find there: evaluations, verdicts, releases, datasets, pathways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from groundwork.server.console.render import path_part

if TYPE_CHECKING:
    from groundwork.core.principal import Principal

Found = tuple[str, str, str]
"""Address, title, and what else helps to know it."""


def finders(house: Any, principal: Principal, text: str) -> dict[str, tuple[str, Callable[[], str]]]:
    """Return for each kind of id the permission it asks for, and what answers its address or raises."""
    return {
        "evl": (
            "evaluations.read",
            lambda: f"/evaluations/{path_part(house.evaluation.book.get(principal, text).id)}",
        ),
        "vrd": (
            "evaluations.read",
            lambda: f"/gates/verdicts/{path_part(house.evaluation.gates.verdict(principal, text).id)}",
        ),
        "rel": (
            "releases.read",
            lambda: f"/releases/{path_part(house.releases.book.get(principal, text).id)}",
        ),
        "pln": (
            "pathways.read",
            lambda: f"/pathways/plans/{path_part(house.pathways.planner.get(principal, text).id)}",
        ),
        "prf": (
            "pathways.read",
            lambda: f"/pathways/proofs/{path_part(house.pathways.proofs.show(principal, text).proof.id)}",
        ),
    }


def datasets(house: Any, principal: Principal, holds: Callable[..., bool]) -> Iterator[Found]:
    """Find datasets by name and note, the newest version of each."""
    for version in house.datasets.list(principal):
        if holds(version.name, version.note):
            yield f"/datasets/{path_part(version.name)}", version.name, version.note


def pathways(house: Any, principal: Principal, holds: Callable[..., bool]) -> Iterator[Found]:
    """Find skills, roles, milestones, actions and labs by what they are called and what they say."""
    whole = house.pathways.catalogues.current().catalogue
    for role in whole.roles:
        if holds(role.title, *role.aliases):
            yield f"/pathways/roles/{role.id}", role.title, role.focus
    for entry in (*whole.milestones, *whole.actions):
        if holds(entry.title):
            yield f"/pathways/milestones/{entry.id}", entry.title, ""
    for lab in house.pathways.labs.all(principal):
        if holds(lab.title, lab.summary, lab.id):
            yield f"/pathways/labs/{lab.id}", lab.title, lab.summary
    for skill in whole.skills:
        if holds(skill.title, skill.summary):
            yield f"/pathways/skills/{skill.id}", skill.title, skill.summary
