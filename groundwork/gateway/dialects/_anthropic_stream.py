"""The event stream of an Anthropic message: one block after the other, then the stop reason with the usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _citations, _errors
from groundwork.gateway.dialects._calls import InOrder
from groundwork.gateway.dialects._wire import event as sse
from groundwork.gateway.dialects._wire import identifier, quote
from groundwork.gateway.types import NO_USAGE, CallMeta, ChatRequest, Completion, Event, FinishReason, Usage

STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_NATIVE = frozenset(
    {
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "ping",
    }
)
_STOP = sse("message_stop", {"type": "message_stop"})
Block = Literal["", "text", "thinking", "tool_use"]


class MessagesEncoder:
    """Events of the provider in this dialect are handed on as they are, but for the last: `message_stop` waits for `end`."""

    def __init__(self, request: ChatRequest, meta: CallMeta, created: int) -> None:
        self._id = identifier("msg_", meta, created)
        self._model = request.model
        self._thinks = thinks(request)
        self._order = InOrder()
        self._documents = _citations.Documents()
        self._block: Block = ""
        self._index = -1
        self._call = -1
        self._relays = False
        self._opened = False
        self._finished = False
        self._closed = False
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None

    def start(self) -> bytes:
        """Return nothing: whether the provider's own first event opens the stream is known with the first event."""
        return b""

    def event(self, event: Event) -> bytes:
        if self._closed:
            return b""
        kind, native = event.kind, event.native
        if kind == "usage":
            self._usage = event.usage
        elif kind == "finish":  # said at the end, together with the usage
            self._finish = event.finish
        if native is not None:
            self._relays = native.get("type") in _NATIVE
        if self._relays and (native is not None or event.native_more):
            self._opened = True
            return b"" if native is None else self._relay(native)
        if kind in ("text", "reasoning", "tool_call", "annotation"):
            return self._open() + b"".join(map(self._piece, self._order.push(event)))
        return b""

    def end(self, completion: Completion | None = None) -> bytes:
        if self._closed:
            return b""
        self._closed = True
        if self._finished:
            return _STOP
        found = self._open() + b"".join(map(self._piece, self._order.drain()))
        if self._index < 0:
            found += self._begin("text", {"type": "text", "text": ""})
        finish = self._finish or (completion.finish if completion else "stop")
        usage = completion.usage if completion else self._usage or NO_USAGE
        delta = {"stop_reason": STOP_REASONS[finish], "stop_sequence": None}
        said = {"type": "message_delta", "delta": delta, "usage": usage_of(usage)}
        return found + self._stop() + sse("message_delta", said) + _STOP

    def error(self, error: GroundworkError) -> bytes:
        if self._closed:
            return b""
        self._closed = True
        return sse("error", {"type": "error", "error": _errors.anthropic_error(error)})

    def _relay(self, native: Mapping[str, Any]) -> bytes:
        kind = str(native["type"])
        if kind == "message_stop":
            return b""
        if kind == "content_block_start":
            self._index = int(native.get("index", 0))
        self._finished = self._finished or kind == "message_delta"
        return sse(kind, native)

    def _open(self) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        usage = self._usage or NO_USAGE
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage_of(usage), "output_tokens": 0},
        }
        return sse("message_start", {"type": "message_start", "message": message})

    def _piece(self, event: Event) -> bytes:
        if event.kind == "text":
            return self._in_text() + self._delta(f'{{"type":"text_delta","text":{quote(event.text)}}}')
        if event.kind == "reasoning":
            if not self._thinks:
                return b""
            block = {"type": "thinking", "thinking": "", "signature": ""}
            opened = b"" if self._block == "thinking" else self._begin("thinking", block)
            return opened + self._delta(f'{{"type":"thinking_delta","thinking":{quote(event.text)}}}')
        if event.kind == "annotation":
            return self._cite(event.data or {})
        opened = b""
        if self._block != "tool_use" or self._call != event.index:
            opened = self._begin(
                "tool_use", {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
            )
            self._call = event.index
        if not event.text:
            return opened
        return opened + self._delta(f'{{"type":"input_json_delta","partial_json":{quote(event.text)}}}')

    def _cite(self, annotation: Mapping[str, Any]) -> bytes:
        citation = self._documents.char_location(annotation)
        if citation is None:
            return b""
        delta = {"type": "citations_delta", "citation": citation}
        opened = self._in_text()
        return opened + sse(
            "content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta}
        )

    def _in_text(self) -> bytes:
        return b"" if self._block == "text" else self._begin("text", {"type": "text", "text": ""})

    def _begin(self, block: Block, content: dict[str, Any]) -> bytes:
        stopped = self._stop()
        self._index += 1
        self._block = block
        said = {"type": "content_block_start", "index": self._index, "content_block": content}
        return stopped + sse("content_block_start", said)

    def _delta(self, delta: str) -> bytes:
        said = f'{{"type":"content_block_delta","index":{self._index},"delta":{delta}}}'
        return f"event: content_block_delta\ndata: {said}\n\n".encode("ascii")

    def _stop(self) -> bytes:
        if not self._block:
            return b""
        self._block = ""
        return sse("content_block_stop", {"type": "content_block_stop", "index": self._index})


def usage_of(usage: Usage) -> dict[str, Any]:
    """Return the usage as Anthropic counts it: tokens of its cache apart from the others."""
    return {
        "input_tokens": max(0, usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
    }


def thinks(request: ChatRequest) -> bool:
    """Say whether the client asked to see the model's reasoning."""
    thinking = request.extra.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") not in (None, "disabled")
