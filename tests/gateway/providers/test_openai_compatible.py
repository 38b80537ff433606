"""OpenAI's chat completions as servers really speak them: what is sent, and what is made of odd replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from groundwork.core.errors import SettingsError
from groundwork.gateway.failures import Failure
from groundwork.gateway.providers import PROVIDERS, Attempt, Provider
from groundwork.gateway.providers._openai_reply import Chunks, completion_of, models_of, usage_of, vectors_of
from groundwork.gateway.providers._openai_request import body_of
from groundwork.gateway.transport import Transport
from groundwork.gateway.types import (
    ChatRequest,
    EmbedRequest,
    Event,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)
from groundwork.testing.provider import check_order, joined
from groundwork.testing.upstream import Upstream
from groundwork.testing.upstream_script import Script

HELLO = ChatRequest("m", (Message("user", (TextPart("Hello"),)),))
NATIVE = {
    "model": "fast",
    "messages": [{"role": "user", "content": "Hello"}],
    "logit_bias": {"7": 1},
    "metadata": {"a": "b"},
}


def choice(message: Mapping[str, Any], finish: str | None = "stop") -> dict[str, Any]:
    """Return a body with one choice."""
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def played(chunks: list[Mapping[str, Any]], *, native: bool = False, terminated: bool = True) -> list[Event]:
    """Return the events of a stream, checked for their order."""
    reading = Chunks("host", native=native)
    events = [e for chunk in chunks for e in reading.take(chunk)] + reading.end(terminated=terminated)
    check_order(events)
    return events


def delta(said: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk with one choice."""
    return {"id": "c", "choices": [{"index": 0, "delta": said, "finish_reason": finish}], **more}


# ---- what is sent ----


def test_a_body_of_the_same_dialect_goes_through_as_it_came() -> None:
    request = ChatRequest("fast", HELLO.messages, native=NATIVE)
    assert body_of(request, "gpt-5-mini", stream=False) == {**NATIVE, "model": "gpt-5-mini"}
    streamed = body_of(
        ChatRequest("fast", HELLO.messages, native={**NATIVE, "stream": True}), "m", stream=True
    )
    assert streamed == {**NATIVE, "model": "m", "stream": True, "stream_options": {"include_usage": True}}
    assert NATIVE["model"] == "fast"


def test_the_stream_options_of_the_client_are_kept_beside_the_usage() -> None:
    native = {**NATIVE, "stream": True, "stream_options": {"include_obfuscation": False}}
    request = ChatRequest("m", HELLO.messages, native=native)
    options = body_of(request, "m", stream=True)["stream_options"]
    assert options == {"include_obfuscation": False, "include_usage": True}
    assert body_of(request, "m", stream=True, usage=False)["stream_options"] == native["stream_options"]
    assert "stream_options" not in body_of(request, "m", stream=False)


def test_a_request_of_another_dialect_is_written_from_its_values() -> None:
    schema = {"type": "object", "properties": {}}
    request = ChatRequest(
        "m",
        (
            Message("system", (TextPart("Be brief."),)),
            Message(
                "user",
                (
                    TextPart("What?"),
                    ImagePart("image/png", "AAAA", detail="low"),
                    ImagePart(url="https://x/y"),
                ),
            ),
            Message("assistant", (), (ToolCall("c1", "look", '{"a": 1}'),)),
            Message("tool", (TextPart("seen"), ImagePart("image/png", "BBBB")), tool_call_id="c1"),
        ),
        dialect="anthropic_messages",
        max_output_tokens=9,
        temperature=0.0,
        top_p=0.5,
        stop=("x",),
        seed=3,
        tools=(Tool("look", "Looks.", schema, strict=True),),
        tool_choice=ToolChoice("named", "look"),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", "form", schema, strict=True),
        user="u",
        reasoning_effort="low",
        extra={"top_k": 5},
    )
    function = {"name": "look", "parameters": schema, "description": "Looks.", "strict": True}
    assert body_of(request, "m", stream=False) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
                    },
                    {"type": "image_url", "image_url": {"url": "https://x/y"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "seen"},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,BBBB"}}],
            },
        ],
        "max_tokens": 9,
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 3,
        "reasoning_effort": "low",
        "stop": ["x"],
        "user": "u",
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "form", "schema": schema, "strict": True},
        },
    }


def test_fields_that_a_server_does_not_take_are_dropped_and_renamed() -> None:
    request = ChatRequest("m", HELLO.messages, dialect="openai_responses", max_output_tokens=9, seed=1)
    body = body_of(request, "m", stream=False, most="max_completion_tokens", drop=("seed",))
    assert body["max_completion_tokens"] == 9
    assert "seed" not in body


