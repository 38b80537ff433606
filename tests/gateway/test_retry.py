"""What follows each failure."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from groundwork.core.errors import GroundworkError
from groundwork.gateway.failures import Failure, FailureCode
from groundwork.gateway.retry import RetryOptions, Step, after, is_ill
from groundwork.gateway.types import Caller
from tests.gateway.flows import chat, lab, scripted


def _after(
    code: FailureCode, *, tries: int = 1, left: float = 60.0, more: bool = False, **failure: Any
) -> Step:
    return after(Failure(code, "x", **failure), tries, 3, left, more=more, draw=lambda: 0.5)


def test_pauses_are_drawn_below_a_bound_that_doubles_up_to_its_cap() -> None:
    fail = Failure("reset", "x")
    options = RetryOptions(base_s=1, cap_s=8)
    pauses = [
        after(fail, n, 99, 999, more=False, draw=lambda: 0.999, options=options).pause_s for n in range(1, 7)
    ]
    assert [round(p) for p in pauses] == [1, 2, 4, 8, 8, 8]
    assert after(fail, 5, 99, 999, more=False, draw=lambda: 0.0).pause_s == 0.0


def test_retry_after_is_never_undercut_and_a_little_jitter_is_added() -> None:
    step = _after("rate_limited", retry_after_s=3.0)
    assert step.kind == "again"
    assert 3.0 < step.pause_s <= 3.25
    assert _after("overloaded", retry_after_s=0.0).pause_s <= 0.25


def test_a_retry_after_beyond_the_deadline_leads_on_or_ends_at_once() -> None:
    assert _after("rate_limited", left=10, retry_after_s=11.0) == Step("stop")
    assert _after("rate_limited", left=10, retry_after_s=1e9, more=True) == Step("next")
    assert _after("rate_limited", left=10, retry_after_s=8.0, more=True) == Step("next")
    assert _after("rate_limited", left=10, retry_after_s=2.0, more=True).kind == "again"


def test_attempts_at_one_candidate_are_bounded() -> None:
    assert _after("reset", tries=2).kind == "again"
    assert _after("reset", tries=3) == Step("stop")
    assert _after("reset", tries=3, more=True) == Step("next")
    assert _after("timeout", left=0.0, more=True) == Step("stop")


@pytest.mark.parametrize("code", get_args(FailureCode))
def test_every_failure_ends_somewhere(code: FailureCode) -> None:
    alone, with_more = _after(code), _after(code, more=True)
    if code in ("bad_request", "content_filter"):
        assert (alone.kind, with_more.kind) == ("stop", "stop")
    elif code in ("auth", "tls", "limit", "unsupported", "context_length"):
        assert (alone.kind, with_more.kind) == ("stop", "next")
    else:
        assert (alone.kind, with_more.kind) == ("again", "again")


def test_a_model_that_a_provider_does_not_know_leads_on() -> None:
    assert _after("bad_request", status=404, more=True) == Step("next")
    assert _after("bad_request", status=404) == Step("stop")


def test_a_short_deadline_of_one_client_says_nothing_about_the_provider() -> None:
    late = Failure("timeout", "x")
    assert not is_ill(late, 0.1, 120)
    assert is_ill(late, 119, 120)
    assert not is_ill(Failure("rate_limited", "x"), 120, 120)
    assert not is_ill(Failure("bad_request", "x"), 120, 120)
    assert is_ill(Failure("auth", "x"), 1, 120)


def test_the_wait_of_a_provider_is_slept_in_the_flow() -> None:
    play = {"text": "x", "fail": "rate_limited", "fail_times": 1, "retry_after_s": 2.0, "status": 429}
    with lab(providers={"s": scripted(m=play)}, draw=lambda: 0.0) as it:
        assert it.complete(chat("s/m")).text == "x"
        assert it.sleeper.slept == [2.0]


def test_all_attempts_of_all_candidates_are_made_and_no_more() -> None:
    values: dict[str, Any] = {
        "providers": {"s": scripted(a={"fail": "reset"}, b={"fail": "server_error"}, c={"fail": "auth"})},
        "models": {"m": {"routes": [{"model": "s/a"}], "fallbacks": ["s/b", "s/c"], "attempts": 2}},
    }
    with lab(**values) as it:
        with pytest.raises(GroundworkError) as caught:
            it.complete(chat("m"), Caller())
        assert caught.value.details["attempts"] == 5
        assert [a["failure"] for a in it.attempts()] == ["reset"] * 2 + ["server_error"] * 2 + ["auth"]
        assert [a["reason"] for a in it.attempts()] == ["first", "retry", "fallback", "retry", "fallback"]
        assert [a["n"] for a in it.attempts()] == [1, 2, 3, 4, 5]
