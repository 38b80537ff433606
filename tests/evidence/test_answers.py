"""What a predicate is answered: proven, not yet with what is missing, unavailable, broken; and the same as by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from groundwork.core.principal import LOCAL
from groundwork.evidence.engine import Checker
from groundwork.evidence.types import Finding
from groundwork.storage import improvement_tables as i
from groundwork.storage import tables as t
from tests.evidence.house import House


@pytest.fixture
def ask(checker: Checker) -> Any:
    def asked(predicate: Any) -> Finding:
        return checker.check(LOCAL, predicate)

    return asked


def test_an_empty_workspace_is_told_what_is_missing_and_what_to_do(ask: Any) -> None:
    found = ask({"find": "release", "where": {"app": "handbook"}})
    assert (found.outcome, found.found) == ("not_yet", ())
    assert found.missing[0].sentence == "needs 1 of the releases with app `handbook`."
    assert found.missing[0].command == "groundwork release create"
    found = ask(
        {"find": "release", "because": "no app was released.", "do": "groundwork release create --note x"}
    )
    assert found.missing[0].sentence == "no app was released."
    assert found.missing[0].command == "groundwork release create --note x"


def test_counts_say_how_many_are_there(house: House, ask: Any) -> None:
    house.calls(3)
    found = ask({"find": "call", "count": {"at_least": 5}, "because": "too few calls"})
    assert found.missing[0].sentence == "too few calls (3 of 5 there)."
    assert len(found.found) == 3
    assert ask({"find": "call", "count": {"at_least": 3}}).proven
    assert ask({"find": "call", "count": {"at_most": 3}}).proven
    assert (
        ask({"find": "call", "count": {"at_most": 2}})
        .missing[0]
        .sentence.endswith("(there are more than 2).")
    )
    assert ask({"find": "release", "count": {"at_most": 0}}).proven


def test_of_many_records_a_finding_names_the_newest(house: House, ask: Any) -> None:
    house.calls(120, days=7)
    found = ask({"find": "call", "count": {"at_least": 100}, "span": {"at_least_days": 7}})
    assert found.proven
    days = sorted(record.at for record in found.found)
    assert len(found.found) <= 25
    assert days[0] == min(row["started_at"] for _, row in house.written)
    assert days[-1] == max(row["started_at"] for _, row in house.written)


def test_spread_span_share_and_each_are_asked_of_all_that_fit(house: House, ask: Any) -> None:
    house.calls(8, days=6.0, provider="p1")
    house.calls(2, provider="p2", state="failed")
    assert not ask({"find": "call", "spread": {"field": "provider", "at_least": 3}}).proven
    assert ask({"find": "call", "spread": {"field": "provider", "at_least": 2}}).proven
    assert "over 6.0 of 7 days" in ask({"find": "call", "span": {"at_least_days": 7}}).missing[0].sentence
    assert ask({"find": "call", "span": {"at_least_days": 5.9}}).proven
    failed = {"where": {"state": "failed"}}
    assert ask({"find": "call", "share": {**failed, "at_most": 0.2}}).proven
    told = ask({"find": "call", "share": {**failed, "at_most": 0.1}}).missing[0].sentence
    assert "20.0% instead of at most 10.0%" in told
    assert "80.0% instead" not in told
    assert "2 of 10 do not fit" in ask({"find": "call", "each": {"state": "done"}}).missing[0].sentence
    assert ask({"find": "call", "where": {"provider": "p1"}, "each": {"state": "done"}}).proven


def test_per_keeps_everything_within_one_value(house: House, ask: Any) -> None:
    house.calls(2, provider="p1")
    house.calls(3, provider="p2")
    assert ask({"find": "call", "count": {"at_least": 3}, "per": "provider"}).proven
    found = ask({"find": "call", "count": {"at_least": 4}, "per": "provider"})
    assert found.missing[0].sentence == "needs 4 of the calls of models of the same provider (3 of 4 there)."
    assert {r.values["provider"] for r in found.found} == {"p2"}


def test_null_and_empty_fit_no_test_but_exists_and_not(house: House, ask: Any) -> None:
    house.calls(1, first_token_ms=None, app="")
    assert ask(
        {"find": "call", "where": {"first_token_ms": {"exists": False}, "app": {"exists": False}}}
    ).proven
    assert ask({"find": "call", "where": {"first_token_ms": {"not": 3}, "app": {"not": ["x", "y"]}}}).proven
    for test in ({"at_least": 0}, {"at_most": 9}, {"above": -1}, {"exists": True}, 0):
        assert not ask({"find": "call", "where": {"first_token_ms": test}}).proven
    assert not ask({"find": "call", "each": {"first_token_ms": {"at_least": 0}}}).proven


def test_a_later_part_makes_an_earlier_choice_be_taken_back(house: House, ask: Any) -> None:
    old, new = house.release(number=1), house.release(number=2)
    house.deployment(old)
    chain = {"all": [{"find": "release", "as": "r"}, {"find": "deployment", "where": {"release": "$r.id"}}]}
    found = ask(chain)
    assert found.proven
    assert found.found[0].id == old["id"]
    house.deployment(new)
    assert ask(chain).found[0].id == new["id"], "the newest that lets everything hold"


def test_what_is_missing_is_told_by_the_choice_that_came_furthest(house: House, ask: Any) -> None:
    first, second = house.release(number=1), house.release(number=2)
    house.deployment(first)
    house.verdict(second)
    chain = {
        "all": [
            {"find": "release", "as": "r"},
            {"find": "deployment", "as": "d", "where": {"release": "$r.id"}, "because": "no deployment"},
            {"find": "verdict", "where": {"release": "$r.digest"}, "because": "no verdict"},
            {"find": "call", "where": {"release": "$d.release"}, "because": "no call"},
        ]
    }
    found = ask(chain)
    assert [m.sentence for m in found.missing] == ["no verdict.", "no call."]
    assert [r.kind for r in found.found] == ["release", "deployment"]
    assert found.found[0].id == first["id"]


def test_records_that_a_missing_record_would_lead_to_are_missing_too(ask: Any) -> None:
    found = ask(
        {
            "all": [
                {"find": "release", "as": "r", "because": "no release"},
                {"find": "deployment", "where": {"release": "$r.id"}, "because": "no deployment"},
                {"find": "dataset", "because": "no dataset"},
            ]
        }
    )
    assert [m.sentence for m in found.missing] == ["no release.", "no deployment.", "no dataset."]


def test_any_takes_what_is_proven_else_what_lacks_least(house: House, ask: Any) -> None:
    two = {"all": [{"find": "release", "because": "a"}, {"find": "dataset", "because": "b"}]}
    one = {"find": "snapshot", "because": "c"}
    assert [m.sentence for m in ask({"any": [two, one]}).missing] == ["c."]
    house.dataset()
    assert [m.sentence for m in ask({"any": [two, one]}).missing] == ["a."], (
        "the first of those that lack as little"
    )
    house.snapshot()
    assert ask({"any": [two, one]}).proven


def test_a_kind_without_a_room_makes_it_unavailable_and_the_rest_is_told_all_the_same(
    house: House, ask: Any
) -> None:
    house.release()
    found = ask(
        {"all": [{"find": "release"}, {"find": "monitor"}, {"find": "dataset", "because": "no dataset"}]}
    )
    assert found.outcome == "unavailable"
    assert [(w.kind, w.room) for w in found.waits] == [("monitor", "monitoring")]
    assert [m.sentence for m in found.missing] == ["no dataset."]
    assert [r.kind for r in found.found] == ["release"]
    assert ask({"any": [{"find": "monitor"}, {"find": "release"}]}).proven
    assert ask({"any": [{"find": "monitor"}, {"find": "dataset"}]}).outcome == "not_yet"
    chain = {"all": [{"find": "monitor", "as": "m"}, {"find": "call", "where": {"app": "$m.app"}}]}
    assert ask(chain).outcome == "unavailable"


def test_what_a_person_has_to_say_never_counts_as_proven(house: House, ask: Any) -> None:
    found = ask({"attest": "I was there"})
    assert (found.outcome, found.attested, found.missing) == ("not_yet", ("I was there",), ())
    found = ask({"all": [{"find": "release", "because": "none"}, {"attest": "I was there"}]})
    assert found.attested
    assert found.missing
    house.release()
    found = ask({"all": [{"find": "release"}, {"attest": "I was there"}]})
    assert (found.outcome, found.attested, found.missing) == ("not_yet", ("I was there",), ())


def test_the_digest_of_a_finding_is_that_of_the_predicate_as_it_was_filled_in(checker: Checker) -> None:
    predicate = {"find": "answer", "where": {"app": "$lab.app"}}
    one = checker.check(LOCAL, predicate, parameters={"lab": {"app": "a"}})
    assert one.digest == checker.check(LOCAL, {"find": "answer", "where": {"app": "a"}}).digest
    assert one.digest != checker.check(LOCAL, predicate, parameters={"lab": {"app": "b"}}).digest


def test_equal_records_give_equal_findings(house: House, ask: Any) -> None:
    for number in (1, 2, 3):
        house.deployment(house.release(number=number))
    chain = {"all": [{"find": "release", "as": "r"}, {"find": "deployment", "where": {"release": "$r.id"}}]}
    assert ask(chain) == ask(chain)


def test_a_search_that_leads_nowhere_gives_up_and_says_so(
    house: House, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundwork.evidence import search

    monkeypatch.setattr(search, "STEPS", 20)
    house.calls(60)
    found = ask(
        {
            "all": [
                {"find": "call", "as": "a"},
                {"find": "call", "as": "b", "where": {"id": {"not": "$a.id"}}},
                {"find": "call", "where": {"id": {"not": "$b.id"}, "app": "nothing"}},
            ]
        }
    )
    assert found.outcome == "not_yet"
    assert any("combinations" in m.sentence for m in found.missing)


# ---- the same as by hand ----

FIELDS = {
    "call": ("state", "provider", "model", "app"),
    "release": ("app", "prompt_name"),
    "deployment": ("app", "kind"),
}
VALUES = ["a", "b", "c"]


def rows_of(kind: str) -> st.SearchStrategy[list[dict[str, str]]]:
    row = st.fixed_dictionaries({name: st.sampled_from(VALUES) for name in FIELDS[kind]})
    return st.lists(row, max_size=5)


def find_of(kind: str, known: tuple[tuple[str, str], ...], name: str) -> st.SearchStrategy[dict[str, Any]]:
    values = [*VALUES, *(f"${n}.{f}" for n, k in known for f in FIELDS[k])]
    test = st.one_of(
        st.sampled_from(values),
        st.sampled_from(values).map(lambda v: {"not": v}),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2),
    )
    fields = st.sampled_from(FIELDS[kind])
    return st.fixed_dictionaries(
        {"find": st.just(kind), "where": st.dictionaries(fields, test, max_size=2), "as": st.just(name)},
        optional={
            "count": st.fixed_dictionaries({"at_least": st.integers(1, 3)}),
            "spread": st.fixed_dictionaries({"field": fields, "at_least": st.integers(1, 3)}),
            "each": st.dictionaries(fields, st.sampled_from(VALUES), min_size=1, max_size=1),
            "per": fields,
        },
    )


@st.composite
def chains(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an `all` of finds that refer to those before them."""
    known: tuple[tuple[str, str], ...] = ()
    parts = []
    for n in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(sorted(FIELDS)))
        parts.append(draw(find_of(kind, known, f"n{n}")))
        known = (*known, (f"n{n}", kind))
    return {"all": parts}


