"""What was asked and said in calls, held in memory for a moment until their spans are made; the ledger keeps none of it.

Handing a call over costs a few microseconds on its way: nothing is copied or written as JSON there. What is held is bounded;
where it is too much the oldest goes, and its span says that its texts are missing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from groundwork.gateway.types import ChatRequest, Completion, EmbedRequest, ImagePart, TextPart

if TYPE_CHECKING:
    from groundwork.gateway.flow_call import Call
    from groundwork.gateway.types import Message, Tool, ToolCall

MOST_CALLS = 4096
MOST_CHARS = 32 * 2**20
"""Of all calls together; images count with their base64."""
USER = "user.id"
"""Whom a call is for, as the client names people."""


class Content(NamedTuple):
    """The texts of one call; `said` is None where nothing came."""

    chars: int
    messages: tuple[Message, ...]
    inputs: tuple[str, ...]
    tools: tuple[Tool, ...]
    asked: Mapping[str, Any]
    said: Completion | None
    documents: tuple[str, ...]


class ContentSink:
    """Holds the content of calls from their settlement until somebody takes it. Safe to use from several threads.

    Args:
        wanted: says of an app (empty: a direct call) whether texts of its calls are kept at all.
    """

    def __init__(
        self, wanted: Callable[[str], bool] = lambda app: True, *, most_chars: int = MOST_CHARS
    ) -> None:
        self._wanted = wanted
        self._most_chars = most_chars
        self._lock = threading.Lock()
        self._held: dict[str, Content] = {}
        self._chars = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._held)

    def put(self, call: Call, said: Completion | None) -> None:
        """Hold what was asked and said in a call that is about to be settled."""
        request = call.request
        if request is None or not self._wanted(call.caller.app):
            return
        content = _content(request, said, call.caller.documents)
        with self._lock:
            held = self._held
            before = held.pop(call.id, None)
            held[call.id] = content
            self._chars += content.chars - (0 if before is None else before.chars)
            while self._chars > self._most_chars or len(held) > MOST_CALLS:
                self._chars -= held.pop(next(iter(held))).chars
                self.dropped += 1

    def ids(self) -> list[str]:
        """Return the ids of the calls whose content is held."""
        with self._lock:
            return list(self._held)

    def take(self, call_ids: Sequence[str]) -> dict[str, Content]:
        """Return the content of calls by id and hold it no longer; ids of which there is none are left out."""
        found: dict[str, Content] = {}
        with self._lock:
            for call_id in call_ids:
                content = self._held.pop(call_id, None)
                if content is not None:
                    found[call_id] = content
                    self._chars -= content.chars
        return found

    def put_back(self, contents: Mapping[str, Content]) -> None:
        """Hold again what could not be stored."""
        with self._lock:
            for call_id, content in contents.items():
                self._held.setdefault(call_id, content)
            self._chars = sum(c.chars for c in self._held.values())

    def forget(self, document_ids: Sequence[str]) -> int:
        """Drop what holds the text of these documents and return how many calls that were."""
        erased = frozenset(document_ids)
        with self._lock:
            gone = [i for i, c in self._held.items() if not erased.isdisjoint(c.documents)]
            for call_id in gone:
                self._chars -= self._held.pop(call_id).chars
        return len(gone)


def _content(
    request: ChatRequest | EmbedRequest, said: Completion | None, documents: tuple[str, ...]
) -> Content:
    chars = 0
    if said is not None:
        chars = len(said.text) + len(said.reasoning)
        if said.native is not None:  # the provider's whole body; what is shown of it stands beside it
            said = Completion(said.text, said.tool_calls, said.finish, reasoning=said.reasoning)
    if isinstance(request, EmbedRequest):
        return Content(chars + sum(map(len, request.inputs)), (), request.inputs, (), {}, said, documents)
    for message in request.messages:
        for part in message.parts:
            chars += len(part.data) if isinstance(part, ImagePart) else len(part.text)
    asked = {
        "gen_ai.request.max_tokens": request.max_output_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.top_p": request.top_p,
        "gen_ai.request.seed": request.seed,
        "gen_ai.request.stop_sequences": request.stop,
        "gen_ai.request.choice.count": request.n if request.n != 1 else None,
        "gen_ai.output.type": "json" if request.response_format.kind != "text" else None,
        USER: request.user,
    }
    return Content(chars, request.messages, (), request.tools, asked, said, documents)


def messages_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages in the form of the GenAI conventions; of an image only its kind and size stay."""
    return [_message(m) for m in messages]


def reply_of(said: Completion) -> list[dict[str, Any]]:
    """Return what a model said in the form of the GenAI conventions."""
    parts: list[dict[str, Any]] = []
    if said.reasoning:
        parts.append({"type": "reasoning", "content": said.reasoning})
    if said.text:
        parts.append({"type": "text", "content": said.text})
    parts += [_call(c) for c in said.tool_calls]
    return [{"role": "assistant", "parts": parts, "finish_reason": said.finish}] if parts else []


def tools_of(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Return the functions a model may call, in the form of the GenAI conventions."""
    return [
        {"type": "function", "name": t.name, "description": t.description, "parameters": dict(t.parameters)}
        for t in tools
    ]


def _message(message: Message) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if message.role == "tool":
        said = {"type": "tool_call_response", "id": message.tool_call_id, "response": message.text}
        return {"role": "tool", "parts": [said]}
    for part in message.parts:
        if isinstance(part, TextPart):
            parts.append({"type": "text", "content": part.text})
        elif part.url:
            parts.append({"type": "uri", "modality": "image", "uri": part.url[:2000]})
        else:
            size = len(part.data) * 3 // 4
            parts.append({"type": "blob", "modality": "image", "mime_type": part.media_type, "size": size})
    parts += [_call(c) for c in message.tool_calls]
    return {"role": message.role, "parts": parts}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
