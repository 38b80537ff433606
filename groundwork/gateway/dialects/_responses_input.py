"""The input of the Responses API: messages, function calls and their outputs, as one list of items."""

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
    refuse,
    text_of,
)
from groundwork.gateway.types import Message, Part, Role, TextPart, ToolCall

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
_NOT_STORED = "nothing is stored here between requests: send the whole conversation in `input`"


class Items:
    """Parses items in order, and remembers which calls were made."""

    __slots__ = ("calls", "found", "parts")

    def __init__(self) -> None:
        self.calls: set[str] = set()
        self.found: list[Message] = []
        self.parts = 0

    def parse(self, value: object) -> list[Message]:
        """Return the canonical messages; calls that follow an assistant's message become part of it.

        Raises:
            InvalidInputError: an item or part of the wrong form, one that only OpenAI can make sense of, or an output for
                a call that was never made.
        """
        if isinstance(value, str) and value:
            return [Message("user", (TextPart(value),))]
        if not isinstance(value, list) or not value:
            said = "missing" if value is None else "empty" if value in ("", []) else kind_of(value)
            refuse("input", f"must be a string or an array of items, and is {said}")
        if len(value) > MAX_MESSAGES:
            refuse("input", f"has {len(value):,} entries, at most {MAX_MESSAGES:,} are accepted")
        for n, item in enumerate(value):
            if not isinstance(item, dict):
                refuse(f"input[{n}]", f"must be an object, and is {kind_of(item)}")
            self._item(item, n)
        if not self.found:
            refuse("input", "holds no message")
        return self.found

    def _item(self, item: dict[str, Any], n: int) -> None:
        match item.get("type", "message"):
            case "message":
                role = item.get("role")
                if not isinstance(role, str) or role not in _ROLES:
                    refuse(
                        f"input[{n}].role",
                        f"is {role!r:.60}, it must be user, assistant, system or developer",
                    )
                self.found.append(
                    Message(_ROLES[role], self._content(item.get("content"), f"input[{n}].content"))
                )
            case "function_call":
                self._call(item, f"input[{n}].")
            case "function_call_output":
                self._output(item, n)
            case "reasoning":
                pass  # only the model that thought it can use it
            case "item_reference":
                refuse(f"input[{n}]", "refers to a stored item", _NOT_STORED)
            case kind:
                refuse(
                    f"input[{n}].type",
                    f"is {kind!r:.60}, which is understood at OpenAI only",
                    "messages, function calls and their outputs are understood here",
                )

    def _call(self, item: dict[str, Any], at: str) -> None:
        identifier = text_of(item, "call_id", at, longest=MAX_ID_CHARS, empty=False)
        name = text_of(item, "name", at, longest=MAX_NAME_CHARS, empty=False)
        call = ToolCall(identifier, name, text_of(item, "arguments", at))
        self.calls.add(identifier)
        last = self.found[-1] if self.found else None
        if last is None or last.role != "assistant":
            self.found.append(Message("assistant", (), (call,)))
            return
        if len(last.tool_calls) >= MAX_CALLS:
            refuse("input", f"has more than {MAX_CALLS} calls in a row")
        self.found[-1] = Message("assistant", last.parts, (*last.tool_calls, call))

    def _output(self, item: dict[str, Any], n: int) -> None:
        identifier = text_of(item, "call_id", f"input[{n}].", longest=MAX_ID_CHARS, empty=False)
        if identifier not in self.calls:
            refuse(
                f"input[{n}].call_id",
                f"is `{identifier:.80}`, a call that no earlier item made",
                f"send the `function_call` before its output; {_NOT_STORED}",
            )
        parts = self._content(item.get("output"), f"input[{n}].output")
        self.found.append(Message("tool", parts, tool_call_id=identifier))

    def _content(self, content: object, at: str) -> tuple[Part, ...]:
        if isinstance(content, str):
            return (TextPart(content),) if content else ()
        if not isinstance(content, list):
            refuse(at, f"must be a string or an array of parts, and is {kind_of(content)}")
        self.parts += len(content)
        if self.parts > MAX_PARTS:
            refuse("input", f"has more than {MAX_PARTS:,} parts")
        return tuple(p for m, part in enumerate(content) if (p := _part(part, f"{at}[{m}]")) is not None)


def _part(part: object, at: str) -> Part | None:
    if not isinstance(part, dict):
        refuse(at, f"must be an object, and is {kind_of(part)}")
    match part.get("type"):
        case "input_text" | "output_text" | "text" | "summary_text":
            text = text_of(part, "text", f"{at}.") if "text" in part else refuse(f"{at}.text", "is missing")
            return TextPart(text) if text else None
        case "refusal":
            return TextPart(text_of(part, "refusal", f"{at}."))
        case "input_image":
            if part.get("file_id") is not None:
                refuse(
                    f"{at}.file_id",
                    "names a stored file",
                    "send the image itself as a data URL in `image_url`",
                )
            return image_of(part.get("image_url"), part.get("detail"), f"{at}.image_url")
        case None:
            refuse(f"{at}.type", "is missing")
        case kind:
            refuse(
                f"{at}.type",
                f"is {kind!r:.60}, which is understood at OpenAI only",
                "input_text, output_text and input_image are understood here",
            )
