"""Promotion and rollback: what has to be true first, who may, and what happens when two do it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from groundwork.app.workspace import Workspace
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.core.ids import new_id
from groundwork.core.improvement import GateSpec
from groundwork.core.principal import LOCAL, Principal
from groundwork.releases.types import Promotion
from groundwork.storage import improvement_tables as t
from tests.releases.conftest import ANN, QUESTION, VIEWER, promote
from tests.workspaces import FILES, LIGHT, light_workspace, write


def missing(found: Promotion) -> list[str]:
    return [c.name for c in found.missing]


def test_what_is_promoted_is_served_from_the_next_request_on(
    home: Workspace, says: Callable[..., str]
) -> None:
    assert says() == "30"
    promote(home, "default@1")
    assert says() == "28"
    promote(home, "default@2")
    assert says() == "30"
    found = home.releases.promotions.rollback(LOCAL, "default", "open", reason="too generous")
    assert found.promoted
    assert says() == "28"
    kinds = [(d.kind, d.reason) for d in home.releases.promotions.history(LOCAL, app="default")]
    assert kinds == [("rollback", "too generous"), ("promote", ""), ("promote", "")]


def test_two_rollbacks_lead_two_releases_back_and_not_to_and_fro(
    home: Workspace, says: Callable[..., str]
) -> None:
    home.releases.create(spec=home.app_spec("default").model_copy(update={"passages": 3}))
    for ref in ("default@1", "default@2", "default@3"):
        promote(home, ref)
    back = [home.releases.promotions.rollback(LOCAL, "default", "open").release.ref for _ in range(2)]
    assert back == ["default@2", "default@1"]
    with pytest.raises(ConflictError, match="before this one"):
        home.releases.promotions.rollback(LOCAL, "default", "open")
    assert home.releases.promotions.rollback(LOCAL, "default", "open", to="default@3").promoted
    assert says() == "30"


def test_a_release_goes_through_the_environments_in_their_order(home: Workspace) -> None:
    moves = home.releases.promotions
    refused = moves.promote(LOCAL, "default@1", "staging")
    assert missing(refused) == ["after"]
    assert refused.missing[0].command == "groundwork release promote default@1 --to dev"
    promote(home, "default@1", "dev")
    promote(home, "default@2", "dev")
    assert moves.promote(LOCAL, "default@1", "staging").promoted, "it has been served in dev"


def test_approvals_are_counted_by_person_and_without_the_maker(home: Workspace) -> None:
    moves = home.releases.promotions
    assert missing(moves.promote(LOCAL, "default@1", "production")) == ["approvals"]
    with pytest.raises(ForbiddenError, match="made `default@1` and cannot approve it"):
        moves.decide(LOCAL, "default@1", "production", "approve")
    with pytest.raises(ForbiddenError, match="needs `operator`"):
        moves.decide(VIEWER, "default@1", "production", "approve")
    moves.decide(ANN, "default@1", "production", "refuse", "the numbers are wrong")
    refused = moves.promote(LOCAL, "default@1", "production").missing[0]
    assert "`user:ann` refused it for production: the numbers are wrong" in refused.message
    moves.decide(ANN, "default@1", "production", "approve", "they are right")
    assert moves.promote(LOCAL, "default@1", "production").promoted
    said = moves.approvals(LOCAL, home.releases.book.get(LOCAL, "default@1"))
    assert [(a.decision, a.comment) for a in said] == [
        ("refuse", "the numbers are wrong"),
        ("approve", "they are right"),
    ]


@pytest.mark.parametrize("act", ["promote", "rollback", "canary"])
def test_nobody_moves_anything_without_the_role(home: Workspace, act: str) -> None:
    promote(home, "default@1")
    operator = Principal(name="user:olga", owner=True, role="operator")
    acts: dict[str, Callable[[Principal, str], Any]] = {
        "promote": lambda who, where: home.releases.promotions.promote(who, "default@2", where),
        "rollback": lambda who, where: home.releases.promotions.rollback(who, "default", where),
        "canary": lambda who, where: home.releases.trials.begin(who, "default@2", where),
    }
    for who, where in ((VIEWER, "open"), (operator, "guarded"), (Principal(owner=True), "open")):
        with pytest.raises(ForbiddenError, match="has the role"):
            acts[act](who, where)
    standing = [s for s in home.releases.standings(LOCAL, "default") if s.release]
    assert [(s.environment, s.release.ref) for s in standing if s.release] == [("open", "default@1")]


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(home: Workspace) -> None:
    promote(home, "default@1")
    home.releases.create(spec=home.app_spec("default").model_copy(update={"passages": 3}))
    barrier, outcomes = threading.Barrier(2), []
    moves = home.releases.promotions
    real = moves._checks

    def together(*arguments: Any) -> Any:
        found = real(*arguments)
        barrier.wait(10)
        return found

    moves._checks = together  # type: ignore[method-assign]

    def act(ref: str) -> None:
        try:
            outcomes.append(moves.promote(LOCAL, ref, "open").promoted)
        except ConflictError as error:
            outcomes.append(error.message)

    threads = [threading.Thread(target=act, args=(ref,)) for ref in ("default@2", "default@3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes))[0] == "True"
    assert any("was expected where it stands at" in str(o) for o in outcomes)
    assert len(moves.history(LOCAL, app="default")) == 2


def test_a_page_that_is_out_of_date_promotes_nothing(home: Workspace) -> None:
    promote(home, "default@1")
    with pytest.raises(ConflictError, match="`default@1` stands there now"):
        home.releases.promotions.promote(LOCAL, "default@2", "open", expected="")
    first = home.releases.book.get(LOCAL, "default@1").id
    assert home.releases.promotions.promote(LOCAL, "default@2", "open", expected=first).promoted
    with pytest.raises(ConflictError, match="already"):
        home.releases.promotions.promote(LOCAL, "default@2", "open")


@pytest.mark.parametrize(("name", "near"), [("prodution", "production"), ("", "known"), ("x" * 500, "known")])
def test_an_unknown_environment_offers_near_names(home: Workspace, name: str, near: str) -> None:
    for act in (
        lambda: home.releases.promotions.promote(LOCAL, "default@1", name),
        lambda: home.releases.promotions.rollback(LOCAL, "default", name),
        lambda: home.releases.trials.begin(LOCAL, "default@1", name),
    ):
        with pytest.raises(NotFoundError) as caught:
            act()
        assert near in caught.value.hint


def test_nothing_is_rolled_back_where_nothing_stood_before(home: Workspace) -> None:
    moves = home.releases.promotions
    with pytest.raises(ConflictError, match="no release of `default` stands in open"):
        moves.rollback(LOCAL, "default", "open")
    promote(home, "default@1")
    with pytest.raises(ConflictError, match="never served in open"):
        moves.rollback(LOCAL, "default", "open", to="default@2")
    with pytest.raises(InvalidInputError, match="2,001 characters"):
        moves.promote(LOCAL, "default@2", "open", reason="x" * 2001)


# -- the gate ----------------------------------------------------------------------------------------------------------
def give_verdict(
    home: Workspace,
    outcome: str,
    *,
    age: timedelta = timedelta(0),
    spec: GateSpec | None = None,
    gate: str = "main",
) -> str:
    """Write down a verdict on `default@1`, as the room of gates does."""
    release = home.releases.book.get(LOCAL, "default@1")
    at = (datetime.now(UTC) - age).isoformat()
    plan = {"spec": (spec or home.spec.gates["main"]).model_dump(mode="json")}
    verdict = new_id("vrd")
    with home.rooms.database.write() as connection:
        connection.execute(
            insert(t.gate_plans).values(
                tenant="default", digest=verdict, gate=gate, plan=plan, created_at=at, created_by="local"
            )
        )
        connection.execute(
            insert(t.verdicts).values(
                id=verdict, tenant="default", gate=gate, app="default", plan=verdict, baseline="evl_a", candidate="evl_b",
                release=release.digest, outcome=outcome, record={"headline": "It is so."}, created_at=at, created_by="local",
            )
        )  # fmt: skip
    return verdict


def test_a_gate_has_to_have_said_promote_of_these_pins(home: Workspace) -> None:
    moves = home.releases.promotions

    def said() -> str:
        return next(c.message for c in moves.checks(LOCAL, "default@1", "guarded") if c.name == "gate")

    assert said() == "the gate `main` has given no verdict on these pins"
    assert missing(moves.promote(LOCAL, "default@1", "guarded")) == ["gate"]
    rejected = give_verdict(home, "reject")
    assert said() == f"the verdict `{rejected}` of the gate `main` is `reject`: It is so."
    give_verdict(home, "promote", age=timedelta(days=31))
    assert "is older than 30 days" in said()
    give_verdict(home, "promote", spec=GateSpec(alpha=0.2))
    assert "before the gate was changed" in said()
    passed = give_verdict(home, "promote")
    found = moves.promote(LOCAL, "default@1", "guarded")
    assert found.deployment is not None
    assert found.deployment.verdict_id == passed
    assert missing(moves.promote(LOCAL, "default@2", "guarded")) == ["gate"], "the verdict is on other pins"


def test_an_override_lets_a_refused_release_pass_and_is_recorded(home: Workspace) -> None:
    verdict = give_verdict(home, "insufficient")
    override = new_id("ovr")
    with home.rooms.database.write() as connection:
        connection.execute(
            insert(t.verdict_overrides).values(
                id=override, tenant="default", verdict_id=verdict, role="admin", reason="it is urgent",
                principal="local", at="2026-01-01",
            )
        )  # fmt: skip
    found = home.releases.promotions.promote(LOCAL, "default@1", "guarded")
    assert found.deployment is not None
    assert (found.deployment.verdict_id, found.deployment.override_id) == (verdict, override)


def test_a_gate_that_the_spec_does_not_have_lets_nothing_pass(copy: Path) -> None:
    file = copy / "groundwork.toml"
    file.write_text(file.read_text().replace("[gates.main]", ""))
    with Workspace.open(copy) as home:
        found = home.releases.promotions.promote(LOCAL, "default@1", "guarded")
        assert "which groundwork.toml does not have" in found.missing[0].message


# -- snapshots that go -------------------------------------------------------------------------------------------------
def test_a_release_of_an_erased_document_is_flagged_and_not_promoted(
    home: Workspace, says: Callable[..., str]
) -> None:
    promote(home, "default@1")
    leave = next(d for d in home.documents()[0] if d.document.endswith("leave.md"))
    receipts = {r.room: r.removed for r in home.erase([leave.id])}
    assert receipts["releases"] == 2
    assert home.releases.book.get(LOCAL, "default@2").redacted
    found = home.releases.promotions.promote(LOCAL, "default@2", "open")
    assert missing(found) == ["snapshot"]
    assert "was erased after it was made" in found.missing[0].message
    standing = next(s for s in home.releases.standings(LOCAL, "default") if s.environment == "open")
    assert "was erased" in standing.flags[0]
    assert says() not in ("28", "30"), "what stands there is served without the document"
    with pytest.raises(ConflictError, match="was erased"):
        home.releases.create(snapshot="head~1")


def test_pruning_keeps_what_is_served_and_what_it_falls_back_to(
    home: Workspace, says: Callable[..., str]
) -> None:
    promote(home, "default@1")
    docs = home.root / "docs"
    for days in ("31", "32", "33"):
        write(docs, {"leave.md": FILES["leave.md"].replace("28 days", f"{days} days")})
        home.ingest([docs])
    held = home.releases.book.get(LOCAL, "default@1").snapshot
    dropped = home.prune("default", 1)
    assert held not in dropped
    assert len(dropped) == 3
    assert says() == "28"
    found = home.releases.promotions.promote(LOCAL, "default@2", "open")
    assert missing(found) == ["snapshot"]
    assert "is not here any more" in found.missing[0].message


def _drop(home: Workspace, ref: str) -> None:
    from groundwork.knowledge import store

    release = home.releases.book.get(LOCAL, ref)
    with home.rooms.database.write() as connection:
        store.drop_snapshots(connection, "default", "default", [release.snapshot])


def test_where_a_served_snapshot_is_gone_the_former_release_answers_and_says_so(
    home: Workspace, says: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    promote(home, "default@1")
    promote(home, "default@2")
    _drop(home, "default@2")
    answer = home.ask(QUESTION, environment="open")
    assert "28 days" in answer.text
    assert "default@1 answered, which stood there before" in answer.notes[0]
    assert "default@2 could not be served" in caplog.text
    with pytest.raises(GroundworkError, match=r"cannot be served: its snapshot `\w{7}` is not here any more"):
        home.ask(QUESTION, release="default@2")
    _drop(home, "default@1")
    with pytest.raises(GroundworkError, match="`default@2` cannot be served") as caught:
        says()
    assert caught.value.status == 410


def test_a_rollback_passes_over_a_release_that_cannot_be_served(
    home: Workspace, says: Callable[..., str]
) -> None:
    home.releases.create(spec=home.app_spec("default").model_copy(update={"passages": 3}))
    for ref in ("default@1", "default@2", "default@3"):
        promote(home, ref)
    _drop(home, "default@2")
    found = home.releases.promotions.rollback(LOCAL, "default", "open")
    assert found.release.ref == "default@1"
    assert "`default@2` was passed over" in found.checks[0].message
    assert says() == "28"


# -- over PostgreSQL ---------------------------------------------------------------------------------------------------
@pytest.mark.postgres
def test_the_same_over_postgresql(tmp_path: Path, empty_postgres_url: str) -> None:
    spec = f'database = "{empty_postgres_url}"\n' + LIGHT + "[environments.open]\n"
    with light_workspace(tmp_path / "home", spec) as home:
        docs = write(tmp_path / "docs", FILES)
        home.ingest([docs])
        home.releases.create()
        write(docs, {"leave.md": FILES["leave.md"].replace("28 days", "30 days")})
        home.ingest([docs])
        home.releases.create()
        moves, outcomes = home.releases.promotions, []

        def act(ref: str) -> None:
            try:
                outcomes.append(moves.promote(LOCAL, ref, "open", expected="").promoted)
            except ConflictError:
                outcomes.append(False)

        threads = [threading.Thread(target=act, args=(f"default@{n % 2 + 1}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [False] * 5 + [True]
        stands = next(s for s in home.releases.standings(LOCAL, "default") if s.environment == "open").release
        assert stands is not None
        other = "default@1" if stands.number == 2 else "default@2"
        began = home.releases.trials.begin(LOCAL, other, "open", changes={"share": 0.5})
        assert began.deployment is not None
        asking = [threading.Thread(target=lambda: home.ask(QUESTION, environment="open")) for _ in range(8)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert home.releases.trying.wait()
        requests = home.releases.trials.requests(LOCAL, began.deployment.id)
        assert [r.seq for r in requests] == list(range(8, 0, -1))
        assert {r.outcome for r in requests} == {"tie"}
