"""The contract of labs, over every lab of the shelf: a start without points, a solution with all, nothing to copy."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from groundwork.evidence.parse import filled, read_predicate
from groundwork.pathways.catalogue.shipped import catalogue
from groundwork.pathways.labs import LABS, PREFIX
from groundwork.pathways.labs import task as texts
from groundwork.pathways.labs.verifying import total
from tests.pathways.labs.harness import (
    PROJECT,
    Learner,
    check_copied,
    check_records,
    check_solved,
    check_untouched,
    commands_in,
    commands_of,
    drawn_for,
    fault_of,
    solution,
)

ALL = [texts.lab_id(name) for name in LABS.names()]
every_lab = pytest.mark.parametrize("name", ALL)


@every_lab
def test_the_start_scores_nothing_and_the_solution_everything_and_nothing_can_be_copied(
    name: str, tmp_path: Path
) -> None:
    lab, learner = texts.find_lab(name), Learner(tmp_path / "house", name)
    try:
        learner.start()
        check_untouched(learner)
        solution(name)(learner)
        check_copied(learner, lab)
        seen = check_solved(learner)
        assert check_records(learner, lab, seen) > 0
        assert learner.labs.show(learner.principal, name).state == "passed"
    finally:
        learner.close()


@every_lab
def test_what_is_drawn_follows_from_the_seed_alone_and_differs_between_seeds(name: str) -> None:
    lab = texts.find_lab(name)
    seeds = [f"seed {n}" for n in range(20)]
    draws = [drawn_for(lab, seed) for seed in seeds]
    assert draws == [drawn_for(lab, seed) for seed in seeds]
    assert len({repr(d) for d in draws}) >= 19
    for draw in draws:
        points = lab.points(draw)
        assert len({p.id for p in points}) == len(points)
        assert all(p.worth > 0 and (p.check or p.sheet) for p in points)
        assert any(p.check for p in points), "a proof needs a record"
        keys = [sheet.key for sheet, _ in texts.sheets(points)]
        assert len(set(keys)) == len(keys)
        assert texts.MINUTES not in keys
        assert total(points) == total(lab.points(draws[0]))


@every_lab
def test_the_text_has_a_title_and_no_hole_is_left_open(name: str) -> None:
    lab = texts.find_lab(name)
    for seed in ("one", "two"):
        text = texts.filled(name, drawn_for(lab, seed))
        assert text.startswith(f"# {lab.title}\n")
        assert "groundwork path verify" in text


@every_lab
def test_every_command_that_a_lab_quotes_exists(name: str) -> None:
    lab = texts.find_lab(name)
    draw = drawn_for(lab, "one")
    points = lab.points(draw)
    said = [texts.filled(name, draw), *lab.hints(draw), *(p.hint for p in points)]
    quoted = [found for text in said for found in commands_in(text)]
    quoted += [
        (shlex.split(do)[1:], True)
        for p in points
        if p.check
        for do in commands_of(p.check)
        if do.startswith("groundwork ")
    ]
    faults = [fault for words, whole in quoted if (fault := fault_of(words, whole))]
    assert not faults, faults


@every_lab
def test_links_of_a_lab_lead_to_pages_of_the_handbook(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", texts.source(name))
    lost = [x for x in links if "://" not in x and not (PROJECT / "docs" / "labs" / x).resolve().is_file()]
    assert not lost, f"written as from docs/labs/: {lost}"


@every_lab
def test_a_lab_says_what_it_is(name: str) -> None:
    lab = texts.find_lab(name)
    assert lab.title
    assert lab.summary.endswith(".")
    assert 5 <= lab.minutes <= 240
    assert lab.stream in ("technical", "ethical")
    assert set(lab.after) <= set(ALL)
    assert lab.skills
    hints = lab.hints(drawn_for(lab, "one"))
    assert len(hints) >= 2
    assert len(set(hints)) == len(hints)


@every_lab
def test_a_lab_and_the_catalogue_name_each_other(name: str) -> None:
    """What a lab says it proves and teaches is what the catalogue says of the lab."""
    lab, c = texts.find_lab(name), catalogue()
    assert set(lab.skills) == {s.id for s in c.skills if name in s.labs}
    assert set(lab.milestones) == {m.id for m in (*c.milestones, *c.actions) if name in m.labs}


def test_every_lab_that_the_catalogue_names_is_there() -> None:
    c = catalogue()
    named = {name for entry in (*c.skills, *c.milestones, *c.actions) for name in entry.labs}
    assert named <= set(ALL)


def test_lab_names_begin_with_the_prefix_that_keeps_them_out_of_milestones() -> None:
    assert PREFIX == "lab-"


def test_the_lab_of_the_guide_is_a_lab() -> None:
    guide = (PROJECT / "docs" / "guides" / "labs.md").read_text(encoding="utf-8")
    lab_block, solution_block = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    made: dict[str, Any] = {}
    exec(compile(lab_block, "labs.md", "exec"), made)
    exec(compile(solution_block, "labs.md", "exec"), made)
    lab = made["plugin"]()
    draw = drawn_for(lab, "one")
    for point in lab.points(draw):
        if point.check:
            read_predicate(filled(point.check, {"lab": {**draw, "started_at": "2026-03-02T10:00:00+00:00"}}))
    assert set(lab.after) <= set(ALL)
    assert callable(made["solve"])
