"""The scripted model: what its little language says."""

from __future__ import annotations

import asyncio
import json
from typing import Any, get_args

import pytest

from groundwork.core.errors import SettingsError
from groundwork.gateway import schemas
from groundwork.gateway.failures import Failure, FailureCode
from groundwork.gateway.providers import PROVIDERS, Attempt
from groundwork.gateway.providers._sample import sample
from groundwork.gateway.providers.scripted import hashed
from groundwork.gateway.types import (
    ChatRequest,
    Completion,
    EmbedRequest,
    Event,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
    Usage,
)
from groundwork.testing.provider import joined


def turns(*said: str, **more: Any) -> ChatRequest:
    """Return a conversation of user and model in turn."""
    roles = ("user", "assistant")
    return ChatRequest("m", tuple(Message(roles[i % 2], (TextPart(t),)) for i, t in enumerate(said)), **more)  # type: ignore[arg-type]


def whole(request: ChatRequest, model: str = "m", timeout_s: float = 5, **options: Any) -> Completion:
    """Return a whole reply."""
    provider = PROVIDERS.make({"name": "scripted", **options})
    return asyncio.run(provider.complete(request, Attempt(model, timeout_s=timeout_s)))


def streamed(request: ChatRequest, model: str = "m", timeout_s: float = 5, **options: Any) -> list[Event]:
    """Return the events of a stream."""

    async def run() -> list[Event]:
        provider = PROVIDERS.make({"name": "scripted", **options})
        return [e async for e in provider.stream(request, Attempt(model, timeout_s=timeout_s))]

    return asyncio.run(run())


def test_without_a_script_it_echoes_word_by_word() -> None:
    assert whole(turns("Hello there, you")).text == "Hello there, you"
    events = streamed(turns("Hello there, you"))
    assert [e.text for e in events if e.kind == "text"] == ["Hello ", "there, ", "you"]


def test_the_first_rule_that_fits_is_played_and_else_the_reply_of_the_turn() -> None:
    script = {
        "rules": [{"when": "WEATHER", "text": "Sunny."}, {"equals": "ping", "text": "pong"}],
        "replies": ["one", "two: {input}"],
    }
    for request, text in (
        (turns("How is the weather?"), "Sunny."),
        (turns(" ping "), "pong"),
        (turns("ping!"), "one"),
        (turns("a", "one", "b"), "two: b"),
        (turns("a", "one", "b", "two", "c"), "two: c"),
    ):
        assert whole(request, scripts={"m": script}).text == text
        assert whole(request, model="other", default=script).text == text


def test_a_step_says_text_reasoning_json_calls_usage_and_finish() -> None:
    step = {
        "reasoning": "hm",
        "text": "abcdef",
        "calls": [
            {"name": "f", "arguments": {"x": "ü"}},
            {"name": "g", "arguments": "{broken", "id": "mine"},
        ],
        "usage": [7, 9],
        "chunk_chars": 4,
    }
    found = whole(turns("x"), scripts={"m": step})
    assert (found.text, found.reasoning, found.finish, found.usage) == (
        "abcdef",
        "hm",
        "tool_calls",
        Usage(7, 9),
    )
    assert [(c.name, c.arguments) for c in found.tool_calls] == [("f", '{"x": "ü"}'), ("g", "{broken")]
    assert found.tool_calls[1].id == "mine"
    events = streamed(turns("x"), scripts={"m": step})
    assert [e.text for e in events if e.kind == "text"] == ["abcd", "ef"]
    assert joined(events)[1] == [(c.id, c.name, c.arguments) for c in found.tool_calls]
    assert json.loads(whole(turns("x"), scripts={"m": {"json": {"a": [1]}}}).text) == {"a": [1]}
    assert whole(turns("x"), scripts={"m": {"text": "a", "finish": "length"}}).finish == "length"
    assert whole(turns("x"), scripts={"m": {"text": "a", "usage": False}}).usage == Usage()


def test_equal_requests_get_equal_replies_in_every_process() -> None:
    step = {"calls": [{"name": "f"}]}
    assert whole(turns("x"), scripts={"m": step}) == whole(turns("x"), scripts={"m": step})
    assert hashed("a b c", 8) == hashed("c b a", 8)


@pytest.mark.parametrize("code", get_args(FailureCode))
def test_it_can_fail_in_every_way(code: str) -> None:
    for work in (whole, streamed):
        with pytest.raises(Failure) as caught:
            work(turns("x"), model=f"fail-{code}")
        assert caught.value.code == code


