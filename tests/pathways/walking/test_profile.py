"""Profiles: names as people write them, dates and hours that make sense, and every earlier state kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.clock import ManualClock
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.catalogue.book import CatalogueBook
from groundwork.pathways.walking.days import day_of, exception_of
from groundwork.pathways.walking.profile import Profiles, profile_of
from groundwork.storage.database import Database

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profiles]:
    folder: Path = tmp_path_factory.mktemp("profiles")
    database, clock = Database(folder / "groundwork.db"), ManualClock(NOW)
    database.migrate()
    yield Profiles(database, clock, CatalogueBook(database, clock, folder / "pathways"))
    database.close()


def someone(name: str) -> Principal:
    return Principal(name=f"user:{name}")


def test_names_are_matched_as_people_write_them_and_the_rest_is_kept(profiles: Profiles) -> None:
    ann = someone("ann")
    saved = profiles.change(
        ann,
        background="Software engineers",
        target="ml engineer",
        hours_per_week=8,
        by="2028-06",
        declared=["python-engineering"],
    )
    assert (saved.background, saved.target, saved.by) == ("software-engineer", "ml-engineer", "2028-06-30")
    again = profiles.change(ann, hours_per_week=5.5)
    assert again.hours_per_week == 5.5
    assert (again.background, again.declared) == ("software-engineer", ("python-engineering",))
    assert profiles.current(ann) == again
    assert profiles.change(ann, by="", declared=[]).by == ""


def test_nobody_has_the_profile_of_another(profiles: Profiles) -> None:
    profiles.change(someone("bea"), name="Bea")
    assert profiles.current(someone("otto")).name == ""
    assert profiles.current(Principal(tenant="north", name="user:bea")).name == ""


def test_an_unknown_role_offers_the_nearest(profiles: Profiles) -> None:
    with pytest.raises(NotFoundError) as caught:
        profiles.change(LOCAL, target="ai sistems enginer")
    assert "AI Systems Engineer" in caught.value.hint
    assert profiles.current(LOCAL).target == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hours_per_week": 0}, "0 hours a week"),
        ({"hours_per_week": -3}, "-3 hours a week"),
        ({"hours_per_week": float("nan")}, "nan hours a week"),
        ({"hours_per_week": 101}, "101 hours a week"),
        ({"by": "2020-01"}, "2020-01-31 is not after"),
        ({"by": "2026-11-29"}, "is not after"),
        ({"by": "soon"}, "is no date"),
        ({"start": "2026-13-01"}, "is no date"),
        ({"start": "2999-01-01"}, "out of reach"),
        ({"exceptions": [("2027-02-01", "2027-01-01", 0)]}, "ends before it begins"),
        ({"exceptions": [("2027-02-01", "2027-03-01", 200)]}, "200 hours a week"),
        ({"money": -1}, "no limit of money"),
        ({"name": "x" * 201}, "more than 200"),
        ({"shoe_size": 43}, "has no `shoe_size`"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_value_and_changes_nothing(
    profiles: Profiles, changes: dict[str, Any], said: str
) -> None:
    carl = someone("carl")
    with pytest.raises(InvalidInputError) as caught:
        profiles.change(carl, **changes)
    assert said in caught.value.message
    assert caught.value.hint
    assert profiles.current(carl) == profile_of({})


def test_a_start_later_than_today_moves_the_earliest_wished_day(profiles: Profiles) -> None:
    with pytest.raises(InvalidInputError):
        profiles.change(someone("dora"), start="2027-06-01", by="2027-05-01")


@pytest.mark.parametrize(
    ("text", "last", "day"),
    [
        ("2028-06", True, date(2028, 6, 30)),
        ("2028-06", False, date(2028, 6, 1)),
        ("2028-2", True, date(2028, 2, 29)),
        (" 2027-01-05 ", True, date(2027, 1, 5)),
    ],
)
def test_a_month_is_its_last_day_or_its_first(text: str, last: bool, day: date) -> None:
    assert day_of(text, last=last) == day


def test_an_exception_is_two_days_and_hours() -> None:
    assert exception_of("2027-08-01..2027-08-31=0") == ("2027-08-01", "2027-08-31", 0.0)
    for wrong in ("2027-08-01", "2027-08-01..2027-08-31", "a..b=0", "2027-08-01..2027-08-31=1.2.3"):
        with pytest.raises(InvalidInputError):
            exception_of(wrong)


def test_a_profile_of_another_version_of_the_program_is_read_as_far_as_it_is_known() -> None:
    read = profile_of(
        {
            "target": "ml-engineer",
            "declared": ["a"],
            "exceptions": [["2027-01-01", "2027-01-02", 0]],
            "new": 1,
        }
    )
    assert (read.target, read.declared, read.exceptions) == (
        "ml-engineer",
        ("a",),
        (("2027-01-01", "2027-01-02", 0.0),),
    )
