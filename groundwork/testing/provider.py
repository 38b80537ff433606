"""What every provider must do: one attempt, events in order, nothing but `Failure` when it fails, nothing left behind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from groundwork.gateway.failures import RETRYABLE, Failure
from groundwork.gateway.providers import Attempt, Provider
from groundwork.gateway.types import (
    ChatRequest,
    Completion,
    EmbedRequest,
    Event,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from groundwork.testing.timing import Stopwatch
from groundwork.testing.upstream_script import CHAT_FAULTS, EMBEDDING_FAULTS, Call, Script

SECRET = "sk-contract-9fQ2xLw7"  # noqa: S105
MIB = 1024 * 1024
TIMEOUT_S = 1.0
QUESTION = "How long is the Loire?\n\nContext: The Loire, the longest river of France, is 1006 km long."
SLOW = frozenset({"silence", "one_byte_per_second", "endless"})
WEATHER = Tool(
    "get_weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CALLS = (Call("get_weather", '{"city": "Paris"}'), Call("get_weather", '{"city": "Lyon"}'))
RIVER = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII="


@dataclass(frozen=True)
class Served:
    """A provider that is ready, and what it was told to play.

    Attributes:
        left: waits a moment and returns how many connections are open beyond idle ones in a pool.
        speaks: what is played is known; False for a model that says what it likes.
    """

    provider: Provider
    attempt: Attempt
    left: Callable[[], Awaitable[int]]
    speaks: bool = True


Serve = Callable[[Script], AbstractAsyncContextManager[Served]]
"""Makes a provider that plays a script; skips the test (`pytest.skip`) where it cannot play it."""


def asked(text: str = QUESTION, **more: Any) -> ChatRequest:
    """Return a request with one message."""
    return ChatRequest("contract", (Message("user", (TextPart(text),)),), **more)


def joined(events: list[Event]) -> tuple[str, list[tuple[str, str, str]], str]:
    """Return text, tool calls and finish of a stream."""
    calls: dict[int, list[str]] = {}
    for event in events:
        if event.kind == "tool_call":
            known = calls.setdefault(event.index, [event.id, event.name, ""])
            known[2] += event.text
    text = "".join(e.text for e in events if e.kind == "text")
    return (
        text,
        [(c[0], c[1], c[2]) for _, c in sorted(calls.items())],
        next(e.finish or "" for e in events if e.finish),
    )


def check_order(events: list[Event]) -> None:
    """Assert that the events of a whole stream stand in the contract's order."""
    kinds = [e.kind for e in events]
    assert kinds.count("finish") == 1, kinds
    assert kinds.count("usage") <= 1, kinds
    after = kinds[kinds.index("finish") + 1 :]
    assert set(after) <= {"usage", "other"}, kinds
    begun: list[str] = []
    for event in events:
        if event.kind == "tool_call" and event.index == len(begun):
            assert event.id
            assert event.name
            begun.append(event.id)
        elif event.kind == "tool_call":
            assert event.index < len(begun), "a call goes on that has not begun"
    assert len(set(begun)) == len(begun)
    for event in events:
        assert not (event.native is not None and event.native_more)
        event.text.encode()


REQUESTS: dict[str, ChatRequest] = {
    "system": ChatRequest(
        "m", (Message("system", (TextPart("Be brief."),)), Message("user", (TextPart("Hi"),)))
    ),
    "system-alone": ChatRequest("m", (Message("system", (TextPart("Be brief."),)),)),
    "two-systems": ChatRequest(
        "m",
        (
            Message("system", (TextPart("a"),)),
            Message("user", (TextPart("b"),)),
            Message("system", (TextPart("c"),)),
            Message("user", (TextPart("d"),)),
        ),
    ),
    "turns": ChatRequest(
        "m",
        (
            Message("assistant", (TextPart("Welcome. "),)),
            Message("user", (TextPart("one"),)),
            Message("user", (TextPart("two"),)),
            Message("assistant", (TextPart("three"),)),
            Message("user", (TextPart("four"),)),
        ),
    ),
    "image": ChatRequest(
        "m",
        (
            Message(
                "user",
                (TextPart("What is this?"), ImagePart("image/png", _DOT), ImagePart(url="https://x/y.png")),
            ),
        ),
    ),
    "tools": asked(tools=(WEATHER,), tool_choice=ToolChoice("required"), parallel_tool_calls=False),
    "tool-results": ChatRequest(
        "m",
        (
            Message("user", (TextPart("Weather?"),)),
            Message(
                "assistant",
                (),
                (ToolCall("a/1", "get_weather", '{"city": "Paris"}'), ToolCall("b", "get_weather", "{")),
            ),
            Message("tool", (TextPart("sunny"), ImagePart("image/png", _DOT)), tool_call_id="a/1"),
            Message("tool", (TextPart("no such city"),), tool_call_id="b", is_error=True),
        ),
        tools=(WEATHER,),
    ),
    "schema": asked(response_format=ResponseFormat("json_schema", "river", RIVER, strict=True)),
    "open-schema": asked(response_format=ResponseFormat("json_schema", "any", {"type": "object"})),
    "json": asked(response_format=ResponseFormat("json_object")),
    "parameters": asked(
        max_output_tokens=32,
        temperature=0.0,
        top_p=0.5,
        stop=("\n\n",),
        seed=7,
        user="u_1",
        reasoning_effort="low",
    ),
    "odd-text": asked("\ud800 lone surrogate, \x00 NUL, 🚀" * 3),
    "empty-text": asked(""),
    "long": asked("word " * 50_000),
}


