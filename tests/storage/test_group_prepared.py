"""Prepared statements answer what the same statements answer through SQLAlchemy, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select, update

from groundwork.storage import tables as t
from groundwork.storage.database import Database
from groundwork.storage.prepared import Cursor, Prepared

j = t.jobs.c
PUT = Prepared(insert(t.jobs).inline())
GET = Prepared(select(t.jobs).where(j.id == bindparam("wanted")))
KINDS = Prepared(select(j.kind, j.cancel_requested).where(j.state == "open", j.tenant == "t").order_by(j.id))
CANCEL = Prepared(
    update(t.jobs)
    .where(j.id == bindparam("wanted"))
    .values(cancel_requested=True, attempts=j.attempts + bindparam("more"))
    .returning(j.principal, j.attempts, j.cancel_requested)
)
NUMBERS = itertools.count()
KEEP = Prepared(lambda new: new(t.blobs).on_conflict_do_nothing())


@pytest.fixture
def cursor(database: Database) -> Iterator[Cursor]:
    connection = database.driver_connection()
    yield Cursor(connection.cursor(), database.dialect)
    connection.close()


def job(identifier: str, **more: Any) -> dict[str, Any]:
    row = {column.name: None for column in t.jobs.columns}
    row |= {
        "id": identifier,
        "tenant": "t",
        "kind": "k",
        "state": "open",
        "arguments": {},
        "progress": {},
        "actor": {},
    }
    return row | {"principal": "", "created_at": "", "cancel_requested": False, "attempts": 0} | more


def test_rows_go_in_and_come_out_by_the_types_of_their_columns(database: Database, cursor: Cursor) -> None:
    row = job(
        "a",
        principal="\ud800 \x00 漢字 %s ? :x",
        arguments={"b": [1.5, None], "a": "\x00"},
        cancel_requested=True,
    )
    assert cursor.run(PUT, row) == 1
    assert cursor.one(GET, {"wanted": "a"}) == tuple(row.values())
    with database.read() as connection:
        assert tuple(connection.execute(select(t.jobs)).one()) == tuple(row.values())
    assert cursor.one(GET, {"wanted": "nobody"}) is None


def test_fixed_values_need_not_be_given_and_all_rows_come(cursor: Cursor) -> None:
    for name in "abc":
        cursor.run(PUT, job(name, kind=f"%{name}"))
    assert cursor.all(KINDS, {}) == [("%a", False), ("%b", False), ("%c", False)]


def test_what_an_update_returns_is_converted_too(cursor: Cursor) -> None:
    cursor.run(PUT, job("a", principal="\ud800"))
    assert cursor.one(CANCEL, {"wanted": "a", "more": 2}) == ("\ud800", 2, True)
    assert cursor.run(CANCEL, {"wanted": "b", "more": 1}) in (0, -1)


def test_a_taken_key_can_be_left_alone(cursor: Cursor) -> None:
    blob = {"digest": "a", "size": 1, "media_type": "", "created_at": ""}
    assert cursor.run(KEEP, blob) == 1
    assert cursor.run(KEEP, blob | {"size": 2}) == 0


def test_a_missing_value_is_an_error_and_a_list_cannot_be_prepared(cursor: Cursor) -> None:
    with pytest.raises(KeyError):
        cursor.run(PUT, {"id": "a"})
    with pytest.raises(ValueError, match="list"):
        Prepared(select(j.id).where(j.id.in_(bindparam("ids", expanding=True)))).on(cursor.dialect)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters()), value=VALUES.filter(lambda v: v is not None))
def test_any_text_and_any_json_comes_back_as_it_went_in(cursor: Cursor, text: str, value: Any) -> None:
    name = f"j{next(NUMBERS)}"
    cursor.run(PUT, job(name, principal=text, arguments=value))
    row = cursor.one(GET, {"wanted": name})
    assert row is not None
    stored = dict(zip([c.name for c in t.jobs.columns], row, strict=True))
    assert (stored["principal"], stored["arguments"]) == (text, value)
