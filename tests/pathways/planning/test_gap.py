"""What is left between a background and a role, on the shipped catalogue."""

from __future__ import annotations

from functools import cache

import pytest

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.pathways.catalogue import shipped
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.planning.gap import Gap, gap
from groundwork.pathways.planning.order import best_order
from groundwork.pathways.planning.spending import choose
from groundwork.pathways.types import Hours, Resource, Skill


@cache
def loaded() -> Loaded:
    return Loaded(shipped.catalogue())


def left(start: str = "software engineer", to: str = "ml engineer", **more: object) -> Gap:
    return gap(loaded(), loaded().background(start).id, loaded().role(to), **more)  # type: ignore[arg-type]


def ids(found: Gap) -> set[str]:
    return {task.id for task in found.tasks}


def test_every_background_finds_a_way_to_every_role() -> None:
    for background in loaded().catalogue.backgrounds:
        for role in loaded().targets():
            found = gap(loaded(), background.id, role)
            assert {t.id for t in found.tasks if t.kind == "milestone"} == set(role.milestones)
            assert not ids(found) & set(loaded().held(background, role))
            if len(found.tasks) < 40:
                best_order(found.tasks, quick=True)


def test_what_is_proven_and_what_only_it_rests_on_is_left_out() -> None:
    everything = left("non-technical")
    proven = left("non-technical", proven=["deep-learning"])
    assert ids(proven) < ids(everything)
    assert "deep-learning" not in ids(proven)


def test_a_milestone_that_is_done_brings_the_skills_it_proves() -> None:
    found = left(done=["y1-model-serving-deployed"])
    assert "y1-model-serving-deployed" not in ids(found)
    assert not ids(found) & set(loaded().milestone("y1-model-serving-deployed").proves)


def test_a_declared_skill_becomes_a_short_test_out_when_a_lab_allows_it() -> None:
    skill = next(
        s for s in (loaded().skill(i) for i in sorted(ids(left())) if i in loaded().skills) if s.labs
    )
    lesson = next(t for t in left().tasks if t.id == skill.id)
    found = left(declared=[skill.id], test_outs={skill.labs[0]})
    task = next(t for t in found.tasks if t.id == skill.id)
    assert (task.kind, task.needs) == ("test_out", ())
    assert task.hours[1] == pytest.approx(max(0.5, lesson.hours[1] / 10))
    assert found.labs[skill.id] == skill.labs[0]
    assert skill.id not in ids(left(declared=[skill.id]))


def test_a_declared_skill_that_no_lab_tests_is_taken_at_its_word_and_named() -> None:
    found = left(declared=["mathematics"])
    assert "mathematics" not in ids(found)
    assert found.declared == ("mathematics",)


def test_actions_come_when_they_are_asked_for() -> None:
    found = left(extra=["d30-vector-db", "d30-fastapi-course"], done=["d30-fastapi-course"])
    assert "d30-vector-db" in ids(found)
    assert "d30-fastapi-course" not in ids(found)


def test_an_unknown_skill_is_refused() -> None:
    with pytest.raises(NotFoundError):
        left(declared=["mathemagics"])


def test_steps_that_a_document_suggests_help_one_another() -> None:
    found = {t.id: t for t in left().tasks}
    assert "mathematics" in found["ml-fundamentals"].helps or "mathematics" in found["ml-fundamentals"].needs


# -- resources --------------------------------------------------------------------------------------------------------
def _skill(identifier: str, resources: tuple[str, ...], choose_: int = 1) -> Skill:
    hours = Hours(p10=1, p50=2, p90=3)
    return Skill(
        id=identifier,
        title=identifier,
        summary="",
        stage="s",
        hours=hours,
        resources=resources,
        choose=choose_,
    )


def _shelf(**costs: float | None) -> dict[str, Resource]:
    return {k: Resource(id=k, title=k, kind="course", cost=v, currency="GBP") for k, v in costs.items()}


def test_a_resource_that_serves_two_skills_is_paid_once() -> None:
    shelf = _shelf(a=50.0, b=40.0, c=40.0)
    skills = [_skill("one", ("b", "a")), _skill("two", ("c", "a"))]
    found = choose(skills, shelf, 50.0)
    assert (found.cost, found.by_skill) == (50.0, {"one": ("a",), "two": ("a",)})


def test_a_limit_that_no_choice_keeps_is_refused_with_the_least_cost() -> None:
    with pytest.raises(InvalidInputError, match="at least 50 GBP; the limit is 30") as caught:
        choose([_skill("one", ("a",))], _shelf(a=50.0), 30.0)
    assert "raise the limit" in caught.value.hint


def test_what_is_free_is_taken_and_an_unknown_cost_is_named() -> None:
    found = choose([_skill("one", ("a", "b")), _skill("two", ("c",))], _shelf(a=50.0, b=0.0, c=None), 0.0)
    assert (found.cost, found.by_skill["one"], found.unknown) == (0.0, ("b",), ("c",))