def test_sampling_is_left_out_for_reasoning_models_that_a_client_of_another_dialect_asks() -> None:
    request = ChatRequest("m", HELLO.messages, dialect="anthropic_messages", temperature=0.0, stop=("x",))
    for model, kept in (
        ("gpt-5-mini", False),
        ("o4-mini", False),
        ("gpt-5-chat-latest", True),
        ("gpt-4.1", True),
    ):
        body = body_of(request, model, stream=False, most="max_completion_tokens")
        assert ("temperature" in body) == ("stop" in body) == kept
    assert "temperature" in body_of(request, "gpt-5-mini", stream=False)


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://x.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("http://127.0.0.1:8000/v1", "max_tokens"),
        ("https://api.openai.com.example.com/v1", "max_tokens"),
    ],
)
def test_the_field_of_the_most_output_tokens_follows_from_the_server(base_url: str, name: str) -> None:
    assert PROVIDERS.make({"name": "openai_compatible", "base_url": base_url}).max_tokens_field == name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": ""},
        {"base_url": "https://user:secret@host/v1"},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"x-api-key": "x"}},
        {"headers": {"x-note": "a\r\nb"}},
        {"limits": {"idle": 3}},
        {"limits": {"idle_s": 0}},
        {"no_such_option": 1},
    ],
)
def test_a_wrong_configuration_is_said_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        PROVIDERS.make({"name": "openai_compatible", "base_url": "https://host/v1", **wrong})


def ask(provider: Mapping[str, Any], model: str = "m", script: Script = Script(), **more: Any) -> Any:
    """Return what the upstream saw of one whole request."""

    async def run() -> Any:
        async with Upstream({"": script}) as upstream:
            given = {
                k: v.replace("URL", upstream.url) if isinstance(v, str) else v for k, v in provider.items()
            }
            made: Provider = PROVIDERS.make(
                {"name": "openai_compatible", "base_url": f"{upstream.url}/v1", **given}
            )
            transport = Transport()
            await made.complete(HELLO, Attempt(model, transport, **more))
            await transport.aclose()
            return upstream.seen[0]

    return asyncio.run(run())


def test_azure_gets_its_key_its_version_and_the_deployment_in_the_path() -> None:
    seen = ask(
        {
            "base_url": "URL/openai/deployments/{model}/v1",
            "auth": "api-key",
            "query": {"api-version": "2026-01-01"},
        },
        "my gpt/../x",
        secret="azure-key",
    )
    assert seen.headers["api-key"] == "azure-key"
    assert "authorization" not in seen.headers
    assert seen.path == "/openai/deployments/my%20gpt%2F..%2Fx/v1/chat/completions"


@pytest.mark.parametrize("model", ["..", ".", ""])
def test_a_model_cannot_climb_out_of_its_path(model: str) -> None:
    with pytest.raises(Failure, match="no model can be named"):
        ask({"base_url": "URL/{model}/v1"}, model)


def test_further_headers_go_along_and_the_key_is_nobody_elses() -> None:
    seen = ask(
        {"headers": {"X-Team": "red"}},
        secret="sk-mine",
        headers={"traceparent": "00-ab", "Authorization": "Bearer stolen"},
    )
    assert seen.headers["x-team"] == "red"
    assert seen.headers["traceparent"] == "00-ab"
    assert seen.headers["authorization"] == "Bearer sk-mine"


# ---- whole replies ----


@pytest.mark.parametrize(
    ("message", "finish", "text", "calls", "ended"),
    [
        ({"content": "a"}, "stop", "a", 0, "stop"),
        ({"content": "a"}, None, "a", 0, "stop"),
        ({"content": "a"}, "eos", "a", 0, "stop"),
        ({"content": "a"}, "unheard_of", "a", 0, "stop"),
        ({"content": "a"}, "max_tokens", "a", 0, "length"),
        ({"content": None}, "stop", "", 0, "stop"),
        ({}, "content_filter", "", 0, "content_filter"),
        ({"content": None, "refusal": "I cannot."}, "stop", "I cannot.", 0, "content_filter"),
        (
            {
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "thinking", "thinking": []},
                    {"type": "text", "text": "b"},
                ]
            },
            "stop",
            "ab",
            0,
            "stop",
        ),
        (
            {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
            "stop",
            "",
            1,
            "tool_calls",
        ),
        (
            {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
            "tool_calls",
            "",
            1,
            "tool_calls",
        ),
        ({"function_call": {"name": "f", "arguments": "{}"}}, "function_call", "", 1, "tool_calls"),
        ({"content": "a", "tool_calls": []}, "stop", "a", 0, "stop"),
    ],
)
def test_odd_messages_are_understood(
    message: Mapping[str, Any], finish: str, text: str, calls: int, ended: str
) -> None:
    found = completion_of(choice(message, finish), "host")
    assert (found.text, len(found.tool_calls), found.finish) == (text, calls, ended)
    assert all(c.id and c.name == "f" for c in found.tool_calls)


