"""From a request to a settled completion: what is asked, what is charged, what stands in the ledger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from groundwork.core.errors import (
    BudgetExceededError,
    ContextLengthError,
    InvalidInputError,
    ModelNotFoundError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from groundwork.gateway.failures import Failure
from groundwork.gateway.types import Caller, Completion, EmbedRequest, Event, Usage
from groundwork.telemetry.ids import span_id
from tests.gateway.flows import PRICED, Puppet, chat, drain, lab, scripted


def test_a_completion_is_settled_with_what_it_used_before_it_is_returned() -> None:
    with lab(providers={"s": scripted(hi={"text": "hello there", "usage": [100, 50]})}) as it:
        completion = it.complete(chat("s/hi"))
        assert completion.text == "hello there"
        assert completion.usage == Usage(100, 50)
        assert completion.meta.cost_usd == pytest.approx(0.0002)
        assert completion.meta.attempts == 1
        [call], [attempt] = it.calls(), it.attempts()
    assert (call["state"], call["cost_nanousd"], call["provider"]) == ("done", 200_000, "s")
    assert (call["input_tokens"], call["output_tokens"]) == (100, 50)
    assert call["id"] == completion.meta.call_id
    assert (attempt["state"], attempt["reason"], attempt["cost_nanousd"]) == ("done", "first", 200_000)


def test_what_a_provider_does_not_count_is_estimated_and_said_to_be() -> None:
    with lab(providers={"s": scripted(hi={"text": "hello there", "usage": False})}) as it:
        completion = it.complete(chat("s/hi"))
        assert completion.usage.estimated
        assert completion.usage.input_tokens > 0 < completion.usage.output_tokens
        [call] = it.calls()
    assert call["estimated"]
    assert call["cost_nanousd"] > 0


def test_a_stream_tells_text_as_it_comes_and_its_finish_after_settlement() -> None:
    with lab(providers={"s": scripted(hi={"text": "one two three", "usage": [7, 3]})}) as it:

        async def read() -> tuple[list[Event], list[str]]:
            events, states = [], []
            async with await it.gateway.open_stream(chat("s/hi", stream=True), Caller()) as stream:
                assert stream.meta.provider == "s"
                assert stream.meta.first_token_ms is not None
                async for event in stream:
                    events.append(event)
                    states.append(it.calls()[0]["state"])
            assert stream.completion is not None
            assert stream.completion.text == "one two three"
            assert stream.completion.usage == Usage(7, 3)
            return events, states

        events, states = it.run(read())
    assert [e.kind for e in events] == ["text", "text", "text", "finish", "usage"]
    assert states == ["open", "open", "open", "done", "done"]


def test_a_failed_attempt_is_made_again_and_each_has_a_row() -> None:
    play = {"text": "at last", "fail": "server_error", "fail_times": 2, "status": 500}
    with lab(providers={"s": scripted(hi=play)}, draw=lambda: 0.5) as it:
        completion = it.complete(chat("s/hi"))
        assert completion.text == "at last"
        assert completion.meta.attempts == 3
        assert it.sleeper.slept == [0.125, 0.25]
        rows = [(a["n"], a["reason"], a["state"], a["failure"], a["status"]) for a in it.attempts()]
    assert rows == [
        (1, "first", "failed", "server_error", 500),
        (2, "retry", "failed", "server_error", 500),
        (3, "retry", "done", "", None),
    ]


def test_a_stream_is_opened_again_while_nothing_was_shown() -> None:
    play = {"text": "at last", "fail": "reset", "fail_times": 1}
    with lab(providers={"s": scripted(hi=play)}) as it:
        _, completion = it.stream(chat("s/hi", stream=True))
        assert completion.text == "at last"
        assert [a["state"] for a in it.attempts()] == ["failed", "done"]


def test_a_stream_that_breaks_after_its_first_words_ends_in_an_error_and_is_incomplete() -> None:
    play = {"text": "one two three four", "fail": "reset", "fail_after": 2}
    with lab(providers={"s": scripted(hi=play)}) as it:

        async def read() -> list[str]:
            seen: list[str] = []
            stream = await it.gateway.open_stream(chat("s/hi", stream=True), Caller())
            with pytest.raises(UpstreamError, match="reset"):
                await drain(stream, seen)
            await stream.aclose()
            assert stream.completion is None
            return seen

        assert it.run(read()) == ["one ", "two "]
        [call], [attempt] = it.calls(), it.attempts()
    assert (call["state"], call["error"]) == ("incomplete", "upstream_failed")
    assert (attempt["state"], attempt["failure"]) == ("incomplete", "reset")
    assert call["cost_nanousd"] > 0
    assert call["estimated"]


def test_a_fallback_serves_when_the_first_model_does_not() -> None:
    values: dict[str, Any] = {
        "providers": {"a": scripted(down={"fail": "overloaded"}), "b": scripted(up="here")},
        "models": {"fast": {"routes": [{"model": "a/down"}], "fallbacks": ["b/up"], "attempts": 2}},
    }
    with lab(**values) as it:
        completion = it.complete(chat("fast"))
        assert (completion.text, completion.meta.provider, completion.meta.attempts) == ("here", "b", 3)
        assert [a["reason"] for a in it.attempts()] == ["first", "retry", "fallback"]
        [call] = it.calls()
    assert (call["model"], call["provider"], call["served_model"]) == ("fast", "b", "up")


@pytest.mark.parametrize(
    ("code", "status", "expected", "http"),
    [
        ("auth", 401, UpstreamError, 502),
        ("bad_request", 400, InvalidInputError, 400),
        ("bad_request", 404, ModelNotFoundError, 404),
        ("context_length", 400, ContextLengthError, 400),
        ("content_filter", 400, InvalidInputError, 400),
        ("timeout", None, UpstreamTimeoutError, 504),
        ("rate_limited", 429, RateLimitedError, 429),
        ("overloaded", 529, UpstreamError, 502),
        ("server_error", 500, UpstreamError, 502),
        ("connect", None, UpstreamError, 502),
        ("tls", None, UpstreamError, 502),
        ("reset", None, UpstreamError, 502),
        ("protocol", 200, UpstreamError, 502),
        ("limit", None, UpstreamError, 502),
        ("unsupported", None, InvalidInputError, 400),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_is_told_in_the_platforms_words(
    code: str, status: int | None, expected: type[Exception], http: int, stream: bool
) -> None:
    with lab(providers={"s": scripted(bad={"fail": code, "status": status, "retry_after_s": None})}) as it:
        with pytest.raises(expected) as caught:
            it.stream(chat("s/bad", stream=True)) if stream else it.complete(chat("s/bad"))
        assert caught.value.status == http  # type: ignore[attr-defined]
        assert caught.value.details["failure"] == code  # type: ignore[attr-defined]
        [call] = it.calls()
        assert call["state"] == "failed"
        assert call["error"] == caught.value.code  # type: ignore[attr-defined]
        assert all(a["failure"] == code for a in it.attempts())


def test_the_wait_that_a_provider_asked_for_is_told_to_the_client() -> None:
    play = {"fail": "rate_limited", "status": 429, "retry_after_s": 999.0}
    with lab(providers={"s": scripted(busy=play)}) as it:
        with pytest.raises(RateLimitedError) as caught:
            it.complete(chat("s/busy"))
        assert caught.value.details["retry_after_s"] == 999.0
        assert it.sleeper.slept == []
        assert len(it.attempts()) == 1


def test_a_providers_words_are_bounded_and_never_hold_its_key() -> None:
    async def refuse(*_: Any) -> Completion:
        raise Failure("bad_request", "no\x00 key sk-very-secret-1 " + "x" * 5000, status=400)

    providers = {"p": {"kind": "scripted", "key": "env:K"}}
    with lab(providers=providers, secrets=lambda _: "sk-very-secret-1") as it:
        it.catalog._sources["p"].plugin = Puppet(refuse)
        with pytest.raises(InvalidInputError) as caught:
            it.complete(chat("p/m"))
    assert "sk-very-secret-1" not in caught.value.message
    assert "\x00" not in caught.value.message
    assert len(caught.value.message) < 700


def test_a_key_that_was_rotated_is_looked_up_again() -> None:
    keys = iter(["old", "new"])

    async def check(_: Any, attempt: Any) -> Completion:
        if attempt.secret != "new":
            raise Failure("auth", "wrong key", status=401)
        return Completion("in", usage=Usage(1, 1))

    with lab(providers={"p": {"kind": "scripted", "key": "env:K"}}, secrets=lambda _: next(keys)) as it:
        it.catalog._sources["p"].plugin = Puppet(check)
        assert it.complete(chat("p/m")).text == "in"
        assert [a["failure"] for a in it.attempts()] == ["auth", ""]


def test_a_plug_in_that_breaks_its_contract_fails_like_a_provider() -> None:
    async def wrong(*_: Any) -> Completion:
        raise KeyError("oops")

    with lab(extra={"p": Puppet(wrong)}) as it:
        with pytest.raises(UpstreamError, match="KeyError"):
            it.complete(chat("p/m"))
        assert {a["failure"] for a in it.attempts()} == {"protocol"}


def test_the_deadline_holds_whatever_the_provider_does() -> None:
    async def silent(*_: Any) -> Completion:
        await asyncio.sleep(60)
        raise AssertionError

    with lab(extra={"p": Puppet(silent)}) as it:

        async def timed() -> float:
            began = asyncio.get_running_loop().time()
            with pytest.raises(UpstreamTimeoutError):
                await it.gateway.complete(chat("p/m"), Caller(deadline_s=0.8))
            return asyncio.get_running_loop().time() - began

        assert 0.72 <= it.run(timed()) <= 0.88
        [attempt] = it.attempts()
    assert (attempt["state"], attempt["failure"]) == ("failed", "timeout")


def test_the_deadline_holds_for_a_stream_without_end() -> None:
    with lab(providers={"s": scripted(on={"endless": True, "chunk_delay_ms": 5})}) as it:

        async def timed() -> float:
            began = asyncio.get_running_loop().time()
            stream = await it.gateway.open_stream(chat("s/on", stream=True), Caller(deadline_s=0.8))
            with pytest.raises(UpstreamTimeoutError):
                await drain(stream)
            return asyncio.get_running_loop().time() - began

        assert it.run(timed()) <= 0.88
        [call] = it.calls()
    assert call["state"] == "incomplete"
    assert call["output_tokens"] > 0


def test_a_failed_attempt_that_may_have_been_billed_is_charged_for_what_it_read() -> None:
    play = {"text": "x", "fail": "reset", "fail_times": 1, "usage": [10, 10]}
    with lab(providers={"s": scripted(hi=play)}) as it:
        completion = it.complete(chat("s/hi", "word " * 100))
        first, second = it.attempts()
        [call] = it.calls()
    assert first["cost_nanousd"] > 0
    assert first["output_tokens"] == 0
    assert call["cost_nanousd"] == first["cost_nanousd"] + second["cost_nanousd"]
    assert completion.meta.cost_usd == pytest.approx(call["cost_nanousd"] / 1e9)


def test_a_retry_holds_more_when_a_billed_failure_used_some_of_what_was_held() -> None:
    play = {"text": "x", "fail": "reset", "fail_times": 1}
    with lab(providers={"s": scripted(hi=play)}) as it:
        completion = it.complete(chat("s/hi", "word " * 100))
        first, _ = it.attempts()
    assert completion.meta.reserved_usd * 1e9 > first["cost_nanousd"]
    assert round(completion.meta.reserved_usd * 1e9) % 1 == 0


def test_a_budget_refuses_the_call_before_a_provider_is_asked() -> None:
    puppet = Puppet()
    with lab(
        providers={"s": scripted(hi="x")}, settings={"budget_day_usd": 0.000001}, extra={"p": puppet}
    ) as it:
        with pytest.raises(BudgetExceededError):
            it.complete(chat("s/hi"))
        assert it.complete(chat("p/free")).text == "puppet"
        assert it.attempts()[-1]["provider"] == "p"


def test_a_retry_that_the_budget_does_not_allow_leaves_the_failure_standing() -> None:
    play = {"text": "x", "fail": "reset", "fail_times": 1}
    with lab(providers={"s": scripted(hi=play)}, settings={"budget_day_usd": 0.0022}) as it:
        with pytest.raises(UpstreamError, match="reset"):
            it.complete(chat("s/hi", "word " * 100))
        assert len(it.attempts()) == 1


def test_embeddings_are_settled_like_completions() -> None:
    with lab(providers={"s": {"kind": "scripted", "models": {"e": {"kind": "embedding", **PRICED}}}}) as it:
        found = it.run(it.gateway.embed(EmbedRequest("s/e", ("one", "two words")), Caller()))
        assert len(found.vectors) == 2
        [call] = it.calls()
    assert (call["operation"], call["state"]) == ("embed", "done")
    assert call["cost_nanousd"] == found.usage.input_tokens * 1000
    assert found.meta.call_id == call["id"]


@pytest.mark.parametrize("model", ["embedding_dimension", "embedding_nan", "embedding_rows"])
def test_embeddings_that_do_not_fit_are_refused(model: str) -> None:
    with lab(providers={"s": {"kind": "scripted"}}) as it:
        with pytest.raises(UpstreamError):
            it.run(it.gateway.embed(EmbedRequest(f"s/{model}", ("one", "two")), Caller()))
        assert it.calls()[0]["state"] == "failed"


def test_a_prompt_longer_than_the_context_is_refused_before_any_money() -> None:
    served = {"m": {"context_tokens": 100, **PRICED}}
    with lab(providers={"s": {"kind": "scripted", "models": served}}) as it:
        with pytest.raises(ContextLengthError, match="100"):
            it.complete(chat("s/m", "word " * 500))
        assert [(c["error"], c["cost_nanousd"]) for c in it.calls()] == [("context_length_exceeded", 0)]
        assert it.complete(chat("s/m", "word " * 40)).text
        assert it.gateway.metrics.refused == {"context_length_exceeded": 1}


def test_a_longer_fallback_reads_what_the_first_model_cannot() -> None:
    values: dict[str, Any] = {
        "providers": {
            "s": {
                "kind": "scripted",
                "models": {"short": {"context_tokens": 50}, "long": {"context_tokens": 9000}},
            }
        },
        "models": {"any": {"routes": [{"model": "s/short"}], "fallbacks": ["s/long"]}},
    }
    with lab(**values) as it:
        assert it.complete(chat("any", "word " * 500)).meta.model == "long"


def test_a_stream_says_at_its_start_who_serves_it() -> None:
    values: dict[str, Any] = {
        "providers": {"s": scripted(a={"fail": "auth"}, b="one two")},
        "models": {"m": {"routes": [{"model": "s/a"}], "fallbacks": ["s/b"]}},
    }
    with lab(**values) as it:

        async def meta() -> tuple[str, int]:
            async with await it.gateway.open_stream(chat("m", stream=True), Caller()) as stream:
                return stream.meta.model, stream.meta.attempts

        assert it.run(meta()) == ("b", 2)


def test_a_failed_call_names_who_failed_last() -> None:
    values: dict[str, Any] = {
        "providers": {"s": scripted(a={"fail": "auth"}, b={"fail": "tls"})},
        "models": {"m": {"routes": [{"model": "s/a"}], "fallbacks": ["s/b"]}},
    }
    with lab(**values) as it:
        with pytest.raises(UpstreamError, match="s/b"):
            it.complete(chat("m"))
        assert it.calls()[0]["served_model"] == "b"


def test_the_callers_trace_goes_on_to_the_provider() -> None:
    puppet = Puppet()
    with lab(extra={"p": puppet}) as it:
        it.complete(chat("p/m"), Caller(trace_id="a" * 32, span_id="b" * 16))
        it.complete(chat("p/m"), Caller(trace_id="trc_" + "0" * 25 + "s"))
        it.complete(chat("p/m"))
    headers = [attempt.headers["traceparent"] for _, attempt in puppet.seen]
    # The provider's spans hang under the call, whose span hangs under the caller's.
    assert headers[0].split("-")[1] == "a" * 32
    assert [h.split("-")[2] for h in headers] == [
        span_id(attempt.context["call_id"]) for _, attempt in puppet.seen
    ]
    assert headers[1].split("-")[1] == "0" * 31 + "7"
    assert all(len(h) == 55 for h in headers)


def test_an_app_learns_who_asks_and_its_answer_stands_in_the_call() -> None:
    async def answer(*_: Any) -> Completion:
        return Completion("42", annotations=({"type": "answer", "answer_id": "ans_1"},), usage=Usage(1, 1))

    puppet = Puppet(answer)
    with lab(extra={"app": puppet}) as it:
        it.complete(chat("app/default"), Caller(principal="ann", access=("hr",)))
        [call] = it.calls()
    [(_, attempt)] = puppet.seen
    assert attempt.access == ("hr",)
    assert attempt.context["principal"] == "ann"
    assert attempt.context["call_id"] == call["id"]
    assert (call["answer_id"], call["cost_nanousd"]) == ("ans_1", 0)


def test_metrics_count_what_happened() -> None:
    with lab(providers={"s": scripted(hi={"text": "x", "fail": "reset", "fail_times": 1})}) as it:
        it.complete(chat("s/hi"))
        it.stream(chat("s/hi", stream=True))
        found = it.gateway.metrics.snapshot()
    assert found["calls"] == {("chat", "done", "s", "hi"): 2}
    assert found["attempts"] == {"first": 2, "retry": 1}
    assert found["failures"] == {("s", "hi", "reset"): 1}
    assert found["in_flight"] == 0
    assert found["latency_ms"]["s", "hi"]["count"] == 2
    assert found["first_token_ms"]["s", "hi"]["count"] == 1
    assert found["breakers"] == {("s", "hi"): "closed"}


def test_labels_of_metrics_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.gateway.metrics.MOST_LABELS", 3)
    with lab(extra={"p": Puppet()}) as it:
        for n in range(10):
            it.complete(chat(f"p/{n}"))
        found = it.gateway.metrics.snapshot()
    assert len(found["latency_ms"]) <= 4
    assert sum(found["calls"].values()) == 10
    assert found["calls"]["chat", "done", "other", "other"] == 7
