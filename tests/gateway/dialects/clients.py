"""The official clients, fed with bytes instead of a network: what they make of a body, a stream, an error."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from groundwork.gateway.types import FinishReason, ToolCall
from groundwork.testing.dialect import Read

FINISHES: dict[str | None, FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def _transport(content: bytes, status: int, kind: str) -> httpx2.MockTransport:
    return httpx2.MockTransport(
        lambda request: httpx2.Response(status, content=content, headers={"content-type": kind})
    )


def openai_client(content: bytes, status: int = 200, kind: str = "text/event-stream") -> openai.OpenAI:
    http = httpx2.Client(transport=_transport(content, status, kind))
    return openai.OpenAI(api_key="k", base_url="http://gateway.test/v1", http_client=http, max_retries=0)


def anthropic_client(
    content: bytes, status: int = 200, kind: str = "text/event-stream"
) -> anthropic.Anthropic:
    http = httpx2.Client(transport=_transport(content, status, kind))
    return anthropic.Anthropic(api_key="k", base_url="http://gateway.test", http_client=http, max_retries=0)


def read_chat(stream: bytes) -> Read:
    """Join a stream with OpenAI's own accumulator."""
    state: Any = ChatCompletionStreamState()
    chunks = openai_client(stream).chat.completions.create(model="m", messages=[], stream=True)
    for chunk in chunks:
        type(chunk).model_validate(chunk.model_dump(exclude_unset=True))
        if chunk.choices:
            state.handle_chunk(chunk)
    choice = state.current_completion_snapshot.choices[0]
    calls = tuple(
        ToolCall(c.id, c.function.name, c.function.arguments) for c in choice.message.tool_calls or ()
    )
    assert stream.count(b"\n\ndata: [DONE]\n\n") == 1
    assert stream.endswith(b"data: [DONE]\n\n")
    return Read(choice.message.content or "", calls, choice.finish_reason)


def read_completion(stream: bytes) -> Read:
    text, finish = "", None
    for chunk in openai_client(stream).completions.create(model="m", prompt="p", stream=True):
        type(chunk).model_validate(
            {
                **chunk.model_dump(),
                "choices": [{**c.model_dump(), "finish_reason": "stop"} for c in chunk.choices],
            }
        )
        for choice in chunk.choices:
            text += choice.text
            assert finish is None
            finish = choice.finish_reason
    assert stream.endswith(b"data: [DONE]\n\n")
    assert finish is not None
    return Read(text, (), finish)


def read_response(stream: bytes) -> Read:
    """Join a stream of the Responses API, checking that its numbers run and its parts agree with the end."""
    with openai_client(stream).responses.stream(model="m", input="x") as events:
        seen = list(events)
    assert [e.sequence_number for e in seen] == list(range(len(seen)))
    assert [e.type for e in seen[:2]] == ["response.created", "response.in_progress"]
    response = seen[-1].response
    calls, text = [], ""
    for item in response.output:
        if item.type == "function_call":
            calls.append(ToolCall(item.call_id, item.name, item.arguments))
        elif item.type == "message":
            text += "".join(part.text for part in item.content)
    assert text == "".join(e.delta for e in seen if e.type == "response.output_text.delta")
    assert "".join(c.arguments for c in calls) == "".join(
        e.delta for e in seen if e.type == "response.function_call_arguments.delta"
    )
    sent = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: ")]
    done = [e["item"] for e in sent if e["type"] == "response.output_item.done"]
    assert done == sent[-1]["response"]["output"]
    assert seen[-1].type in ("response.completed", "response.incomplete")
    finish: FinishReason = "tool_calls" if calls else "stop"
    if response.status == "incomplete":
        finish = "length" if response.incomplete_details.reason == "max_output_tokens" else "content_filter"
    return Read(text, tuple(calls), finish)


def read_message(stream: bytes) -> Read:
    """Join a stream with Anthropic's own accumulator, checking that blocks open and close one by one."""
    open_block: int | None = None
    pieces: dict[int, str] = {}
    with anthropic_client(stream).messages.stream(model="m", max_tokens=9, messages=[]) as events:
        for event in events:
            if event.type == "content_block_start":
                assert open_block is None
                assert event.index == len(pieces)
                open_block, pieces[event.index] = event.index, ""
            elif event.type == "content_block_delta":
                assert event.index == open_block
                pieces[event.index] += getattr(event.delta, "partial_json", "")
            elif event.type == "content_block_stop":
                assert event.index == open_block
                open_block = None
        message = events.get_final_message()
    assert open_block is None
    assert stream.count(b"event: message_stop") == 1
    calls = tuple(
        ToolCall(b.id, b.name, pieces[n]) for n, b in enumerate(message.content) if b.type == "tool_use"
    )
    text = "".join(b.text for b in message.content if b.type == "text")
    return Read(text, calls, FINISHES[message.stop_reason])
