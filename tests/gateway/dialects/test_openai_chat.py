"""Chat completions in canonical form and back, beyond what every dialect keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundwork.gateway.dialects.openai_chat import OpenAIChat
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
from tests.gateway.dialects.examples import CALLED, CHAT, LOOK, PNG, SCHEMA, USER, VALID_CHAT

DIALECT = OpenAIChat()
META = CallMeta("call_01")
CITATION = {
    "type": "citation",
    "marker": 1,
    "document": "handbook.md",
    "document_id": "doc_1",
    "chunk_id": "chk_1",
    "start": 10,
    "end": 25,
    "quote": "Bees need water",
    "page": None,
    "heading": "Bees",
}
TEXT = "They need water [1]."


def chunks(stream: bytes) -> list[dict[str, Any]]:
    lines = stream.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def test_a_conversation_with_images_and_calls_has_its_canonical_form() -> None:
    request = DIALECT.parse(VALID_CHAT[1])
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message("system", (TextPart("Be kind."),)),
        Message(
            "user",
            (
                TextPart("Look at these"),
                ImagePart("image/png", PNG, detail="low"),
                ImagePart(url="https://example.org/a.png"),
            ),
        ),
        Message(
            "assistant",
            tool_calls=(ToolCall("call_a", "look", '{"at":"x"}'), ToolCall("call_b", "look", '{"at":"x"}')),
        ),
        Message("tool", (TextPart("a cat"),), tool_call_id="call_b"),
        Message("tool", (TextPart("a dog"),), tool_call_id="call_a"),
        Message("assistant", (TextPart("No."),)),
        Message("assistant", (TextPart("No."),)),
    )
    assert request.tools == (Tool("look", "Look.", SCHEMA, strict=True),)
    assert request.tool_choice == ToolChoice("named", "look")
    assert request.parallel_tool_calls is False
    assert request.extra == {}
    assert request.native_only == ()


def test_every_parameter_has_its_canonical_place_and_the_others_are_extra() -> None:
    request = DIALECT.parse(VALID_CHAT[2])
    assert (request.stream, request.include_usage, request.max_output_tokens) == (True, True, 100)
    assert (request.temperature, request.top_p, request.stop) == (2.0, 0.5, ("\n", "END"))
    assert (request.seed, request.n, request.user) == (-(2**63), 2, "ann")
    assert request.reasoning_effort == "low"
    assert request.extra == {
        "metadata": {"a": "b"},
        "frequency_penalty": 0.5,
        "logit_bias": {"50256": -100},
        "reasoning_effort": "low",
    }


def test_the_limit_of_reasoning_models_wins_over_the_older_name() -> None:
    assert DIALECT.parse({**CHAT, "max_tokens": 5, "max_completion_tokens": 7}).max_output_tokens == 7
    assert DIALECT.parse({**CHAT, "max_tokens": 5}).max_output_tokens == 5
    assert DIALECT.parse(CHAT).max_output_tokens is None


def test_usage_is_included_in_a_stream_only() -> None:
    assert not DIALECT.parse({**CHAT, "stream_options": {"include_usage": True}}).include_usage


def test_formats_and_choices_of_every_kind() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
    assert DIALECT.parse({**CHAT, "response_format": schema}).response_format == ResponseFormat(
        "json_schema", "x", SCHEMA, True
    )
    loose = {"type": "json_schema", "json_schema": {"name": "x"}}
    assert DIALECT.parse({**CHAT, "response_format": loose}).response_format.kind == "json_object"
    request = DIALECT.parse(VALID_CHAT[6])
    assert [t.name for t in request.tools] == ["wait"]
    assert request.tool_choice == ToolChoice("required")
    assert request.tools[0].parameters == {"type": "object", "properties": {}}
    assert DIALECT.parse({**CHAT, "tools": [LOOK], "tool_choice": "none"}).tool_choice == ToolChoice("none")


def test_what_has_no_canonical_form_is_named_and_kept_in_the_native_body() -> None:
    content = [
        {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
    ]
    body = {
        **CHAT,
        "messages": [{"role": "user", "content": content}],
        "tools": [{"type": "custom", "custom": {"name": "run"}}],
        "modalities": ["text", "audio"],
        "web_search_options": {},
    }
    request = DIALECT.parse(body)
    assert request.native_only == (
        "`web_search_options`",
        "audio",
        "custom tools",
        "file parts",
        "input_audio parts",
    )
    assert request.native is body
    assert DIALECT.parse({**CHAT, "modalities": ["text"]}).native_only == ()


def test_the_older_functions_are_answered_in_their_own_form() -> None:
    request = DIALECT.parse(VALID_CHAT[7])
    assert request.messages[1].tool_calls == (ToolCall("call_1", "look", "{}"),)
    assert request.messages[2] == Message("tool", (TextPart("a cat"),), tool_call_id="call_1")
    assert request.tool_choice == ToolChoice("named", "look")
    completion = Completion("", (ToolCall("c", "look", "{}"),), "tool_calls", meta=META)
    choice = DIALECT.render(completion, request, 1)["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "look", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    encoder = DIALECT.encoder(request, META, 1)
    stream = encoder.event(Event("tool_call", id="c", name="look")) + encoder.event(
        Event("tool_call", text="{}")
    )
    stream += encoder.event(Event("finish", finish="tool_calls")) + encoder.end()
    deltas = [c["choices"][0] for c in chunks(stream)]
    assert [d["delta"].get("function_call") for d in deltas[1:3]] == [
        {"name": "look", "arguments": ""},
        {"arguments": "{}"},
    ]
    assert deltas[-1]["finish_reason"] == "function_call"


def test_a_result_for_a_call_never_made_is_refused_by_its_id() -> None:
    result = {"role": "tool", "tool_call_id": "call_never", "content": "x"}
    with pytest.raises(Exception, match="call_never") as caught:
        DIALECT.parse({**CHAT, "messages": [USER, CALLED, result]})
    assert caught.value.details["param"] == "messages[2].tool_call_id"


def test_a_whole_body_names_the_model_as_asked_and_counts_all_tokens() -> None:
    usage = Usage(10, 5, cached_input_tokens=4, reasoning_tokens=2)
    calls = (ToolCall("call_1", "look", "{}"),)
    body = DIALECT.render(Completion("", calls, "tool_calls", usage, "hm", meta=META), DIALECT.parse(CHAT), 7)
    assert body == {
        "id": "chatcmpl-01",
        "object": "chat.completion",
        "created": 7,
        "model": "openai/small",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
                    ],
                    "reasoning_content": "hm",
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        "system_fingerprint": None,
    }


def test_a_stream_says_the_role_first_and_the_usage_last_where_it_was_asked_for() -> None:
    asked = DIALECT.parse({**CHAT, "stream": True, "stream_options": {"include_usage": True}})
    encoder = DIALECT.encoder(asked, META, 1)
    stream = (
        encoder.start()
        + encoder.event(Event("text", text="a"))
        + encoder.event(Event("finish", finish="length"))
    )
    stream += encoder.end(Completion("a", usage=Usage(3, 4)))
    first, *middle, last = chunks(stream)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [c["choices"][0]["finish_reason"] for c in middle] == [None, "length"]
    assert all(c["usage"] is None for c in [first, *middle])
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 7
    unasked = DIALECT.encoder(DIALECT.parse({**CHAT, "stream": True}), META, 1)
    assert b"usage" not in unasked.event(Event("text", text="a")) + unasked.end(Completion(usage=Usage(3, 4)))


@pytest.mark.parametrize("asked", [True, False])
def test_a_providers_chunk_of_usage_reaches_only_who_asked(asked: bool) -> None:
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": asked}}
    encoder = DIALECT.encoder(DIALECT.parse(body), META, 1)
    head = {"id": "theirs", "object": "chat.completion.chunk", "model": "m"}
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": None}
    native = {**head, "choices": [choice]}
    usage = {**head, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    stream = encoder.event(Event("text", text="a", native=native))
    stream += encoder.event(
        Event("finish", finish="stop", native={**native, "choices": [{**choice, "finish_reason": "stop"}]})
    )
    stream += encoder.event(Event("usage", usage=Usage(1, 2), native=usage)) + encoder.end(
        Completion(usage=Usage(1, 2))
    )
    assert [c for c in chunks(stream) if c.get("usage")] == ([usage] if asked else [])
    assert {c["id"] for c in chunks(stream)} == {"theirs"}


def test_a_providers_stream_that_never_said_why_it_ended_is_ended_here() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**CHAT, "stream": True}), META, 1)
    native = {"id": "theirs", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    native["choices"] = [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]
    stream = encoder.event(Event("text", text="a", native=native)) + encoder.end()
    assert clients.read_chat(stream).finish == "stop"


def test_a_providers_end_that_was_not_handed_on_is_said_here() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**CHAT, "stream": True}), META, 1)
    native = {"id": "theirs", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    native["choices"] = [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]
    stream = encoder.event(Event("text", text="a", native=native))
    stream += encoder.event(Event("finish", finish="length", native_more=True)) + encoder.end()
    assert clients.read_chat(stream).finish == "length"


def test_citations_stand_beside_the_text_in_both_forms() -> None:
    request = DIALECT.parse(CHAT)
    completion = Completion(TEXT, annotations=(CITATION, {"type": "of_nobody"}), meta=META)
    body = DIALECT.render(completion, request, 1)
    [annotation] = body["choices"][0]["message"]["annotations"]
    cited = annotation["url_citation"]
    assert TEXT[cited["start_index"] : cited["end_index"]] == "[1]"
    assert cited["title"] == "handbook.md"
    assert cited["url"].startswith("groundwork:doc_1?")
    assert body["citations"] == [{k: v for k, v in CITATION.items() if k != "type"}]


def test_citations_of_a_stream_come_with_its_last_delta() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**CHAT, "stream": True}), META, 1)
    stream = b"".join(encoder.event(Event("text", text=t)) for t in ("They need", " water [1]."))
    stream += encoder.event(Event("annotation", data=CITATION)) + encoder.event(
        Event("finish", finish="stop")
    )
    stream += encoder.end()
    last = chunks(stream)[-1]
    cited = last["choices"][0]["delta"]["annotations"][0]["url_citation"]
    assert TEXT[cited["start_index"] : cited["end_index"]] == "[1]"
    assert last["citations"][0]["quote"] == "Bees need water"
    assert clients.read_chat(stream).text == TEXT
