"""Token buckets: requests and tokens in a minute, on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from groundwork.core.errors import RateLimitedError
from groundwork.gateway import rates
from groundwork.gateway.types import Usage
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from tests.gateway.ledgers import Books, asking, ending, open_books


@pytest.fixture
def house(books: Database) -> Iterator[Books]:
    opened = open_books(books)
    yield opened
    opened.ledger.close()


def test_a_minutes_requests_may_come_at_once_and_then_evenly(
    house: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(rates, "_clock", lambda cursor: (now[0], "run"))
    caller, _ = house.key(requests_per_minute=30)
    for _ in range(30):
        house.admit(asking(caller))
    for _ in range(3):
        with pytest.raises(RateLimitedError) as caught:
            house.admit(asking(caller))
        assert caught.value.details["retry_after_s"] == 2.0
        now[0] += 2.0
        house.admit(asking(caller))
    now[0] += 3600
    for _ in range(30):
        house.admit(asking(caller))
    with pytest.raises(RateLimitedError):
        house.admit(asking(caller))


def test_the_time_of_a_bucket_goes_on_by_the_databases_clock(house: Books) -> None:
    caller, _ = house.key(requests_per_minute=600)
    (row,) = (house.admit(asking(caller)), house.rows(t.rate_buckets))[1]
    time.sleep(0.2)
    house.admit(asking(caller))
    (later,) = house.rows(t.rate_buckets)
    assert 0.15 < later.at - row.at < 5
    assert later.level == pytest.approx(599, abs=1)


def test_a_refused_call_takes_nothing_from_the_other_bucket(house: Books) -> None:
    caller, _ = house.key(requests_per_minute=2, tokens_per_minute=100)
    house.admit(asking(caller, tokens=100))
    with pytest.raises(RateLimitedError) as caught:
        house.admit(asking(caller, tokens=50))
    assert caught.value.details["unit"] == "tokens"
    assert caught.value.details["retry_after_s"] == pytest.approx(30, abs=2)
    house.admit(asking(caller, tokens=0))


def test_tokens_are_taken_by_estimate_and_corrected_by_what_was_used(house: Books) -> None:
    caller, _ = house.key(tokens_per_minute=1000)
    admission = asking(caller, tokens=1000)
    house.admit(admission)
    house.settle(ending(admission, usage=Usage(200, 100)))
    house.admit(asking(caller, tokens=690))
    with pytest.raises(RateLimitedError):
        house.admit(asking(caller, tokens=100))


def test_using_more_than_was_estimated_leaves_a_debt(house: Books) -> None:
    caller, _ = house.key(tokens_per_minute=1000)
    admission = asking(caller, tokens=10)
    house.admit(admission)
    house.settle(ending(admission, usage=Usage(2000, 0)))
    with pytest.raises(RateLimitedError) as caught:
        house.admit(asking(caller, tokens=1))
    assert caught.value.details["retry_after_s"] == pytest.approx(60, abs=3)


def test_a_call_larger_than_the_bucket_is_let_in_when_it_is_full(house: Books) -> None:
    caller, _ = house.key(tokens_per_minute=100)
    house.admit(asking(caller, tokens=5000))
    with pytest.raises(RateLimitedError):
        house.admit(asking(caller, tokens=1))


def test_buckets_are_full_after_the_machine_was_started_anew(
    house: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    if house.database.dialect == "postgresql":
        pytest.skip("the server's clock does not begin anew")
    caller, _ = house.key(requests_per_minute=1)
    house.admit(asking(caller))
    with pytest.raises(RateLimitedError):
        house.admit(asking(caller))
    monkeypatch.setattr(rates, "boot_id", lambda: "another")
    monkeypatch.setattr(rates, "boot_seconds", lambda: 5.0)
    house.admit(asking(caller))


def test_each_key_has_buckets_of_its_own(house: Books) -> None:
    first, _ = house.key("a", requests_per_minute=1)
    second, _ = house.key("b", requests_per_minute=1)
    house.admit(asking(first))
    house.admit(asking(second))
    assert len(house.rows(t.rate_buckets)) == 2
