"""The book of labs: what begins, goes on, is looked at and set back; and that nothing of a learner's is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.core.shelf import Shelf
from groundwork.pathways.labs import Lab, Sheet, book
from groundwork.pathways.labs import task as texts
from groundwork.pathways.labs.verifying import minutes_between
from groundwork.storage.pathway_tables import lab_events, lab_runs
from tests.pathways.labs.harness import Learner
from tests.pathways.labs.toys.tower import Tower

ANN, BEN = Principal(name="user:ann", role="builder", owner=True), Principal(name="user:ben", role="builder")


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf[Lab]("lab", home="tests.pathways.labs.toys")
    monkeypatch.setattr(texts, "LABS", shelf)
    monkeypatch.setattr(book, "LABS", shelf)


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    made = Learner(tmp_path / "house", "tower")
    yield made
    made.close()


def kinds(learner: Learner) -> list[str]:
    assert learner.run is not None
    with learner.workspace.rooms.database.read() as connection:
        query = (
            select(lab_events.c.kind).where(lab_events.c.run_id == learner.run.id).order_by(lab_events.c.seq)
        )
        return [str(kind) for kind in connection.execute(query).scalars()]


# -- beginning -------------------------------------------------------------------------------------------------------
def test_a_lab_begins_with_its_task_its_sheet_and_its_part_of_the_spec(learner: Learner) -> None:
    run = learner.start()
    assert (run.state, run.total, run.folder) == ("open", 3, "labs/tower")
    assert "It stands in `labs/tower`" in learner.read("task.md")
    assert learner.read("task.md") == run.task
    assert 'height = ""' in learner.read("answers.toml")
    assert "lab-tower" in learner.workspace.spec.apps, "the workspace that is open sees it at once"
    assert run.draw is not None
    assert "draw" not in run.as_dict()


def test_what_is_drawn_follows_from_the_workspace_the_person_and_the_number_of_the_run(
    tmp_path: Path,
) -> None:
    heights = []
    for house in ("one", "two"):
        learner = Learner(tmp_path / house, "tower")
        for _ in range(2):
            learner.start()
            heights.append(learner.draw["height"])
            learner.labs.reset(LOCAL, "tower")
            learner.labs.reset(LOCAL, "tower")
        learner.close()
    assert len(set(heights)) == 4


def test_the_key_that_draws_is_readable_by_its_owner_alone(learner: Learner) -> None:
    learner.start()
    assert (learner.root / ".groundwork" / "labs.key").stat().st_mode & 0o077 == 0


def test_a_lab_that_is_open_goes_on_and_no_file_is_written(learner: Learner) -> None:
    first = learner.start()
    learner.write("documents/tower.md", "mine")
    learner.write("answers.toml", "height = 3\n")
    again = learner.start()
    assert again.id == first.id
    assert learner.read("documents/tower.md") == "mine"
    assert again.answers == {"height": 3}
    assert kinds(learner) == ["started", "resumed"]


def test_an_unknown_lab_is_answered_with_the_nearest(learner: Learner) -> None:
    with pytest.raises(NotFoundError, match="no lab called `towr`") as error:
        learner.labs.start(LOCAL, "towr")
    assert "`tower`" in error.value.hint


def test_a_lab_is_named_with_hyphens_or_underscores_in_any_case() -> None:
    assert texts.lab_id("First_Cited_Answer") == "first-cited-answer"
    assert texts.module_of("first-cited-answer") == "first_cited_answer"


def test_a_folder_from_elsewhere_is_moved_aside_and_kept(learner: Learner) -> None:
    learner.write("groundwork.toml", "[apps.lab-old]\n")
    learner.write("notes.txt", "mine")
    run = learner.start()
    assert (learner.root / "labs" / "tower.1.bak" / "notes.txt").read_text() == "mine"
    assert "labs/tower.1.bak" in run.notes[0]
    assert "lab-old" not in learner.workspace.spec.apps, "what was moved aside adds nothing to the spec"


def test_a_start_that_was_cut_off_is_laid_out_again(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tower, "cut_off", True)
    with pytest.raises(KeyboardInterrupt):
        learner.start()
    monkeypatch.setattr(Tower, "cut_off", False)
    assert learner.labs.open_run(LOCAL) is None, "so that `path lab tower` begins it again"
    half = learner.labs.show(LOCAL, "tower")
    assert "not laid out" in half.notes[0]
    with pytest.raises(ConflictError, match="not laid out") as error:
        learner.labs.verify(LOCAL)
    assert "groundwork path lab tower" in error.value.hint
    whole = learner.start()
    assert whole.id == half.id
    assert whole.draw == half.draw
    assert (learner.folder / "groundwork.toml").exists()


def test_the_folder_belongs_to_who_opened_the_lab(learner: Learner) -> None:
    learner.labs.start(ANN, "tower")
    with pytest.raises(ConflictError, match="`user:ann` has the lab `tower` open") as error:
        learner.labs.start(BEN, "tower")
    assert "workspace of your own" in error.value.hint
    elsewhere = Principal(tenant="north", name="user:nora", role="builder")
    with pytest.raises(ConflictError, match="somebody else has the lab") as error:
        learner.labs.start(elsewhere, "tower")
    assert "ann" not in str(error.value), "names stay within their tenant"
    assert learner.labs.open_run(BEN) is None


def test_a_name_that_the_workspace_has_already_is_not_taken(learner: Learner) -> None:
    spec = learner.root / "groundwork.toml"
    spec.write_text(spec.read_text() + "\n[apps.lab-tower]\n")
    with pytest.raises(ConflictError, match=r"groundwork\.toml has \[apps\.lab-tower\]"):
        learner.start()
    assert not learner.folder.exists()
    assert [line.state for line in learner.labs.all(LOCAL)] == ["new", "new"], "no run is left open"


# -- looking ---------------------------------------------------------------------------------------------------------
def solve(learner: Learner) -> None:
    learner("ingest", learner.folder / "documents", "--index", "lab-tower")
    learner.answer("height", learner.draw["height"])


def test_points_are_met_one_by_one_and_passing_leaves_a_proof(learner: Learner) -> None:
    learner.start()
    seen = learner.verify()
    assert (seen.points, seen.passed) == (0, False)
    assert [s.why for s in seen.states] == [
        "the page is not in the index yet.",
        "answers.toml has no answer to `height` yet",
    ]
    assert seen.states[0].command == "groundwork ingest labs/tower/documents --index lab-tower"
    learner("ingest", learner.folder / "documents", "--index", "lab-tower")
    assert learner.verify().points == 2
    learner.answer("height", learner.draw["height"] + 9)
    assert "is not" in learner.verify().states[1].why
    learner.answer("height", str(learner.draw["height"] + 1))
    seen = learner.verify()
    assert seen.passed
    proof = learner.workspace.pathways.proofs.show(LOCAL, seen.proof)
    assert (proof.proof.subject, proof.state) == ("tower", "current")
    assert learner.labs.show(LOCAL, "tower").state == "passed"
    assert learner.labs.open_run(LOCAL) is None
    assert kinds(learner).count("verified") == 4
    assert kinds(learner)[-1] == "passed"


def test_a_passed_lab_may_be_looked_at_again_and_stays_passed(learner: Learner) -> None:
    learner.start()
    solve(learner)
    first = learner.verify()
    shutil.rmtree(learner.folder)
    again = learner.verify()
    assert again.passed
    assert again.proof == first.proof
    assert again.minutes == first.minutes
    assert [line.state for line in learner.labs.all(LOCAL) if line.id == "tower"] == ["passed"]


def test_records_from_before_the_start_do_not_count(learner: Learner) -> None:
    learner.start()
    solve(learner)
    learner.labs.reset(LOCAL, "tower")
    assert learner.verify().points == 0


def test_a_folder_that_was_deleted_is_said_and_a_reset_lays_out_another(learner: Learner) -> None:
    learner.start()
    shutil.rmtree(learner.folder)
    for act in (learner.verify, learner.start, lambda: learner.answer("height", 1)):
        with pytest.raises(ConflictError, match="labs/tower of this lab is gone") as error:
            act()
        assert "groundwork path reset tower" in error.value.hint
    assert "is gone" in learner.labs.open_run(LOCAL).notes[0]
    assert learner.labs.reset(LOCAL).folder == "labs/tower"


def test_a_lab_that_was_changed_since_it_was_begun_is_said(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.start()
    monkeypatch.setattr(Tower, "points", lambda self, draw: [draw["width"]])
    monkeypatch.setattr(texts, "version", lambda lab: "another")
    assert "was changed since you began it" in learner.labs.open_run(LOCAL).notes[-1]
    with pytest.raises(ConflictError, match="was changed since") as error:
        learner.verify()
    assert "groundwork path reset tower" in error.value.hint


def test_a_lab_that_is_not_installed_any_more_is_nobodys_open_lab(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.start()
    none = Shelf[Lab]("lab", home="tests.pathways.solutions")
    monkeypatch.setattr(book, "LABS", none)
    monkeypatch.setattr(texts, "LABS", none)
    assert learner.labs.open_run(LOCAL) is None


def test_a_broken_part_of_the_spec_is_named_and_stops_nothing(learner: Learner) -> None:
    learner.start()
    learner.write("groundwork.toml", "[apps.lab-tower\n")
    assert "labs/tower/groundwork.toml is left out" in learner.verify().notes[0]
    assert learner("answers").code == 0
    assert any(f.topic == "labs" and "not valid TOML" in f.message for f in learner.workspace.doctor())
    begun = learner.labs.reset(LOCAL)
    assert any("was left out" in n for n in begun.notes)
    assert not learner.verify().notes


def test_a_sheet_that_is_no_toml_is_said_with_its_line(learner: Learner) -> None:
    learner.start()
    learner.write("answers.toml", "height = \n")
    with pytest.raises(InvalidInputError, match=r"answers\.toml is not valid TOML"):
        learner.verify()
    assert any("not valid TOML" in n for n in learner.labs.show(LOCAL, "tower").notes)


def test_an_answer_leaves_every_other_line_of_the_sheet_as_it_is(learner: Learner) -> None:
    learner.start()
    learner.write("answers.toml", "# my notes\nheight = 1 # a guess\n\n[mine]\nx = 2\n")
    learner.answer("height", "12")
    assert learner.read("answers.toml") == '# my notes\nheight = "12"\n\n[mine]\nx = 2\n'
    learner.answer("minutes", "45")
    assert texts.read_sheet(learner.folder / "answers.toml")["minutes"] == 45
    with pytest.raises(NotFoundError, match="no answer `width`") as error:
        learner.answer("width", 1)
    assert "height, minutes" in error.value.hint
    with pytest.raises(InvalidInputError, match="1,001 characters"):
        learner.answer("height", "x" * 1001)
    with pytest.raises(InvalidInputError, match="no number of minutes"):
        learner.answer("minutes", "long")


# -- hints and test-outs ---------------------------------------------------------------------------------------------
def test_hints_come_one_after_the_other_and_the_last_one_stays(learner: Learner) -> None:
    learner.start()
    told = [learner.labs.hint(LOCAL) for _ in range(3)]
    assert told[0] == "Look up."
    assert told[1] == told[2] == f"It is {learner.draw['height']} m."
    assert learner.labs.open_run(LOCAL).hints == ("Look up.", told[1])
    assert kinds(learner).count("hint") == 2


def test_a_test_out_gives_no_hints_and_needs_every_point(learner: Learner) -> None:
    run = learner.start(test_out=True)
    assert run.test_out
    with pytest.raises(ConflictError, match="gives no hints"):
        learner.labs.hint(LOCAL)
    learner("ingest", learner.folder / "documents", "--index", "lab-tower")
    assert not learner.verify().passed
    learner.answer("height", learner.draw["height"])
    assert learner.verify().passed
    assert learner.labs.show(LOCAL, "tower").test_out


def test_a_test_out_does_not_turn_into_a_lesson_by_itself(learner: Learner) -> None:
    learner.start(test_out=True)
    with pytest.raises(ConflictError, match="open as a test-out"):
        learner.start()
    assert not learner.labs.reset(LOCAL).test_out


def test_a_lab_without_a_test_out_says_so(learner: Learner) -> None:
    with pytest.raises(InvalidInputError, match="has no test-out"):
        learner.labs.start(LOCAL, "bridge", test_out=True)


# -- several ---------------------------------------------------------------------------------------------------------
def test_the_lab_taken_up_last_is_the_one_that_is_worked_on(learner: Learner) -> None:
    learner.start()
    learner.labs.start(LOCAL, "bridge")
    assert learner.labs.open_run(LOCAL).lab == "bridge"
    assert kinds(learner)[-1] == "left"
    learner.start()
    assert learner.labs.open_run(LOCAL).lab == "tower"
    assert learner.labs.verify(LOCAL).lab == "tower"


def test_a_lab_that_was_not_begun_has_nothing_to_verify_hint_or_reset(learner: Learner) -> None:
    for act in (learner.labs.verify, learner.labs.hint, learner.labs.reset):
        with pytest.raises(NotFoundError, match="no lab is open"):
            act(LOCAL)
        with pytest.raises(NotFoundError, match="`tower` is not open"):
            act(LOCAL, "tower")
    with pytest.raises(NotFoundError, match="not begun"):
        learner.labs.show(LOCAL, "tower")


def test_a_reset_keeps_the_old_folder_and_draws_anew(learner: Learner) -> None:
    first = learner.start()
    learner.write("notes.txt", "mine")
    again = learner.labs.reset(LOCAL)
    assert again.id != first.id
    assert again.draw != first.draw
    assert (learner.root / "labs" / "tower.1.bak" / "notes.txt").read_text() == "mine"
    assert learner.labs.reset(LOCAL).folder == "labs/tower"
    assert (learner.root / "labs" / "tower.2.bak").is_dir()
    with learner.workspace.rooms.database.read() as connection:
        states = connection.execute(select(lab_runs.c.state).order_by(lab_runs.c.id)).scalars().all()
        assert states == ["reset", "reset", "open"]
        assert connection.execute(select(func.count()).select_from(lab_runs)).scalar() == 3


def test_runs_of_one_person_are_not_shown_to_another(learner: Learner) -> None:
    learner.labs.start(ANN, "tower")
    assert [line.state for line in learner.labs.all(BEN)] == ["new", "new"]
    with pytest.raises(NotFoundError):
        learner.labs.show(BEN, "tower")


# -- small laws ------------------------------------------------------------------------------------------------------
def test_gaps_between_signs_of_work_count_for_fifteen_minutes_at_most() -> None:
    day = "2026-03-02T"
    assert minutes_between([f"{day}10:00:00+00:00", f"{day}10:05:00+00:00", f"{day}12:00:00+00:00"]) == 20
    assert minutes_between([f"{day}10:00:00+00:00"]) == 0
    assert minutes_between([]) == 0


def test_what_the_learner_says_of_the_time_counts(learner: Learner) -> None:
    learner.start()
    assert learner.verify().minutes < 5
    learner.answer("minutes", 45)
    assert learner.verify().minutes == 45
    assert learner.labs.open_run(LOCAL).minutes == 45


@pytest.mark.parametrize(
    ("right", "within", "given", "met"),
    [
        ("Long Bridge", 0, " long  bridge ", True),
        ("Long Bridge", 0, "bridge", False),
        ("yes", 0, True, True),
        ("66", 0, 66, True),
        (66.0, 0, "66", True),
        (1234, 0, "1,234", True),
        (66, 0.5, 66.5, True),
        (66, 0.5, 66.6, False),
        (66, 0, "many", False),
        (1, 0, True, False),
    ],
)
def test_answers_are_compared_without_case_blanks_and_within_a_tolerance(
    right: str | float, within: float, given: object, met: bool
) -> None:
    assert texts.right(Sheet("key", right, within), given) is met


def test_only_names_in_braces_are_holes() -> None:
    text = 'say {"a": 1} and { b } and {c} of {folder}'
    assert texts.fill(text, {"c": "3", "folder": "x"}) == 'say {"a": 1} and { b } and 3 of x'
