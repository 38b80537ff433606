"""The AI SDK of Vercel: `ai.*` with an operation, prompts and results as JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from groundwork.telemetry.messages import messages_of, readable, system_of
from groundwork.telemetry.plain import number, parsed, word
from groundwork.telemetry.providers import provider_of
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanKind

_INNER = (
    ("doEmbed", "embedding"),
    ("doGenerate", "generation"),
    ("doStream", "generation"),
    ("doRerank", "rerank"),
)
_SETTINGS = {
    "temperature": "temperature", "maxOutputTokens": "max_tokens", "maxTokens": "max_tokens", "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty", "presencePenalty": "presence_penalty", "seed": "seed",
    "stopSequences": "stop_sequences",
}  # fmt: skip


class VercelAi:
    """An outer span (`ai.generateText`) is a chain, since its tokens are those of the calls below it (`….doGenerate`)."""

    marks: ClassVar = frozenset({"ai"})
    rank: ClassVar = 10

    def recognise(self, span: RawSpan) -> str:
        names = span.attributes
        if "ai.operationId" not in names and not any(
            n.startswith(("ai.model.", "ai.toolCall.")) for n in names
        ):
            return ""
        return f"vercel_ai@{span.scope.version}" if span.scope.version else "vercel_ai"

    def read(self, reading: Reading) -> None:
        operation = word(reading.attributes.get("ai.operationId")) or reading.span.name
        reading.kind = reading.kind or _kind(operation)
        take = reading.take
        inner = reading.kind in ("generation", "embedding", "rerank")
        model = word(take("ai.model.id"))
        reading.model = reading.model or word(take("ai.response.model")) or model
        reading.set("gen_ai.request.model", model)
        provider = take("ai.model.provider")
        if provider is not None and not reading.provider:
            reading.provider = provider_of(provider)
            reading.set("gen_ai.provider.name", reading.provider)
            take("gen_ai.system")
        if inner:
            reading.set(
                "gen_ai.operation.name",
                {"generation": "chat", "embedding": "embeddings"}.get(reading.kind or ""),
            )
        reading.tokens(
            _first(reading, "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
            _first(reading, "ai.usage.outputTokens", "ai.usage.completionTokens"),
            _first(reading, "ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
            _first(reading, "ai.usage.inputTokenDetails.cacheWriteTokens"),
            _first(reading, "ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
        )
        take("ai.usage.totalTokens")
        first = number(take("ai.response.msToFirstChunk"))
        reading.first_token(first if first is not None else number(take("ai.stream.msToFirstChunk")))
        for event in reading.span.events:
            if event.name == "ai.stream.firstChunk":
                told = number(event.attributes.get("ai.response.msToFirstChunk"))
                reading.first_token(told if told is not None else reading.since_start_ms(event.at_ns))
        _texts(reading)
        _tool(reading)
        for old, new in _SETTINGS.items():
            if f"ai.settings.{old}" in reading.attributes:
                reading.rename(f"ai.settings.{old}", f"gen_ai.request.{new}")
        _metadata(reading)


def _kind(operation: str) -> SpanKind:
    if operation.startswith("ai.toolCall"):
        return "tool"
    for ending, kind in _INNER:
        if f".{ending}" in operation:
            return kind  # type: ignore[return-value]
    return "chain"


def _first(reading: Reading, *names: str) -> Any:
    """Return the first of several attributes and take all of them out."""
    found = [reading.take(name) for name in names]
    return next((value for value in found if value is not None), None)


def _texts(reading: Reading) -> None:
    take = reading.take
    messages = _first(reading, "ai.prompt.messages")
    prompt = _first(reading, "ai.prompt")
    if messages is not None:
        reading.asked(messages)
    if prompt is not None:
        found = parsed(prompt) if isinstance(prompt, str) else prompt
        if isinstance(found, dict):
            system = system_of(found.get("system"))
            reading.set("gen_ai.system_instructions", system)
            reading.asked(found.get("messages") or found.get("prompt"))
        else:
            reading.asked(prompt)
    definitions = take("ai.prompt.tools")
    if isinstance(definitions, list):
        reading.set("gen_ai.tool.definitions", [_read(tool) for tool in definitions])
    text = _first(reading, "ai.response.text", "ai.result.text")
    calls = _first(reading, "ai.response.toolCalls", "ai.result.toolCalls")
    made = _first(reading, "ai.response.object", "ai.result.object")
    reason = _first(reading, "ai.response.finishReason", "ai.finishReason")
    if reason is not None:
        reading.set("gen_ai.response.finish_reasons", [word(reason)])
    if text is not None or calls is not None:
        message = {
            "role": "assistant",
            "content": text or "",
            "tool_calls": _read(calls),
            "finish_reason": reason,
        }
        found_messages = messages_of([message], "assistant")
        if found_messages:
            reading.said(found_messages)
    elif made is not None:
        reading.answered(made)
    values = _first(reading, "ai.value", "ai.values")
    if values is not None and not reading.input:
        items = values if isinstance(values, list) else [values]
        reading.input = "\n".join(_said(item) for item in items)
    for name in ("ai.embedding", "ai.embeddings"):
        reading.attributes.pop(name, None)  # numbers by the thousand, which nobody reads


def _said(value: Any) -> str:
    found = _read(value)
    return found if isinstance(found, str) else readable(found)


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if len(value) > 1 and value[0] == value[-1] == '"':
        inner = parsed(f"[{value}]")
        return inner[0] if inner else value
    found = parsed(value)
    return value if found is None else found


def _tool(reading: Reading) -> None:
    names = reading.attributes
    for old, new in (("ai.toolCall.name", "gen_ai.tool.name"), ("ai.toolCall.id", "gen_ai.tool.call.id")):
        if old in names:
            reading.rename(old, new)
    if "ai.toolCall.args" in names:
        arguments = reading.rename("ai.toolCall.args", "gen_ai.tool.call.arguments")
        reading.input = reading.input or readable(arguments)
    if "ai.toolCall.result" in names:
        result = reading.rename("ai.toolCall.result", "gen_ai.tool.call.result")
        reading.output = reading.output or readable(result, reply=True)


def _metadata(reading: Reading) -> None:
    names = reading.attributes
    for name in ("userId", "user_id", "user"):
        reading.of_user(names.get(f"ai.telemetry.metadata.{name}"))
    for name in ("sessionId", "session_id", "chatId", "threadId", "conversationId"):
        reading.of_session(names.get(f"ai.telemetry.metadata.{name}"))


plugin = VercelAi