def test_a_failure_is_counted_and_then_over() -> None:
    async def run() -> None:
        step = {"text": "ok", "fail": "rate_limited", "fail_times": 2, "status": 429, "retry_after_s": 0.5}
        provider = PROVIDERS.make({"name": "scripted", "scripts": {"m": step}})
        for times in range(2):
            for _ in range(2):
                with pytest.raises(Failure) as caught:
                    await provider.complete(turns("x"), Attempt("m"))
                assert (caught.value.status, caught.value.retry_after_s) == (429, 0.5)
            assert (await provider.complete(turns("x"), Attempt("m"))).text == "ok"
            assert [e async for e in provider.stream(turns("x"), Attempt("m"))], times
            provider.forget()  # type: ignore[attr-defined]

    asyncio.run(run())


def test_a_stream_breaks_after_so_many_events() -> None:
    async def run() -> None:
        provider = PROVIDERS.make({"name": "scripted"})
        stream = provider.stream(turns("x"), Attempt("broken_stream"))
        assert [(await anext(stream)).text for _ in range(3)] == ["The ", "first ", "words "]
        with pytest.raises(Failure, match="reset"):
            await anext(stream)

    asyncio.run(run())


def test_what_takes_longer_than_the_attempt_may_is_a_timeout() -> None:
    for options in (
        {"scripts": {"m": {"text": "x", "delay_ms": 10_000}}},
        {"scripts": {"m": {"endless": True}}},
    ):
        for work in (whole, streamed):
            with pytest.raises(Failure) as caught:
                work(turns("x"), timeout_s=0.1, **options)
            assert caught.value.code == "timeout"


def test_an_echo_fits_the_schema_and_calls_the_tool_that_it_must() -> None:
    properties = {"n": {"type": "integer", "minimum": 3}, "d": {"format": "date", "type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["n", "d"]}
    found = whole(turns("x", response_format=ResponseFormat("json_schema", "s", schema)), model="echo")
    assert not schemas.faults(schema, json.loads(found.text))
    assert json.loads(
        whole(turns("x", response_format=ResponseFormat("json_object")), model="echo").text
    ) == {"echo": "x"}
    tool = Tool(
        "get", "", {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    )
    calls = whole(turns("x", tools=(tool,), tool_choice=ToolChoice("named", "get")), model="echo").tool_calls
    assert [(c.name, json.loads(c.arguments)) for c in calls] == [("get", {"city": "Paris"})]
    assert whole(turns("x", tools=(tool,)), model="echo").tool_calls == ()


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/x"}},
            "required": ["a"],
            "$defs": {"x": {"type": "boolean"}},
        },
        {"type": "array", "items": {"type": "string", "minLength": 9, "maxLength": 12}, "minItems": 2},
        {"type": "number", "exclusiveMinimum": 5, "maximum": 7},
        {"type": "integer", "multipleOf": 7, "minimum": 3},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {
            "allOf": [
                {"properties": {"a": {"const": 1}}, "required": ["a"]},
                {"properties": {"b": {"type": ["null", "integer"]}}, "required": ["b"]},
            ]
        },
        {"type": "integer", "maximum": -4},
        {},
    ],
)
def test_a_sample_fits_its_schema(schema: dict[str, Any]) -> None:
    assert not schemas.faults(schema, sample(schema))


def test_a_recursive_schema_has_a_sample_too() -> None:
    sample({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]})


def test_texts_with_common_words_are_nearer_to_each_other() -> None:
    async def run() -> None:
        provider = PROVIDERS.make({"name": "scripted"})
        texts = ("the loire is a river", "a river is the rhine", "quarterly revenue grew")
        found = await provider.embed(EmbedRequest("m", texts, dimensions=256), Attempt("m"))
        one, two, three = found.vectors
        assert (
            sum(a * b for a, b in zip(one, two, strict=True))
            > sum(a * b for a, b in zip(one, three, strict=True)) + 0.3
        )
        assert all(abs(sum(x * x for x in v) - 1) < 1e-9 for v in found.vectors)
        assert len(one) == 256

    asyncio.run(run())


@pytest.mark.parametrize(
    "wrong",
    [
        {"m": 7},
        {"m": {"txt": "a"}},
        {"m": {"fail": "no_such_code"}},
        {"m": {"replies": [], "text": "a"}},
        {"m": ["a", 7]},
    ],
)
def test_a_wrong_script_is_refused_when_the_provider_is_made(wrong: Any) -> None:
    with pytest.raises(SettingsError):
        PROVIDERS.make({"name": "scripted", "scripts": wrong})
