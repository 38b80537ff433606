"""The messages of an Anthropic conversation: blocks of text, images, tool use and results, documents and thinking.

Thinking of earlier turns is kept in the client's own body and left out of the canonical messages: only the model that
thought it can use it. Plain text inside documents and search results becomes text; other documents have no canonical form.
"""

from __future__ import annotations

import json
from typing import Any

from groundwork.gateway.dialects._fields import (
    MAX_ID_CHARS,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_PARTS,
    flag_of,
    image_data,
    image_of,
    kind_of,
    object_of,
    refuse,
    text_of,
)
from groundwork.gateway.types import Message, Part, TextPart, ToolCall

_IGNORED = frozenset({"thinking", "redacted_thinking"})


class Conversation:
    """Parses messages in order, and remembers which calls were made."""

    __slots__ = ("calls", "native_only", "parts")

    def __init__(self) -> None:
        self.calls: set[str] = set()
        self.native_only: set[str] = set()
        self.parts = 0

    def system(self, system: object) -> list[Message]:
        if system is None or system == "":
            return []
        return [Message("system", self._blocks(system, "system"))]

    def parse(self, messages: object) -> list[Message]:
        """Return the canonical messages; results of tools become messages of their own.

        Raises:
            InvalidInputError: a message or block of the wrong form, or a result for a call that was never made.
        """
        if not isinstance(messages, list) or not messages:
            said = (
                "empty"
                if isinstance(messages, list)
                else "missing"
                if messages is None
                else kind_of(messages)
            )
            refuse("messages", f"must be an array with at least one message, and is {said}")
        if len(messages) > MAX_MESSAGES:
            refuse("messages", f"has {len(messages):,} entries, at most {MAX_MESSAGES:,} are accepted")
        found: list[Message] = []
        for n, message in enumerate(messages):
            if not isinstance(message, dict):
                refuse(f"messages.{n}", f"must be an object, and is {kind_of(message)}")
            role, content = message.get("role"), message.get("content")
            if role not in ("user", "assistant", "system"):
                refuse(f"messages.{n}.role", f"is {role!r:.60}, it must be user or assistant")
            if isinstance(content, str):
                found.append(Message(role, (TextPart(content),) if content else ()))
            elif role == "user":
                found.extend(self._user(content, f"messages.{n}.content"))
            elif role == "assistant":
                found.append(self._assistant(content, f"messages.{n}.content"))
            else:
                found.append(Message("system", self._blocks(content, f"messages.{n}.content")))
        return found

    def _user(self, content: object, at: str) -> list[Message]:
        found: list[Message] = []
        parts: list[Part] = []
        for n, block in enumerate(self._listed(content, at)):
            if block.get("type") != "tool_result":
                parts.extend(self._parts(block, f"{at}.{n}"))
                continue
            if parts:
                found.append(Message("user", tuple(parts)))
                parts = []
            found.append(self._result(block, f"{at}.{n}"))
        if parts or not found:
            found.append(Message("user", tuple(parts)))
        return found

    def _assistant(self, content: object, at: str) -> Message:
        parts: list[Part] = []
        calls: list[ToolCall] = []
        for n, block in enumerate(self._listed(content, at)):
            if block.get("type") == "tool_use":
                calls.append(self._call(block, f"{at}.{n}."))
            else:
                parts.extend(self._parts(block, f"{at}.{n}"))
        return Message("assistant", tuple(parts), tuple(calls))

    def _call(self, block: dict[str, Any], at: str) -> ToolCall:
        identifier = text_of(block, "id", at, longest=MAX_ID_CHARS, empty=False)
        self.calls.add(identifier)
        arguments = object_of(block, "input", at) or {}
        name = text_of(block, "name", at, longest=MAX_NAME_CHARS, empty=False)
        return ToolCall(identifier, name, json.dumps(arguments, separators=(",", ":"), ensure_ascii=False))

    def _result(self, block: dict[str, Any], at: str) -> Message:
        identifier = text_of(block, "tool_use_id", f"{at}.", longest=MAX_ID_CHARS, empty=False)
        if identifier not in self.calls:
            refuse(
                f"{at}.tool_use_id",
                f"is `{identifier:.80}`, a call that no earlier message made",
                "send the assistant's message with its `tool_use` block before the result",
            )
        content = block.get("content")
        parts = () if content is None else self._blocks(content, f"{at}.content")
        is_error = flag_of(block, "is_error", f"{at}.") or False
        return Message("tool", parts, tool_call_id=identifier, is_error=is_error)

    def _blocks(self, content: object, at: str) -> tuple[Part, ...]:
        if isinstance(content, str):
            return (TextPart(content),) if content else ()
        blocks = self._listed(content, at)
        return tuple(p for n, block in enumerate(blocks) for p in self._parts(block, f"{at}.{n}"))

    def _listed(self, content: object, at: str) -> list[dict[str, Any]]:
        if not isinstance(content, list):
            refuse(at, f"must be a string or an array of blocks, and is {kind_of(content)}")
        self.parts += len(content)
        if self.parts > MAX_PARTS:
            refuse("messages", f"has more than {MAX_PARTS:,} blocks")
        for n, block in enumerate(content):
            if not isinstance(block, dict):
                refuse(f"{at}.{n}", f"must be an object, and is {kind_of(block)}")
        return content

    def _parts(self, block: dict[str, Any], at: str) -> tuple[Part, ...]:
        kind = block.get("type")
        if not isinstance(kind, str) or not kind:
            refuse(f"{at}.type", f"must be a string, and is {kind_of(kind)}")
        if kind == "text":
            text = text_of(block, "text", f"{at}.") if "text" in block else refuse(f"{at}.text", "is missing")
            return (TextPart(text),) if text else ()
        if kind == "image":
            return self._image(block, at)
        if kind == "document":
            return self._document(block, at)
        if kind == "search_result":
            inner = self._blocks(block.get("content"), f"{at}.content")
            head = f"{text_of(block, 'title', f'{at}.')}\n{text_of(block, 'source', f'{at}.')}\n"
            return (TextPart(head), *inner)
        if kind in _IGNORED:
            return ()
        if kind in ("tool_use", "tool_result"):
            refuse(f"{at}.type", f"is {kind}, which cannot stand here")
        self.native_only.add(f"`{kind:.60}` blocks")
        return ()

    def _image(self, block: dict[str, Any], at: str) -> tuple[Part, ...]:
        source = object_of(block, "source", f"{at}.") or refuse(f"{at}.source", "is missing")
        match source.get("type"):
            case "base64":
                return (image_data(source.get("media_type"), source.get("data"), f"{at}.source"),)
            case "url":
                url = source.get("url")
                if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
                    refuse(f"{at}.source.url", "must begin with `https://` or `http://`")
                return (image_of(url, None, f"{at}.source.url"),)
            case "file":
                self.native_only.add("images by file id")
                return ()
            case kind:
                refuse(f"{at}.source.type", f"is {kind!r:.60}, it must be base64, url or file")

    def _document(self, block: dict[str, Any], at: str) -> tuple[Part, ...]:
        source = object_of(block, "source", f"{at}.") or refuse(f"{at}.source", "is missing")
        title = text_of(block, "title", f"{at}.")
        head = (TextPart(f"{title}\n"),) if title else ()
        match source.get("type"):
            case "text":
                return (*head, TextPart(text_of(source, "data", f"{at}.source.")))
            case "content":
                return (*head, *self._blocks(source.get("content"), f"{at}.source.content"))
            case "base64" | "url" | "file" as kind:
                self.native_only.add(f"documents by {kind}")
                return ()
            case kind:
                refuse(f"{at}.source.type", f"is {kind!r:.60}, it must be text, content, base64, url or file")
