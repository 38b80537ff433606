"""The messages of an OpenAI chat: every role, text and images, tool calls and their results, and the older functions."""

from __future__ import annotations

from typing import Any

from groundwork.gateway.dialects._fields import (
    MAX_CALLS,
    MAX_ID_CHARS,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_PARTS,
    image_of,
    kind_of,
    list_of,
    object_of,
    refuse,
    text_of,
)
from groundwork.gateway.types import Message, Part, TextPart, ToolCall


class Conversation:
    """Parses messages in order, and remembers which calls were made."""

    __slots__ = ("calls", "functions", "native_only", "parts")

    def __init__(self) -> None:
        self.calls: set[str] = set()
        self.functions: dict[
            str, str
        ] = {}  # name to the id of its last call, for messages of role `function`
        self.native_only: set[str] = set()
        self.parts = 0

    def parse(self, messages: object) -> tuple[Message, ...]:
        """Return the canonical messages.

        Raises:
            InvalidInputError: a message or part of the wrong form, or a result for a call that was never made.
        """
        if not isinstance(messages, list) or not messages:
            refuse("messages", f"must be an array with at least one message, and is {_said(messages)}")
        if len(messages) > MAX_MESSAGES:
            refuse("messages", f"has {len(messages):,} entries, at most {MAX_MESSAGES:,} are accepted")
        found = []
        for n, message in enumerate(messages):
            if not isinstance(message, dict):
                refuse(f"messages[{n}]", f"must be an object, and is {kind_of(message)}")
            role, content = message.get("role"), message.get("content")
            if role == "user":
                found.append(Message("user", self._content(content, n)))
            elif role == "assistant":
                found.append(self._assistant(message, n))
            elif role in ("system", "developer"):
                found.append(Message("system", self._content(content, n)))
            elif role == "tool":
                found.append(self._result(message, n))
            elif role == "function":
                found.append(self._function_result(message, n))
            elif role is None:
                refuse(f"messages[{n}].role", "is missing")
            else:
                refuse(
                    f"messages[{n}].role",
                    f"is {role!r:.60}, it must be system, developer, user, assistant, tool or function",
                )
        return tuple(found)

    def _content(self, content: object, n: int) -> tuple[Part, ...]:
        if isinstance(content, str):
            return (TextPart(content),) if content else ()
        if not isinstance(content, list):
            refuse(
                f"messages[{n}].content", f"must be a string or an array of parts, and is {kind_of(content)}"
            )
        self.parts += len(content)
        if self.parts > MAX_PARTS:
            refuse("messages", f"has more than {MAX_PARTS:,} parts")
        return tuple(p for m, part in enumerate(content) if (p := self._part(part, n, m)) is not None)

    def _part(self, part: object, n: int, m: int) -> Part | None:
        at = f"messages[{n}].content[{m}]"
        if not isinstance(part, dict):
            refuse(at, f"must be an object, and is {kind_of(part)}")
        match part.get("type"):
            case "text":
                text = (
                    text_of(part, "text", f"{at}.") if "text" in part else refuse(f"{at}.text", "is missing")
                )
                return TextPart(text) if text else None
            case "image_url":
                image = part.get("image_url")
                if isinstance(image, dict):
                    return image_of(image.get("url"), image.get("detail"), f"{at}.image_url.url")
                return image_of(image, None, f"{at}.image_url")
            case "refusal":
                return TextPart(text_of(part, "refusal", f"{at}."))
            case "input_audio" | "file" as kind:
                object_of(part, kind, f"{at}.")
                self.native_only.add(f"{kind} parts")
                return None
            case None:
                refuse(f"{at}.type", "is missing")
            case kind:
                refuse(
                    f"{at}.type", f"is {kind!r:.60}, it must be text, image_url, input_audio, file or refusal"
                )

    def _assistant(self, message: dict[str, Any], n: int) -> Message:
        content = message.get("content")
        parts = self._content(content, n) if content is not None else ()
        if content is None and message.get("refusal"):
            parts = (TextPart(text_of(message, "refusal", f"messages[{n}].")),)
        calls = [
            self._call(call, f"messages[{n}].tool_calls[{m}]")
            for m, call in enumerate(list_of(message, "tool_calls", MAX_CALLS, f"messages[{n}]."))
        ]
        function = object_of(message, "function_call", f"messages[{n}].")
        if function is not None:
            at = f"messages[{n}].function_call."
            name = text_of(function, "name", at, longest=MAX_NAME_CHARS, empty=False)
            self.functions[name] = f"call_{n}"
            calls.append(ToolCall(f"call_{n}", name, text_of(function, "arguments", at)))
        return Message("assistant", parts, tuple(c for c in calls if c is not None))

    def _call(self, call: object, at: str) -> ToolCall | None:
        if not isinstance(call, dict):
            refuse(at, f"must be an object, and is {kind_of(call)}")
        identifier = text_of(call, "id", f"{at}.", longest=MAX_ID_CHARS, empty=False)
        self.calls.add(identifier)
        kind = call.get("type")
        if kind == "custom":
            self.native_only.add("custom tools")
            return None
        if kind not in ("function", None):
            refuse(f"{at}.type", f"is {kind!r:.60}, it must be function or custom")
        function = object_of(call, "function", f"{at}.")
        if function is None:
            refuse(f"{at}.function", "is missing")
        name = text_of(function, "name", f"{at}.function.", longest=MAX_NAME_CHARS, empty=False)
        return ToolCall(identifier, name, text_of(function, "arguments", f"{at}.function."))

    def _result(self, message: dict[str, Any], n: int) -> Message:
        at = f"messages[{n}]."
        identifier = text_of(message, "tool_call_id", at, longest=MAX_ID_CHARS, empty=False)
        if identifier not in self.calls:
            refuse(
                f"{at}tool_call_id",
                f"is `{identifier:.80}`, a call that no earlier message made",
                "send the assistant's message with its `tool_calls` before the results",
            )
        return Message("tool", self._content(message.get("content"), n), tool_call_id=identifier)

    def _function_result(self, message: dict[str, Any], n: int) -> Message:
        name = text_of(message, "name", f"messages[{n}].", longest=MAX_NAME_CHARS, empty=False)
        identifier = self.functions.get(name)
        if identifier is None:
            refuse(
                f"messages[{n}].name",
                f"is `{name:.80}`, a function that no earlier message called",
                "send the assistant's message with its `function_call` before the result",
            )
        content = message.get("content")
        parts = self._content(content, n) if content is not None else ()
        return Message("tool", parts, tool_call_id=identifier)


def _said(messages: object) -> str:
    return "empty" if isinstance(messages, list) else "missing" if messages is None else kind_of(messages)