def _fits(row: Mapping[str, str], where: Mapping[str, Any], env: Mapping[str, Mapping[str, str]]) -> bool:
    def value(said: str) -> str:
        name, _, field = said.removeprefix("$").partition(".")
        return env[name][field] if said.startswith("$") else said

    for field, said in where.items():
        if isinstance(said, dict):
            fits = row[field] != value(said["not"])
        elif isinstance(said, list):
            fits = row[field] in said
        else:
            fits = row[field] == value(said)
        if not fits:
            return False
    return True


def _choices(find: Mapping[str, Any], rows: Any, env: Any) -> Iterator[Mapping[str, str]]:
    """Yield the rows that may be chosen, as the grammar says it and no cleverer."""
    fitting = [row for row in rows[find["find"]] if _fits(row, find["where"], env)]
    groups = [fitting]
    if "per" in find:
        groups = [
            [r for r in fitting if r[find["per"]] == v] for v in sorted({r[find["per"]] for r in fitting})
        ]
    for group in groups:
        enough = len(group) >= find.get("count", {}).get("at_least", 1)
        spread = find.get("spread")
        wide = spread is None or len({r[spread["field"]] for r in group}) >= spread["at_least"]
        each = all(_fits(r, find.get("each", {}), env) for r in group)
        if enough and wide and each:
            yield from group


