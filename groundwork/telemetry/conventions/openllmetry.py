"""OpenLLMetry, which the Traceloop SDK and its instrumentations write."""

from __future__ import annotations

from typing import ClassVar

from groundwork.telemetry.messages import readable
from groundwork.telemetry.plain import parsed, word
from groundwork.telemetry.providers import provider_of
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanKind

KINDS: dict[str, SpanKind] = {
    "workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool", "session": "chain", "generation": "generation",
    "llm": "generation", "embedding": "embedding", "retriever": "retrieval",
}  # fmt: skip
REQUESTS: dict[str, SpanKind] = {
    "chat": "generation", "completion": "generation", "embedding": "embedding", "rerank": "rerank", "unknown": "generation",
}  # fmt: skip
_OPERATIONS = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings", "rerank": "rerank"}
_RENAMED = {
    "llm.vendor": "gen_ai.system", "llm.request.model": "gen_ai.request.model",
    "llm.response.model": "gen_ai.response.model",
    "llm.request.max_tokens": "gen_ai.request.max_tokens", "llm.temperature": "gen_ai.request.temperature",
    "llm.top_p": "gen_ai.request.top_p", "llm.frequency_penalty": "gen_ai.request.frequency_penalty",
    "llm.presence_penalty": "gen_ai.request.presence_penalty", "llm.is_streaming": "gen_ai.request.stream",
    "llm.response.finish_reason": "gen_ai.response.finish_reasons", "llm.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "llm.usage.completion_tokens": "gen_ai.usage.output_tokens", "llm.user": "user.id",
    "gen_ai.usage.cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens": "gen_ai.usage.cache_creation.input_tokens",
}  # fmt: skip
_OWN = ("traceloop.span.kind", "traceloop.entity.name", "llm.request.type", "llm.vendor", "llm.request.model")
_ASSOCIATED = "traceloop.association.properties."


class OpenLlmetry:
    """Translates `traceloop.*` and `llm.request.*`; messages under `gen_ai.prompt.N` are left to the older GenAI names."""

    marks: ClassVar = frozenset({"traceloop", "llm"})
    rank: ClassVar = 30

    def recognise(self, span: RawSpan) -> str:
        if not any(name in span.attributes for name in _OWN):
            return ""
        scope = span.scope
        ours = scope.name.startswith(("opentelemetry.instrumentation.", "traceloop")) and scope.version
        return f"openllmetry@{scope.version}" if ours else "openllmetry"

    def read(self, reading: Reading) -> None:
        names = reading.attributes
        kind = word(reading.take("traceloop.span.kind")).lower()
        request = word(reading.take("llm.request.type")).lower()
        if reading.kind is None:
            reading.kind = REQUESTS.get(request) or KINDS.get(kind)
        if request in _OPERATIONS:
            reading.set("gen_ai.operation.name", _OPERATIONS[request])
        for old in [name for name in names if name in _RENAMED]:
            reading.rename(old, _RENAMED[old])
        reading.take("llm.usage.total_tokens")
        if not reading.provider and "gen_ai.system" in names:
            reading.provider = provider_of(names["gen_ai.system"])
        for at, words in (("llm.prompts.", "gen_ai.prompt."), ("llm.completions.", "gen_ai.completion.")):
            for old in [name for name in names if name.startswith(at)]:
                reading.rename(old, words + old[len(at) :])
        _entity(reading, kind)
        _properties(reading)


def _entity(reading: Reading, kind: str) -> None:
    names = reading.attributes
    name = names.get("traceloop.entity.name")
    if isinstance(name, str):
        target = {"tool": "gen_ai.tool.name", "agent": "gen_ai.agent.name"}.get(kind)
        if target:
            reading.rename("traceloop.entity.name", target)
    if "traceloop.workflow.name" in names:
        reading.rename("traceloop.workflow.name", "gen_ai.workflow.name")
    asked, said = reading.take("traceloop.entity.input"), reading.take("traceloop.entity.output")
    if asked is not None and not reading.input:
        reading.input = readable(_unwrapped(asked, "inputs"))
    if said is not None and not reading.output:
        reading.output = readable(_unwrapped(said, "outputs"), reply=True)
    if "traceloop.prompt.key" in names:
        reading.rename("traceloop.prompt.key", "gen_ai.prompt.name")


def _unwrapped(value: object, name: str) -> object:
    """Return what LangChain's instrumentation wraps with tags and metadata."""
    found = parsed(value) if isinstance(value, str) else value
    if isinstance(found, dict) and name in found:
        return found[name]
    return value


def _properties(reading: Reading) -> None:
    names = reading.attributes
    for name in [n for n in names if n.startswith(_ASSOCIATED)]:
        plain = name[len(_ASSOCIATED) :].lower().replace("-", "_")
        if plain in ("user_id", "userid", "user"):
            reading.of_user(names[name])
        elif plain in ("session_id", "sessionid", "conversation_id", "chat_id", "thread_id"):
            reading.of_session(names[name])


plugin = OpenLlmetry
