"""OpenInference, which Phoenix, Arize and many instrumentations of frameworks write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.telemetry.conventions.gen_ai import documents_text
from groundwork.telemetry.flat import gathered
from groundwork.telemetry.journey import OPERATIONS
from groundwork.telemetry.messages import messages_of, readable
from groundwork.telemetry.plain import dumped, number, parsed, word
from groundwork.telemetry.providers import provider_of
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanKind

KINDS: dict[str, SpanKind] = {
    "LLM": "generation", "CHAIN": "chain", "RETRIEVER": "retrieval", "RERANKER": "rerank", "EMBEDDING": "embedding",
    "TOOL": "tool", "AGENT": "agent", "GUARDRAIL": "guardrail", "EVALUATOR": "evaluation", "PROMPT": "chain",
    "DECISION": "chain",
}  # fmt: skip
_SAMPLING = {
    "temperature": "gen_ai.request.temperature", "top_p": "gen_ai.request.top_p", "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens", "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed", "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty", "stop": "gen_ai.request.stop_sequences",
}  # fmt: skip


class OpenInference:
    """Translates `openinference.span.kind`, `llm.*`, `retrieval.*`, `reranker.*`, `embedding.*`, `tool.*`, `input.*`."""

    marks: ClassVar = frozenset(
        {"openinference", "llm", "input", "output", "retrieval", "reranker", "embedding", "document"}
    )
    rank: ClassVar = 20

    def recognise(self, span: RawSpan) -> str:
        names = span.attributes
        if "openinference.span.kind" in names or "input.value" in names or "output.value" in names:
            version = span.scope.version if "openinference" in span.scope.name.lower() else ""
            return f"openinference@{version}" if version else "openinference"
        if "llm.model_name" in names or any(
            n.startswith(("llm.input_messages.", "retrieval.documents.")) for n in names
        ):
            return "openinference"
        return ""

    def read(self, reading: Reading) -> None:
        said = reading.take("openinference.span.kind")
        if reading.kind is None and said is not None:
            reading.kind = KINDS.get(word(said).upper())
        if reading.kind in OPERATIONS:
            reading.set("gen_ai.operation.name", OPERATIONS[reading.kind])
        _model(reading)
        _messages(reading)
        _documents(reading)
        _embeddings(reading)
        _tool(reading)
        _values(reading)
        names = reading.attributes
        reading.of_session(names.get("session.id"))
        reading.of_user(names.get("user.id"))
        if "agent.name" in names:
            reading.rename("agent.name", "gen_ai.agent.name")
        if "llm.prompt_template.template" in names:
            reading.take("llm.prompt_template.template")
            reading.take("llm.prompt_template.variables")
            reading.set("gen_ai.prompt.version", reading.take("llm.prompt_template.version"))
        for event in reading.span.events:
            if event.name == "First Token Stream Event":
                reading.first_token(reading.since_start_ms(event.at_ns))


def _model(reading: Reading) -> None:
    names = reading.attributes
    for old in ("llm.model_name", "embedding.model_name", "reranker.model_name"):
        if old in names:
            model = word(reading.rename(old, "gen_ai.request.model"))
            reading.model = reading.model or model
    maker = reading.take("llm.system")
    provider = reading.take("llm.provider")
    if not reading.provider and (provider or maker):
        reading.provider = provider_of(provider or maker)
        reading.set("gen_ai.provider.name", reading.provider)
    take = reading.take
    if any(name.startswith("llm.token_count") for name in names):
        reading.tokens(
            take("llm.token_count.prompt"),
            take("llm.token_count.completion"),
            take("llm.token_count.prompt_details.cache_read"),
            take("llm.token_count.prompt_details.cache_write"),
            take("llm.token_count.completion_details.reasoning"),
        )
        take("llm.token_count.total")
    if any(name.startswith("llm.cost") for name in names):
        total = names.get("llm.cost.total")
        if total is None:
            parts = [number(names.get(f"llm.cost.{part}")) for part in ("prompt", "completion")]
            total = sum(p for p in parts if p is not None) if any(p is not None for p in parts) else None
        reading.cost_usd(total)
        reading.take_all("llm.cost.")
    settings = take("llm.invocation_parameters")
    if settings is not None:
        found = parsed(settings) if isinstance(settings, str) else settings
        if isinstance(found, Mapping):
            for old, new in _SAMPLING.items():
                if found.get(old) is not None:
                    reading.set(new, found[old])


def _messages(reading: Reading) -> None:
    names = reading.attributes
    for prefix, role in (("llm.input_messages.", "user"), ("llm.output_messages.", "assistant")):
        found, used = gathered(names, prefix)
        whole = names.get(prefix[:-1])
        if not used and whole is not None:  # kept as one value by those who do not flatten
            found = parsed(whole) if isinstance(whole, str) else whole
            used = [prefix[:-1]]
        if not used or not isinstance(found, list):
            continue
        messages = messages_of([_untold(item) for item in found], role)
        if messages:
            for name in used:
                reading.take(name)
            (reading.heard if role == "user" else reading.said)(messages)
    tools, used = gathered(names, "llm.tools.")
    if used:
        for name in used:
            reading.take(name)
        reading.set("gen_ai.tool.definitions", [_schema(tool) for tool in tools])


def _untold(item: Any) -> Any:
    """Return a message out of `{"message": {"role": …, "contents": […]}}`."""
    if not isinstance(item, Mapping):
        return item
    inner = item.get("message")
    message = dict(inner) if isinstance(inner, Mapping) else dict(item)
    if "contents" in message and "content" not in message:
        message["content"] = message.pop("contents")
    return message


def _schema(tool: Any) -> Any:
    inner = tool.get("tool") if isinstance(tool, Mapping) else None
    text = inner.get("json_schema") if isinstance(inner, Mapping) else None
    found = parsed(text) if isinstance(text, str) else None
    return found if found is not None else tool


def _documents(reading: Reading) -> None:
    names = reading.attributes
    for prefix in ("retrieval.documents.", "reranker.output_documents."):
        found, used = gathered(names, prefix)
        if not used:
            continue
        documents = [_document(item) for item in found]
        for name in used:
            reading.take(name)
        reading.set("gen_ai.retrieval.documents", documents)
        reading.kind = reading.kind or ("retrieval" if prefix.startswith("retrieval") else "rerank")
        reading.output = reading.output or documents_text(documents)
    query = names.get("reranker.query")
    if query is not None:
        reading.rename("reranker.query", "gen_ai.retrieval.query.text")
        reading.input = reading.input or dumped(query)
    elif reading.kind == "retrieval" and isinstance(names.get("input.value"), str):
        reading.set("gen_ai.retrieval.query.text", names["input.value"])


def _document(item: Any) -> Any:
    inner = item.get("document") if isinstance(item, Mapping) else None
    if not isinstance(inner, Mapping):
        return item
    made = {name: inner[name] for name in ("id", "score", "content") if inner.get(name) is not None}
    metadata = inner.get("metadata")
    found = parsed(metadata) if isinstance(metadata, str) else metadata
    if found:
        made["metadata"] = found
    return made


def _embeddings(reading: Reading) -> None:
    found, used = gathered(reading.attributes, "embedding.embeddings.")
    if not used:
        return
    reading.kind = reading.kind or "embedding"
    inner = [
        i["embedding"] for i in found if isinstance(i, Mapping) and isinstance(i.get("embedding"), Mapping)
    ]
    texts = [dumped(i["text"]) for i in inner if i.get("text") is not None]
    vectors = [i["vector"] for i in inner if isinstance(i.get("vector"), list)]
    for name in used:
        if ".vector" in name:
            reading.attributes.pop(name)  # numbers by the thousand, which nobody reads; their count is kept
        else:
            reading.take(name)
    if vectors:
        reading.set("gen_ai.embeddings.dimension.count", len(vectors[0]))
    if texts and not reading.input:
        reading.input = "\n".join(texts)


def _tool(reading: Reading) -> None:
    names = reading.attributes
    for old, new in (("tool.name", "gen_ai.tool.name"), ("tool.description", "gen_ai.tool.description")):
        if old in names:
            reading.rename(old, new)
    for old in ("tool.parameters", "tool_call.function.arguments"):
        if old in names:
            reading.rename(old, "gen_ai.tool.call.arguments")
    if "tool_call.function.name" in names:
        reading.rename("tool_call.function.name", "gen_ai.tool.name")
    if "tool_call.id" in names:
        reading.rename("tool_call.id", "gen_ai.tool.call.id")


def _values(reading: Reading) -> None:
    asked, said = reading.take("input.value"), reading.take("output.value")
    reading.take("input.mime_type")
    reading.take("output.mime_type")
    if reading.kind in ("generation", None):
        reading.asked(asked)
        reading.answered(said)
        return
    if asked is not None and not reading.input:
        reading.input = readable(asked)
    if said is not None and not reading.output:
        reading.output = readable(said, reply=True)


plugin = OpenInference
