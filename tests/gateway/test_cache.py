"""The exact cache: what is found again, what never is, and how a hit looks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.gateway import cache
from groundwork.gateway.catalog import Catalog
from groundwork.gateway.gateway import GatewayOptions
from groundwork.gateway.types import (
    Caller,
    ChatRequest,
    Completion,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)
from tests.gateway.flows import Lab, Puppet, chat, lab, scripted, spec

COUNTED = {"text": "{input}", "usage": [10, 5]}


def _asked(it: Lab) -> int:
    return len(it.attempts())


def test_an_equal_call_is_answered_from_the_cache_for_nothing() -> None:
    with lab(providers={"s": scripted(m=COUNTED)}) as it:
        first = it.complete(chat("s/m", temperature=0.0))
        second = it.complete(chat("s/m", temperature=0.0))
        assert replace(second, meta=first.meta) == first
        assert (first.meta.cached, second.meta.cached) == (False, True)
        assert (second.meta.cost_usd, second.meta.attempts) == (0.0, 0)
        assert second.meta.call_id != first.meta.call_id
        assert _asked(it) == 1
        assert [(c["cached"], c["state"], c["cost_nanousd"]) for c in it.calls()] == [
            (False, "done", 20_000),
            (True, "done", 0),
        ]
        assert it.gateway.metrics.cached == 1


def test_a_hit_is_replayed_as_a_stream_and_a_stream_fills_the_cache() -> None:
    with lab(providers={"s": scripted(m=COUNTED)}) as it:
        _, first = it.stream(chat("s/m", "one two", temperature=0.0, stream=True))
        events, second = it.stream(chat("s/m", "one two", temperature=0.0, stream=True))
        whole = it.complete(chat("s/m", "one two", temperature=0.0))
        assert [e.kind for e in events] == ["text", "finish", "usage"]
        assert second.meta.cached
        assert whole.meta.cached
        assert first.text == second.text == whole.text == "one two"
        assert _asked(it) == 1


@pytest.mark.parametrize(
    ("request_", "caller", "found"),
    [
        ({"temperature": 0.0}, {}, True),
        ({"temperature": 0.7}, {}, False),
        ({}, {}, False),
        ({}, {"cache": "on"}, True),
        ({"temperature": 0.0}, {"cache": "off"}, False),
        ({}, {"idempotency_key": "k1"}, True),
        ({"temperature": 1.0}, {"idempotency_key": "k1"}, True),
        ({"idempotency_key": "k1"}, {"cache": "off"}, False),
        ({"temperature": 0.0, "n": 2}, {}, False),
    ],
)
def test_only_deterministic_or_declared_calls_are_found_again(
    request_: dict[str, Any], caller: dict[str, Any], found: bool
) -> None:
    request_.pop("idempotency_key", None)
    with lab(providers={"s": scripted(m=COUNTED)}) as it:
        for _ in range(2):
            last = it.complete(chat("s/m", **request_), Caller(**caller))
        assert last.meta.cached is found


def test_a_model_can_be_declared_deterministic_and_the_cache_turned_off() -> None:
    values: dict[str, Any] = {
        "providers": {"s": scripted(m=COUNTED)},
        "models": {"sure": {"routes": [{"model": "s/m"}], "deterministic": True}},
    }
    with lab(**values) as it:
        assert [it.complete(chat("sure")).meta.cached for _ in range(2)] == [False, True]
    with lab(**values, settings={"cache_days": 0}) as it:
        assert [it.complete(chat("sure")).meta.cached for _ in range(2)] == [False, False]


def test_what_was_cut_filtered_failed_or_refused_is_not_kept() -> None:
    plays: dict[str, Any] = {
        "cut": {"text": "x", "finish": "length"},
        "filtered": {"text": "x", "finish": "content_filter"},
    }
    with lab(providers={"s": scripted(**plays)}) as it:
        for model in plays:
            assert [it.complete(chat(f"s/{model}", temperature=0.0)).meta.cached for _ in range(2)] == [
                False
            ] * 2


def test_an_app_is_never_answered_from_this_cache() -> None:
    with lab(extra={"app": Puppet()}) as it:
        for caller in (Caller(cache="on"), Caller(idempotency_key="k")):
            assert [it.complete(chat("app/default"), caller).meta.cached for _ in range(2)] == [False, False]


def test_two_deliveries_of_one_idempotency_key_are_served_once() -> None:
    with lab(providers={"s": scripted(m={"text": "x", "delay_ms": 100})}) as it:

        async def both() -> list[Completion]:
            caller = Caller(idempotency_key="once")
            return await asyncio.gather(*(it.gateway.complete(chat("s/m"), caller) for _ in range(5)))

        found = it.run(both())
        assert sorted(c.meta.cached for c in found) == [False] + [True] * 4
        assert _asked(it) == 1
        other = it.complete(chat("s/m"), Caller(idempotency_key="twice"))
        assert not other.meta.cached


def test_a_second_delivery_is_served_when_the_first_one_failed() -> None:
    play = {"text": "x", "fail": "auth", "fail_times": 1, "delay_ms": 50}
    with lab(providers={"s": scripted(m=play)}) as it:

        async def both() -> list[Any]:
            caller = Caller(idempotency_key="once")
            calls = [it.gateway.complete(chat("s/m"), caller) for _ in range(2)]
            return await asyncio.gather(*calls, return_exceptions=True)

        first, second = it.run(both())
        assert isinstance(first, Exception)
        assert second.text == "x"


def test_a_completion_too_long_to_keep_is_not_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(cache, "MOST_CHARS", 10)
    with lab(providers={"s": scripted(m={"text": "x" * 11})}) as it:
        assert [it.complete(chat("s/m", temperature=0.0)).meta.cached for _ in range(2)] == [False, False]


BASE = chat("p/m", "hi", temperature=0.0)
TOOL = Tool("t", "d", {"type": "object"})


def _key(request: ChatRequest, **caller: Any) -> str:
    plan = Catalog(spec(providers={"p": {"kind": "scripted"}}), str).resolve(request.model)
    return cache.key_of(request, Caller(cache="on", **caller), plan)


@pytest.mark.parametrize(
    "other",
    [
        chat("p/other", "hi", temperature=0.0),
        chat("p/m", "hi!", temperature=0.0),
        replace(BASE, temperature=0.1),
        replace(BASE, top_p=0.5),
        replace(BASE, stop=("x",)),
        replace(BASE, seed=1),
        replace(BASE, max_output_tokens=7),
        replace(BASE, reasoning_effort="low"),
        replace(BASE, tools=(TOOL,)),
        replace(BASE, tools=(TOOL,), tool_choice=ToolChoice("required")),
        replace(BASE, tools=(replace(TOOL, parameters={"type": "object", "maxProperties": 1}),)),
        replace(BASE, response_format=ResponseFormat("json_object")),
        replace(BASE, response_format=ResponseFormat("json_schema", "x", {"type": "object"})),
        replace(BASE, extra={"logit_bias": {"5": 1}}),
        replace(BASE, messages=(Message("system", (TextPart("hi"),)),)),
        replace(BASE, messages=(*BASE.messages, *BASE.messages)),
        replace(BASE, messages=(Message("user", (TextPart("h"), TextPart("i"))),)),
        replace(BASE, messages=(Message("user", (TextPart("hi"), ImagePart("image/png", "aGk="))),)),
        replace(BASE, native_only=("audio",), native={"audio": 1}),
    ],
)
def test_whatever_can_change_the_answer_changes_the_key(other: ChatRequest) -> None:
    assert _key(other) != _key(BASE)


def test_versions_and_idempotency_change_the_key_and_the_door_does_not() -> None:
    keys = {_key(BASE), _key(BASE, prompt="a"), _key(BASE, snapshot="a"), _key(BASE, idempotency_key="a")}
    assert len(keys) == 4
    same = replace(
        BASE, dialect="anthropic_messages", stream=True, user="ann", include_usage=True, native={"a": 1}
    )
    assert _key(same) == _key(BASE)
    assert _key(BASE, principal="ann", trace_id="x", call_id="y") == _key(BASE)
    assert _key(replace(BASE, extra={"metadata": {"a": "b"}})) == _key(BASE)


_texts = st.text(max_size=20)
_usages = st.builds(Usage, *[st.integers(0, 10**9)] * 5, st.booleans())
_completions = st.builds(
    Completion,
    text=_texts,
    tool_calls=st.lists(st.builds(ToolCall, _texts, _texts, _texts), max_size=3).map(tuple),
    finish=st.sampled_from(["stop", "tool_calls"]),
    usage=_usages,
    reasoning=_texts,
    annotations=st.lists(st.dictionaries(_texts, st.integers() | _texts, max_size=3), max_size=2).map(tuple),
    native=st.none() | st.dictionaries(_texts, _texts, max_size=2),
    native_dialect=st.none() | st.sampled_from(["openai_chat", "anthropic_messages"]),
)


@given(_completions)
def test_a_stored_completion_comes_back_exactly(completion: Completion) -> None:
    if completion.native is None:
        completion = replace(completion, native_dialect=None)
    stored = cache.stored(completion)
    assert stored is not None
    assert cache.restored(json.loads(json.dumps(stored))) == completion


def test_a_gateway_with_another_lifetime_keeps_for_so_long() -> None:
    options = GatewayOptions(cache_ttl_s=0.05)
    with lab(providers={"s": scripted(m=COUNTED)}, options=options) as it:
        import time

        assert not it.complete(chat("s/m", temperature=0.0)).meta.cached
        time.sleep(0.1)
        assert not it.complete(chat("s/m", temperature=0.0)).meta.cached
