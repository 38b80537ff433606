"""Messages between people, models and tools: every usual form of them in the one form of the GenAI conventions, and as text.

The form is `[{"role": "user", "parts": [{"type": "text", "content": "…"}]}]`; parts are also `tool_call` (`id`, `name`,
`arguments`), `tool_call_response` (`id`, `response`), `reasoning` and whatever else a sender names.

Source:
    OpenTelemetry semantic conventions for generative AI: `gen_ai.input.messages`, `gen_ai.output.messages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.telemetry.plain import dumped, parsed

Message = dict[str, Any]
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}
_LISTS = ("messages", "input_messages", "contents", "prompt")
_OUTPUTS = ("choices", "candidates", "output", "messages")
_UNTOLD = 4
"""Levels of wrapping in which messages are looked for."""


def messages_of(value: Any, role: str = "user", depth: int = 0) -> list[Message] | None:
    """Return messages in the form of the conventions, None where the value is none.

    Args:
        value: a list, an object that holds one, or either as JSON text.
        role: whose words they are where the value does not say.
    """
    if isinstance(value, str):
        found = parsed(value)
        return None if found is None else messages_of(found, role, depth)
    if isinstance(value, Mapping):
        return _wrapped(value, role, depth)
    if not isinstance(value, list) or not value or depth > _UNTOLD:
        return None
    if all(type(m) is dict and type(m.get("parts")) is list and "role" in m and _canonical(m) for m in value):
        return value
    if len(value) == 1 and isinstance(
        value[0], list
    ):  # LangChain batches: one list of messages for each prompt
        return messages_of(value[0], role, depth + 1)
    made = [_message(item, role) for item in value]
    return None if any(m is None for m in made) else [m for m in made if m is not None]


def system_of(value: Any) -> list[dict[str, Any]] | None:
    """Return system instructions as parts, None where there are none."""
    if isinstance(value, str):
        found = parsed(value)
        if found is None:
            return [{"type": "text", "content": value}] if value else None
        value = found
    parts = _parts(value)
    return parts or None


def text_of(messages: Sequence[Any], *, reply: bool = False) -> str:
    """Return messages as people read them: `role: words`, without the role for a single one and for a reply."""
    pieces = []
    alone = reply or len(messages) == 1
    for message in messages:
        if not isinstance(message, Mapping):
            continue
        words = parts_text(message.get("parts"))
        if not words:
            continue
        said = str(message.get("role") or "")
        pieces.append(words if (alone and said in ("", "user", "assistant")) else f"{said}: {words}")
    return "\n\n".join(pieces)


def parts_text(parts: Any) -> str:
    """Return the parts of one message as people read them."""
    if isinstance(parts, str):
        return parts
    if not isinstance(parts, Sequence):
        return ""
    return "\n".join(piece for piece in map(_part_text, parts) if piece)


def readable(value: Any, *, reply: bool = False) -> str:
    """Return any value as people read it: messages as a conversation, text as it is, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        found = parsed(value)
        if found is None:
            return value
    else:
        found = value
    messages = messages_of(found, "assistant" if reply else "user")
    text = text_of(messages, reply=reply) if messages else ""
    return text or dumped(value)


def _canonical(message: Mapping[str, Any]) -> bool:
    return all(type(part) is dict and "type" in part and "text" not in part for part in message["parts"])


def _wrapped(value: Mapping[str, Any], role: str, depth: int) -> list[Message] | None:
    if depth > _UNTOLD:
        return None
    if "role" in value or value.get("type") in ("human", "ai", "system", "tool") or "lc" in value:
        made = _message(value, role)
        return None if made is None else [made]
    inner = _unwrapped(value)
    if inner is not value:
        return messages_of([inner], role, depth + 1)
    for name in (*_LISTS, *_OUTPUTS) if role == "user" else (*_OUTPUTS, *_LISTS):
        listed = value.get(name)
        if isinstance(listed, list) and listed:
            found = messages_of([_unwrapped(item) for item in listed], role, depth + 1)
            if found:
                return found
    return None


def _unwrapped(item: Any) -> Any:
    """Return the message in an element of `choices` or `candidates`, with its finish reason."""
    if not isinstance(item, Mapping):
        return item
    inner = item.get("message", item.get("delta"))
    if inner is None and "parts" not in item and isinstance(item.get("content"), Mapping):
        inner = item["content"]  # Gemini
    if not isinstance(inner, Mapping):
        return item
    reason = item.get("finish_reason", item.get("finishReason"))
    return {**inner, "finish_reason": reason} if reason else dict(inner)


