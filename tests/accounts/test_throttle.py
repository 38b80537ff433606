"""Guessing is slowed down per name and address, exponentially, in bounded memory; strangers cannot keep an owner out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from groundwork.accounts.throttle import ADDRESS, FORGET_S, NAME, PAIR, Throttle
from groundwork.core.clock import ManualClock
from groundwork.core.errors import RateLimitedError


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 28, tzinfo=UTC))


def wait_of(throttle: Throttle, name: str = "ann", address: str = "192.0.2.1") -> float:
    """Try once and return for how long the next try is refused; 0 when this one was let in."""
    try:
        throttle.admit(name, address)
    except RateLimitedError as error:
        return float(error.details["retry_after_s"])
    return 0.0


def test_the_first_failures_cost_nothing_and_then_the_wait_doubles_up_to_a_limit(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    for _ in range(PAIR.free):
        assert wait_of(throttle) == 0
    waits = []
    for _ in range(14):
        waits.append(wait_of(throttle))
        clock.advance(waits[-1])
        assert wait_of(throttle) == 0
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert waits[-1] == PAIR.most_s


def test_tries_while_one_waits_do_not_make_the_wait_longer(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    for _ in range(PAIR.free):
        throttle.admit("ann", "192.0.2.1")
    assert {wait_of(throttle) for _ in range(50)} == {1}


def test_many_at_the_same_time_gain_nothing(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    assert sum(wait_of(throttle) == 0 for _ in range(100)) == PAIR.free


def test_whoever_succeeds_begins_anew(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    for _ in range(3):
        for _ in range(PAIR.free - 1):
            throttle.admit("ann", "192.0.2.1")
        throttle.admit("ann", "192.0.2.1")
        throttle.succeeded("ann", "192.0.2.1")


def test_one_address_cannot_try_many_names_and_its_own_account_washes_nothing_away(
    clock: ManualClock,
) -> None:
    throttle = Throttle(clock)
    admitted = 0
    for n in range(200):
        admitted += wait_of(throttle, f"name {n}") == 0
        if wait_of(throttle, "mallory") == 0:
            throttle.succeeded("mallory", "192.0.2.1")
    assert admitted <= ADDRESS.free + 1


def test_strangers_elsewhere_keep_the_owner_of_a_name_waiting_only_briefly(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    for n in range(500):
        wait_of(throttle, "ann", f"198.51.100.{n % 250}.{n}")
        clock.advance(1)
    assert wait_of(throttle, "ann", "192.0.2.9") <= NAME.most_s
    clock.advance(NAME.most_s)
    assert wait_of(throttle, "ann", "192.0.2.9") == 0


def test_case_and_blanks_make_no_other_name(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    admitted = sum(wait_of(throttle, name) == 0 for name in ["ann", "ANN", " ann ", "Ann"] * 5)
    assert admitted == PAIR.free


def test_what_is_long_ago_is_forgotten(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    for _ in range(10):
        wait_of(throttle)
    clock.advance(FORGET_S + 1)
    assert wait_of(throttle) == 0


def test_memory_is_bounded_however_many_names_are_tried(clock: ManualClock) -> None:
    throttle = Throttle(clock, most=100)
    for n in range(1000):
        wait_of(throttle, f"name {n} " * 1000, f"address {n}")
    assert len(throttle) <= 100
