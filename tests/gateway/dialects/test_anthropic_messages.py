"""Anthropic messages in canonical form and back, beyond what every dialect keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundwork.core.errors import OutputRefusedError
from groundwork.gateway.dialects.anthropic_messages import AnthropicMessages
from groundwork.gateway.types import (
    CallMeta,
    Completion,
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
from tests.gateway.dialects import clients
from tests.gateway.dialects.examples import ANTHROPIC_LOOK, MESSAGES, PNG, SCHEMA, VALID_MESSAGES, without
from tests.gateway.dialects.test_openai_chat import CITATION, TEXT

DIALECT = AnthropicMessages()
META = CallMeta("call_01")
THINKING = {**MESSAGES, "thinking": {"type": "enabled", "budget_tokens": 1024}}


def sent(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: ")]


def test_a_conversation_with_blocks_of_every_kind_has_its_canonical_form() -> None:
    request = DIALECT.parse(VALID_MESSAGES[1])
    image = ImagePart("image/png", PNG)
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message(
            "user",
            (
                TextPart("Look"),
                image,
                ImagePart(url="https://example.org/a.png"),
                TextPart("T\n"),
                TextPart("d"),
                TextPart("S\nhttps://example.org\n"),
                TextPart("found"),
            ),
        ),
        Message(
            "assistant",
            (TextPart("Let me see"),),
            (ToolCall("toolu_a", "look", '{"at":"x"}'), ToolCall("toolu_b", "look", "{}")),
        ),
        Message("tool", (TextPart("gone"),), tool_call_id="toolu_b", is_error=True),
        Message("tool", (TextPart("a dog"), image), tool_call_id="toolu_a"),
        Message("user", (TextPart("And now?"),)),
    )
    assert request.tools == (Tool("look", "Look.", SCHEMA),)
    assert request.tool_choice == ToolChoice("required")
    assert request.parallel_tool_calls is False
    assert request.native_only == ()


def test_every_parameter_has_its_canonical_place_and_the_others_are_extra() -> None:
    request = DIALECT.parse(VALID_MESSAGES[2])
    assert (request.stream, request.max_output_tokens, request.temperature) == (True, 100, 1.0)
    assert (request.stop, request.user, request.include_usage) == (("END",), "ann", True)
    assert set(request.extra) == {"top_k", "metadata", "thinking", "service_tier"}


def test_a_schema_for_the_answer_is_read_in_both_its_places() -> None:
    wanted = ResponseFormat("json_schema", "output", SCHEMA, True)
    request = DIALECT.parse(VALID_MESSAGES[3])
    assert request.response_format == wanted
    assert request.extra == {"output_config": {"effort": "low"}}
    assert request.reasoning_effort == "low"
    assert DIALECT.parse(VALID_MESSAGES[4]).response_format == wanted


def test_what_has_no_canonical_form_is_named_and_kept_in_the_native_body() -> None:
    content = [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "x"}},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "container_upload", "file_id": "f"},
    ]
    body = {
        **MESSAGES,
        "messages": [{"role": "user", "content": content}],
        "tools": [ANTHROPIC_LOOK, {"type": "web_search_20250305", "name": "web_search"}],
        "mcp_servers": [{"type": "url", "url": "https://example.org", "name": "x"}],
    }
    request = DIALECT.parse(body)
    assert request.native_only == (
        "`container_upload` blocks",
        "`mcp_servers`",
        "`web_search_20250305` tools",
        "documents by base64",
        "images by file id",
    )
    assert request.native is body


def test_tokens_are_counted_without_a_limit_of_output() -> None:
    request = DIALECT.parse_count_tokens(without(MESSAGES, "max_tokens"))
    assert request.max_output_tokens is None
    assert DIALECT.render_count_tokens(12) == {"input_tokens": 12}


def test_a_whole_message_holds_text_calls_and_usage_apart_from_the_cache() -> None:
    usage = Usage(100, 5, cached_input_tokens=60, cache_write_tokens=30)
    completion = Completion(
        "Hi", (ToolCall("c", "look", '{"at":"x"}'),), "tool_calls", usage, "hm", meta=META
    )
    body = DIALECT.render(completion, DIALECT.parse(MESSAGES), 1)
    assert body["id"] == "msg_01"
    assert body["model"] == "anthropic/small"
    assert body["content"] == [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "c", "name": "look", "input": {"at": "x"}},
    ]
    assert body["stop_reason"] == "tool_use"
    assert body["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 5,
    }


def test_reasoning_is_shown_to_who_asked_for_thinking_only() -> None:
    completion = Completion("Hi", reasoning="hm", meta=META)
    kinds = [b["type"] for b in DIALECT.render(completion, DIALECT.parse(THINKING), 1)["content"]]
    assert kinds == ["thinking", "text"]
    events = [Event("reasoning", text="hm"), Event("text", text="Hi"), Event("finish", finish="stop")]
    for body, blocks in ((THINKING, ["thinking", "text"]), (MESSAGES, ["text"])):
        encoder = DIALECT.encoder(DIALECT.parse({**body, "stream": True}), META, 1)
        stream = b"".join(map(encoder.event, events)) + encoder.end()
        starts = [e["content_block"]["type"] for e in sent(stream) if e["type"] == "content_block_start"]
        assert starts == blocks
        assert clients.read_message(stream).text == "Hi"


@pytest.mark.parametrize(("arguments", "value"), [("", {}), (" ", {}), ('{"a":1}', {"a": 1})])
def test_arguments_become_an_object(arguments: str, value: dict[str, Any]) -> None:
    completion = Completion("", (ToolCall("c", "look", arguments),), "tool_calls", meta=META)
    assert DIALECT.render(completion, DIALECT.parse(MESSAGES), 1)["content"][0]["input"] == value


@pytest.mark.parametrize("arguments", ["{", "[]", "NaN", '{"a":Infinity}'])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    completion = Completion("", (ToolCall("c", "look", arguments),), "tool_calls", meta=META)
    with pytest.raises(OutputRefusedError, match="look"):
        DIALECT.render(completion, DIALECT.parse(MESSAGES), 1)


def test_a_stream_ends_with_the_reason_and_the_usage() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**MESSAGES, "stream": True}), META, 1)
    stream = encoder.event(Event("text", text="a")) + encoder.event(Event("finish", finish="length"))
    assert b"message_delta" not in stream
    stream += encoder.end(Completion("a", usage=Usage(3, 4)))
    *_, delta, stop = sent(stream)
    assert delta["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert delta["usage"]["input_tokens"] == 3
    assert delta["usage"]["output_tokens"] == 4
    assert stop == {"type": "message_stop"}


def test_input_tokens_known_at_the_start_are_said_at_the_start() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**MESSAGES, "stream": True}), META, 1)
    encoder.event(Event("usage", usage=Usage(42, 0)))
    start = sent(encoder.event(Event("text", text="a")))[0]
    assert start["type"] == "message_start"
    assert start["message"]["usage"]["input_tokens"] == 42


def test_the_last_event_of_a_provider_waits_for_the_end() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**MESSAGES, "stream": True}), META, 1)
    assert encoder.event(Event("finish", finish="stop", native={"type": "message_delta", "delta": {}})) != b""
    assert encoder.event(Event("other", native={"type": "message_stop"})) == b""
    assert sent(encoder.end()) == [{"type": "message_stop"}]


def test_citations_are_char_locations_of_numbered_documents() -> None:
    other = {**CITATION, "marker": 2, "document_id": "doc_2", "document": "b.md"}
    completion = Completion(TEXT, annotations=(CITATION, other, CITATION), meta=META)
    [block] = DIALECT.render(completion, DIALECT.parse(MESSAGES), 1)["content"]
    assert block["citations"][0] == {
        "type": "char_location",
        "cited_text": "Bees need water",
        "document_index": 0,
        "document_title": "handbook.md",
        "start_char_index": 10,
        "end_char_index": 25,
        "file_id": None,
    }
    assert [c["document_index"] for c in block["citations"]] == [0, 1, 0]


def test_citations_of_a_stream_belong_to_its_block_of_text() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**MESSAGES, "stream": True}), META, 1)
    stream = encoder.event(Event("text", text=TEXT)) + encoder.event(Event("annotation", data=CITATION))
    stream += encoder.event(Event("finish", finish="stop")) + encoder.end()
    with clients.anthropic_client(stream).messages.stream(model="m", max_tokens=9, messages=[]) as events:
        [block] = events.get_final_message().content
    assert block.type == "text"
    assert block.citations is not None
    assert block.citations[0].cited_text == "Bees need water"
