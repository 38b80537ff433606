"""The exact cache: which calls may be answered from it, under which key, and completions as JSON and back.

A call is cached when equal requests may be expected to get equal answers (temperature 0 and one choice, or declared: by the
caller, by the model's spec, by the provider), or when it carries an idempotency key, which makes it a call of its own that a
second delivery finds again. An app's answer is never cached here, because it depends on what the caller may read.

The key covers whatever can change the answer: who may serve it, the versions of prompt and snapshot, parameters, tools,
response format, messages, and fields the platform does not know. It leaves out who asks (`user`), the dialect and whether
the answer is streamed. The tenant is a column beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from groundwork.core.json_writer import json_writer
from groundwork.gateway.types import Completion, DialectName, FinishReason, TextPart, ToolCall, Usage

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Plan
    from groundwork.gateway.types import Caller, ChatRequest, Message, Part

VERSION = 1
"""Part of every key; raised whenever a key or a stored completion changes its form."""
MOST_CHARS = 1_000_000
"""A longer completion is not stored."""
_STORED = frozenset({"stop", "tool_calls"})
_USAGE = tuple(f.name for f in fields(Usage))
_encode = json_writer(sort_keys=True, ensure_ascii=True, allow_nan=True, default=str)


def key_of(request: ChatRequest, caller: Caller, plan: Plan) -> str:
    """Return the digest under which the call is looked up; empty for a call that is not cached."""
    if not is_cached(request, caller, plan):
        return ""
    parts: list[Any] = [
        VERSION,
        plan.identity,
        caller.prompt,
        caller.snapshot,
        caller.idempotency_key or ("" if is_deterministic(request, caller, plan) else caller.once),
        request.max_output_tokens,
        request.temperature,
        request.top_p,
        request.stop,
        request.seed,
        request.n,
        request.parallel_tool_calls,
        request.reasoning_effort,
        [_message(m) for m in request.messages],
    ]
    if request.tools or request.tool_choice is not None:
        choice = request.tool_choice
        tools = [[t.name, t.description, t.parameters, t.strict] for t in request.tools]
        parts.append(["tools", tools, [choice.mode, choice.name] if choice else None])
    wanted = request.response_format
    if wanted.kind != "text":
        parts.append(["format", wanted.kind, wanted.name, wanted.schema, wanted.strict])
    if request.extra and (extra := _that_change(request.extra)):
        parts.append(["extra", extra])
    if request.native_only and request.native is not None:
        parts.append(["native", _that_change(request.native)])
    return hashlib.sha256(_encode(parts).encode()).hexdigest()


_NOT_ASKED = frozenset(
    {"model", "stream", "stream_options", "user", "metadata", "store", "safety_identifier"}
)
"""Fields that say something about the call and change nothing of its answer."""


def _that_change(fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(k, fields[k]) for k in sorted(fields) if k not in _NOT_ASKED]


def is_cached(request: ChatRequest, caller: Caller, plan: Plan) -> bool:
    """Return whether the call may be answered from the cache and stored in it."""
    if caller.cache == "off" or any(c.is_app for c in plan.candidates):
        return False
    return bool(caller.idempotency_key or caller.once) or is_deterministic(request, caller, plan)


def is_deterministic(request: ChatRequest, caller: Caller, plan: Plan) -> bool:
    """Return whether equal requests may be expected to get equal answers, so that who pays for one pays for all."""
    return request.n == 1 and (request.temperature == 0 or caller.cache == "on" or plan.deterministic)


def stored(completion: Completion) -> dict[str, Any] | None:
    """Return a completion as JSON-compatible values; None where it is not complete or too long to be kept."""
    size = (
        len(completion.text)
        + len(completion.reasoning)
        + sum(len(c.arguments) for c in completion.tool_calls)
    )
    if completion.finish not in _STORED or size > MOST_CHARS:
        return None
    value: dict[str, Any] = {"v": VERSION, "text": completion.text, "finish": completion.finish}
    usage = completion.usage
    value["usage"] = {name: getattr(usage, name) for name in _USAGE}
    if completion.tool_calls:
        value["tool_calls"] = [[c.id, c.name, c.arguments] for c in completion.tool_calls]
    if completion.reasoning:
        value["reasoning"] = completion.reasoning
    if completion.annotations:
        value["annotations"] = [dict(a) for a in completion.annotations]
    if completion.native is not None:
        value["native"], value["native_dialect"] = completion.native, completion.native_dialect
    return value


def restored(value: Mapping[str, Any]) -> Completion:
    """Return the completion that `stored` was given, without the meta of its call."""
    return Completion(
        text=value["text"],
        tool_calls=tuple(ToolCall(*call) for call in value.get("tool_calls", ())),
        finish=cast(FinishReason, value["finish"]),
        usage=Usage(**value["usage"]),
        reasoning=value.get("reasoning", ""),
        annotations=tuple(value.get("annotations", ())),
        native=value.get("native"),
        native_dialect=cast("DialectName | None", value.get("native_dialect")),
    )


def _message(message: Message) -> list[Any]:
    plain: list[Any] = [message.role, [_part(p) for p in message.parts]]
    if message.tool_calls:
        plain.append([[c.id, c.name, c.arguments] for c in message.tool_calls])
    if message.tool_call_id or message.is_error:
        plain.append([message.tool_call_id, message.is_error])
    return plain


def _part(part: Part) -> Any:
    if isinstance(part, TextPart):
        return part.text
    # Megabytes are hashed as they are rather than written as JSON first.
    data = hashlib.sha256(part.data.encode()).hexdigest() if part.data else ""
    return [part.media_type, data, part.url, part.detail]
