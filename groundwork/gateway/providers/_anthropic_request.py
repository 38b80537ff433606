"""Write canonical requests as bodies of Anthropic's messages, and hand bodies of that dialect through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from groundwork.gateway.failures import Failure
from groundwork.gateway.providers._narrowed import narrowed
from groundwork.gateway.types import ChatRequest, ImagePart, Message, Part, TextPart, Tool, ToolChoice

Structured = Literal["auto", "format", "tool"]
_OLD = re.compile(
    r"claude-(?:instant|[123](?:[.-]|$)|(?:opus|sonnet|haiku)-4(?:-[0-6](?!\d))?(?:-\d{8}.*|-latest|@.*)?$)"
)
"""Models that take `temperature`; later ones refuse it."""
_NO_FORMAT = re.compile(
    r"claude-(?:instant|[123](?:[.-]|$)|(?:opus|sonnet)-4(?:-0)?(?:-\d{8}.*|-latest|@.*)?$)"
)
"""Models before `output_config.format`."""
_EFFORT = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_COUNTED = frozenset(
    {"messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
)
_ID = re.compile(r"[^a-zA-Z0-9_-]")
ANSWER_TOOL = "answer_in_this_form"


def body_of(
    request: ChatRequest,
    model: str,
    *,
    stream: bool,
    max_tokens: int,
    structured: Structured = "auto",
    sampling: bool | None = None,
    drop: Iterable[str] = (),
) -> tuple[dict[str, Any], bool]:
    """Return the body to send, and whether the text comes as the input of `ANSWER_TOOL`.

    Args:
        max_tokens: where the request names none; the dialect asks for one.
        structured: how JSON that fits a schema is asked for: by `output_config.format`, by a tool that must be called, or by
            what the model and the schema allow.
        sampling: send `temperature` and `top_p`; None: where the model is known to take them.

    Raises:
        Failure: `unsupported`: several completions are asked for.
    """
    by_tool = False
    if request.native is not None and request.dialect == "anthropic_messages":
        body = dict(request.native)
    else:
        if request.n != 1:
            raise Failure("unsupported", f"{request.n} completions of one request; this provider makes one")
        body = dict(request.extra) if request.dialect == "anthropic_messages" else {}
        body |= _written(request, max_tokens)
        if sampling or (sampling is None and _OLD.match(model)):
            if request.temperature is not None:
                body["temperature"] = min(request.temperature, 1.0)
            elif request.top_p is not None:
                body["top_p"] = request.top_p
        by_tool = _structure(body, request, model, structured)
        effort = _EFFORT.get(request.reasoning_effort)
        if effort and not _OLD.match(model):
            body["output_config"] = {**body.get("output_config", {}), "effort": effort}
    body["model"] = model
    if stream:
        body["stream"] = True
    else:
        body.pop("stream", None)
    for name in drop:
        body.pop(name, None)
    return body, by_tool


def counted(body: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return what of a body belongs into a question for its tokens."""
    return {"model": model, **{k: v for k, v in body.items() if k in _COUNTED}}


def _written(request: ChatRequest, max_tokens: int) -> dict[str, Any]:
    system = "\n\n".join(m.text for m in request.messages if m.role == "system" and m.text.strip())
    body: dict[str, Any] = {
        "max_tokens": request.max_output_tokens or max_tokens,
        "messages": _turns([m for m in request.messages if m.role != "system"]),
    }
    if not body["messages"]:
        body["messages"] = [{"role": "user", "content": system or "…"}]
    elif system:
        body["system"] = system
    stop = [s for s in request.stop if s.strip()]
    if stop:
        body["stop_sequences"] = stop
    if request.user:
        body["metadata"] = {"user_id": request.user}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        choice = _tool_choice(request.tool_choice, request.parallel_tool_calls)
        if choice is not None:
            body["tool_choice"] = choice
    return body


def _structure(body: dict[str, Any], request: ChatRequest, model: str, structured: Structured) -> bool:
    """Ask for JSON; return whether it is asked for as a tool's input."""
    wanted = request.response_format
    if wanted.kind == "text":
        return False
    if wanted.kind == "json_object" or wanted.schema is None:
        _instruct(body, "Answer with one JSON object and nothing else, not even a code fence.")
        return False
    schema = narrowed(wanted.schema)
    if schema is not None and (
        structured == "format" or (structured == "auto" and not _NO_FORMAT.match(model))
    ):
        format_ = {"type": "json_schema", "schema": schema}
        body["output_config"] = {**body.get("output_config", {}), "format": format_}
        return False
    if request.tools or wanted.schema.get("type") != "object":
        # A forced answer would keep the model from calling the client's own tools; a tool's input is always an object.
        _instruct(
            body,
            f"Answer with JSON and nothing else; it must fit this schema: {json.dumps(dict(wanted.schema))}",
        )
        return False
    about = "Give the answer in this form."
    body["tools"] = [{"name": ANSWER_TOOL, "description": about, "input_schema": dict(wanted.schema)}]
    body["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL}
    return True


def _instruct(body: dict[str, Any], words: str) -> None:
    body["system"] = f"{body['system']}\n\n{words}" if body.get("system") else words


def _turns(messages: list[Message]) -> list[dict[str, Any]]:
    """Return the messages as turns: neighbours of one role are one turn, results of tools stand first in the user's."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message)
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    for turn in turns:
        results = [b for b in turn["content"] if b["type"] == "tool_result"]
        turn["content"] = [*results, *(b for b in turn["content"] if b["type"] != "tool_result")]
    if turns and turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": "…"}]})
    if turns and turns[-1]["role"] == "assistant" and turns[-1]["content"][-1]["type"] == "text":
        turns[-1]["content"][-1]["text"] = turns[-1]["content"][-1]["text"].rstrip() or "…"
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    parts = [_part(p) for p in message.parts if not isinstance(p, TextPart) or p.text.strip()]
    if message.role == "tool":
        result: dict[str, Any] = {
            "type": "tool_result",
            "tool_use_id": _safe(message.tool_call_id),
            "content": parts,
        }
        return [{**result, "is_error": True} if message.is_error else result]
    calls = [
        {"type": "tool_use", "id": _safe(c.id), "name": c.name, "input": _input(c.arguments)}
        for c in message.tool_calls
    ]
    return [*parts, *calls]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image", "source": _source(part)}


def _source(image: ImagePart) -> dict[str, Any]:
    if image.url and not image.url.startswith("data:"):
        return {"type": "url", "url": image.url}
    media, data = image.media_type, image.data
    if image.url:
        head, _, data = image.url.partition(",")
        media = head.removeprefix("data:").partition(";")[0]
    return {"type": "base64", "media_type": media or "image/png", "data": data}


def _tool(tool: Tool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": tool.name, "input_schema": {"type": "object", **tool.parameters}}
    if tool.description:
        told["description"] = tool.description
    return told


def _tool_choice(choice: ToolChoice | None, parallel: bool | None) -> dict[str, Any] | None:
    names = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
    if choice is None and parallel is not False:
        return None
    told: dict[str, Any] = {"type": names[choice.mode if choice else "auto"]}
    if choice is not None and choice.mode == "named":
        told["name"] = choice.name
    if parallel is False and told["type"] != "none":
        told["disable_parallel_tool_use"] = True
    return told


def _input(arguments: str) -> dict[str, Any]:
    """Return the arguments of an earlier call; what is no JSON object goes back as the text it was."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def _safe(identifier: str) -> str:
    return _ID.sub("_", identifier)
