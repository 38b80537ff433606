"""The official clients, watched: whole answers, streams, both colours, errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork import LOCAL, Workspace, observe
from groundwork.telemetry.types import Query, Span
from tests.workspaces import light_workspace

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")
httpx = pytest.importorskip("httpx2")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    workspace = light_workspace(tmp_path)
    observe.to(workspace)
    yield workspace
    observe.configure(enabled=False)
    workspace.close()


def spans(house: Workspace) -> list[Span]:
    assert observe.flush(10)
    found = house.telemetry.reader.spans(LOCAL, Query(), limit=100).items
    return [house.telemetry.reader.span(LOCAL, s.trace_id, s.span_id) for s in reversed(found)]


def events(*told: dict[str, Any]) -> str:
    return "".join(f"{_named(e)}data: {json.dumps(e)}\n\n" for e in told)


def _named(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\n" if "type" in event else ""


def chunk(**told: Any) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-x",
        "choices": [],
        **told,
    }


def answer(request: Any) -> Any:
    asked = json.loads(request.content)
    if asked.get("model") == "down":
        return httpx.Response(400, json={"error": {"message": "no such model"}})
    if request.url.path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
        return httpx.Response(
            200,
            json={
                "object": "list",
                "data": [vector],
                "model": "emb",
                "usage": {"prompt_tokens": 5, "total_tokens": 5},
            },
        )
    if request.url.path.endswith("/messages"):
        if asked.get("stream"):
            told = events(
                {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "claude-x",
                 "content": [], "stop_reason": None, "stop_sequence": None,
                 "usage": {"input_tokens": 4, "output_tokens": 1}}},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                 "usage": {"output_tokens": 2}},
                {"type": "message_stop"},
            )  # fmt: skip
            return httpx.Response(200, text=told, headers={"content-type": "text/event-stream"})
        said = {"id": "m", "type": "message", "role": "assistant", "model": "claude-x",
                "content": [{"type": "text", "text": "Hi"}],
                "stop_reason": "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": 4, "output_tokens": 2, "cache_read_input_tokens": 6}}  # fmt: skip
        return httpx.Response(200, json=said)
    if asked.get("stream"):
        pieces = [chunk(choices=[{"index": 0, "delta": {"content": p}}]) for p in ("Hel", "lo")]
        last = chunk(usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
        return httpx.Response(
            200,
            text=events(*pieces, last) + "data: [DONE]\n\n",
            headers={"content-type": "text/event-stream"},
        )
    call = {"id": "t", "type": "function", "function": {"name": "look", "arguments": '{"day": 1}'}}
    message = {"role": "assistant", "content": "Hi", "tool_calls": [call]}
    return httpx.Response(
        200,
        json={"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-x",
              "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
              "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4,
                        "prompt_tokens_details": {"cached_tokens": 2}}},
    )  # fmt: skip


ASKED = [{"role": "user", "content": "Hey"}]


def test_a_call_of_openai_is_a_generation_under_the_function_that_makes_it(house: Workspace) -> None:
    from groundwork.openai import OpenAI

    client = OpenAI(api_key="x", http_client=httpx.Client(transport=httpx.MockTransport(answer)))

    @observe(name="ask")
    def ask() -> str:
        return str(
            client.chat.completions.create(model="gpt-4o", messages=ASKED, temperature=0.5)
            .choices[0]
            .message.content
        )

    assert ask() == "Hi"
    outer, call = sorted(spans(house), key=lambda s: s.kind == "generation")
    assert (call.parent_id, call.kind, call.provider, call.model) == (
        outer.span_id,
        "generation",
        "openai",
        "gpt-4o-x",
    )
    assert (call.input, call.output) == ("Hey", "Hi\nlook(day=1)")
    assert (call.input_tokens, call.output_tokens, call.cached_tokens) == (3, 1, 2)
    assert call.attributes["gen_ai.request.temperature"] == 0.5
    assert len(client.embeddings.create(model="emb", input="words").data) == 1
    assert [(s.kind, s.input, s.input_tokens) for s in spans(house) if s.kind == "embedding"] == [
        ("embedding", "words", 5)
    ]


def test_streams_are_read_through_and_timed(house: Workspace) -> None:
    from groundwork.openai import AsyncOpenAI, OpenAI, watch

    client = OpenAI(api_key="x", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
    watch(client)  # a second time changes nothing
    with client.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True) as stream:
        assert "".join(e.choices[0].delta.content or "" for e in stream if e.choices) == "Hello"

    async def ask() -> None:
        asking = AsyncOpenAI(
            api_key="x", http_client=httpx.AsyncClient(transport=httpx.MockTransport(answer))
        )
        whole = await asking.chat.completions.create(model="gpt-4o", messages=ASKED)
        assert whole.choices[0].message.content == "Hi"
        async for _ in await asking.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True):
            pass

    asyncio.run(ask())
    found = spans(house)
    streams = [s for s in found if s.first_token_ms is not None]
    assert len(found) == 3
    assert [(s.output, s.input_tokens, s.output_tokens) for s in streams] == [("Hello", 3, 2)] * 2


def test_a_call_of_anthropic_counts_what_was_read_from_the_cache(house: Workspace) -> None:
    from groundwork.anthropic import Anthropic

    client = Anthropic(api_key="x", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
    assert (
        client.messages.create(model="claude", max_tokens=9, messages=ASKED, system="Be brief.")
        .content[0]
        .text
        == "Hi"
    )
    for _ in client.messages.create(model="claude", max_tokens=9, messages=ASKED, stream=True):
        pass
    whole, streamed = spans(house)
    assert (whole.provider, whole.model, whole.input_tokens, whole.cached_tokens) == (
        "anthropic",
        "claude-x",
        10,
        6,
    )
    assert (whole.input, whole.output, whole.attributes["gen_ai.system_instructions"]) == (
        "Hey",
        "Hi",
        "Be brief.",
    )
    assert (streamed.output, streamed.input_tokens, streamed.output_tokens) == ("Hello", 4, 2)


def test_an_error_of_the_client_is_the_callers_and_is_told(house: Workspace) -> None:
    from groundwork.openai import OpenAI

    client = OpenAI(
        api_key="x", max_retries=0, http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="down", messages=ASKED)
    (span,) = spans(house)
    assert (span.status, span.name) == ("error", "chat down")
