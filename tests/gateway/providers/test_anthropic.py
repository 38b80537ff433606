"""Anthropic's messages: what is sent for requests of every dialect, and what is made of the replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from groundwork.core.errors import SettingsError
from groundwork.gateway.failures import Failure
from groundwork.gateway.providers import PROVIDERS, Attempt
from groundwork.gateway.providers._anthropic_reply import Blocks, completion_of, models_of
from groundwork.gateway.providers._anthropic_request import ANSWER_TOOL, body_of
from groundwork.gateway.providers._narrowed import narrowed
from groundwork.gateway.transport import Transport
from groundwork.gateway.types import (
    ChatRequest,
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
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
NEW, OLD = "claude-sonnet-5", "claude-3-5-sonnet-20241022"


def sent(request: ChatRequest, model: str = NEW, **more: Any) -> dict[str, Any]:
    """Return the body of a whole request."""
    return body_of(request, model, stream=False, max_tokens=4096, **more)[0]


def said(*messages: Message, **more: Any) -> ChatRequest:
    """Return a request of these messages."""
    return ChatRequest("m", messages, **more)


def played(events: list[Mapping[str, Any]], *, native: bool = False, by_tool: bool = False) -> list[Event]:
    """Return our events of a stream, checked for their order."""
    blocks = Blocks("host", native=native, by_tool=by_tool)
    ours = [e for event in events for e in blocks.take(event)] + blocks.end()
    check_order(ours)
    return ours


STREAM: list[Mapping[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "usage": {
                "input_tokens": 5,
                "cache_read_input_tokens": 20,
                "cache_creation_input_tokens": 10,
                "output_tokens": 1,
            },
        },
    },
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "abc"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "citations_delta", "citation": {"cited_text": "x"}},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search"},
    },
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 3,
        "delta": {"type": "input_json_delta", "partial_json": '{"a"'},
    },
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": ":1}"}},
    {
        "type": "content_block_start",
        "index": 4,
        "content_block": {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    },
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 4}},
    },
    {"type": "message_stop"},
]


# ---- what is sent ----


def test_a_body_of_the_same_dialect_goes_through_as_it_came() -> None:
    native = {
        "model": "fast",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "x"}],
        "thinking": {"type": "adaptive"},
    }
    request = ChatRequest("fast", HELLO.messages, dialect="anthropic_messages", native=native)
    assert sent(request) == {**native, "model": NEW}
    assert body_of(request, NEW, stream=True, max_tokens=1)[0] == {**native, "model": NEW, "stream": True}


def test_system_messages_are_gathered_and_neighbours_of_one_role_joined() -> None:
    body = sent(
        said(
            Message("system", (TextPart("One."),)),
            Message("user", (TextPart("a"),)),
            Message("user", (TextPart("b"),)),
            Message("system", (TextPart("Two."),)),
            Message("assistant", (TextPart("c "),)),
        )
    )
    assert body["system"] == "One.\n\nTwo."
    assert body["max_tokens"] == 4096
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}]},
    ]


def test_a_conversation_begins_with_the_user_and_holds_no_empty_text() -> None:
    first = sent(
        said(Message("assistant", (TextPart("Welcome"),)), Message("user", (TextPart("  "), TextPart("hi"))))
    )
    assert [m["role"] for m in first["messages"]] == ["user", "assistant", "user"]
    assert first["messages"][2]["content"] == [{"type": "text", "text": "hi"}]
    assert sent(said(Message("system", (TextPart("Be."),))))["messages"] == [
        {"role": "user", "content": "Be."}
    ]


def test_results_of_tools_stand_first_in_the_users_turn() -> None:
    body = sent(
        said(
            Message("user", (TextPart("?"),)),
            Message(
                "assistant",
                (TextPart("let me"),),
                (ToolCall("a/1", "f", '{"x": 1}'), ToolCall("b", "g", "broken")),
            ),
            Message("tool", (TextPart("one"), ImagePart("image/png", "AAAA")), tool_call_id="a/1"),
            Message("user", (TextPart("and?"),)),
            Message("tool", (TextPart("no"),), tool_call_id="b", is_error=True),
            tools=(Tool("f", "Does f.", {"properties": {}}),),
            tool_choice=ToolChoice("named", "f"),
            parallel_tool_calls=False,
        )
    )
    assert body["messages"][1]["content"] == [
        {"type": "text", "text": "let me"},
        {"type": "tool_use", "id": "a_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {"arguments": "broken"}},
    ]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a_1", "content": [{"type": "text", "text": "one"}, image]},
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": [{"type": "text", "text": "no"}],
            "is_error": True,
        },
        {"type": "text", "text": "and?"},
    ]
    assert body["tools"] == [
        {"name": "f", "description": "Does f.", "input_schema": {"type": "object", "properties": {}}}
    ]
    assert body["tool_choice"] == {"type": "tool", "name": "f", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (None, None),
    ],
)
def test_the_choice_of_tools_has_its_word(choice: ToolChoice | None, told: Any) -> None:
    request = replace(HELLO, tools=(Tool("f", "", {}),), tool_choice=choice)
    assert sent(request).get("tool_choice") == told


def test_an_image_is_sent_by_its_bytes_or_by_its_address() -> None:
    parts = (ImagePart(url="https://x/y.png"), ImagePart(url="data:image/jpeg;base64,BBBB"))
    content = sent(said(Message("user", parts)))["messages"][0]["content"]
    assert [part["source"] for part in content] == [
        {"type": "url", "url": "https://x/y.png"},
        {"type": "base64", "media_type": "image/jpeg", "data": "BBBB"},
    ]


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-3-5-haiku-20241022", True),
        ("claude-sonnet-4-5", True),
        ("claude-sonnet-4-5-20250929", True),
        ("claude-opus-4-6", True),
        ("claude-haiku-4-5", True),
        ("claude-opus-4-7", False),
        ("claude-opus-4-10", False),
        ("claude-sonnet-5", False),
        ("claude-opus-5-1", False),
        ("some-other-model", False),
    ],
)
def test_sampling_is_sent_to_models_that_take_it(model: str, takes: bool) -> None:
    request = replace(HELLO, temperature=1.7, top_p=0.5)
    body = sent(request, model)
    assert body.get("temperature") == (1.0 if takes else None)
    assert "top_p" not in body
    assert sent(request, model, sampling=True)["temperature"] == 1.0
    assert "temperature" not in sent(request, model, sampling=False)


def test_stop_user_and_effort_have_their_places() -> None:
    body = sent(replace(HELLO, stop=("END", " \n"), user="u", reasoning_effort="minimal", seed=4))
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "u"}
    assert body["output_config"] == {"effort": "low"}
    assert "seed" not in body


def test_several_completions_are_refused() -> None:
    with pytest.raises(Failure) as caught:
        sent(replace(HELLO, n=2))
    assert caught.value.code == "unsupported"


def test_a_schema_goes_into_the_output_format_of_models_that_know_it() -> None:
    request = replace(HELLO, response_format=ResponseFormat("json_schema", "x", OBJECT, strict=True))
    body, by_tool = body_of(request, NEW, stream=False, max_tokens=9)
    assert not by_tool
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {**OBJECT, "additionalProperties": False},
    }
    body, by_tool = body_of(request, OLD, stream=False, max_tokens=9)
    assert by_tool
    assert body["tools"][0]["input_schema"] == OBJECT
    assert body["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL}


def test_a_schema_that_the_output_format_cannot_say_is_asked_for_otherwise() -> None:
    open_map = {"type": "object", "additionalProperties": {"type": "integer"}}
    request = replace(HELLO, response_format=ResponseFormat("json_schema", "x", open_map))
    assert body_of(request, NEW, stream=False, max_tokens=9)[1]
    with_tools = replace(request, tools=(Tool("f", "", {}),))
    body, by_tool = body_of(with_tools, NEW, stream=False, max_tokens=9)
    assert not by_tool
    assert "additionalProperties" in body["system"]
    listed = replace(
        HELLO,
        response_format=ResponseFormat("json_schema", "x", {"type": "array", "items": {"type": "string"}}),
    )
    assert "array" in sent(listed)["system"]
    assert "one JSON object" in sent(replace(HELLO, response_format=ResponseFormat("json_object")))["system"]


def test_a_schema_is_narrowed_to_what_can_be_decoded_by() -> None:
    schema = {
        "type": "object",
        "$defs": {
            "city": {
                "type": "object",
                "properties": {"name": {"type": "string", "minLength": 1}},
                "required": ["name"],
            }
        },
        "properties": {
            "home": {"$ref": "#/$defs/city"},
            "age": {"type": ["integer", "null"], "minimum": 0},
            "kind": {"enum": ["a", None]},
            "when": {"type": "string", "format": "date"},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "any": {"oneOf": [{"type": "string"}, {"const": 7}]},
        },
    }
    found = narrowed(schema)
    assert found is not None
    properties = found["properties"]
    assert properties["home"]["additionalProperties"] is False
    assert properties["home"]["properties"]["name"] == {"type": "string", "description": "{minLength: 1}"}
    assert [p["type"] for p in properties["age"]["anyOf"]] == ["integer", "null"]
    assert properties["kind"] == {"enum": ["a", None]}
    assert properties["when"] == {"type": "string", "format": "date"}
    assert properties["tags"]["description"] == "{maxItems: 3}"
    assert properties["any"] == {"anyOf": [{"type": "string"}, {"enum": [7]}]}
    recursive = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    ring = {
        "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}},
        "$ref": "#/$defs/n",
    }
    for unsayable in (
        recursive,
        ring,
        {"type": "object"},
        {"type": "string"},
        {},
        {"$ref": "https://x"},
        {"$ref": "#/no"},
    ):
        assert narrowed(unsayable) is None


# ---- replies ----


def test_a_whole_message_is_read() -> None:
    body = {
        "id": "msg_1",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "x"},
            {"type": "text", "text": "a", "citations": [{"cited_text": "q"}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
            {"type": "text", "text": "b"},
        ],
        "stop_reason": "tool_use",
        "usage": {
            "input_tokens": 5,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 10,
            "output_tokens": 3,
        },
    }
    found = completion_of(body, "host")
    assert (found.text, found.reasoning, found.finish) == ("ab", "hm", "tool_calls")
    assert found.tool_calls == (ToolCall("t", "f", '{"x":1}'),)
    assert found.usage == Usage(35, 3, 20, 10)
    assert found.annotations == ({"cited_text": "q"},)
    assert found.native is body
    assert found.native_dialect == "anthropic_messages"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("unheard_of", "stop"),
        (None, "stop"),
    ],
)
def test_each_reason_to_stop_has_its_word(reason: str | None, finish: str) -> None:
    assert completion_of({"content": [], "stop_reason": reason}, "host").finish == finish


@pytest.mark.parametrize(
    "body",
    [{}, [], "x", None, {"content": "x"}, {"content": ["x"]}, {"content": [{"type": "tool_use", "id": "1"}]}],
)
def test_what_is_no_message_is_a_failure(body: Any) -> None:
    with pytest.raises(Failure) as caught:
        completion_of(body, "host")
    assert caught.value.code == "protocol"


def test_a_forced_tools_input_becomes_the_text() -> None:
    body = {
        "content": [{"type": "tool_use", "id": "t", "name": ANSWER_TOOL, "input": {"a": "b"}}],
        "stop_reason": "tool_use",
    }
    found = completion_of(body, "host", by_tool=True)
    assert (json.loads(found.text), found.tool_calls, found.finish, found.native) == (
        {"a": "b"},
        (),
        "stop",
        None,
    )


def test_a_stream_is_read() -> None:
    events = played(STREAM)
    assert joined(events) == ("Hi", [("t1", "f", '{"a":1}'), ("t2", "g", "")], "tool_calls")
    assert "".join(e.text for e in events if e.kind == "reasoning") == "hm"
    assert [e.data for e in events if e.kind == "annotation"] == [{"cited_text": "x"}]
    assert [e.usage for e in events if e.usage] == [Usage(35, 30, 20, 10, 4)]


def test_a_stream_is_handed_on_once_each_but_for_its_terminator() -> None:
    events = played(STREAM, native=True)
    assert [e.native for e in events if e.native is not None] == STREAM[:-1]
    assert joined(events) == joined(played(STREAM))


def test_a_forced_tools_input_is_streamed_as_text() -> None:
    events = played(
        [
            {
                "type": "message_start",
                "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}},
            },
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "tool_use", "id": "t", "name": ANSWER_TOOL, "input": {}},
            },
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": '{"a":'},
            },
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": '"b"}'},
            },
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
        ],
        by_tool=True,
    )
    assert joined(events) == ('{"a":"b"}', [], "stop")


def test_a_stream_without_a_reason_to_stop_is_a_failure() -> None:
    for cut in range(len(STREAM) - 2):
        with pytest.raises(Failure, match="ended before it was complete"):
            played(STREAM[:cut])
    assert joined(played(STREAM[:-1]))[2] == "tool_calls"


def test_what_an_unknown_event_holds_does_no_harm() -> None:
    odd: list[Mapping[str, Any]] = [
        {},
        {"type": "new_event"},
        {"type": "content_block_delta"},
        {"type": "content_block_delta", "index": "x", "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_start", "index": 0, "content_block": None},
        {"type": "message_start", "message": []},
        {"type": "message_delta", "delta": None, "usage": {"output_tokens": "many"}},
    ]
    events = played([*odd, *STREAM])
    assert joined(events)[0] == "Hi"


# ---- the rest ----


def test_the_address_the_version_and_the_key_are_sent_as_the_api_takes_them() -> None:
    async def run() -> None:
        transport = Transport()
        async with Upstream({"": Script(key="sk-ant-1")}) as upstream:
            for more, base in (({}, ""), ({"auth": "bearer"}, "/v1"), ({"beta": ["a", "b"]}, "/")):
                provider = PROVIDERS.make({"name": "anthropic", "base_url": upstream.url + base, **more})
                await provider.complete(HELLO, Attempt("m", transport, "sk-ant-1"))
                assert await provider.count_tokens(HELLO, Attempt("m", transport, "sk-ant-1"))
                assert len(await provider.models(Attempt("", transport, "sk-ant-1"))) == 2
            token = PROVIDERS.make({"name": "anthropic", "base_url": upstream.url, "token": True})
            await token.complete(HELLO, Attempt("m", transport, "sk-ant-1"))
        paths = [seen.path for seen in upstream.seen]
        assert paths[:3] == ["/v1/messages", "/v1/messages/count_tokens", "/v1/models"]
        assert all(seen.headers["anthropic-version"] == "2023-06-01" for seen in upstream.seen)
        assert all(seen.headers["x-api-key"] == "sk-ant-1" for seen in list(upstream.seen)[:9])
        assert upstream.seen[6].headers["anthropic-beta"] == "a,b"
        assert upstream.seen[9].headers["authorization"] == "Bearer sk-ant-1"
        assert set(upstream.seen[1].json) == {"model", "messages"}
        await transport.aclose()

    asyncio.run(run())


def test_it_is_reached_at_home_without_an_address() -> None:
    PROVIDERS.make({"name": "anthropic"})
    with pytest.raises(SettingsError):
        PROVIDERS.make({"name": "anthropic", "base_url": "anthropic.com"})


def test_retired_models_are_not_listed() -> None:
    rows = [
        {"id": "b", "max_input_tokens": 200_000, "max_tokens": 64_000},
        {"id": "a", "lifecycle": "retired"},
        {"id": 7},
        "x",
    ]
    found = models_of({"data": rows})
    assert [(m.id, m.context_tokens, m.max_output_tokens) for m in found] == [("b", 200_000, 64_000)]
    assert models_of(None) == []
