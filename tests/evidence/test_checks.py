"""The checks of the shipped catalogue: each fails on an empty workspace, holds on the least records, and needs each one."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

import pytest

from groundwork.core.principal import LOCAL
from groundwork.evidence.engine import Checker
from groundwork.evidence.kinds.waiting import WAITING
from groundwork.evidence.parse import read_predicate
from groundwork.evidence.records import KINDS
from groundwork.evidence.tree import finds
from groundwork.evidence.types import Finding
from groundwork.pathways.catalogue.shipped import catalogue
from tests.evidence.house import House
from tests.evidence.reference import ATTESTED, REFERENCE, UNAVAILABLE

CHECKS: dict[str, dict[str, Any]] = {e.id: e.check for e in (*catalogue().milestones, *catalogue().actions)}
AVAILABLE = sorted(set(CHECKS) - UNAVAILABLE)


def check_of(name: str) -> dict[str, Any]:
    return CHECKS[name.partition(" ")[0]]


def holds(found: Finding) -> bool:
    """Say whether all that records can show is there; a person's word may still be wanted."""
    return not found.missing and found.outcome != "broken"


def test_there_is_a_check_for_every_milestone_and_action() -> None:
    assert (len(catalogue().milestones), len(catalogue().actions)) == (19, 12)
    for name, check in CHECKS.items():
        read = read_predicate(check)
        assert "attest" not in check or name in ATTESTED
        waits = {find.kind for find in finds(read)} & set(WAITING)
        assert bool(waits) == (name in UNAVAILABLE or name == "y2-reusable-patterns"), name
    assert {name.partition(" ")[0] for name in REFERENCE} == set(AVAILABLE) - {"d30-communities"}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_on_an_empty_workspace_nothing_is_proven_and_the_way_on_is_told(
    house: House, checker: Checker, name: str
) -> None:
    found = checker.check(LOCAL, CHECKS[name])
    assert found.outcome == ("unavailable" if name in UNAVAILABLE else "not_yet")
    assert not found.found
    if name == "d30-communities":
        assert found.attested == ("I have joined two or three communities on MLOps or LLMOps.",)
        return
    assert found.missing or found.waits
    for miss in found.missing:
        assert miss.sentence.endswith(".")
        assert miss.sentence[0].islower()
        assert miss.command.startswith("groundwork ")
    for wait in found.waits:
        assert WAITING[wait.kind] == wait.room


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_the_reference_records_prove_it_and_each_of_them_is_needed(
    house: House, checker: Checker, name: str
) -> None:
    REFERENCE[name](house)
    check = check_of(name)
    found = checker.check(LOCAL, check)
    assert holds(found)
    assert found.proven == (name not in ATTESTED)
    tables = Counter(table.name for table, _ in house.written)
    for table, row in _once_each(house):
        house.remove(table, row)
        without = checker.check(LOCAL, check)
        assert without.outcome == "not_yet", (
            f"{name} holds without a row of {table.name} ({tables[table.name]} there)"
        )
        assert without.missing
        house.restore()
    assert checker.check(LOCAL, check) == found


def _once_each(house: House) -> list[tuple[Any, Any]]:
    """Return every row; of many calls the first and the last."""
    seen = Counter(table.name for table, _ in house.written)
    kept: list[tuple[Any, Any]] = []
    done: Counter[str] = Counter()
    for table, row in house.written:
        done[table.name] += 1
        if seen[table.name] < 10 or done[table.name] in (1, seen[table.name]):
            kept.append((table, row))
    return kept


@pytest.mark.parametrize("name", sorted(set(AVAILABLE) - {"d30-communities"}))
def test_every_record_that_a_check_rests_on_is_named_and_stays_the_same(
    house: House, checker: Checker, name: str
) -> None:
    REFERENCE[name](house)
    found = checker.check(LOCAL, check_of(name)).found
    assert found
    assert {r.state for r in checker.recheck(LOCAL, found)} == {"same"}
    kinds = {find.kind for find in finds(read_predicate(check_of(name)))}
    assert {record.kind for record in found} <= kinds


@pytest.mark.parametrize(
    "name", ["y1-model-serving-deployed", "y1-first-rag-app", "m-prompt-versioning", "m-llm-evaluation"]
)
def test_what_a_lab_laid_out_proves_no_milestone(
    house: House, checker: Checker, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = House.put

    def renamed(self: House, table: Any, **values: Any) -> Any:
        for column in ("app", "name", "judge", "model"):
            if column in table.c:
                values[column] = f"lab-{values.get(column, '')}"
        return put(self, table, **values)

    monkeypatch.setattr(House, "put", renamed)
    monkeypatch.setattr(House, "calls", lambda self, *a, **k: None)
    REFERENCE[name](house)
    assert not checker.check(LOCAL, check_of(name)).proven


def test_a_year_one_app_with_too_few_examples_or_another_replay_is_not_proven(
    house: House, checker: Checker
) -> None:
    release = house.release()
    house.deployment(release)
    house.verdict(release, n=49)
    found = checker.check(LOCAL, CHECKS["y1-first-rag-app"])
    assert [m.sentence for m in found.missing] == [
        "no gate passed what the release pins on at least 50 examples.",
        "the release has not answered with a citation.",
        "no answer of the release was replayed to the identical passages and text.",
    ]


def test_every_command_that_is_offered_exists() -> None:
    commands = {kind_made for name in KINDS.names() if (kind_made := KINDS.get(name).made_by)}
    for check in CHECKS.values():
        commands |= {find.do for find in finds(read_predicate(check)) if find.do}
    for command in sorted(commands):
        _resolve(shlex.split(command))


def _resolve(words: list[str]) -> None:
    """Walk down the command line's own tree; options must be those of the command."""
    from typer.main import get_command

    from groundwork.cli.root import app

    assert words[0] == "groundwork"
    at: Any = get_command(app)
    context = at.make_context("groundwork", [], resilient_parsing=True)
    rest = words[1:]
    while rest and hasattr(at, "get_command"):
        found = at.get_command(context, rest[0])
        assert found is not None, f"`{' '.join(words)}`: there is no `{rest[0]}`"
        at, rest = found, rest[1:]
    assert not hasattr(at, "get_command"), f"`{' '.join(words)}` is a group"
    known = {option for parameter in at.params for option in parameter.opts}
    for word in rest:
        if word.startswith("-"):
            assert word in known, f"`{' '.join(words)}`: there is no option `{word}`"