def by_hand(parts: Any, rows: Any, env: Mapping[str, Any]) -> bool:
    """Answer by trying everything."""
    if not parts:
        return True
    first = parts[0]
    return any(by_hand(parts[1:], rows, {**env, first["as"]: row}) for row in _choices(first, rows, env))


def _write(house: House, rows: Mapping[str, list[dict[str, str]]]) -> None:
    house.clear()
    for row in rows["call"]:
        house.put(t.calls, **row)
    for n, row in enumerate(rows["release"]):
        house.put(
            i.releases,
            id=f"rel_{n}",
            digest=f"{n}",
            app=row["app"],
            number=n,
            manifest={"prompt": f"{row['prompt_name']}@1"},
        )
    for row in rows["deployment"]:
        house.put(i.deployments, **row)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(chain=chains(), calls=rows_of("call"), releases=rows_of("release"), deployments=rows_of("deployment"))
def test_the_answer_is_that_of_trying_everything(
    house: House, monkeypatch: pytest.MonkeyPatch, chain: Any, calls: Any, releases: Any, deployments: Any
) -> None:
    monkeypatch.setattr("groundwork.evidence.kinds.release.Releases.checks", False)
    rows = {"call": calls, "release": releases, "deployment": deployments}
    _write(house, rows)
    found = Checker(house.database, None, None).check(LOCAL, chain)  # type: ignore[arg-type]
    assert found.proven == by_hand(chain["all"], rows, {})
    assert bool(found.missing) == (not found.proven)


MONOTONE = ("count", "spread", "per")


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(chain=chains(), calls=rows_of("call"), deployments=rows_of("deployment"))
def test_taking_a_record_away_never_proves_what_only_asks_for_more(
    house: House, chain: Any, calls: Any, deployments: Any
) -> None:
    chain = {
        "all": [
            {k: v for k, v in part.items() if k != "each"}
            for part in chain["all"]
            if part["find"] != "release"
        ]
    }
    names = {part["as"] for part in chain["all"]}
    if not chain["all"] or any(f"${n}." in str(chain) and n not in names for n in ("n0", "n1", "n2")):
        return
    rows = {"call": calls, "release": [], "deployment": deployments}
    _write(house, rows)
    checker = Checker(house.database, None, None)  # type: ignore[arg-type]
    if checker.check(LOCAL, chain).proven:
        return
    for table, row in list(itertools.islice(house.written, 4)):
        house.remove(table, row)
        assert not checker.check(LOCAL, chain).proven
        with house.database.write() as connection:
            connection.execute(insert(table).values(row))
