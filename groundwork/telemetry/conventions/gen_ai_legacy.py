"""Older names of the GenAI conventions: `gen_ai.system`, `gen_ai.prompt.N.*`, token counts, messages as events."""

from __future__ import annotations

from typing import Any, ClassVar

from groundwork.telemetry.flat import gathered
from groundwork.telemetry.messages import Message, messages_of
from groundwork.telemetry.plain import parsed, word
from groundwork.telemetry.providers import provider_of
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanEvent

_RENAMED = {
    "gen_ai.openai.request.response_format": "openai.request.response_format",
    "gen_ai.openai.request.seed": "gen_ai.request.seed",
    "gen_ai.openai.request.service_tier": "openai.request.service_tier",
    "gen_ai.openai.response.service_tier": "openai.response.service_tier",
    "gen_ai.openai.response.system_fingerprint": "openai.response.system_fingerprint",
    "gen_ai.usage.cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.input_tokens.cached": "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.details.cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.details.cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.details.cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.details.reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
    "gen_ai.tool.call.input": "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.output": "gen_ai.tool.call.result",
    "gen_ai.tool.arguments": "gen_ai.tool.call.arguments",
    "tool_arguments": "gen_ai.tool.call.arguments",
    "tool_response": "gen_ai.tool.call.result",
}
_OLD = frozenset({"gen_ai.system", "gen_ai.prompt", "gen_ai.completion", *_RENAMED})
_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_SAYS = frozenset({*_ROLES, "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion"})
_FIRST = frozenset({"gen_ai.content.completion.chunk", "llm.content.completion.chunk", "first_token"})


class GenAiLegacy:
    """Renames to the current names, so that `gen_ai` reads them."""

    marks: ClassVar = frozenset(
        {"gen_ai", "events", "all_messages_events", "tool_arguments", "tool_response"}
    )
    rank: ClassVar = 50

    def recognise(self, span: RawSpan) -> str:
        names = span.attributes
        if not _OLD.isdisjoint(names):
            return "gen_ai/legacy"
        if any(name.startswith(("gen_ai.prompt.0.", "gen_ai.completion.0.")) for name in names):
            return "gen_ai/legacy"
        return "gen_ai/legacy" if any(e.name in _SAYS for e in span.events) else ""

    def read(self, reading: Reading) -> None:
        names = reading.attributes
        for old in [name for name in names if name in _RENAMED]:
            if old != "tool_arguments" or "gen_ai.tool.name" in names:
                reading.rename(old, _RENAMED[old])
        system = names.get("gen_ai.system")
        if system is not None:
            provider = provider_of(reading.take("gen_ai.system"))
            reading.set("gen_ai.provider.name", provider)
        for name in ("gen_ai.usage.cost", "gen_ai.usage.total_cost"):
            if name in names:
                reading.cost_usd(names[name])
        _numbered(reading)
        for event in reading.span.events:
            if event.name in _FIRST:
                reading.first_token(reading.since_start_ms(event.at_ns))
        _from_events(reading)
        _logged(reading)


def _numbered(reading: Reading) -> None:
    names = reading.attributes
    for prefix, give in (("gen_ai.prompt", reading.heard), ("gen_ai.completion", reading.said)):
        whole = names.get(prefix)
        if whole is not None:
            messages = messages_of(whole, "user" if prefix.endswith("prompt") else "assistant")
            if messages:
                reading.take(prefix)
                give(messages)
            elif isinstance(whole, str):
                reading.take(prefix)
                give([_text(whole, "user" if prefix.endswith("prompt") else "assistant")])
        if (
            f"{prefix}.0.content" in names
            or f"{prefix}.0.role" in names
            or f"{prefix}.0.tool_calls.0.name" in names
        ):
            found, used = gathered(names, f"{prefix}.")
            messages = messages_of(
                [m if isinstance(m, dict) and "role" in m else _told(m, prefix) for m in found],
                "user" if prefix.endswith("prompt") else "assistant",
            )
            for name in used:
                reading.take(name)
            if messages:
                give(messages)


def _told(value: Any, prefix: str) -> Any:
    role = "user" if prefix.endswith("prompt") else "assistant"
    return {"role": role, **value} if isinstance(value, dict) else value


def _text(words: str, role: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def _from_events(reading: Reading) -> None:
    """Read messages that are events of the span; the events stay where they are."""
    asked: list[Message] = []
    said: list[Message] = []
    for event in reading.span.events:
        if event.name not in _SAYS:
            continue
        body = _body(event)
        if event.name in ("gen_ai.content.prompt", "gen_ai.content.completion"):
            reply = event.name.endswith("completion")
            text = body.get("gen_ai.completion" if reply else "gen_ai.prompt")
            (said if reply else asked).extend(messages_of(text, "assistant" if reply else "user") or ())
        elif event.name == "gen_ai.choice":
            said.extend(messages_of([_choice(body)], "assistant") or ())
        else:
            message = {"role": _ROLES[event.name], **body}
            asked.extend(messages_of([message]) or ())
    if asked:
        reading.heard(asked)
    if said:
        reading.said(said)


def _body(event: SpanEvent) -> dict[str, Any]:
    body = {name: _read(value) for name, value in event.attributes.items()}
    inner = body.get("body") or body.get("event_body")
    return {**body, **inner} if isinstance(inner, dict) else body


def _choice(body: dict[str, Any]) -> dict[str, Any]:
    message = body.get("message")
    if isinstance(message, dict):
        return {"role": "assistant", **message, "finish_reason": body.get("finish_reason")}
    if isinstance(message, str):
        return {"role": "assistant", "content": message, "finish_reason": body.get("finish_reason")}
    return {"role": "assistant", **body}


def _logged(reading: Reading) -> None:
    """Read messages that Logfire and older Pydantic AI keep as one JSON list of events."""
    for name in ("events", "all_messages_events"):
        found = parsed(word(reading.attributes.get(name))) if name in reading.attributes else None
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            continue
        reading.take(name)
        choices = [i for i in found if i.get("event.name") == "gen_ai.choice"]
        others = [i for i in found if i.get("event.name") != "gen_ai.choice" and "role" in i]
        asked, said = messages_of(others), messages_of([_choice(c) for c in choices], "assistant")
        if asked:
            reading.heard(asked)
        if said:
            reading.said(said)


def _read(value: Any) -> Any:
    found = parsed(value) if isinstance(value, str) else None
    return value if found is None else found


plugin = GenAiLegacy
