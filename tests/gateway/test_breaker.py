"""When a breaker opens, for how long, and what closes it again."""

from __future__ import annotations

from groundwork.gateway.breaker import Breaker, BreakerOptions, Breakers


def _opened(options: BreakerOptions = BreakerOptions()) -> Breaker:
    breaker = Breaker(options)
    for _ in range(options.consecutive):
        assert breaker.enter(0.0)
        breaker.failed(0.0)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker()
    for now in range(20):
        breaker.failed(now * 100.0)
        breaker.failed(now * 100.0)
        breaker.succeeded(now * 100.0)
    assert breaker.state == "closed"
    assert _opened().state == "open"


def test_a_high_rate_of_failures_opens_it() -> None:
    breaker = Breaker()
    for n in range(20):
        breaker.succeeded(n * 0.1) if n % 2 == 0 else breaker.failed(n * 0.1)
    assert breaker.state == "open"


def test_outcomes_outside_of_the_window_do_not_count() -> None:
    breaker = Breaker()
    for n in range(40):
        breaker.succeeded(n * 10.0) if n % 2 == 0 else breaker.failed(n * 10.0)
    assert breaker.state == "closed"


def test_after_its_pause_one_call_goes_through_and_closes_it() -> None:
    breaker = _opened()
    assert not breaker.enter(4.9)
    assert breaker.wait_s(1.0) == 4.0
    assert breaker.ready(5.0)
    assert breaker.enter(5.0)
    assert not breaker.ready(5.0)
    assert not breaker.enter(5.0)
    breaker.succeeded(5.1)
    assert breaker.state == "closed"
    assert breaker.enter(5.2)
    assert breaker.enter(5.2)


def test_each_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    breaker = _opened()
    now, pauses = 0.0, []
    for _ in range(6):
        pauses.append(breaker.wait_s(now))
        now += breaker.wait_s(now)
        assert breaker.enter(now)
        breaker.failed(now)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_probe_that_is_cancelled_leaves_room_for_the_next() -> None:
    breaker = _opened()
    assert breaker.enter(5.0)
    breaker.left()
    assert breaker.state == "half_open"
    assert breaker.enter(5.0)


def test_breakers_are_bounded() -> None:
    breakers = Breakers(most=10)
    for n in range(50):
        breakers.of(("p", str(n)))
    assert len(breakers.states()) == 10
    assert breakers.of(("p", "49")) is breakers.of(("p", "49"))