def _message(value: Any, role: str) -> Message | None:
    if isinstance(value, str):
        return {"role": role, "parts": [{"type": "text", "content": value}]}
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("message"), Mapping) and "role" not in value:
        return _message(_unwrapped(value), role)
    if "lc" in value and isinstance(value.get("kwargs"), Mapping):  # LangChain's own JSON
        names = value.get("id")
        last = str(names[-1]) if isinstance(names, list) and names else ""
        said = last.removesuffix("Chunk").removesuffix("Message").lower()
        return _message({"role": said or role, **value["kwargs"]}, role)
    said = value.get("role", value.get("type") if "content" in value else None)
    if value.get("type") in ("function_call", "function_call_output", "reasoning") and "role" not in value:
        return _item(value)
    if said is None and not {"content", "parts", "tool_calls"} & value.keys():
        return None
    name = str(said or role).lower()
    name = _ROLES.get(name, name)
    parts = _parts(value.get("parts", value.get("content")))
    if name == "tool" and not any(p.get("type") == "tool_call_response" for p in parts):
        told = value.get("tool_call_id") or value.get("id") or value.get("name")
        parts = [{"type": "tool_call_response", "id": told, "response": parts_text(parts)}]
    parts += [call for call in map(_call, _calls(value)) if call is not None]
    made: Message = {"role": name, "parts": parts}
    if isinstance(value.get("name"), str) and name != "tool":
        made["name"] = value["name"]
    reason = value.get("finish_reason", value.get("finishReason"))
    if reason:
        made["finish_reason"] = str(reason)
    return made


def _item(value: Mapping[str, Any]) -> Message:
    """Return an item of OpenAI's responses that is no message."""
    if value["type"] == "function_call_output":
        part = {"type": "tool_call_response", "id": value.get("call_id"), "response": value.get("output")}
        return {"role": "tool", "parts": [part]}
    if value["type"] == "function_call":
        return {"role": "assistant", "parts": [_call({"function": value, "id": value.get("call_id")}) or {}]}
    summary = value.get("summary") or value.get("content") or ""
    return {"role": "assistant", "parts": [{"type": "reasoning", "content": parts_text(_parts(summary))}]}


def _calls(value: Mapping[str, Any]) -> list[Any]:
    calls = value.get("tool_calls")
    if not calls and isinstance(value.get("additional_kwargs"), Mapping):
        calls = value["additional_kwargs"].get("tool_calls")
    if not calls and isinstance(value.get("function_call"), Mapping):
        calls = [{"function": value["function_call"]}]
    return calls if isinstance(calls, list) else []


def _call(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    value = value.get("tool_call") if isinstance(value.get("tool_call"), Mapping) else value  # OpenInference
    function = value.get("function") if isinstance(value.get("function"), Mapping) else value
    arguments = function.get("arguments", function.get("args", function.get("input")))
    read = parsed(arguments) if isinstance(arguments, str) else None
    return {
        "type": "tool_call",
        "id": value.get("id") or value.get("toolCallId"),
        "name": function.get("name") or function.get("toolName"),
        "arguments": arguments if read is None else read,
    }


def _parts(value: Any) -> list[dict[str, Any]]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [{"type": "text", "content": value}]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        return [{"type": "text", "content": dumped(value)}]
    return [made for made in map(_part, value) if made is not None]


def _part(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"type": "text", "content": value}
    if not isinstance(value, Mapping):
        return None if value is None else {"type": "text", "content": dumped(value)}
    inner = value.get("message_content")
    if isinstance(inner, Mapping):  # OpenInference
        value = inner
    kind = value.get("type")
    for name in ("functionCall", "function_call"):
        if isinstance(value.get(name), Mapping):  # Gemini
            return _call({"function": value[name]})
    for name in ("functionResponse", "function_response"):
        if isinstance(value.get(name), Mapping):
            told = value[name]
            return {"type": "tool_call_response", "id": told.get("name"), "response": told.get("response")}
    if kind in ("text", "input_text", "output_text", None) and isinstance(value.get("text"), str):
        return {"type": "text", "content": value["text"]}
    if kind in ("tool_use", "tool-call"):
        return _call({"function": value, "id": value.get("id") or value.get("toolCallId")})
    if kind in ("tool_result", "tool-result"):
        said = value.get("content", value.get("output", value.get("result")))
        name = value.get("tool_use_id") or value.get("toolCallId")
        return {"type": "tool_call_response", "id": name, "response": said}
    if kind in ("thinking", "reasoning"):
        said = value.get("thinking") or value.get("text") or value.get("content") or ""
        return {"type": "reasoning", "content": said}
    return {"type": "object", "content": dict(value)} if kind is None else dict(value)


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return ""
    kind = part.get("type")
    if kind == "text":
        return dumped(part.get("content") if "content" in part else part.get("text"))
    if kind == "tool_call":
        return f"{part.get('name') or 'tool'}({_arguments(part.get('arguments'))})"
    if kind == "tool_call_response":
        said = part.get("response", part.get("result"))
        return parts_text(_parts(said)) if isinstance(said, list) else dumped(said)
    if kind == "reasoning":
        return dumped(part.get("content"))
    if kind == "object":
        return dumped(part.get("content"))
    return f"[{kind}]"


def _arguments(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name}={dumped(v) if not isinstance(v, str) else repr(v)}" for name, v in value.items()
        )
    return dumped(value)
