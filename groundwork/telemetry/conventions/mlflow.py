"""MLflow's tracing: `mlflow.*`, each value as JSON text."""

from __future__ import annotations

from typing import Any, ClassVar

from groundwork.telemetry.conventions.gen_ai import documents_text
from groundwork.telemetry.messages import readable
from groundwork.telemetry.plain import decoder, parsed, plain, word
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanKind

KINDS: dict[str, SpanKind] = {
    "LLM": "generation", "CHAT_MODEL": "generation", "CHAIN": "chain", "AGENT": "agent", "TOOL": "tool",
    "RETRIEVER": "retrieval", "RERANKER": "rerank", "EMBEDDING": "embedding", "PARSER": "chain", "MEMORY": "chain",
    "WORKFLOW": "chain", "TASK": "chain", "GUARDRAIL": "guardrail", "EVALUATOR": "evaluation",
}  # fmt: skip


class MlflowTracing:
    """Translates inputs, outputs, types, token usage and cost of MLflow."""

    marks: ClassVar = frozenset({"mlflow"})
    rank: ClassVar = 15

    def recognise(self, span: RawSpan) -> str:
        names = span.attributes
        return (
            "mlflow"
            if any(n.startswith(("mlflow.span", "mlflow.trace", "mlflow.chat")) for n in names)
            else ""
        )

    def read(self, reading: Reading) -> None:
        kind = word(_value(reading.take("mlflow.spanType"))).upper()
        reading.kind = reading.kind or KINDS.get(kind)
        names = reading.attributes
        model = word(_value(reading.take("mlflow.llm.model")))
        provider = word(_value(reading.take("mlflow.llm.provider")))
        if model:
            reading.model = reading.model or model
            reading.set("gen_ai.request.model", model)
        if provider:
            reading.provider = reading.provider or provider
            reading.set("gen_ai.provider.name", provider)
        usage = _value(reading.take("mlflow.chat.tokenUsage"))
        if isinstance(usage, dict):
            reading.tokens(
                usage.get("input_tokens"),
                usage.get("output_tokens"),
                usage.get("cache_read_input_tokens"),
                usage.get("cache_creation_input_tokens"),
            )
        cost = _value(reading.take("mlflow.llm.cost"))
        if isinstance(cost, dict):
            reading.cost_usd(cost.get("total_cost"))
        tools = _value(reading.take("mlflow.chat.tools"))
        reading.set("gen_ai.tool.definitions", tools if isinstance(tools, list) else None)
        asked, said = _value(reading.take("mlflow.spanInputs")), _value(reading.take("mlflow.spanOutputs"))
        _texts(reading, asked, said)
        if reading.kind == "tool":
            reading.set("gen_ai.tool.name", reading.span.name)
            reading.set("gen_ai.tool.call.arguments", asked)
            reading.set("gen_ai.tool.call.result", said)
        for name in ("mlflow.trace.user", "mlflow.user"):
            reading.of_user(_value(names.get(name)))
        reading.of_session(_value(names.get("mlflow.trace.session")))


def _texts(reading: Reading, asked: Any, said: Any) -> None:
    if reading.kind == "generation":
        if isinstance(asked, dict):
            reading.set("gen_ai.request.model", word(asked.get("model")))
            reading.model = reading.model or word(asked.get("model"))
        if isinstance(said, dict):
            reading.set("gen_ai.response.model", word(said.get("model")))
            usage = said.get("usage")
            if isinstance(usage, dict):
                reading.tokens(
                    usage.get("prompt_tokens", usage.get("input_tokens")),
                    usage.get("completion_tokens", usage.get("output_tokens")),
                )
        reading.asked(asked)
        reading.answered(said)
        return
    if reading.kind == "retrieval" and isinstance(said, list) and not reading.output:
        documents = [_document(item) for item in said]
        reading.set("gen_ai.retrieval.documents", documents)
        reading.output = documents_text(documents)
    if asked is not None and not reading.input:
        alone = isinstance(asked, dict) and len(asked) == 1 and isinstance(next(iter(asked.values())), str)
        reading.input = next(iter(asked.values())) if alone else readable(asked)
    if said is not None and not reading.output:
        reading.output = readable(said, reply=True)


def _document(item: Any) -> Any:
    if not isinstance(item, dict) or "page_content" not in item:
        return item
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    made = {
        "id": item.get("id") or metadata.get("doc_uri"),
        "content": item["page_content"],
        "metadata": metadata,
    }
    return {name: value for name, value in made.items() if value}


def _value(value: Any) -> Any:
    """Return what MLflow wrote as JSON, also where that is a text or a number."""
    if not isinstance(value, str):
        return value
    found = parsed(value)
    if found is not None:
        return found
    try:
        return plain(decoder().decode(value)) if len(value) < 100_000 else value
    except (ValueError, RecursionError):
        return value


plugin = MlflowTracing
