"""From every background to every role: a gap that can be planned."""

from __future__ import annotations

import pytest

from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.types import Catalogue, Prerequisite
from tests.pathways.catalogue.conftest import LOADED

TARGETS = [role.id for role in LOADED.targets()]


@pytest.mark.parametrize("target", TARGETS)
def test_every_background_has_a_gap_in_an_order_that_respects_prerequisites(
    loaded: Loaded, target: str
) -> None:
    for background in loaded.backgrounds.values():
        skills, milestones = loaded.gap(background, target)
        assert milestones, (background.id, target)
        if background.role != target:
            assert loaded.hours(skills, milestones) > 0
        held = set(loaded.held(background, target))
        assert not held & set(skills)
        before = set(held)
        for skill in skills:
            hard = {p.skill for p in loaded.skill(skill).prerequisites if p.kind == "hard"}
            assert hard <= before, (background.id, target, skill)
            before.add(skill)
        needed = {need for m in milestones for need in loaded.milestone(m).needs}
        assert needed <= before


@pytest.mark.parametrize("target", TARGETS)
def test_whoever_has_the_role_already_lacks_only_its_proofs(loaded: Loaded, target: str) -> None:
    assert loaded.gap(target, target)[0] == ()


def test_nobody_with_a_background_needs_more_than_somebody_with_none(loaded: Loaded) -> None:
    for target in TARGETS:
        most = loaded.hours(*loaded.gap("career-changer-non-tech", target))
        assert all(loaded.hours(*loaded.gap(b, target)) <= most for b in loaded.backgrounds)


def test_a_background_holds_what_its_skills_need_without_looking_further(loaded: Loaded) -> None:
    for background in loaded.catalogue.backgrounds:
        assert set(loaded.closure(background.holds)) == set(background.holds), background.id


def test_what_a_way_says_is_there_already_is_held_by_its_start(loaded: Loaded) -> None:
    for way in loaded.catalogue.transitions:
        assert set(way.already) <= set(loaded.background(way.start).holds), way.id


def test_steps_that_a_document_suggests_lie_on_the_way(loaded: Loaded) -> None:
    for way in loaded.catalogue.transitions:
        skills, milestones = loaded.gap(way.start, way.target)
        assert set(way.steps) <= {*skills, *milestones}, way.id


def test_a_transition_is_found_by_background_and_by_second_names(loaded: Loaded) -> None:
    way = loaded.transition("cloud-platform-engineer", "ai-systems-engineer")
    assert way is not None
    assert way.id == "cloud-to-ai-systems-engineer"
    same = loaded.transition("ml-engineer", "full-stack-ai-engineer")
    assert same is not None
    assert same.id == "ml-to-ai-engineer"
    assert loaded.transition("teacher", "ai-engineer") is None


def test_a_chain_of_thousands_of_skills_has_a_closure() -> None:
    first = LOADED.skill("sql")
    chain = [
        first.model_copy(
            update={"id": f"s-{n}", "prerequisites": (Prerequisite(skill=f"s-{n + 1}"),) if n < 2999 else ()}
        )
        for n in range(3000)
    ]
    found = Loaded(Catalogue(skills=tuple(chain))).closure(["s-0"])
    assert found == tuple(f"s-{n}" for n in reversed(range(3000)))


def test_a_closure_is_ordered_and_holds_every_hard_prerequisite(loaded: Loaded) -> None:
    found = loaded.closure(["deep-learning"])
    assert found[-1] == "deep-learning"
    assert {
        "programming-basics",
        "python-engineering",
        "mathematics",
        "statistics",
        "ml-fundamentals",
    } <= set(found)
    assert "data-preparation" not in found
