"""The Responses API in canonical form and back, beyond what every dialect keeps."""

from __future__ import annotations

import json
from typing import Any

from groundwork.core.errors import RateLimitedError
from groundwork.gateway.dialects.openai_completions import OpenAICompletions
from groundwork.gateway.dialects.openai_responses import OpenAIResponses
from groundwork.gateway.types import (
    CallMeta,
    Completion,
    Event,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    ToolCall,
    ToolChoice,
    Usage,
)
from tests.gateway.dialects.examples import PNG, RESPONSE, SCHEMA, VALID_COMPLETIONS, VALID_RESPONSES
from tests.gateway.dialects.test_openai_chat import CITATION, TEXT

DIALECT = OpenAIResponses()
META = CallMeta("call_01")


def sent(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: ")]


def test_items_become_messages_and_calls_join_the_message_before_them() -> None:
    request = DIALECT.parse(VALID_RESPONSES[1])
    assert request.messages == (
        Message("system", (TextPart("Be brief."),)),
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Look"), ImagePart("image/png", PNG, detail="auto"))),
        Message(
            "assistant",
            (TextPart("Let me see"),),
            (ToolCall("call_a", "look", '{"at":"x"}'), ToolCall("call_b", "look", "{}")),
        ),
        Message("tool", (TextPart("a cat"),), tool_call_id="call_b"),
        Message("tool", (TextPart("a dog"),), tool_call_id="call_a"),
    )
    assert [t.name for t in request.tools] == ["look", "wait"]
    assert request.tool_choice == ToolChoice("named", "look")
    assert request.include_usage


def test_format_effort_and_limit_have_their_canonical_place() -> None:
    request = DIALECT.parse(VALID_RESPONSES[2])
    assert request.response_format == ResponseFormat("json_schema", "x", SCHEMA, True)
    assert request.reasoning_effort == "low"
    assert request.max_output_tokens == 100
    assert {"text", "reasoning", "metadata", "truncation", "include"} == set(request.extra)


def test_a_response_repeats_what_was_asked_and_is_not_stored() -> None:
    completion = Completion("Hi", (ToolCall("c", "look", "{}"),), "tool_calls", Usage(3, 4), "hm", meta=META)
    body = DIALECT.render(completion, DIALECT.parse({**VALID_RESPONSES[1], "metadata": {"a": "b"}}), 7)
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call"]
    assert [item["id"] for item in body["output"]] == ["rs_01_0", "msg_01_1", "fc_01_2"]
    assert body["output"][2]["call_id"] == "c"
    assert (body["id"], body["status"], body["store"]) == ("resp_01", "completed", False)
    assert body["instructions"] == "Be brief."
    assert body["metadata"] == {"a": "b"}
    assert body["tools"] == VALID_RESPONSES[1]["tools"]
    assert body["usage"]["total_tokens"] == 7


def test_a_response_cut_short_says_why() -> None:
    for finish, reason in (("length", "max_output_tokens"), ("content_filter", "content_filter")):
        body = DIALECT.render(Completion("Hi", finish=finish, meta=META), DIALECT.parse(RESPONSE), 1)
        assert body["status"] == "incomplete"
        assert body["incomplete_details"] == {"reason": reason}
        assert body["output"][0]["status"] == "incomplete"


def test_a_stream_opens_and_closes_items_in_order() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**RESPONSE, "stream": True}), META, 1)
    events = [
        Event("reasoning", text="hm"),
        Event("text", text="Hi"),
        Event("tool_call", id="c", name="look"),
        Event("tool_call", text="{}"),
        Event("finish", finish="tool_calls"),
    ]
    stream = (
        encoder.start() + b"".join(map(encoder.event, events)) + encoder.end(Completion(usage=Usage(3, 4)))
    )
    assert [e["type"].removeprefix("response.") for e in sent(stream)] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    names = [line[7:] for line in stream.decode().splitlines() if line.startswith("event: ")]
    assert names == [e["type"] for e in sent(stream)]
    assert sent(stream)[-1]["response"]["usage"]["output_tokens"] == 4


def test_a_stream_that_breaks_fails_its_response_and_then_says_the_error() -> None:
    encoder = DIALECT.encoder(DIALECT.parse({**RESPONSE, "stream": True}), META, 1)
    encoder.start()
    failed, error = sent(encoder.error(RateLimitedError("no room")))
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "rate_limit_exceeded", "message": "no room"}
    assert (error["type"], error["code"], error["message"]) == ("error", "rate_limit_exceeded", "no room")


def test_citations_are_file_citations_with_the_whole_citation_beside() -> None:
    body = DIALECT.render(Completion(TEXT, annotations=(CITATION,), meta=META), DIALECT.parse(RESPONSE), 1)
    [cited] = body["output"][0]["content"][0]["annotations"]
    assert (cited["type"], cited["file_id"], cited["filename"]) == ("file_citation", "doc_1", "handbook.md")
    assert TEXT[cited["index"] :].startswith("[1]")
    assert cited["quote"] == "Bees need water"
    encoder = DIALECT.encoder(DIALECT.parse({**RESPONSE, "stream": True}), META, 1)
    stream = encoder.event(Event("text", text=TEXT)) + encoder.event(Event("annotation", data=CITATION))
    stream += encoder.end()
    added = [e for e in sent(stream) if e["type"] == "response.output_text.annotation.added"]
    assert [e["annotation"] for e in added] == [cited]
    assert sent(stream)[-1]["response"]["output"][0]["content"][0]["annotations"] == [cited]


def test_an_older_completion_repeats_the_prompt_where_asked_and_is_short_by_default() -> None:
    dialect = OpenAICompletions()
    request = dialect.parse(VALID_COMPLETIONS[1])
    assert request.messages == (Message("user", (TextPart("Once upon a time"),)),)
    body = dialect.render(Completion(" there was", finish="length", meta=META), request, 1)
    assert body["choices"][0]["text"] == "Once upon a time there was"
    assert body["id"] == "cmpl-01"
    assert dialect.parse(VALID_COMPLETIONS[0]).max_output_tokens == 16
    encoder = dialect.encoder(request, META, 1)
    assert b"Once upon a time" in encoder.start()
