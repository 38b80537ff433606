"""The second delivery of a key gets the first result and has no effect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, insert, select

from groundwork.core.errors import ConflictError
from groundwork.core.principal import LOCAL, Principal
from groundwork.storage import idempotency
from groundwork.storage import tables as t
from groundwork.storage.database import Database


def effect(connection: Connection) -> int:
    """Add a move and return how many there are."""
    seen = connection.execute(select(func.count()).select_from(t.pointer_moves)).scalar_one()
    words = dict.fromkeys(("tenant", "kind", "name", "new", "principal", "reason", "at"), "")
    connection.execute(insert(t.pointer_moves), [{"id": f"mov_{seen}", "old": None, **words}])
    return int(seen) + 1


def test_an_action_is_done_once_per_key(database: Database) -> None:
    assert [idempotency.once(database, LOCAL, "ingest", "key", effect) for _ in range(3)] == [1, 1, 1]
    assert idempotency.once(database, LOCAL, "ingest", "another", effect) == 2
    assert idempotency.once(database, LOCAL, "erase", "key", effect) == 3
    assert idempotency.once(database, Principal(tenant="other"), "ingest", "key", effect) == 4
    assert idempotency.once(database, LOCAL, "ingest", None, effect) == 5


def test_an_action_that_fails_is_not_remembered(database: Database) -> None:
    def fail(connection: Connection) -> None:
        effect(connection)
        raise ValueError

    with pytest.raises(ValueError):
        idempotency.once(database, LOCAL, "ingest", "key", fail)
    assert idempotency.once(database, LOCAL, "ingest", "key", effect) == 1


def test_a_result_of_none_is_remembered_too(database: Database) -> None:
    calls: list[int] = []

    def quiet(connection: Connection) -> None:
        calls.append(1)

    for _ in range(2):
        assert idempotency.once(database, LOCAL, "ingest", "key", quiet) is None
    assert calls == [1]


def test_a_key_used_for_another_request_is_a_conflict(database: Database) -> None:
    idempotency.once(database, LOCAL, "ingest", "key", effect, {"paths": ["a"]})
    assert idempotency.once(database, LOCAL, "ingest", "key", effect, {"paths": ["a"]}) == 1
    with pytest.raises(ConflictError):
        idempotency.once(database, LOCAL, "ingest", "key", effect, {"paths": ["b"]})


def test_deliveries_at_once_have_one_effect_and_one_result(database: Database) -> None:
    def deliver(_: int) -> int:
        return int(idempotency.once(database, LOCAL, "ingest", "key", effect))

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(deliver, range(12))) == {1}
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.pointer_moves)).scalar() == 1


def test_old_keys_can_be_forgotten(database: Database) -> None:
    idempotency.once(database, LOCAL, "ingest", "key", effect)
    with database.write() as connection:
        assert idempotency.forget(connection, "2000-01-01") == 0
        assert idempotency.forget(connection, "2999-01-01") == 1
        assert idempotency.recall(connection, LOCAL, "ingest", "key") is None