class ProviderContract:
    """Run by a subclass that gives a fixture `serve`."""

    def test_a_whole_reply_and_a_stream_say_the_same(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script()) as served:
                whole = await served.provider.complete(asked(), served.attempt)
                events = [e async for e in served.provider.stream(asked(stream=True), served.attempt)]
                check_order(events)
                assert joined(events)[0] == whole.text
                assert joined(events)[2] == whole.finish
                if served.speaks:
                    assert whole.text == Script.text
                    assert whole.finish == "stop"
                usage = next(e.usage for e in events if e.usage is not None)
                assert usage == whole.usage
                assert 0 <= usage.cached_input_tokens <= usage.input_tokens

        asyncio.run(run())

    def test_tool_calls_have_ids_of_their_own_and_arguments_as_they_were_written(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script(text="", calls=CALLS)) as served:
                request = asked(tools=(WEATHER,))
                whole = await served.provider.complete(request, served.attempt)
                events = [e async for e in served.provider.stream(request, served.attempt)]
                check_order(events)
                assert [(c.id, c.name) for c in whole.tool_calls] == [(c[0], c[1]) for c in joined(events)[1]]
                if served.speaks:
                    import json

                    for calls in ([c.arguments for c in whole.tool_calls], [c[2] for c in joined(events)[1]]):
                        assert [json.loads(a) for a in calls] == [{"city": "Paris"}, {"city": "Lyon"}]
                    assert whole.finish == joined(events)[2] == "tool_calls"

        asyncio.run(run())

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    @pytest.mark.parametrize("fault", [f for f in CHAT_FAULTS if f not in ("connect_refused", "invalid_tls")])
    def test_every_fault_ends_in_a_failure_or_a_whole_completion(
        self, serve: Serve, fault: str, stream: bool
    ) -> None:
        calls = CALLS[:1] if fault.startswith("tool_") else ()

        async def run() -> None:
            text = "" if calls else Script.text
            async with serve(Script(fault=fault, calls=calls, text=text, big_bytes=2 * MIB)) as served:
                attempt = replace(served.attempt, timeout_s=TIMEOUT_S)
                with Stopwatch() as took:
                    try:
                        if stream:
                            check_order([e async for e in served.provider.stream(asked(), attempt)])
                        else:
                            _check_whole(await served.provider.complete(asked(), attempt))
                    except Failure as failure:
                        _check_failure(failure)
                assert took.seconds < TIMEOUT_S * 1.1 + 1.0 * (fault not in SLOW)
                assert await served.left() == 0
                assert len(asyncio.all_tasks()) == 1

        asyncio.run(run())

    @pytest.mark.parametrize("name", list(REQUESTS))
    def test_every_canonical_request_is_served_or_fails_by_a_failure(self, serve: Serve, name: str) -> None:
        async def run() -> None:
            async with serve(Script()) as served:
                request = replace(REQUESTS[name], dialect="openai_responses")
                before = repr(request)
                for work in (_whole, _streamed):
                    try:
                        await work(served, request)
                    except Failure as failure:
                        _check_failure(failure)
                        refused = str(failure.code)
                    else:
                        refused = ""
                    assert refused in ("", "bad_request", "unsupported", "context_length")
                assert repr(request) == before
                assert await served.left() == 0

        asyncio.run(run())

    def test_a_cancelled_attempt_leaves_nothing_behind(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script(delay_s=0.5, chunk_delay_s=0.5)) as served:
                for work in (_whole, _streamed):
                    for after_s in (0.0, 0.01, 0.1):
                        task = asyncio.create_task(work(served, asked()))
                        await asyncio.sleep(after_s)
                        task.cancel()
                        with pytest.raises(asyncio.CancelledError):
                            await task
                assert await served.left() == 0
                assert len(asyncio.all_tasks()) == 1

        asyncio.run(run())

    def test_a_stream_that_is_no_longer_read_can_be_closed(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(
                Script(text="many words that come one after the other " * 50, chunks=100)
            ) as served:
                stream = served.provider.stream(asked(), served.attempt)
                assert await anext(stream)
                await stream.aclose()  # type: ignore[attr-defined]
                assert await served.left() == 0
                assert len(asyncio.all_tasks()) == 1

        asyncio.run(run())

    def test_attempts_side_by_side_do_not_disturb_each_other(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script(chunk_delay_s=0.001)) as served:
                one = (await served.provider.complete(asked(), served.attempt)).text
                whole = [served.provider.complete(asked(), served.attempt) for _ in range(10)]
                streams = [_text(served) for _ in range(10)]
                for completion in await asyncio.gather(*whole):
                    assert completion.text == one
                assert set(await asyncio.gather(*streams)) == {one}

        asyncio.run(run())

    def test_one_provider_serves_several_event_loops(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script()) as served:

                def elsewhere() -> str:
                    async def one() -> str:
                        try:
                            return (await served.provider.complete(asked(), served.attempt)).text
                        finally:
                            if served.attempt.transport is not None:
                                await served.attempt.transport.aclose(everywhere=False)

                    return asyncio.run(one())

                here = (await served.provider.complete(asked(), served.attempt)).text
                assert await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(3))) == [here] * 3

        asyncio.run(run())

    def test_embeddings_are_one_finite_vector_for_each_text_or_unsupported(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script()) as served:
                texts = ("one", "", "zwei 🚀", "one")
                try:
                    found = await served.provider.embed(EmbedRequest("m", texts), served.attempt)
                except Failure as failure:
                    if failure.code != "unsupported":
                        raise
                    return
                assert len(found.vectors) == 4
                assert len({len(v) for v in found.vectors}) == 1
                assert all(math.isfinite(x) for v in found.vectors for x in v)
                assert found.vectors[0] == found.vectors[3]
                assert await served.left() == 0

        asyncio.run(run())

    @pytest.mark.parametrize("fault", EMBEDDING_FAULTS)
    def test_wrong_embeddings_are_a_failure(self, serve: Serve, fault: str) -> None:
        async def run() -> None:
            async with serve(Script(fault=fault)) as served:
                with pytest.raises(Failure) as caught:
                    await served.provider.embed(EmbedRequest("m", ("one", "two")), served.attempt)
                assert caught.value.code in ("protocol", "unsupported")

        asyncio.run(run())

    def test_models_and_counts_are_told_or_left_open(self, serve: Serve) -> None:
        async def run() -> None:
            async with serve(Script()) as served:
                models = await served.provider.models(served.attempt)
                assert models
                assert all(m.id and m.id.isprintable() for m in models)
                assert [m.id for m in models] == sorted({m.id for m in models})
                count = await served.provider.count_tokens(asked(), served.attempt)
                assert count is None or count > 0
                assert await served.left() == 0

        asyncio.run(run())


def _check_whole(completion: Completion) -> None:
    assert completion.finish in ("stop", "length", "tool_calls", "content_filter")
    assert len({c.id for c in completion.tool_calls}) == len(completion.tool_calls)
    assert all(c.id and c.name for c in completion.tool_calls)
    completion.text.encode()


def _check_failure(failure: Failure) -> None:
    assert failure.message
    assert SECRET not in failure.message
    assert SECRET not in repr(failure.__cause__)
    assert len(failure.message) < 1000
    assert failure.retryable == (failure.code in RETRYABLE)
    assert failure.retry_after_s is None or failure.retry_after_s >= 0
    assert "Loire" not in failure.message


async def _whole(served: Served, request: ChatRequest) -> None:
    _check_whole(await served.provider.complete(request, served.attempt))


async def _streamed(served: Served, request: ChatRequest) -> None:
    check_order([e async for e in served.provider.stream(replace(request, stream=True), served.attempt)])


async def _text(served: Served) -> str:
    return joined([e async for e in served.provider.stream(asked(stream=True), served.attempt)])[0]
