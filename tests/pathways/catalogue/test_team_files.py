"""A team's own files: they add and override by id, and a wrong one is named and left out, never the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundwork.core.errors import NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.catalogue import book as book_module
from tests.pathways.catalogue.conftest import LOADED, Team

SKILL = """\
format: 1
skills:
  - id: our-skill
    title: Ours
    summary: What only we do.
    stage: foundations
    hours: {p10: 1, p50: 2, p90: 3, basis: measured}
    prerequisites: [{skill: sql}]
"""


def test_without_a_folder_the_shipped_catalogue_is_in_force(tmp_path: Path, team: Team) -> None:
    team.folder.rmdir()
    assert team.book.current().digest == LOADED.digest
    assert team.book.problems() == []


def test_a_new_id_is_added_and_says_in_which_file_it_stands(team: Team) -> None:
    team.write("ours.yaml", SKILL)
    loaded = team.book.current()
    assert loaded.skill("our-skill").hours.basis == "measured"
    assert loaded.closure(["our-skill"]) == ("sql", "our-skill")
    assert loaded.written_in == {("skills", "our-skill"): "pathways/ours.yaml"}
    assert loaded.digest != LOADED.digest
    assert team.book.problems() == []


def test_a_known_id_is_overridden_field_by_field(team: Team) -> None:
    team.write(
        "hours.yaml", "skills:\n  - id: mathematics\n    hours: {p10: 1, p50: 2, p90: 3, basis: measured}\n"
    )
    changed, before = team.book.current().skill("mathematics"), LOADED.skill("mathematics")
    assert changed.hours.p50 == 2
    assert changed == before.model_copy(update={"hours": changed.hours})


def test_a_change_of_a_file_is_in_force_at_once_and_a_removal_too(team: Team) -> None:
    team.write("ours.yaml", SKILL)
    first = team.book.current()
    assert team.book.current() is first
    team.write("ours.yaml", SKILL.replace("title: Ours", "title: Our own"))
    assert team.book.current().skill("our-skill").title == "Our own"
    (team.folder / "ours.yaml").unlink()
    assert team.book.current().digest == LOADED.digest


def test_files_may_name_one_another(team: Team) -> None:
    team.write("a.yaml", SKILL.replace("skill: sql", "skill: other-skill"))
    team.write("b.yaml", SKILL.replace("our-skill", "other-skill"))
    assert team.book.problems() == []
    assert team.book.current().closure(["our-skill"]) == ("sql", "other-skill", "our-skill")


def test_a_wrong_file_is_left_out_and_the_others_stay(team: Team) -> None:
    team.write("a.yaml", SKILL)
    team.write("b.yaml", "skills:\n  - id: broken\n    titel: x\n")
    assert team.book.current().skill("our-skill")
    problem = team.only_problem()
    assert problem.file == "pathways/b.yaml"


def test_a_file_that_hangs_on_a_left_out_one_is_left_out_too(team: Team) -> None:
    team.write("a.yaml", SKILL.replace("skill: sql", "skill: other-skill"))
    team.write("b.yaml", SKILL.replace("our-skill", "other-skill").replace("title: Ours", "titel: Ours"))
    assert [p.file for p in team.book.problems()] == ["pathways/a.yaml", "pathways/b.yaml"]
    assert team.book.current().digest == LOADED.digest


WRONG = {
    "an unknown list": ("skils: []\n", 1, "skils is no part of a catalogue", "`skills`"),
    "an unknown word": (SKILL.replace("summary:", "sumary:"), 5, "skills[0]", "summary"),
    "a missing word": (
        SKILL.replace("    summary: What only we do.\n", ""),
        3,
        "summary is missing",
        "summary",
    ),
    "a wrong number": (SKILL.replace("p10: 1", "p10: many"), 7, "skills[0].hours.p10 does not fit", "schema"),
    "a list that is none": ("skills: {}\n", 1, "skills is no list", "- id"),
    "an entry without an id": ("skills:\n  - title: x\n", 2, "skills[0] has no `id`", "- id"),
    "an id twice": (SKILL + SKILL.split("skills:\n")[1], 9, "again, first in line 3", "rename"),
    "an id that is none": (
        SKILL.replace("our-skill", "Our Skill!"),
        3,
        "skills[0].id does not fit",
        "schema",
    ),
    "an unknown skill": (
        SKILL.replace("skill: sql", "skill: sqll"),
        8,
        "names `sqll`, which is no skill",
        "`sql`",
    ),
    "an unknown stage": (SKILL.replace("foundations", "fundations"), 6, "which is no stage", "`foundations`"),
    "an unknown source": (SKILL + "    sources: [seed-none]\n", 9, "which is no source", "seed"),
    "a newer format": (
        SKILL.replace("format: 1", "format: 7"),
        1,
        "format is 7; this program reads up to 1",
        "update",
    ),
    "a format that is none": (SKILL.replace("format: 1", "format: new"), 1, "format is 'new'", "format: 1"),
    "a lab that is not installed": (
        SKILL + "    labs: [first-moon-landing]\n",
        9,
        "names the lab `first-moon-landing`",
        "known",
    ),
    "a cycle": (
        SKILL.replace("skill: sql", "skill: b").replace("our-skill", "a")
        + SKILL.split("skills:\n")[1].replace("our-skill", "b").replace("skill: sql", "skill: a"),
        0,
        "`a` needs `b` needs `a`",
        "prerequisites",
    ),
    "a cycle through a shipped skill": (
        "skills:\n  - id: programming-basics\n    prerequisites: [{skill: deep-learning}]\n",
        3,
        "needs `programming-basics`",
        "prerequisites",
    ),
    "a check that nobody understands": (
        "milestones:\n  - id: m-agent\n    check: {finds: answer}\n",
        3,
        "the check of `m-agent` cannot be used",
        "",
    ),
    "a second name of a second name": (
        "roles:\n  - id: ai-dev\n    title: AI dev\n    same_as: full-stack-ai-engineer\n",
        4,
        "which is itself one",
        "skills",
    ),
    "an answer that is no option": (
        "quizzes:\n  - id: q-one\n    title: Q\n    draw: 1\n    questions:\n"
        "      - {id: a, ask: b, options: [x, y], answer: 2, because: c}\n",
        6,
        "has no option 2",
        "0",
    ),
    "more drawn than there are": (
        "quizzes:\n  - id: q-one\n    title: Q\n    questions:\n"
        "      - {id: a, ask: b, options: [x, y], answer: 1, because: c}\n",
        2,
        "draws 5 of 1",
        "fewer",
    ),
    "no YAML": ("skills: [", 0, "is not valid YAML", "mend"),
    "an anchor": ("a: &x 1\nskills: *x\n", 1, "is an alias", "anchors"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_file_line_and_remedy(team: Team, name: str) -> None:
    text, line, message, hint = WRONG[name]
    team.write("team.yaml", text)
    problem = team.only_problem()
    assert problem.file == "pathways/team.yaml"
    assert message in problem.message
    assert hint in problem.hint
    assert problem.hint
    if line:
        assert problem.line == line, problem
    assert team.book.current().digest == LOADED.digest


def test_a_newer_catalogue_has_a_code_of_its_own(team: Team) -> None:
    team.write("team.yaml", "format: 2\n")
    assert team.only_problem().code == "workspace_version"


def test_the_same_id_in_two_files_of_a_team_is_refused_in_the_second(team: Team) -> None:
    team.write("a.yaml", SKILL)
    team.write("b.yaml", SKILL.replace("title: Ours", "title: Theirs"))
    problem = team.only_problem()
    assert problem.file == "pathways/b.yaml"
    assert "stands in pathways/a.yaml too" in problem.message
    assert team.book.current().skill("our-skill").title == "Ours"


def test_too_many_files_are_named(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MAX_FILES", 1)
    team.write("a.yaml", SKILL)
    team.write("b.yaml", "format: 1\n")
    assert "over the limit of 1 files" in team.only_problem().message
    assert team.book.current().skill("our-skill")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(team: Team) -> None:
    team.write("a.yaml", SKILL)
    (team.folder / "a.yaml").chmod(0)
    assert "cannot be read" in team.only_problem().message


def test_a_link_to_nothing_is_named(team: Team) -> None:
    (team.folder / "a.yaml").symlink_to(team.folder / "gone")
    assert "cannot be read" in team.only_problem().message


def test_a_version_is_stored_once_and_found_after_the_files_changed(team: Team) -> None:
    team.book.database.migrate()
    team.write("ours.yaml", SKILL)
    first = team.book.pin(LOCAL)
    assert team.book.pin(LOCAL).digest == first.digest
    (team.folder / "ours.yaml").unlink()
    assert team.book.current().digest == LOADED.digest
    kept = team.book.version(LOCAL, first.digest)
    assert kept.digest == first.digest
    assert kept.skill("our-skill").title == "Ours"
    assert team.book.version(LOCAL, LOADED.digest).digest == LOADED.digest


def test_a_version_of_another_tenant_is_not_found(team: Team) -> None:
    team.book.database.migrate()
    team.write("ours.yaml", SKILL)
    digest = team.book.pin(LOCAL).digest
    (team.folder / "ours.yaml").unlink()
    with pytest.raises(NotFoundError, match="no catalogue"):
        team.book.version(Principal(tenant="other"), digest)


def test_the_example_of_a_team_is_in_force_as_it_stands(team: Team) -> None:
    example = Path(__file__).resolve().parents[3] / "examples" / "onboarding" / "pathways" / "onboarding.yaml"
    team.write("onboarding.yaml", example.read_text("utf-8"))
    assert team.book.problems() == []
    loaded = team.book.current()
    role = loaded.role("help desk maintainer")
    skills, milestones = loaded.gap("software engineer", role)
    assert milestones == ("desk-first-week", "desk-first-change")
    assert "desk-documents" in skills
    assert loaded.skill("cited-answers").hours.basis == "measured"
    for milestone in milestones:
        assert loaded.milestone(milestone).check["all"]
