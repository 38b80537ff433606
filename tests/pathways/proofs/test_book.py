"""A proof is signed and chained, and says each time how it stands."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.evidence.types import Finding
from groundwork.storage.improvement_tables import deployments, releases
from groundwork.storage.pathway_tables import proofs
from tests.pathways.proofs.house import ANN, BOB, Entry, House, house


@pytest.fixture
def here(tmp_path: Path) -> House:
    return house(tmp_path)


def test_a_proof_is_signed_and_names_the_records_it_rests_on(here: House) -> None:
    one = here.records.add("verdict", "vrd_1", outcome="promote", by="user:ann")
    proof = here.proofs.record(ANN, "milestone", "first-gate", here.finding(one), "A gate passed")
    payload = json.loads(base64.b64decode(proof.envelope["payload"]))
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["predicate"]["found"][0]["digest"] == one.digest
    assert payload["predicate"]["claim"] == "tamper-evident, not tamper-proof"
    assert ANN.name not in json.dumps(payload), "a statement names no person"
    assert (proof.position, proof.previous, proof.grade) == (1, "", "verified_here")
    assert here.proofs.show(ANN, proof.id).state == "current"
    assert here.proofs.show(ANN, proof.id[:20]).proof == proof


def test_a_finding_that_still_holds_is_not_signed_again(here: House) -> None:
    one = here.records.add("verdict", "vrd_1", outcome="promote")
    first = here.proofs.record(ANN, "milestone", "first-gate", here.finding(one))
    two = here.records.add("verdict", "vrd_2", outcome="promote")
    assert here.proofs.record(ANN, "milestone", "first-gate", here.finding(one)) == first
    assert here.proofs.record(ANN, "milestone", "first-gate", here.finding(two)) == first
    here.records.rows.clear()
    here.records.add("verdict", "vrd_2", outcome="promote")
    second = here.proofs.record(ANN, "milestone", "first-gate", here.finding(two))
    assert (second.position, second.previous) == (2, first.digest)
    assert [s.state for s in here.proofs.list(ANN)] == ["current", "stale"]
    found = here.proofs.of(ANN, "first-gate")
    assert found is not None
    assert found.proof == second


def test_what_is_not_proven_is_not_signed(here: House) -> None:
    one = here.records.add("verdict", "vrd_1", outcome="promote")
    for finding in (Finding("not_yet", "d", (one,)), Finding("proven", "d")):
        with pytest.raises(InvalidInputError, match="not proven"):
            here.proofs.record(ANN, "milestone", "first-gate", finding)
    assert here.proofs.list(ANN) == []


def test_proofs_of_several_people_are_one_chain_and_each_sees_their_own(here: House) -> None:
    one = here.records.add("verdict", "vrd_1", outcome="promote")
    first = here.proofs.record(ANN, "milestone", "first-gate", here.finding(one))
    second = here.proofs.record(BOB, "milestone", "first-gate", here.finding(one))
    assert second.previous == first.digest
    assert [s.proof.id for s in here.proofs.list(BOB)] == [second.id]
    with pytest.raises(NotFoundError):
        here.proofs.show(BOB, first.id)
    assert here.proofs.verify_chain(ANN) == []


def test_proofs_recorded_at_once_stand_in_one_chain(here: House) -> None:
    found = [here.records.add("verdict", f"vrd_{n}", outcome="promote") for n in range(12)]

    def record(n: int) -> None:
        here.proofs.record(ANN, "lab", f"lab-{n % 8}", here.finding(found[n], digest=str(n % 8)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, range(12)))
    assert sorted(s.proof.position for s in here.proofs.list(ANN)) == list(range(1, 9))
    assert here.proofs.verify_chain(ANN) == []


def test_a_record_that_is_gone_or_changed_makes_the_proof_stale(here: House) -> None:
    one = here.records.add("verdict", "vrd_1", outcome="promote")
    two = here.records.add("release", "rel_2", app="handbook")
    proof = here.proofs.record(ANN, "milestone", "first-gate", here.finding(one, two))
    here.records.rows["release", "rel_2"] = {"app": "another"}
    del here.records.rows["verdict", "vrd_1"]
    state = here.proofs.show(ANN, proof.id)
    assert state.state == "stale"
    assert state.why == (
        "The verdict vrd_1 is gone: it was erased.",
        "The release rel_2 has changed since.",
    )
    assert [r.state for r in state.records] == ["gone", "changed"]


def test_a_release_that_was_rolled_back_after_the_proof_makes_it_stale(here: House) -> None:
    one = here.records.add("release", "rel_2", app="handbook")
    _rollback(here, "dep_0", "2026-03-01T00:00:00+00:00")
    proof = here.proofs.record(ANN, "milestone", "first-gate", here.finding(one))
    assert here.proofs.show(ANN, proof.id).state == "current", "it was rolled back before it was proven"
    _rollback(here, "dep_1", "2026-03-03T00:00:00+00:00")
    state = here.proofs.show(ANN, proof.id)
    assert (state.state, state.why) == (
        "stale",
        ("The release handbook@2 was rolled back in production on 2026-03-03.",),
    )


def test_a_check_that_means_something_else_now_makes_the_proof_stale(here: House) -> None:
    pytest.importorskip("groundwork.evidence.parse")
    one = here.records.add("verdict", "vrd_1", outcome="promote")
    proof = here.proofs.record(ANN, "milestone", "first-gate", here.finding(one))
    here.catalogues.milestones["another"] = Entry("another", "", {"find": "release"})
    assert here.proofs.show(ANN, proof.id).state == "current", (
        "another version of the catalogue, the same check"
    )
    here.catalogues.milestones["first-gate"] = Entry("first-gate", "", {"find": "verdict"})
    assert "means something else" in here.proofs.show(ANN, proof.id).why[0]
    del here.catalogues.milestones["first-gate"]
    assert here.proofs.show(ANN, proof.id).why == (
        "The catalogue in force has no milestone `first-gate` any more.",
    )


COLUMNS = (
    "subject_kind",
    "subject",
    "catalogue",
    "check_digest",
    "digest",
    "previous",
    "owner",
    "created_at",
)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_row_that_was_changed_in_the_database_is_forged(here: House, column: str) -> None:
    proof = _two(here)
    who = BOB if column == "owner" else ANN
    value = {"owner": BOB.name, "subject_kind": "action"}.get(column, "0" * 64)
    _change(here, proof.id, **{column: value})
    state = here.proofs.show(who, proof.id)
    assert state.state == "forged"
    assert state.why


def test_a_statement_that_was_changed_is_forged_and_the_chain_says_where(here: House) -> None:
    proof = _two(here)
    payload = json.loads(base64.b64decode(proof.envelope["payload"]))
    payload["predicate"]["found"][0]["values"]["outcome"] = "reject"
    envelope = {**proof.envelope, "payload": base64.b64encode(json.dumps(payload).encode()).decode()}
    _change(here, proof.id, envelope=envelope)
    state = here.proofs.show(ANN, proof.id)
    assert state.state == "forged"
    assert "No signature" in state.why[0]
    assert here.proofs.verify_chain(ANN) == [f"The signature of {proof.id} (number 2) does not hold."]
    _change(here, proof.id, envelope={"payload": "%%"})
    assert here.proofs.show(ANN, proof.id).why == ("Its envelope holds no statement of a proof.",)


def test_a_proof_that_another_key_signed_is_forged(here: House, tmp_path: Path) -> None:
    proof = _two(here)
    other = house(tmp_path / "other")
    one = other.records.add("verdict", "vrd_9", outcome="promote")
    theirs = other.proofs.record(ANN, "milestone", "first-gate", other.finding(one))
    _change(here, proof.id, envelope=dict(theirs.envelope), digest=theirs.digest)
    assert "by the key of this workspace" in here.proofs.show(ANN, proof.id).why[0]


def test_a_proof_that_was_taken_out_of_the_chain_is_missed(here: House) -> None:
    _two(here)
    here.proofs.record(ANN, "lab", "third", here.finding(here.records.add("verdict", "vrd_3", outcome="x")))
    with here.database.write() as connection:
        connection.execute(delete(proofs).where(proofs.c.position == 2))
    assert here.proofs.verify_chain(ANN) == [
        "Number 2 of the chain is not there: it was erased, or somebody removed it."
    ]
    assert [s.state for s in here.proofs.list(ANN)] == ["current", "current"], (
        "what others proved still holds"
    )


def test_a_proof_of_somebody_who_was_erased_is_history_and_not_forged(here: House) -> None:
    proof = _two(here)
    gone = type(ANN)(name=f"user:usr_{'a' * 26}", owner=True)
    _change(here, proof.id, owner=gone.name)
    state = here.proofs.show(gone, proof.id)
    assert (state.state, state.why) == ("stale", ("The person it belonged to was erased.",))


def test_an_unknown_proof_is_answered_with_the_way_to_the_list(here: House) -> None:
    _two(here)
    for word in ("prf_zzz", "prf_", "nothing"):
        with pytest.raises(NotFoundError) as caught:
            here.proofs.show(ANN, word)
        assert "path proofs" in caught.value.hint


def _two(here: House) -> Any:
    for n in (1, 2):
        found = here.records.add("verdict", f"vrd_{n}", outcome="promote")
        proof = here.proofs.record(ANN, "lab", f"lab-{n}", here.finding(found))
    return proof


def _change(here: House, identifier: str, **values: Any) -> None:
    with here.database.write() as connection:
        connection.execute(update(proofs).where(proofs.c.id == identifier).values(**values))
        assert connection.execute(select(proofs.c.id)).all()


def _rollback(here: House, identifier: str, at: str) -> None:
    common = {"tenant": "default", "app": "handbook", "created_at": at, "created_by": "local"}
    with here.database.write() as connection:
        if connection.execute(select(releases.c.id)).one_or_none() is None:
            release = {"id": "rel_2", "digest": "d", "number": 2, "manifest": {}, "envelope": {}, "note": ""}
            connection.execute(insert(releases).values(**common, **release, redacted=False))
        move = {"environment": "production", "release": "rel_1", "previous": "rel_2", "kind": "rollback"}
        rest = {
            "state": "done",
            "share": 1.0,
            "verdict_id": "",
            "override_id": "",
            "record": {},
            "reason": "",
        }
        connection.execute(insert(deployments).values(id=identifier, **common, **move, **rest))
