"""A check that is run again over the records of a finding agrees with the checker that found them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from groundwork.evidence.engine import Checker
from groundwork.evidence.records import KINDS
from groundwork.evidence.types import Found
from groundwork.pathways.portfolio.rerun import rerun
from tests.pathways.portfolio.house import CHECKS, House

CHECKED: dict[str, Mapping[str, Any]] = {
    **CHECKS,
    "joined": {
        "all": [
            {"find": "release", "as": "r", "where": {"number": {"above": 1}}},
            {"find": "snapshot", "where": {"digest": "$r.snapshot"}},
            {"find": "deployment", "where": {"release": "$r.id", "kind": ["promote", "rollback"]}},
        ]
    },
    "spread": {"find": "release", "spread": {"field": "snapshot", "at_least": 2}, "count": {"at_least": 2}},
    "per": {"find": "release", "per": "app", "count": {"at_least": 2}, "where": {"app": {"prefix": "def"}}},
    "either": {"any": [{"find": "verdict"}, {"find": "answer", "where": {"abstained": False}}]},
    "not": {"find": "answer", "where": {"app": {"not": "another"}, "snapshot": {"exists": True}}},
}


@pytest.fixture
def checker(here: House) -> Checker:
    return here.workspace.pathways.checker


@pytest.mark.parametrize("name", CHECKED)
def test_what_was_proven_holds_again_and_fails_without_any_one_record(
    here: House, checker: Checker, name: str
) -> None:
    finding = checker.check(here.who, CHECKED[name])
    assert finding.proven, finding.missing
    again = rerun(CHECKED[name], finding.found)
    assert again.outcome == ("partly" if name == "all-answered" else "holds"), again.why
    for n in range(len(finding.found)):
        rest = finding.found[:n] + finding.found[n + 1 :]
        assert rerun(CHECKED[name], rest).outcome == "fails", f"without {finding.found[n].kind}"
    others = [replace(f, values=dict.fromkeys(f.values)) for f in finding.found if f.values]
    if others and name != "all-answered":
        assert rerun(CHECKED[name], others).outcome == "fails"


@pytest.mark.slow
@pytest.mark.parametrize("draws", [600])
def test_of_checks_drawn_at_random_none_that_was_proven_fails_again(
    here: House, checker: Checker, draws: int
) -> None:
    drawn, rng = 0, random.Random(3)
    known = _values(here, checker)
    outcomes = {"holds": 0, "partly": 0, "fails": 0}
    for _ in range(draws):
        check = _draw(rng, known)
        finding = checker.check(here.who, check)
        if not finding.proven:
            continue
        drawn += 1
        outcome = rerun(check, finding.found).outcome
        outcomes[outcome] += 1
        assert outcome != "fails", check
    assert drawn > draws / 5
    assert outcomes["holds"] > draws / 8


def test_what_speaks_of_all_records_or_of_more_than_are_carried_is_said_to_be_so() -> None:
    records = [
        Found("answer", f"ans_{n}", "d", {"abstained": False}, f"2026-01-{n + 1:02}T00:00:00+00:00")
        for n in range(20)
    ]
    many = {"find": "answer", "count": {"at_least": 500}}
    assert rerun(many, records).outcome == "partly"
    assert "needs 500 of `answer`, and 20 are here" in rerun(many, records).why
    assert rerun(many, records[:19]).outcome == "fails"
    assert rerun({"find": "answer", "count": {"at_most": 3}}, []).outcome == "partly"
    assert rerun({"find": "answer", "each": {"abstained": True}}, records).outcome == "fails", (
        "one that is here does not fit"
    )
    assert rerun({"find": "answer", "span": {"at_least_days": 19}}, records).outcome == "holds"
    assert rerun({"find": "answer", "span": {"at_least_days": 20}}, records).outcome == "fails"
    assert rerun({"attest": "somebody says so"}, records).outcome == "fails"


@pytest.mark.parametrize(
    "check", [{}, {"find": "no-such-kind"}, {"all": []}, {"find": "answer", "where": {"no_field": 1}}]
)
def test_a_check_that_cannot_be_read_is_not_guessed_at(check: Mapping[str, Any]) -> None:
    found = rerun(check, [])
    assert found.outcome == "partly"
    assert "cannot read the check" in found.why


def test_records_that_combine_in_too_many_ways_come_to_an_end() -> None:
    records = [Found("release", f"rel_{n}", "d", {"app": "a", "number": n}) for n in range(300)]
    names = [{"find": "release", "as": f"r{n}", "where": {"app": "a"}} for n in range(8)]
    assert rerun({"all": [*names, {"find": "verdict"}]}, records).outcome == "partly"


def _values(here: House, checker: Checker) -> dict[str, dict[str, list[Any]]]:
    """By kind and field the values that there are."""
    known: dict[str, dict[str, list[Any]]] = {}
    for kind in ("answer", "release", "deployment", "snapshot", "ingest"):
        fields = [
            f for f in KINDS.get(kind).fields if KINDS.get(kind).fields[f].type in ("text", "number", "flag")
        ]
        known[kind] = {}
        for field in fields:
            found = checker.check(here.who, {"find": kind, "where": {field: {"exists": True}}})
            known[kind][field] = [r.values[field] for r in found.found if r.values.get(field) is not None]
    return known


def _draw(rng: random.Random, known: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, Any]:
    parts = [_find(rng, known) for _ in range(rng.choice((1, 1, 2, 3)))]
    return parts[0] if len(parts) == 1 else {rng.choice(("all", "any")): parts}


def _find(rng: random.Random, known: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, Any]:
    kind = rng.choice(sorted(known))
    made: dict[str, Any] = {"find": kind, "where": {}}
    for field in rng.sample(sorted(known[kind]), rng.choice((0, 1, 2))):
        values = known[kind][field]
        if not values:
            made["where"][field] = {"exists": False}
            continue
        value = rng.choice(values)
        if isinstance(value, bool):
            made["where"][field] = rng.choice((value, {"not": not value}))
        elif isinstance(value, int | float):
            made["where"][field] = rng.choice(
                (value, {"at_least": value - 1}, {"below": value + 1}, {"not": value + 5})
            )
        elif value:
            made["where"][field] = rng.choice(
                (value, [value, "another"], {"prefix": value[:2]}, {"not": "another"})
            )
    if rng.random() < 0.3:
        made["count"] = {"at_least": rng.choice((1, 2))}
    if rng.random() < 0.2:
        made["per"] = rng.choice(sorted(f for f, v in known[kind].items() if v))
    if rng.random() < 0.2:
        made["spread"] = {"field": rng.choice(sorted(f for f, v in known[kind].items() if v)), "at_least": 1}
    return made
