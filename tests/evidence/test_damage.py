"""Damaged records prove nothing, and records that were found once are looked at again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from groundwork.core.principal import LOCAL
from groundwork.evidence.engine import Checker
from groundwork.evidence.types import Found
from groundwork.storage import improvement_tables as i
from groundwork.storage import pathway_tables as p
from groundwork.storage import tables as t
from tests.evidence.house import House, opened

RELEASED = {
    "all": [
        {"find": "release", "as": "r"},
        {"find": "deployment", "where": {"release": "$r.id"}, "because": "it is not served"},
    ]
}


def _change(house: House, table: Any, row: dict[str, Any], **values: Any) -> None:
    with house.database.write() as connection:
        keys = [column == row[column.name] for column in table.primary_key]
        connection.execute(update(table).where(*keys).values(**values))


def _other_manifest(row: dict[str, Any]) -> dict[str, Any]:
    return {"manifest": {**row["manifest"], "snapshot": "another"}}


def _other_digest(row: dict[str, Any]) -> dict[str, Any]:
    return {"digest": "0" * 64}


def _other_signature(row: dict[str, Any]) -> dict[str, Any]:
    signature = {**row["envelope"]["signatures"][0], "sig": "AAAA"}
    return {"envelope": {**row["envelope"], "signatures": [signature]}}


def _no_envelope(row: dict[str, Any]) -> dict[str, Any]:
    return {"envelope": {}}


def _no_manifest(row: dict[str, Any]) -> dict[str, Any]:
    return {"manifest": {}}


DAMAGE = [_other_manifest, _other_digest, _other_signature, _no_envelope, _no_manifest]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_release_that_is_not_what_was_signed_breaks_what_rests_on_it(
    house: House, checker: Checker, damage: Any
) -> None:
    release = house.release()
    house.deployment(release)
    assert checker.check(LOCAL, RELEASED).proven
    _change(house, i.releases, release, **damage(release))
    found = checker.check(LOCAL, RELEASED)
    assert found.outcome == "broken"
    assert f"The release `{release['id']}` is damaged and does not count:" in found.missing[0].sentence
    assert release["id"] not in [r.id for r in found.found]


def test_a_release_signed_by_another_key_breaks_what_rests_on_it(
    house: House, checker: Checker, tmp_path: Any
) -> None:
    (tmp_path / "other").mkdir()
    forger = House(house.database, opened(tmp_path / "other"))
    house.deployment(forger.release())
    found = checker.check(LOCAL, RELEASED)
    assert found.outcome == "broken"
    assert "no signature in it is by the key" in found.missing[0].sentence


def test_a_whole_record_stands_in_for_a_damaged_one(house: House, checker: Checker) -> None:
    old, new = house.release(number=1), house.release(number=2)
    for release in (old, new):
        house.deployment(release)
    _change(house, i.releases, new, **_other_signature(new))
    found = checker.check(LOCAL, RELEASED)
    assert found.proven
    assert found.found[0].id == old["id"]
    both = {"find": "release", "count": {"at_least": 2}}
    assert checker.check(LOCAL, both).outcome == "broken"


def test_what_is_asked_of_every_release_is_not_known_while_one_is_damaged(
    house: House, checker: Checker
) -> None:
    house.release(number=1)
    new = house.release(number=2)
    every = {"find": "release", "each": {"app": "handbook"}}
    assert checker.check(LOCAL, every).proven
    _change(house, i.releases, new, **_other_signature(new))
    assert checker.check(LOCAL, every).outcome == "broken"


def test_damage_wins_over_a_room_that_is_not_built(house: House, checker: Checker) -> None:
    release = house.release()
    predicate = {"all": [{"find": "release"}, {"find": "monitor"}]}
    assert checker.check(LOCAL, predicate).outcome == "unavailable"
    _change(house, i.releases, release, **_other_signature(release))
    assert checker.check(LOCAL, predicate).outcome == "broken"


def test_a_damaged_release_is_seen_as_changed_too(house: House, checker: Checker) -> None:
    release = house.release()
    found = checker.check(LOCAL, {"find": "release"}).found
    _change(house, i.releases, release, **_other_manifest(release))
    assert checker.recheck(LOCAL, found)[0].state == "changed"


def test_a_record_is_the_same_changed_or_gone(both: House) -> None:
    checker = Checker(both.database, None, both.key)  # type: ignore[arg-type]
    first, second = both.evaluation(n=60), both.evaluation(n=70)
    third = both.evaluation(n=80)
    found = checker.check(
        LOCAL, {"find": "evaluation", "count": {"at_least": 3}, "where": {"n": {"at_least": 60}}}
    ).found
    assert [r.id for r in found] == [third["id"], second["id"], first["id"]]
    assert [r.state for r in checker.recheck(LOCAL, found)] == ["same"] * 3
    _change(both, i.evaluations, second, record={**second["record"], "n": 7})
    both.remove(i.evaluations, first)
    same, changed, gone = checker.recheck(LOCAL, found)
    assert same.state == "same"
    assert not same.why
    assert changed.state == "changed"
    assert "`n` was 70.0, is 7.0" in changed.why
    assert gone.state == "gone"
    assert first["id"] in gone.why
    assert [r.found for r in (same, changed, gone)] == list(found)


def test_what_is_bound_to_change_changes_no_record(house: House, checker: Checker) -> None:
    evaluation = house.evaluation()
    release = house.release()
    moved = house.deployment(release)
    key = house.put(t.api_keys, limits={}, scopes=[], digest="d")
    found = [checker.check(LOCAL, {"find": kind}).found[0] for kind in ("evaluation", "deployment", "key")]
    _change(house, i.evaluations, evaluation, progress={"done": 3, "failed": 0})
    _change(house, i.deployments, moved, ended_at="2026-11-09T00:00:00+00:00")
    _change(house, t.api_keys, key, last_used_at="2026-11-09T00:00:00+00:00")
    house.deployment(house.release(number=2), previous=release["id"])
    assert [r.state for r in checker.recheck(LOCAL, found)] == ["same"] * 3


def test_a_redacted_answer_is_a_changed_one_and_an_erased_one_is_gone(house: House, checker: Checker) -> None:
    answer = house.answer()
    house.put(t.answer_replays, answer_id=answer["id"], result="identical", times=1)
    found = [*checker.check(LOCAL, {"find": "answer"}).found, *checker.check(LOCAL, {"find": "replay"}).found]
    _change(house, t.answer_replays, house.written[-1][1], times=5, last_at="2026-11-09T00:00:00+00:00")
    assert [r.state for r in checker.recheck(LOCAL, found)] == ["same", "same"]
    _change(house, t.answers, answer, redacted=True, text="")
    assert checker.recheck(LOCAL, found)[0].state == "changed"
    house.remove(t.answers, answer)
    assert [r.state for r in checker.recheck(LOCAL, found)] == ["gone", "gone"]


def test_a_record_of_a_kind_that_nobody_knows_is_gone(checker: Checker) -> None:
    (one,) = checker.recheck(LOCAL, [Found("spaceship", "x", "d")])
    assert one.state == "gone"


def test_a_lab_that_was_reset_takes_its_result_away(house: House, checker: Checker) -> None:
    run = house.lab("first-documents")
    found = checker.check(LOCAL, {"find": "lab_result"}).found
    _change(house, p.lab_runs, run, state="reset")
    assert checker.recheck(LOCAL, found)[0].state == "gone"
