"""OpenAI's older completions: `POST /v1/completions`.

The prompt becomes one message of a user, and the reply its completion: no provider is asked in this dialect, so what only
a model without chat can do (`suffix`, `logprobs`, `best_of`, prompts as tokens) is refused.
Specification: https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _errors
from groundwork.gateway.dialects._chat_stream import usage_of
from groundwork.gateway.dialects._fields import (
    MAX_INTEGER,
    MAX_NAME_CHARS,
    MAX_TOKENS,
    extra_of,
    flag_of,
    kind_of,
    model_of,
    number_of,
    object_of,
    refuse,
    stops_of,
    text_of,
    whole_of,
)
from groundwork.gateway.dialects._wire import DONE, data, encode, identifier, quote
from groundwork.gateway.types import (
    NO_USAGE,
    CallMeta,
    ChatRequest,
    Completion,
    DialectName,
    Event,
    FinishReason,
    Message,
    TextPart,
    Usage,
)

DEFAULT_MAX_TOKENS = 16  # of the specification
_KNOWN = frozenset(
    {
        "model", "prompt", "stream", "stream_options", "max_tokens", "temperature", "top_p", "stop", "seed", "n", "user",
        "echo", "best_of",
    }
)  # fmt: skip


class OpenAICompletions:
    """The dialect; holds nothing."""

    name: ClassVar[DialectName] = "openai_completions"

    def parse(self, body: Mapping[str, Any]) -> ChatRequest:
        model = model_of(body)
        prompt = _prompt(body.get("prompt"))
        for field in ("suffix", "logprobs"):
            if body.get(field) is not None:
                refuse(field, "is not served here", "leave it out, or ask a chat model for what you need")
        for field in ("n", "best_of"):
            if (whole_of(body, field, 1, 128) or 1) > 1:
                refuse(field, "is more than 1, and one completion is made at a time", "send several requests")
        stream = flag_of(body, "stream") or False
        options = object_of(body, "stream_options")
        flag_of(body, "echo")
        limit = whole_of(body, "max_tokens", 1, MAX_TOKENS)
        return ChatRequest(
            model=model,
            messages=(Message("user", (TextPart(prompt),)),),
            dialect="openai_completions",
            stream=stream,
            max_output_tokens=DEFAULT_MAX_TOKENS if limit is None else limit,
            temperature=number_of(body, "temperature", 0, 2),
            top_p=number_of(body, "top_p", 0, 1),
            stop=stops_of(body, "stop"),
            seed=whole_of(body, "seed", -MAX_INTEGER - 1, MAX_INTEGER),
            include_usage=bool(stream and options and flag_of(options, "include_usage", "stream_options.")),
            user=text_of(body, "user", longest=MAX_NAME_CHARS * 4),
            extra=extra_of(body, _KNOWN),
            native=body,
        )

    def render(self, completion: Completion, request: ChatRequest, created: int) -> dict[str, Any]:
        choice = {
            "text": _echo(request) + completion.text,
            "index": 0,
            "logprobs": None,
            "finish_reason": _finish(completion.finish),
        }
        return {
            "id": identifier("cmpl-", completion.meta, created),
            "object": "text_completion",
            "created": created,
            "model": request.model,
            "choices": [choice],
            "usage": usage_of(completion.usage),
        }

    def encoder(self, request: ChatRequest, meta: CallMeta, created: int) -> CompletionEncoder:
        return CompletionEncoder(request, meta, created)

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]:
        return {"error": _errors.openai_error(error)}

    def status_of(self, error: GroundworkError) -> int:
        return _errors.status_of(error)


class CompletionEncoder:
    """Writes text and the reason why it ended; there is no place for anything else."""

    def __init__(self, request: ChatRequest, meta: CallMeta, created: int) -> None:
        self._head = (
            f'data: {{"id":{quote(identifier("cmpl-", meta, created))},"object":"text_completion",'
            f'"created":{created},"model":{quote(request.model)},"choices":['
        )
        self._include_usage = request.include_usage
        self._echo = _echo(request)
        self._usage: Usage | None = None
        self._finished = False
        self._closed = False

    def start(self) -> bytes:
        return self._chunk(self._echo, "null") if self._echo else b""

    def event(self, event: Event) -> bytes:
        if self._closed:
            return b""
        if event.kind == "text":
            return self._chunk(event.text, "null")
        if event.kind == "usage":
            self._usage = event.usage
        elif event.kind == "finish" and not self._finished:
            self._finished = True
            return self._chunk("", quote(_finish(event.finish or "stop")))
        return b""

    def end(self, completion: Completion | None = None) -> bytes:
        if self._closed:
            return b""
        found = b""
        if not self._finished:
            found = self._chunk("", quote(_finish(completion.finish if completion else "stop")))
        if self._include_usage:
            usage = completion.usage if completion else self._usage or NO_USAGE
            found += f'{self._head}],"usage":{encode(usage_of(usage))}}}\n\n'.encode("ascii")
        self._closed = True
        return found + DONE

    def error(self, error: GroundworkError) -> bytes:
        """Return the error as an event; no `[DONE]` follows, so that nobody takes the stream for a whole one."""
        if self._closed:
            return b""
        self._closed = True
        return data({"error": _errors.openai_error(error)})

    def _chunk(self, text: str, finish: str) -> bytes:
        usage = ',"usage":null' if self._include_usage else ""
        choice = f'{{"text":{quote(text)},"index":0,"logprobs":null,"finish_reason":{finish}}}'
        return f"{self._head}{choice}]{usage}}}\n\n".encode("ascii")


def _prompt(value: object) -> str:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        return value or refuse("prompt", "is empty")
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        refuse(
            "prompt", f"has {len(value):,} entries, and one is completed at a time", "send several requests"
        )
    if isinstance(value, list) and value:
        refuse("prompt", "is tokens", "send the text; other clients' tokens fit one tokenizer only")
    refuse("prompt", f"must be a string, and is {'missing' if value is None else kind_of(value)}")


def _echo(request: ChatRequest) -> str:
    return request.messages[0].text if request.native is not None and request.native.get("echo") else ""


def _finish(finish: FinishReason) -> str:
    return "stop" if finish == "tool_calls" else finish


plugin = OpenAICompletions
