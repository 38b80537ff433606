"""What is left between a person and a role: the closure of the role over needs, without what is held, as tasks.

Held are the skills of the background (assumed), those proven, and those declared that no lab can test. A declared skill that
a lab can test becomes a short test-out, so nobody sits through a lesson they could give. Nothing here is shown as proven.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from groundwork.pathways.planning.types import Task

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.types import Hours, Role

TEST_OUT_SHARE = 0.1
TEST_OUT_LEAST = 0.5
"""Hours of a test-out: a tenth of the lesson, at least half an hour. Ours."""
MEANS = 0.25
"""Worth of a skill that is only needed by others; a skill of the role has its weight. Ours."""
MILESTONE = 3.0
"""Worth of a milestone of value 1: as much as a core skill of a role, since it is what can be shown. Ours."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is left to do.

    Attributes:
        tasks: in catalogue order, each after what it needs. labs: id of a task to the lab to open for it.
        assumed: skills of the background that the role needs. declared: those that were said and no lab tests.
    """

    tasks: tuple[Task, ...]
    labs: Mapping[str, str]
    assumed: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()


def gap(
    loaded: Loaded,
    background: str,
    role: Role,
    *,
    declared: Collection[str] = (),
    proven: Collection[str] = (),
    done: Collection[str] = (),
    extra: Collection[str] = (),
    test_outs: Collection[str] = frozenset(),
) -> Gap:
    """Return the tasks between a background and a role.

    Args:
        declared, proven: ids of skills. done: ids of milestones and actions that are proven.
        extra: further milestones and actions that are wanted. test_outs: ids of the labs that may be taken as test-outs.

    Raises:
        NotFoundError: an id that the catalogue does not know; the hint offers the nearest.
    """
    for identifier in (*declared, *proven):
        loaded.skill(identifier)
    actions = [i for i in extra if i in loaded.actions and i not in done]
    stated = loaded.requirements(role)[1]
    wanted = [*stated, *(i for i in extra if i not in loaded.actions and i not in stated)]
    wanted = [i for i in wanted if i not in done]
    shown = {s for i in done if i in loaded.milestones for s in loaded.milestones[i].proves}
    assumed = set(loaded.held(background, role))
    tested = {
        s: next((lab for lab in loaded.skill(s).labs if lab in test_outs), "")
        for s in declared
        if s not in assumed
    }
    held = assumed | set(proven) | shown | {s for s, lab in tested.items() if not lab}
    skills = _open_skills(
        loaded,
        [
            *role.skills,
            *(n for i in wanted for n in loaded.milestone(i).needs),
            *(n for i in actions for n in loaded.actions[i].needs),
        ],
        held,
        {s for s, lab in tested.items() if lab},
    )
    labs: dict[str, str] = {}
    tasks = []
    way = loaded.transition(background, role.id)
    steps = list(way.steps) if way else []
    before = {b: a for a, b in pairwise(steps)}
    for identifier in skills:
        skill = loaded.skill(identifier)
        out = tested.get(identifier, "")
        labs[identifier] = out or (skill.labs[0] if skill.labs else "")
        tasks.append(
            Task(
                identifier,
                "test_out" if out else "skill",
                _short(skill.hours) if out else _hours(skill.hours),
                role.skills.get(identifier, MEANS),
                skill.stream,
                () if out else tuple(p.skill for p in skill.prerequisites if p.kind == "hard"),
                _helps(identifier, before, [p.skill for p in skill.prerequisites if p.kind == "helps"]),
                target=identifier in role.skills,
                title=skill.title,
            )
        )
    for identifier in wanted:
        milestone = loaded.milestone(identifier)
        labs[identifier] = milestone.labs[0] if milestone.labs else ""
        tasks.append(
            Task(
                identifier,
                "milestone",
                _hours(milestone.hours),
                MILESTONE * milestone.value,
                milestone.stream,
                milestone.needs,
                _helps(identifier, before, ()),
                milestone.wait_days,
                target=True,
                title=milestone.title,
            )
        )
    for identifier in actions:
        action = loaded.actions[identifier]
        labs[identifier] = action.labs[0] if action.labs else ""
        needs = tuple(action.needs)
        hours = _hours(action.hours)
        tasks.append(
            Task(
                identifier,
                "action",
                hours,
                1.0,
                needs=needs,
                wait_days=action.wait_days,
                target=True,
                title=action.title,
            )
        )
    needed = set(loaded.requirements(role)[0])
    return Gap(
        tuple(tasks),
        labs,
        tuple(s for s in loaded.skills if s in assumed and s in needed),
        tuple(s for s, lab in sorted(tested.items()) if not lab and s in needed),
    )


def _open_skills(
    loaded: Loaded, wanted: Collection[str], held: Collection[str], tested: Collection[str]
) -> list[str]:
    """Return what has to be learnt, each after what it needs; what only held or tested skills rest on is not asked for."""
    reached: set[str] = set()
    stack = list(wanted)
    while stack:
        identifier = stack.pop()
        if identifier in held or identifier in reached:
            continue
        reached.add(identifier)
        if identifier not in tested:
            stack += [p.skill for p in loaded.skill(identifier).prerequisites if p.kind == "hard"]
    return [s for s in loaded.closure(reached) if s in reached]


def _hours(hours: Hours) -> tuple[float, float, float]:
    return hours.p10, hours.p50, hours.p90


def _short(hours: Hours) -> tuple[float, float, float]:
    low, middle, high = (max(TEST_OUT_LEAST, round(TEST_OUT_SHARE * h, 2)) for h in _hours(hours))
    return low, middle, high


def _helps(identifier: str, before: Mapping[str, str], stated: Sequence[str]) -> tuple[str, ...]:
    """Return what helps an item: what its skill says, and the step before it where a document suggests an order."""
    step = before.get(identifier)
    return tuple(dict.fromkeys([*stated, *([step] if step else [])]))
