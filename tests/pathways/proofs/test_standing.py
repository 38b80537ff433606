"""What really happens in a workspace, erasure, rollback, pruning, a name taken out, is seen in the proofs on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from groundwork.accounts.erasure import forget_name
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.portfolio.verify import verify_bundle
from groundwork.pathways.proofs.types import ProofState
from groundwork.storage.tables import metadata
from tests.pathways.portfolio.house import House, proven_house
from tests.workspaces import write


@pytest.fixture
def here(tmp_path: Path) -> Iterator[House]:
    made = proven_house(tmp_path)
    yield made
    made.workspace.close()


def _states(here: House) -> dict[str, ProofState]:
    return {s.proof.subject: s for s in here.proofs.list(here.who)}


def test_a_document_that_is_erased_makes_stale_what_rested_on_it_and_the_export_shows_history(
    here: House, tmp_path: Path
) -> None:
    assert {s.state for s in _states(here).values()} == {"current"}
    leave = next(d.id for d in here.workspace.documents("default")[0] if d.document.endswith("leave.md"))
    here.workspace.erase([leave])
    states = _states(here)
    assert states["first-release"].state == "stale"
    assert "The release default@2 has lost a document to an erasure." in states["first-release"].why
    assert states["many-answers"].state == "stale"
    report = here.portfolio.export(here.who, tmp_path / "out")
    assert report.stale >= 2
    assert verify_bundle(tmp_path / "out").valid
    text = "".join(p.read_text() for p in (tmp_path / "out").rglob("*.html"))
    assert "history" in text
    assert "30 days" not in text


def test_a_release_that_is_rolled_back_makes_its_proof_stale_and_a_new_check_makes_a_new_one(
    here: House,
) -> None:
    here.workspace.releases.promotions.rollback(LOCAL, "default", "open", reason="worse")
    state = _states(here)["first-release"]
    assert state.state == "stale"
    assert any("default@2 was rolled back in open" in why for why in state.why)
    here.clock.wall = datetime.now(UTC)
    here.prove("first-release")
    found = here.proofs.of(here.who, "first-release")
    assert found is not None
    assert found.state == "current"
    assert found.proof.position == 4
    assert here.proofs.verify_chain(here.who) == []


@pytest.mark.slow
def test_a_snapshot_that_is_pruned_is_gone_for_its_proof(here: House) -> None:
    docs = here.workspace.root / "docs"
    here.workspace.ingest([write(docs, {"new.md": "# New\n\nSomething new.\n"})])
    finding = here.workspace.pathways.checker.check(here.who, {"find": "snapshot", "where": {"number": 3}})
    proof = here.proofs.record(here.who, "lab", "a-snapshot", finding)
    here.workspace.ingest([write(docs, {"newer.md": "# Newer\n\nSomething newer.\n"})])
    assert finding.found[0].id.partition("@")[2] in here.workspace.prune("default", keep=1)
    state = here.proofs.show(here.who, proof.id)
    assert (state.state, [r.state for r in state.records]) == ("stale", ["gone"])


def test_a_name_that_is_taken_out_of_the_records_stands_in_no_proof_and_forges_none(here: House) -> None:
    ann = Principal(name="user:ann", owner=True, role="operator")
    finding = here.workspace.pathways.checker.check(ann, {"find": "answer"})
    proof = here.proofs.record(ann, "lab", "anns", finding)
    forget_name(here.workspace.rooms.database, metadata, "ann", f"usr_{'a' * 26}")
    assert here.proofs.list(ann) == []
    gone = Principal(name=f"user:usr_{'a' * 26}")
    state = here.proofs.show(gone, proof.id)
    assert (state.state, state.why[-1]) == ("stale", "The person it belonged to was erased.")
    assert "user:ann" not in json.dumps(dict(state.proof.envelope))
    assert here.proofs.verify_chain(LOCAL) == []


def test_a_lab_that_lays_out_what_it_rolls_back_keeps_its_proof(here: House) -> None:
    finding = here.workspace.pathways.checker.check(here.who, {"find": "release", "where": {"number": 2}})
    proof = here.proofs.record(here.who, "lab", "canary-rolled-back", finding)
    here.workspace.releases.promotions.rollback(LOCAL, "default", "open")
    assert here.proofs.show(here.who, proof.id).state == "current"
