"""A person on the way: the next best step, what is proven, stale or only said, and what erasure takes away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from groundwork.app.workspace import Workspace
from groundwork.core.clock import ManualClock
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.evidence.types import Finding, Found, Missing, Waits
from groundwork.pathways.labs.types import LabLine
from groundwork.pathways.planning.types import PlanItem
from groundwork.pathways.types import Action
from groundwork.pathways.walking import next_step
from groundwork.pathways.walking.progress import counts, subject_state
from groundwork.pathways.walking.types import SubjectState
from groundwork.storage import pathway_tables as t
from tests.pathways.walking.house import kept_way
from tests.workspaces import FILES, light_workspace, write

ANN = Principal(name="user:ann", owner=True, role="admin")
GONE = "user:usr_00"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = light_workspace(tmp_path_factory.mktemp("walk"))
    made.ingest([write(made.root / "files", FILES)])
    yield made
    made.close()


# -- the next step --------------------------------------------------------------------------------------------------
def lab(name: str, state: str = "new", after: tuple[str, ...] = (), **fields: object) -> LabLine:
    given = {"skills": (), "milestones": (), "test_out": True, **fields}
    return LabLine(name, name.title(), "", 30, "technical", after=after, state=state, **given)  # type: ignore[arg-type]


def item(about: str, kind: str = "skill", lab_: str = "") -> PlanItem:
    day = date(2026, 12, 1)
    return PlanItem(
        about, kind, about.title(), "technical", day, day, day, 4.0, f"{about} comes first", lab=lab_
    )  # type: ignore[arg-type]


def test_a_newcomer_is_asked_where_from_and_may_begin_with_the_first_lab_at_once() -> None:
    labs = [lab("zebra"), lab("first-cited-answer"), lab("first-model-endpoint")]
    step = next_step.begin(labs)
    assert (step.kind, step.lab) == ("profile", "first-model-endpoint")
    assert step.commands == (next_step.PLAN, "groundwork path lab first-model-endpoint")
    passed = [lab("first-model-endpoint", "passed"), lab("later", after=("open-one",)), lab("open-one")]
    found = next_step.first_lab(passed)
    assert found is not None
    assert found.id == "open-one"
    assert next_step.first_lab([]) is None


def test_a_lab_is_reached_through_what_comes_before_it_and_a_circle_ends() -> None:
    labs = [
        lab("a", after=("b",)),
        lab("b", after=("c",)),
        lab("c", "passed"),
        lab("x", after=("y",)),
        lab("y", after=("x",)),
    ]
    first = next_step.lab_towards(["a"], labs)
    assert first is not None
    assert first.id == "b"
    assert next_step.lab_towards(["x"], labs) is not None
    assert next_step.lab_towards(["c", "unknown"], labs) is None


def test_a_step_says_why_and_what_to_read_beside_it() -> None:
    step = next_step.of_lab(item("serving", "test_out", "a"), lab("a"), None)
    assert (step.kind, step.lab, step.because) == ("skill", "a", "serving comes first")
    assert step.commands[0] == "groundwork path lab a --test-out"
    state = SubjectState(
        "milestone",
        "m",
        "M",
        "open",
        Finding("not_yet", "d", missing=(Missing("no release yet", "groundwork release create"),)),
    )
    missing = next_step.of_subject(item("m", "milestone"), state)
    assert "no release yet" in missing.because
    assert missing.commands == ("groundwork release create", "groundwork path check m")


def test_the_way_from_an_empty_workspace_to_the_first_lab_and_on(workspace: Workspace) -> None:
    room = workspace.pathways
    assert room.walk.next(ANN).kind == "profile"
    room.walk.set_profile(ANN, background="product manager", target="ai product manager", hours_per_week=6)
    assert room.walk.next(ANN).kind == "plan"
    plan = room.walk.plan(ANN)
    step = room.walk.next(ANN)
    assert step.kind in ("skill", "milestone", "action")
    assert step.because
    assert step.commands
    assert room.planner.latest(ANN) == plan
    clock = workspace.rooms.clock
    later = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    room.walk._clock = ManualClock(later)
    assert room.walk.next(ANN).kind == "review"
    room.walk._clock = clock


def test_who_has_nothing_left_to_do_is_shown_how_to_show_it(workspace: Workspace) -> None:
    bea = Principal(name="user:bea", owner=True)
    plan = workspace.pathways.walk.plan(bea, background="ml engineer", target="ml engineer", hours_per_week=5)
    assert plan.items == ()
    assert workspace.pathways.walk.next(bea).kind == "done"


def test_a_stored_day_that_is_over_is_named_and_can_be_taken_away(workspace: Workspace) -> None:
    carl = Principal(name="user:carl", owner=True)
    walk = workspace.pathways.walk
    walk.set_profile(carl, background="ml engineer", target="ml engineer", hours_per_week=5, by="2199-01")
    old = walk._clock
    walk._clock = ManualClock(datetime(2199, 6, 1, tzinfo=UTC))
    with pytest.raises(InvalidInputError) as caught:
        walk.plan(carl)
    walk._clock = old
    assert "2199-01-31 is over" in caught.value.message
    assert walk.plan(carl, by="").items == ()


# -- what is proven -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Kept:
    """Stands in for a proof and its state."""

    state: str
    why: tuple[str, ...] = ()

    @property
    def proof(self) -> Kept:
        return self

    @property
    def id(self) -> str:
        return "prf_1"


ENTRY = Action(id="a", title="A", block="b", days=(1, 30), check={"find": "answer"})
FOUND = (Found("answer", "ans_1", "d"),)
LACKS = Finding("not_yet", "d", missing=(Missing("no answer yet", "groundwork ask"),))
SAID = Finding("not_yet", "d", attested=("I did.",))
BOTH = Finding("not_yet", "d", missing=(Missing("no answer yet"),), attested=("I did.",))


@pytest.mark.parametrize(
    ("finding", "proof", "attested", "state"),
    [
        (Finding("proven", "d", FOUND), None, False, "proven"),
        (None, Kept("current"), False, "proven"),
        (LACKS, Kept("current"), True, "proven"),
        (LACKS, Kept("stale", ("it was erased",)), True, "stale"),
        (LACKS, Kept("forged"), False, "stale"),
        (Finding("broken", "d"), Kept("stale"), True, "broken"),
        (Finding("unavailable", "d", waits=(Waits("monitor", "monitoring"),)), None, False, "unavailable"),
        (LACKS, None, False, "open"),
        (LACKS, None, True, "attested"),
        (SAID, None, True, "attested"),
        (SAID, None, False, "open"),
        (BOTH, None, True, "open"),
    ],
)
def test_a_subject_is_proven_only_by_records_and_what_is_said_never_hides_what_is_missing(
    finding: Finding | None, proof: Kept | None, attested: bool, state: str
) -> None:
    found = subject_state("action", ENTRY, finding, proof, attested)  # type: ignore[arg-type]
    assert found.state == state
    assert counts({}, (), (found,))["actions_proven"] == (state == "proven")


def test_skills_are_proven_by_proofs_and_stale_when_the_record_is_gone(workspace: Workspace) -> None:
    dora = Principal(name="user:dora", owner=True)
    walk, proofs = workspace.pathways.walk, workspace.pathways.proofs
    answer = workspace.ask("How are trains booked?", principal=dora)
    finding = workspace.pathways.checker.check(dora, {"find": "answer", "where": {"id": answer.id}})
    made = proofs.record(dora, "lab", "first-cited-answer", finding, "First answer")
    walk.set_profile(dora, declared=["ml-literacy", "cited-answers"])
    workspace.pathways.notes.attest(dora, "prototyping", "I gave a talk.")
    skills = walk.progress(dora).skills
    assert (skills["cited-answers"], skills["ml-literacy"]) == ("proven", "declared")
    assert skills["prototyping"] == "attested"
    assert walk.check(dora, "cited-answers")[0].proof == made.id
    [document] = {c.document_id for c in answer.citations}
    [receipt] = [r for r in workspace.erase([document]) if r.room == "pathways"]
    assert receipt.removed == 0  # the proof names the answer, not the document
    progress = walk.progress(dora)
    assert progress.skills["cited-answers"] == "stale"
    assert (progress.counts["skills_proven"], progress.counts["skills_stale"]) == (0, 1)
    state = walk.check(dora, "cited-answers")[0]
    assert (state.state, state.proof) == ("stale", made.id)


def test_looking_writes_no_proof_and_an_unknown_subject_offers_the_nearest(workspace: Workspace) -> None:
    room = workspace.pathways
    before = len(room.proofs.list(LOCAL))
    assert room.walk.look(LOCAL, "y1-first-rag-app").state == "open"
    assert room.walk.look(LOCAL, "first_documents").labs == ("first-documents",)
    assert len(room.proofs.list(LOCAL)) == before
    with pytest.raises(NotFoundError) as caught:
        room.walk.look(LOCAL, "y1-first-rag-ap")
    assert "`y1-first-rag-app`" in caught.value.hint


# -- erasure --------------------------------------------------------------------------------------------------------
def test_whoever_is_removed_leaves_no_row_no_word_and_an_honest_chain(tmp_path: Path) -> None:
    house = light_workspace(tmp_path / "house")
    house.ingest([write(tmp_path / "files", FILES)])
    user = house.accounts.users.create(LOCAL, "ann")
    for who in (ANN, LOCAL):
        house.ask("How many days of paid leave?", principal=who)
        kept_way(house, who)
    house.pathways.notes.reflect(ANN, "", "Zanzibarquux7731")
    house.pathways.notes.attest(LOCAL, "d30-communities", "Ann saw it.", by=ANN.name)
    house.accounts.remove_user(LOCAL, user.id)
    with house.rooms.database.read() as connection:
        for table in (t.path_profiles, t.path_plans, t.quiz_results, t.attestations, t.reflections, t.proofs):
            assert {row.owner for row in connection.execute(table.select())} == {"local"}, table.name
        by = {row.by for row in connection.execute(t.attestations.select())}
    assert ANN.name not in by
    assert f"user:{user.id}" in by
    assert house.pathways.proofs.list(LOCAL)
    assert len(house.pathways.proofs.verify_chain(LOCAL)) >= 1
    house.close()
    holding = [p.name for p in house.root.rglob("*") if p.is_file() and b"Zanzibarquux7731" in p.read_bytes()]
    assert holding == []


def test_a_row_that_was_changed_by_hand_is_no_current_proof(workspace: Workspace) -> None:
    otto = Principal(name="user:otto", owner=True)
    workspace.ask("How many days of paid leave?", principal=otto)
    ids = kept_way(workspace, otto)
    with workspace.rooms.database.write() as connection:
        connection.execute(
            update(t.proofs).where(t.proofs.c.id == ids["proof"]).values(subject="y1-ml-data-pipeline")
        )
    assert workspace.pathways.walk.look(otto, "first-documents").state != "proven"


def test_erasing_a_document_says_which_proofs_it_touches_and_they_are_stale(workspace: Workspace) -> None:
    room, document = workspace.pathways, workspace.documents()[0][0].id
    finding = room.checker.check(LOCAL, {"find": "document", "where": {"document": document}})
    made = room.proofs.record(LOCAL, "lab", "first-documents", finding, "Documents")
    [receipt] = [r for r in workspace.erase([document]) if r.room == "pathways"]
    assert receipt.removed == 1
    state = room.proofs.show(LOCAL, made.id)
    assert state.state == "stale"
    assert state.why
