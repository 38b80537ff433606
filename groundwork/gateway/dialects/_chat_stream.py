"""The event stream of an OpenAI chat completion: chunks, the usage where asked for, and `data: [DONE]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _citations, _errors
from groundwork.gateway.dialects._wire import DONE, data, encode, identifier, quote
from groundwork.gateway.types import NO_USAGE, CallMeta, ChatRequest, Completion, Event, FinishReason, Usage


class ChatEncoder:
    """Chunks of the provider in this dialect are handed on as they are; others are made here.

    A provider's chunk that holds nothing but usage is left out where the client did not ask for usage: the gateway always
    asks the provider, for its books.
    """

    def __init__(
        self, request: ChatRequest, meta: CallMeta, created: int, *, functions: bool = False
    ) -> None:
        self._include_usage = request.include_usage
        self._functions = functions
        self._head = (
            f'data: {{"id":{quote(identifier("chatcmpl-", meta, created))},"object":"chat.completion.chunk",'
            f'"created":{created},"model":{quote(request.model)},"system_fingerprint":null,'
        )
        self._null_usage = ',"usage":null' if request.include_usage else ""
        self._delta = self._head + '"choices":[{"index":0,"delta":'
        self._tail = f',"logprobs":null,"finish_reason":null}}]{self._null_usage}}}\n\n'
        self._relays = False
        self._opened = False
        self._finished = False
        self._closed = False
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._usage_sent = False
        self._text: list[str] = []
        self._annotations: list[Mapping[str, Any]] = []

    def start(self) -> bytes:
        """Return nothing: whether the provider's own first chunk opens the stream is known with the first event."""
        return b""

    def event(self, event: Event) -> bytes:
        if self._closed:
            return b""
        kind, native = event.kind, event.native
        if kind == "usage":
            self._usage = event.usage
        elif kind == "finish":
            self._reason = event.finish
        if native is not None:
            self._relays = _is_chunk(native)
        if self._relays and (native is not None or event.native_more):
            self._opened = True
            return b"" if native is None else self._relay(native)
        if kind == "text":
            self._text.append(event.text)
            return f'{self._open()}{self._delta}{{"content":{quote(event.text)}}}{self._tail}'.encode("ascii")
        if kind == "reasoning":
            return self._chunk({"reasoning_content": event.text})
        if kind == "tool_call":
            return self._chunk(self._call(event))
        if kind == "annotation" and event.data is not None:
            self._annotations.append(event.data)
        elif kind == "finish" and not self._finished:
            return self._finish()
        return b""

    def end(self, completion: Completion | None = None) -> bytes:
        if self._closed:
            return b""
        found = b""
        if not self._finished:
            self._reason = self._reason or (completion.finish if completion else None)
            found += self._finish()
        elif self._annotations:
            found += self._chunk(self._cited())
        if self._include_usage and not self._usage_sent:
            usage = completion.usage if completion else self._usage or NO_USAGE
            found += f'{self._head}"choices":[],"usage":{encode(usage_of(usage))}}}\n\n'.encode("ascii")
        self._closed = True
        return found + DONE

    def error(self, error: GroundworkError) -> bytes:
        """Return the error as an event; no `[DONE]` follows, so that nobody takes the stream for a whole one."""
        if self._closed:
            return b""
        self._closed = True
        return data({"error": _errors.openai_error(error)})

    def _relay(self, native: Mapping[str, Any]) -> bytes:
        if native.get("usage") is not None:
            if not native.get("choices") and not self._include_usage:
                return b""
            self._usage_sent = True
        choices = native.get("choices") or [{}]
        self._finished = self._finished or choices[0].get("finish_reason") is not None
        return data(native)

    def _open(self) -> str:
        """Return the chunk that says the role, once."""
        if self._opened:
            return ""
        self._opened = True
        return f'{self._delta}{{"role":"assistant","content":"","refusal":null}}{self._tail}'

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        return f"{self._open()}{self._delta}{encode(delta)}{self._tail}".encode("ascii")

    def _call(self, event: Event) -> dict[str, Any]:
        function: dict[str, Any] = {"name": event.name} if event.name else {}
        function["arguments"] = event.text
        if self._functions:
            return {"function_call": function} if event.index == 0 else {}
        call: dict[str, Any] = {"index": event.index, "function": function}
        if event.id:
            call = {"index": event.index, "id": event.id, "type": "function", "function": function}
        return {"tool_calls": [call]}

    def _finish(self) -> bytes:
        self._finished = True
        finish: str = self._reason or "stop"
        if self._functions and finish == "tool_calls":
            finish = "function_call"
        more = self._null_usage
        if self._annotations:
            more += f',"citations":{encode(_citations.citations(self._annotations))}'
            if about := _citations.about(self._annotations):
                more += f',"groundwork":{encode(about["groundwork"])}'
        said = f'{encode(self._cited())},"logprobs":null,"finish_reason":{quote(finish)}}}]'
        return f"{self._open()}{self._delta}{said}{more}}}\n\n".encode("ascii")

    def _cited(self) -> dict[str, Any]:
        if not self._annotations:
            return {}
        cited = {"annotations": _citations.url_citations(self._annotations, "".join(self._text))}
        self._annotations = []
        return cited


def usage_of(usage: Usage) -> dict[str, Any]:
    """Return the `usage` of a completion or last chunk."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _is_chunk(native: Mapping[str, Any]) -> bool:
    return "choices" in native and native.get("object") != "text_completion"
