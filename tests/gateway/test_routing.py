"""Weighted routes, stickiness, and what is passed over."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from groundwork.core.errors import UpstreamError
from groundwork.gateway.breaker import BreakerOptions
from groundwork.gateway.catalog import Catalog, Plan
from groundwork.gateway.gateway import GatewayOptions
from groundwork.gateway.routing import order
from tests.gateway.flows import chat, lab, scripted, spec

PROVIDERS: dict[str, Any] = {"p": scripted(a="a", b="b", c="c", d="d")}
ROUTES = [{"model": "p/a", "weight": 6.0}, {"model": "p/b", "weight": 3.0}, {"model": "p/c", "weight": 1.0}]
MODELS: dict[str, Any] = {"any": {"routes": ROUTES, "fallbacks": ["p/d"], "attempts": 1}}


def _plan() -> Plan:
    return Catalog(spec(providers=PROVIDERS, models=MODELS), str).resolve("any")


def _names(plan: Plan, draw: Any, ready: Any = lambda _: True, sticky: str = "") -> str:
    return "".join(c.model for c in order(plan, draw, ready, sticky))


def test_routes_share_calls_by_weight_and_every_one_is_asked_before_the_fallbacks() -> None:
    plan, chance = _plan(), random.Random(7)
    orders = [_names(plan, chance.random) for _ in range(4000)]
    first = Counter(names[0] for names in orders)
    assert first["a"] == pytest.approx(2400, abs=120)
    assert first["b"] == pytest.approx(1200, abs=120)
    assert all(sorted(names[:3]) == ["a", "b", "c"] and names[3] == "d" for names in orders)


def test_the_draw_decides_at_its_ends_too() -> None:
    assert _names(_plan(), lambda: 0.0) == "abcd"
    assert _names(_plan(), lambda: 0.9999999) == "cbad"


def test_who_is_not_ready_is_passed_over() -> None:
    assert _names(_plan(), lambda: 0.0, lambda c: c.model != "a") == "bcd"
    assert _names(_plan(), lambda: 0.0, lambda c: c.model in "d") == "d"
    assert _names(_plan(), lambda: 0.0, lambda _: False) == ""


def test_one_user_stays_at_one_route() -> None:
    plan, chance = _plan(), random.Random(7)
    by_user = {u: {_names(plan, chance.random, sticky=u)[0] for _ in range(5)} for u in map(str, range(300))}
    assert all(len(routes) == 1 for routes in by_user.values())
    assert Counter(next(iter(r)) for r in by_user.values())["a"] == pytest.approx(180, abs=35)


def test_a_sticky_gateway_sends_a_user_to_the_same_route_every_time() -> None:
    with lab(providers=PROVIDERS, models=MODELS, options=GatewayOptions(sticky=True)) as it:
        assert len({it.complete(chat("any", user="ann")).text for _ in range(4)}) == 1


def test_a_provider_that_keeps_failing_is_passed_over_and_then_left_alone() -> None:
    values: dict[str, Any] = {
        "providers": {"p": scripted(bad={"fail": "server_error"}, good="here")},
        "models": {"two": {"routes": [{"model": "p/bad"}], "fallbacks": ["p/good"], "attempts": 2}},
    }
    options = GatewayOptions(breaker=BreakerOptions(consecutive=4, pause_s=60))
    with lab(**values, options=options) as it:
        assert [it.complete(chat("two")).meta.attempts for _ in range(3)] == [3, 3, 1]
        with pytest.raises(UpstreamError, match="left alone") as caught:
            it.complete(chat("p/bad"))
        assert 50 < caught.value.details["retry_after_s"] <= 60
        assert [c["state"] for c in it.calls()] == ["done", "done", "done", "failed"]
        assert it.gateway.metrics.snapshot()["breakers"]["p", "bad"] == "open"


def test_a_breaker_that_opens_ends_the_retries_of_the_call() -> None:
    options = GatewayOptions(breaker=BreakerOptions(consecutive=3))
    with lab(
        providers={"p": scripted(bad={"fail": "reset"})}, settings={"call_attempts": 9}, options=options
    ) as it:
        with pytest.raises(UpstreamError, match="reset"):
            it.complete(chat("p/bad"))
        assert len(it.attempts()) == 3
