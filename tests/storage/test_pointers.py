"""A pointer moves when it stands where it was expected, and every move is a record."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import ConflictError, GroundworkError
from groundwork.core.principal import LOCAL, Principal
from groundwork.storage import pointers
from groundwork.storage.database import Database


def current(database: Database, name: str, tenant: str = "default") -> str | None:
    with database.read() as connection:
        pointer = pointers.get(connection, tenant, "snapshot", name)
    return pointer.version if pointer else None


def test_a_pointer_moves_from_where_it_was_expected(database: Database) -> None:
    with database.write() as connection:
        first = pointers.move(connection, LOCAL, "snapshot", "handbook", "v1", expected=None, reason="ingest")
        second = pointers.move(connection, LOCAL, "snapshot", "handbook", "v2", expected="v1")
    assert (first.old, first.new, first.reason, first.principal) == (None, "v1", "ingest", "local")
    assert (second.old, second.new) == ("v1", "v2")
    assert current(database, "handbook") == "v2"
    with database.read() as connection:
        assert pointers.history(connection, "default", "snapshot", "handbook") == [second, first]
        assert pointers.history(connection, "default", "snapshot", "handbook", limit=1) == [second]


@pytest.mark.parametrize("expected", [None, "v0"])
def test_a_pointer_that_stands_elsewhere_is_not_moved(database: Database, expected: str | None) -> None:
    with database.write() as connection:
        pointers.move(connection, LOCAL, "snapshot", "handbook", "v1")
    with pytest.raises(ConflictError) as caught, database.write() as connection:
        pointers.move(connection, LOCAL, "snapshot", "handbook", "v2", expected=expected)
    assert caught.value.details["current"] == "v1"
    assert current(database, "handbook") == "v1"


def test_a_pointer_that_does_not_exist_stands_nowhere(database: Database) -> None:
    with pytest.raises(ConflictError) as caught, database.write() as connection:
        pointers.move(connection, LOCAL, "snapshot", "handbook", "v2", expected="v1")
    assert caught.value.details["current"] is None
    assert current(database, "handbook") is None


def test_tenants_have_pointers_of_their_own(database: Database) -> None:
    with database.write() as connection:
        pointers.move(connection, Principal(tenant="a"), "snapshot", "handbook", "va")
        pointers.move(connection, Principal(tenant="b"), "snapshot", "handbook", "vb")
        assert len(pointers.history(connection, "a", "snapshot", "handbook")) == 1
    assert current(database, "handbook", "a") == "va"
    assert current(database, "handbook", "b") == "vb"
    assert current(database, "handbook") is None


def test_of_many_that_expect_the_same_exactly_one_moves(database: Database) -> None:
    for expected, version in ((None, "a"), ("winner", "b")):

        def attempt(number: int, expected: str | None = expected, version: str = version) -> bool:
            try:
                with database.write() as connection:
                    pointers.move(
                        connection, LOCAL, "snapshot", "race", f"{version}{number}", expected=expected
                    )
            except GroundworkError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(8))) == 1
        with database.write() as connection:
            pointers.move(connection, LOCAL, "snapshot", "race", "winner")


def test_the_history_is_the_way_of_the_pointer(database: Database) -> None:
    names = itertools.count()

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.sampled_from(["v1", "v2", "v3"]), min_size=1, max_size=8))
    def check(versions: list[str]) -> None:
        name = next(names)
        for version in versions:
            with database.write() as connection:
                pointers.move(connection, LOCAL, "snapshot", str(name), version)
        with database.read() as connection:
            moves = pointers.history(connection, "default", "snapshot", str(name))[::-1]
        assert [move.new for move in moves] == versions
        assert [move.old for move in moves] == [None, *versions[:-1]]

    check()
