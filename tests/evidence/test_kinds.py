"""Every kind of record: its fields can be asked on both databases, within a tenant and, of a person, by them alone."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Column, event

from groundwork.core.clock import SystemClock
from groundwork.core.principal import LOCAL, Principal
from groundwork.evidence.asking import kind_of
from groundwork.evidence.engine import Checker
from groundwork.evidence.kinds.waiting import TITLES, WAITING
from groundwork.evidence.records import KINDS
from groundwork.storage import improvement_tables as i
from groundwork.storage import pathway_tables as p
from groundwork.storage import tables as t
from tests.evidence.house import ANN, House

TESTS: dict[str, Any] = {
    "text": {"not": "x", "prefix": "y", "exists": True},
    "number": {"at_least": 1, "at_most": 9, "above": 0, "below": 10, "not": 5, "exists": True},
    "flag": True,
    "time": {"after": "2026-01-01", "before": "2027-01-01", "exists": True},
    "list": {"has": "x", "exists": True},
}


def test_every_field_of_every_kind_can_be_asked_in_every_way(both: House) -> None:
    checker = Checker(both.database, SystemClock())
    both.verdict(both.release())
    both.evaluation()
    both.answer()
    both.dataset()
    both.ingest()
    for kind in (kind for kind in checker.kinds() if not kind.waiting):
        tests = {field.name: TESTS[field.type] for field in kind.fields}
        several = {
            "count": {"at_least": 2},
            "span": {"at_least_days": 1},
            "share": {"where": tests, "at_least": 0.5},
        }
        whole = {"find": kind.name, "where": tests, "each": tests, **several}
        assert checker.check(LOCAL, whole).outcome == "not_yet"
        # Columns are grouped by every day; what is computed is asked for one field of each kind.
        fields = kind_of(kind.name).fields
        computed = [name for name, field in fields.items() if not isinstance(field.at, Column)]
        for name in computed[:1]:
            grouped = {"find": kind.name, "per": name, "spread": {"field": name, "at_least": 2}}
            assert checker.check(LOCAL, grouped).outcome == "not_yet"


def test_every_field_says_what_it_means_and_every_kind_what_makes_it() -> None:
    for name in KINDS.names():
        kind = kind_of(name)
        assert kind.made_by.startswith("groundwork ")
        assert {"at"} <= set(kind.fields)
        assert set(kind.named) | set(kind.watched) <= set(kind.fields)
        assert all(field.about and not field.about.endswith(".") for field in kind.fields.values())
        assert kind.__doc__
        columns = {column.name for column in kind.table.c}
        assert kind.forgotten <= columns


def test_no_field_holds_what_people_wrote_or_a_secret() -> None:
    words = (
        {t.answers.c.text, t.answers.c.question, t.feedback.c.text, t.users.c.password, t.api_keys.c.digest}
        | {p.attestations.c.statement, p.attestations.c.link, p.reflections.c.text, i.judge_labels.c.label}
        | {t.prompt_versions.c.source, t.sources.c.path, t.memberships.c.access}
    )
    for name in KINDS.names():
        shown = {getattr(f.at, "element", f.at) for f in kind_of(name).fields.values()}
        assert not [c for c in shown if any(c is word for word in words)], name


def test_kinds_tell_waiting_ones_apart(checker: Checker) -> None:
    found = {kind.name: kind for kind in checker.kinds()}
    assert list(found) == sorted(found)
    assert found["monitor"].waiting
    assert found["monitor"].room == "monitoring"
    assert not found["monitor"].fields
    assert not found["release"].waiting
    assert found["quiz_result"].personal
    assert set(TITLES) == set(WAITING)


@pytest.mark.parametrize("kind", WAITING)
def test_a_kind_waits_only_for_a_room_that_is_not_there(kind: str) -> None:
    room = WAITING[kind]
    assert kind not in KINDS.names(), f"`{kind}` has a file in evidence/kinds and still stands in WAITING"
    assert importlib.util.find_spec(f"groundwork.{room}") is None, (
        f"the room `{room}` exists: write evidence/kinds/{kind}.py and strike `{kind}` from WAITING"
    )


def test_a_tenant_sees_nothing_of_another(both: House) -> None:
    other = Principal(tenant="other", name="local", owner=True)
    release = both.release()
    both.deployment(release)
    both.snapshot()
    both.calls(3)
    checker = Checker(both.database, SystemClock(), both.key)
    found = {}
    for kind in ("release", "deployment", "snapshot", "call"):
        found[kind] = checker.check(LOCAL, {"find": kind}).found
        assert found[kind]
        assert checker.check(other, {"find": kind}).found == ()
        assert [r.state for r in checker.recheck(other, found[kind])] == ["gone"] * len(found[kind])
    # A release of a tenant is no release to be named in another's predicate either.
    both.of(other).deployment(release)
    chain = {"all": [{"find": "deployment", "as": "d"}, {"find": "release", "where": {"id": "$d.release"}}]}
    assert checker.check(other, chain).outcome == "not_yet"
    assert checker.check(LOCAL, chain).outcome == "proven"


@pytest.mark.parametrize("kind", ["lab_result", "quiz_result", "attestation", "proof", "portfolio_export"])
def test_a_person_sees_their_own_alone(house: House, checker: Checker, kind: str) -> None:
    def write(one: House) -> None:
        one.lab("first-documents")
        one.quiz("ethics")
        one.put(p.attestations, subject="a", statement="I did", by=one.principal.name)
        one.put(p.proofs, record={"found": []})
        one.put(p.portfolio_exports, record={"files": 3, "proofs": 1, "stale": 0, "systems": ["a"]})

    write(house.of(ANN))
    assert checker.check(LOCAL, {"find": kind}).outcome == "not_yet"
    found = checker.check(ANN, {"find": kind}).found
    assert len(found) == 1
    assert checker.recheck(LOCAL, found)[0].state == "gone"
    assert checker.recheck(ANN, found)[0].state == "same"
    write(house)
    assert checker.check(ANN, {"find": kind, "count": {"at_least": 2}}).outcome == "not_yet"


def test_what_a_lab_laid_out_counts_for_labs_alone(house: House, checker: Checker) -> None:
    lab = house.release("lab-first")
    house.deployment(lab)
    house.verdict(lab)
    house.answer(lab)
    house.evaluation("handbook", dataset="lab-golden")
    house.snapshot("lab-docs")
    house.dataset("lab-golden")
    house.calls(1, model="lab-forms/x")
    for kind in ("release", "deployment", "verdict", "answer", "evaluation", "snapshot", "dataset", "call"):
        assert checker.check(LOCAL, {"find": kind}).outcome == "not_yet", kind
        assert checker.check(LOCAL, {"find": kind}, labs=True).outcome == "proven", kind
    house.release("labour")
    assert checker.check(LOCAL, {"find": "release"}).outcome == "proven"


def test_asking_writes_nothing(house: House, checker: Checker) -> None:
    house.deployment(house.release())
    said: list[str] = []
    engine = house.database._engine

    def heard(*args: Any) -> None:
        said.append(str(args[2]))

    event.listen(engine, "before_cursor_execute", heard)
    try:
        found = checker.check(LOCAL, {"all": [{"find": "release", "as": "r"}, {"find": "deployment"}]}).found
        checker.recheck(LOCAL, found)
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    assert said
    assert all(s.lstrip().upper().startswith(("SELECT", "WITH", "BEGIN", "PRAGMA")) for s in said)


def test_quizzes_and_labs_that_are_not_finished_do_not_count(house: House, checker: Checker) -> None:
    house.put(p.quiz_results, quiz="ethics", score=0, total=5)
    house.lab("first-documents", state="open")
    house.put(p.attestations, subject="a", statement="I did", withdrawn_at=house.at())
    for kind in ("quiz_result", "lab_result", "attestation"):
        assert checker.check(LOCAL, {"find": kind}).outcome == "not_yet"


def test_a_deployment_says_whether_it_stands_and_whether_it_was_taken_back(both: House) -> None:
    checker = Checker(both.database, SystemClock(), both.key)
    first, second = both.release(number=1), both.release(number=2)
    both.deployment(first)
    both.deployment(second, previous=first["id"])

    def of(release: Any, **where: Any) -> str:
        return checker.check(
            LOCAL, {"find": "deployment", "where": {"release": release["id"], **where}}
        ).outcome

    assert (of(first, standing=True), of(second, standing=True)) == ("not_yet", "proven")
    before = checker.check(LOCAL, {"find": "deployment", "where": {"release": second["id"]}}).found
    both.deployment(first, kind="rollback", previous=second["id"])
    assert (of(second, taken_back=True), of(second, standing=True)) == ("proven", "not_yet")
    assert of(first, kind="rollback", standing=True) == "proven"
    assert checker.recheck(LOCAL, before)[0].state == "changed"
    # Other environments and apps are another matter.
    both.deployment(second, environment="dev")
    assert of(second, environment="dev", standing=True, taken_back=False) == "proven"


def test_a_comparison_says_by_how_much_an_answer_became_cheaper(both: House) -> None:
    checker = Checker(both.database, SystemClock(), both.key)
    release = both.release()
    checks = [
        {"kind": "primary", "metric": "correct", "state": "pass"},
        {
            "kind": "guard",
            "metric": "mean(cost)",
            "baseline": 0.01,
            "candidate": 0.007,
            "low": -0.004,
            "high": -0.002,
        },
    ]
    both.verdict(release)  # without a check of cost: no comparison
    assert checker.check(LOCAL, {"find": "comparison"}).outcome == "not_yet"
    both.verdict(release, checks=checks)
    where = {
        "cost_change": {"at_most": -0.2, "at_least": -0.31},
        "cost_high": {"below": 0},
        "quality": "pass",
    }
    found = checker.check(LOCAL, {"find": "comparison", "where": where}).found
    assert found[0].values["cost_change"] == pytest.approx(-0.3)
    assert found[0].address == f"/gates/verdicts/{found[0].id}"


def test_lists_and_counts_inside_records_are_read(both: House) -> None:
    checker = Checker(both.database, SystemClock(), both.key)
    both.evaluation(metrics=("recall", "p95(latency)"))
    both.put(t.api_keys, scopes=["chat", "model:gpt-*"], limits={"budget_usd": {"month": 10.0}}, digest="d")

    def holds(predicate: dict[str, Any]) -> bool:
        return checker.check(LOCAL, predicate).proven

    assert holds(
        {"find": "evaluation", "where": {"metrics": {"has": "p95(latency)"}, "intervals": {"at_least": 2}}}
    )
    assert not holds({"find": "evaluation", "where": {"metrics": {"has": "p95"}}})
    assert holds({"find": "key", "where": {"scopes": {"has": "chat"}, "budgets": {"has": "month"}}})
    assert holds({"find": "budget", "where": {"month_usd": 10, "day_usd": {"exists": False}}})
    found = checker.check(LOCAL, {"find": "key", "where": {"scopes": {"has": "chat"}}}).found
    assert found[0].values == {"scopes": ["chat", "model:gpt-*"]}


def test_text_that_a_database_cannot_take_as_it_is_is_found(both: House) -> None:
    checker = Checker(both.database, SystemClock(), both.key)
    odd = "docs\udcff\0"
    both.put(
        i.evaluations, app="a", dataset=odd, record={"n": 3, "subject": {"retrieval": odd}}, state="done"
    )
    found = checker.check(
        LOCAL, {"find": "evaluation", "where": {"dataset": odd, "n": 3, "retrieval": {"exists": True}}}
    )
    assert found.proven
    assert found.found[0].values["dataset"] == odd


def test_a_key_that_is_not_at_hand_leaves_digests_to_be_looked_at(house: House) -> None:
    release = house.release()
    checker = Checker(house.database, SystemClock())
    assert checker.check(LOCAL, {"find": "release"}).proven
    house.remove(i.releases, release)
    house.again(i.releases, {**release, "manifest": {**release["manifest"], "snapshot": "s2"}})
    assert checker.check(LOCAL, {"find": "release"}).outcome == "broken"
    assert replace(house).principal == LOCAL
