"""Every dialect that streams keeps the contract, read by its official client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from anthropic.types import Message
from openai.types import Completion
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from groundwork.gateway.dialects import DIALECTS, Dialect
from groundwork.gateway.types import Event, Usage
from groundwork.testing.dialect import DialectContract, Read
from tests.gateway.dialects import clients, examples

CHUNK = {
    "id": "chatcmpl-theirs",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "small-2031-01-01",
}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        **CHUNK,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        "service_tier": "flex",
    }


def test_every_dialect_on_the_shelf_is_tested() -> None:
    tested = {
        "openai_chat",
        "openai_completions",
        "openai_responses",
        "anthropic_messages",
        "openai_embeddings",
    }
    assert set(DIALECTS.names()) == tested
    assert all(DIALECTS.make(name).name == name for name in tested)


class TestOpenAIChat(DialectContract):
    valid: ClassVar[Sequence[Mapping[str, Any]]] = examples.VALID_CHAT
    invalid: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = examples.INVALID_CHAT
    native = (
        {
            "id": "chatcmpl-theirs",
            "object": "chat.completion",
            "created": 1,
            "model": "small-2031-01-01",
            "choices": [],
        },
        [
            Event("other", native=chunk({"role": "assistant", "content": ""})),
            Event("text", text="Hi", native=chunk({"content": "Hi"})),
            Event("text", text=" you", native=chunk({"content": " you", "logprob_of_theirs": 1}, "stop")),
            Event("finish", finish="stop", native_more=True),
            Event("usage", usage=Usage(1, 2), native={**CHUNK, "choices": [], "usage": {"prompt_tokens": 1}}),
        ],
    )

    @pytest.fixture
    def dialect(self) -> Dialect:
        return DIALECTS.make("openai_chat")

    def check_body(self, body: dict[str, Any]) -> None:
        ChatCompletion.model_validate(body)

    def read_stream(self, stream: bytes) -> Read:
        return clients.read_chat(stream)


class TestOpenAICompletions(DialectContract):
    valid: ClassVar[Sequence[Mapping[str, Any]]] = examples.VALID_COMPLETIONS
    invalid: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = examples.INVALID_COMPLETIONS
    tools = False

    @pytest.fixture
    def dialect(self) -> Dialect:
        return DIALECTS.make("openai_completions")

    def check_body(self, body: dict[str, Any]) -> None:
        Completion.model_validate(body)

    def read_stream(self, stream: bytes) -> Read:
        return clients.read_completion(stream)


class TestOpenAIResponses(DialectContract):
    valid: ClassVar[Sequence[Mapping[str, Any]]] = examples.VALID_RESPONSES
    invalid: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = examples.INVALID_RESPONSES

    @pytest.fixture
    def dialect(self) -> Dialect:
        return DIALECTS.make("openai_responses")

    def check_body(self, body: dict[str, Any]) -> None:
        Response.model_validate(body)

    def read_stream(self, stream: bytes) -> Read:
        return clients.read_response(stream)


class TestAnthropicMessages(DialectContract):
    valid: ClassVar[Sequence[Mapping[str, Any]]] = examples.VALID_MESSAGES
    invalid: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = examples.INVALID_MESSAGES
    native = (
        {
            "id": "msg_theirs",
            "type": "message",
            "role": "assistant",
            "model": "small-2031-01-01",
            "content": [],
        },
        [
            Event(
                "usage",
                usage=Usage(5, 1),
                native={
                    "type": "message_start",
                    "message": {
                        "id": "msg_theirs",
                        "type": "message",
                        "role": "assistant",
                        "model": "small-2031-01-01",
                        "content": [],
                        "stop_reason": None,
                        "stop_sequence": None,
                        "usage": {"input_tokens": 5, "output_tokens": 1},
                    },
                },
            ),
            Event("other", native={"type": "ping"}),
            Event(
                "other",
                native={
                    "type": "content_block_start",
                    "index": 0,
                    "content_block": {"type": "text", "text": ""},
                },
            ),
            Event(
                "text",
                text="Hi",
                native={
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": "Hi"},
                },
            ),
            Event("other", native={"type": "content_block_stop", "index": 0}),
            Event(
                "finish",
                finish="stop",
                native={
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": 2},
                },
            ),
            Event("usage", usage=Usage(5, 2), native_more=True),
            Event("other", native={"type": "message_stop"}),
        ],
    )

    @pytest.fixture
    def dialect(self) -> Dialect:
        return DIALECTS.make("anthropic_messages")

    def check_body(self, body: dict[str, Any]) -> None:
        Message.model_validate(body)

    def read_stream(self, stream: bytes) -> Read:
        return clients.read_message(stream)