def test_a_body_is_handed_through_unless_its_calls_had_to_be_mended() -> None:
    good = choice({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]})
    assert completion_of(good, "host").native is good
    for call in (
        {"function": {"name": "f", "arguments": "{}"}},
        {"id": "1", "function": {"name": "f", "arguments": {}}},
    ):
        assert completion_of(choice({"tool_calls": [call]}), "host").native is None
    twice = choice(
        {"tool_calls": [{"id": "1", "function": {"name": "f"}}, {"id": "1", "function": {"name": "f"}}]}
    )
    found = completion_of(twice, "host")
    assert found.native is None
    assert len({c.id for c in found.tool_calls}) == 2


@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": None}, {"choices": [{}]}, {"choices": ["x"]}, [], "x", None, 7]
)
def test_a_reply_without_a_message_is_a_failure(body: Any) -> None:
    with pytest.raises(Failure) as caught:
        completion_of(body, "host")
    assert caught.value.code == "protocol"
    assert caught.value.billed


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": -1, "completion_tokens": "x"}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": 10**30}, None),
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(5, 2)),
        ({"prompt_tokens": 5.0, "completion_tokens": 2.0}, Usage(5, 2)),
        ({"prompt_tokens": 5, "total_tokens": 9}, Usage(5, 4)),
        ({"completion_tokens": 4, "total_tokens": 9}, Usage(5, 4)),
        ({"input_tokens": 5, "output_tokens": 2}, Usage(5, 2)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(5, 9, 4, reasoning_tokens=3),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(5, 2)),
        (
            {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 99}},
            Usage(5, 2, 5),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_cache_hit_tokens": 3}, Usage(5, 2, 3)),
    ],
)
def test_usage_is_taken_where_it_is_one(said: Any, usage: Usage | None) -> None:
    assert usage_of(said) == usage


# ---- streams ----


def test_what_comes_after_the_finish_reason_is_not_lost() -> None:
    events = played([
        {"choices": [], "prompt_filter_results": [{}]},
        delta({"role": "assistant", "content": ""}),
        delta({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 1}),
        delta({}, "stop"),
        delta({"content": "b"}),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ])  # fmt: skip
    assert joined(events) == ("ab", [], "stop")
    assert [e.usage for e in events if e.usage] == [Usage(3, 2)]


def test_usage_on_the_last_chunk_or_in_a_place_of_its_own_is_found() -> None:
    for last in (delta({}, "stop", usage={"prompt_tokens": 3, "completion_tokens": 2}),
                 delta({}, "stop", x_groq={"usage": {"prompt_tokens": 3, "completion_tokens": 2}})):  # fmt: skip
        events = played([delta({"content": "a"}), last])
        assert [e.usage for e in events if e.usage] == [Usage(3, 2)]


