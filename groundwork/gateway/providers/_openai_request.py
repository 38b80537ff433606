"""Write canonical requests as bodies of OpenAI's chat completions, and hand bodies of that dialect through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from groundwork.gateway.types import (
    ChatRequest,
    ImagePart,
    Message,
    Part,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)

_REASONING = re.compile(r"o\d|gpt-5(?!-chat)")
_NO_SAMPLING = ("temperature", "top_p", "stop")
"""What OpenAI's reasoning models refuse; a client of another dialect cannot know."""


def body_of(
    request: ChatRequest,
    model: str,
    *,
    stream: bool,
    most: str = "max_tokens",
    usage: bool = True,
    drop: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the body to send.

    A request that came in this dialect is sent as it came: the model's name, `stream` and `stream_options` are replaced and
    nothing else is touched.

    Args:
        most: the field that holds the most output tokens, `max_tokens` or `max_completion_tokens`.
        usage: ask for the usage at the end of a stream.
        drop: top-level fields that this provider does not take.
    """
    if request.native is not None and request.dialect == "openai_chat":
        body = dict(request.native)
    else:
        body = _written(request, most)
        if most == "max_completion_tokens" and _REASONING.match(model):
            body = {name: value for name, value in body.items() if name not in _NO_SAMPLING}
    body["model"] = model
    if stream:
        body["stream"] = True
        if usage:
            asked = body.get("stream_options")
            body["stream_options"] = {**(asked if isinstance(asked, Mapping) else {}), "include_usage": True}
    else:
        body.pop("stream", None)
        body.pop("stream_options", None)
    for name in drop:
        body.pop(name, None)
    return body


def _written(request: ChatRequest, most: str) -> dict[str, Any]:
    body: dict[str, Any] = dict(request.extra) if request.dialect == "openai_chat" else {}
    body["messages"] = [m for message in request.messages for m in _message(message)]
    if request.max_output_tokens is not None:
        body[most] = request.max_output_tokens
    numbers = {"temperature": request.temperature, "top_p": request.top_p, "seed": request.seed}
    body |= {name: value for name, value in numbers.items() if value is not None}
    if request.reasoning_effort:
        body["reasoning_effort"] = request.reasoning_effort
    if request.stop:
        body["stop"] = list(request.stop)
    if request.n != 1:
        body["n"] = request.n
    if request.user:
        body["user"] = request.user
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format.kind != "text":
        body["response_format"] = _format(request.response_format)
    return body


def _message(message: Message) -> list[dict[str, Any]]:
    """Return one message, or two: images that a tool returned have no place in its own message."""
    if message.role == "tool":
        told: list[dict[str, Any]] = [
            {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.text}
        ]
        images = [p for p in message.parts if isinstance(p, ImagePart)]
        return [*told, {"role": "user", "content": [_part(p) for p in images]}] if images else told
    said: dict[str, Any] = {"role": message.role, "content": _content(message.parts)}
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments or "{}"}}
            for c in message.tool_calls
        ]
        said["content"] = said["content"] or None
    return [said]


def _content(parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
    if all(isinstance(p, TextPart) for p in parts):
        return "".join(p.text for p in parts if isinstance(p, TextPart))
    return [_part(p) for p in parts]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    address = part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"
    return {
        "type": "image_url",
        "image_url": {"url": address, **({"detail": part.detail} if part.detail else {})},
    }


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "named" else choice.mode


def _format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.kind == "json_object" or wanted.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": wanted.name or "answer", "schema": dict(wanted.schema)}
    if wanted.strict:
        schema["strict"] = True
    return {"type": "json_schema", "json_schema": schema}