def test_the_last_of_several_usages_counts() -> None:
    counts = [{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": n}} for n in (1, 2, 9)]
    events = played([delta({"content": "a"}), *counts, delta({}, "stop")], native=True)
    assert [e.usage for e in events if e.usage] == [Usage(3, 9)]


def test_a_terminated_stream_without_a_finish_reason_is_whole_and_an_unterminated_one_is_not() -> None:
    assert joined(played([delta({"content": "a"})]))[2] == "stop"
    assert joined(played([delta({"content": "a"}, "length")], terminated=False))[2] == "length"
    for chunks, terminated in (
        ([delta({"content": "a"})], False),
        ([], True),
        ([delta({"role": "assistant"})], True),
    ):
        with pytest.raises(Failure, match="ended before it was complete"):
            played(chunks, terminated=terminated)


@pytest.mark.parametrize(
    "pieces",
    [
        [
            {"index": 0, "id": "1", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "function": {"arguments": '{"a"'}},
            {"index": 0, "function": {"arguments": ":1}"}},
            {"index": 1, "id": "2", "function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"id": "1", "function": {"name": "f", "arguments": '{"a":1}'}},
            {"id": "2", "function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"a":1}'}},
            {"index": 0, "id": "2", "function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"id": "1", "function": {"name": "f", "arguments": '{"a"'}},
            {"function": {"arguments": ":1}"}},
            {"id": "2", "function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"a"'}},
            {"index": 0, "id": "1", "function": {"name": "f", "arguments": ":1}"}},
            {"index": 1, "function": {"name": "g", "arguments": "{}"}},
        ],
        [
            {"index": 1, "id": "1", "function": {"name": "f", "arguments": {"a": 1}}},
            {"index": 2, "id": "1", "function": {"name": "g"}},
        ],
        [
            {"index": 0, "id": "1", "function": {"name": "f", "arguments": ""}},
            {"index": 1, "id": "2", "function": {"name": "g"}},
            {"index": 0, "function": {"arguments": '{"a":1}'}},
            {"index": 1, "function": {"arguments": "{}"}},
        ],
    ],
    ids=[
        "usual",
        "no-index",
        "one-index",
        "no-index-in-pieces",
        "id-repeated",
        "objects-and-one-id",
        "side-by-side",
    ],
)
@pytest.mark.parametrize("native", [False, True])
def test_tool_calls_are_gathered_however_they_are_sent(pieces: list[dict[str, Any]], native: bool) -> None:
    events = played([delta({"tool_calls": [p]}) for p in pieces] + [delta({}, "tool_calls")], native=native)
    text, calls, finish = joined(events)
    assert (text, finish) == ("", "tool_calls")
    assert [name for _, name, _ in calls] == ["f", "g"]
    assert json.loads(calls[0][2]) == {"a": 1}
    assert calls[1][2] in ("", "{}")
    assert len({identifier for identifier, _, _ in calls}) == 2


def test_chunks_are_handed_on_once_each_unless_they_had_to_be_mended() -> None:
    chunks = [
        delta({"role": "assistant", "content": ""}),
        delta({"content": "a", "reasoning_content": "hm"}),
        delta({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}]}),
        delta({"tool_calls": [{"id": "2", "function": {"name": "g", "arguments": "{}"}}]}),
        delta({}, "tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
    ]
    events = played(chunks, native=True)
    assert [e.native for e in events if e.native is not None] == [c for n, c in enumerate(chunks) if n != 3]
    mended = next(e for e in events if e.name == "g")
    assert (mended.native, mended.native_more) == (None, False)
    more = [e.kind for e in events if e.native_more]
    assert more == ["text", "usage", "finish"]


def test_only_the_first_of_several_choices_is_read_and_all_are_handed_on() -> None:
    chunks = [
        {"choices": [{"index": 1, "delta": {"content": "other"}}]},
        delta({"content": "mine"}),
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
        delta({}, "stop"),
    ]
    events = played(chunks, native=True)
    assert joined(events) == ("mine", [], "stop")
    assert len([e for e in events if e.native is not None]) == 4


def test_a_server_that_answers_a_stream_with_json_is_understood() -> None:
    async def run() -> list[Event]:
        transport = Transport()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            body = json.dumps(
                {**choice({"content": "whole"}), "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
            ).encode()
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
                body
            )
            writer.write(head + body)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        provider = PROVIDERS.make({"name": "openai_compatible", "base_url": url})
        events = [e async for e in provider.stream(HELLO, Attempt("m", transport))]
        server.close()
        await transport.aclose()
        return events

    events = asyncio.run(run())
    check_order(events)
    assert joined(events) == ("whole", [], "stop")


# ---- the rest ----


def test_embeddings_come_in_the_order_of_their_texts_as_numbers_or_packed() -> None:
    import base64
    from array import array

    packed = base64.b64encode(array("f", [0.5, 2.0]).tobytes()).decode()
    body = {"data": [{"index": 1, "embedding": packed}, {"index": 0, "embedding": [1, 2]}]}
    assert vectors_of(body, "host") == [[1, 2], [0.5, 2.0]]
    for wrong in ({}, {"data": []}, {"data": [{"embedding": "!"}]}, {"data": [{"embedding": {"a": 1}}]}):
        with pytest.raises(Failure):
            vectors_of(wrong, "host")


def test_an_embedding_of_another_dimension_than_asked_is_refused() -> None:
    async def run() -> None:
        transport = Transport()
        async with Upstream({"": Script(fault="embedding_dimension")}) as upstream:
            provider = PROVIDERS.make({"name": "openai_compatible", "base_url": f"{upstream.url}/v1"})
            with pytest.raises(Failure, match="dimension"):
                await provider.embed(EmbedRequest("m", ("a",), dimensions=8), Attempt("m", transport))
        await transport.aclose()

    asyncio.run(run())


def test_models_are_read_from_every_form_of_listing() -> None:
    assert [
        m.id
        for m in models_of({"data": [{"id": "b"}, {"id": "a"}, {"id": "a"}, {"id": 7}, {"id": "x\n"}, "c"]})
    ] == ["a", "b"]
    assert [m.id for m in models_of([{"id": "a"}])] == ["a"]
    assert [m.id for m in models_of({"models": [{"name": "a"}]})] == ["a"]
    assert models_of({"data": [{"id": "text-embedding-3-small"}]})[0].kind == "embedding"
    for row in (
        {"context_length": 9},
        {"max_model_len": 9},
        {"context_window": 9},
        {"meta": {"n_ctx_train": 9}},
    ):
        assert models_of({"data": [{"id": "a", **row}]})[0].context_tokens == 9
    assert models_of({}) == models_of(None) == models_of({"data": "x"}) == []
