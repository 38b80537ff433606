"""OpenTelemetry's conventions for generative AI as they are now; every other convention is translated into this one."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from groundwork.telemetry.messages import parts_text, readable, system_of
from groundwork.telemetry.plain import dumped, number, parsed, word
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanKind

OPERATIONS: dict[str, SpanKind] = {
    "chat": "generation", "text_completion": "generation", "generate_content": "generation", "completion": "generation",
    "embeddings": "embedding", "embedding": "embedding", "execute_tool": "tool", "invoke_agent": "agent",
    "create_agent": "agent", "invoke_workflow": "chain", "plan": "chain", "retrieval": "retrieval", "rerank": "rerank",
    "evaluate": "evaluation", "evaluation": "evaluation", "search_memory": "retrieval", "guardrail": "guardrail",
}  # fmt: skip
_SCHEMA = re.compile(r"/(\d+\.\d+\.\d+)$")


class GenAi:
    """Reads the current names; nothing is renamed."""

    marks: ClassVar = frozenset({"gen_ai"})
    rank: ClassVar = 60

    def recognise(self, span: RawSpan) -> str:
        if not any(name.startswith("gen_ai.") for name in span.attributes) and not any(
            event.name.startswith("gen_ai.") for event in span.events
        ):
            return ""
        version = _SCHEMA.search(span.scope.schema_url)
        return f"gen_ai@{version[1]}" if version else "gen_ai"

    def read(self, reading: Reading) -> None:
        get = reading.attributes.get
        operation = get("gen_ai.operation.name")
        if reading.kind is None:
            reading.kind = OPERATIONS.get(operation) if isinstance(operation, str) else None
            if reading.kind is None:
                reading.kind = _guessed(reading)
        if not reading.provider:
            reading.provider = word(get("gen_ai.provider.name"))
        if not reading.model:
            reading.model = word(get("gen_ai.response.model")) or word(get("gen_ai.request.model"))
        reading.tokens(
            get("gen_ai.usage.input_tokens"),
            get("gen_ai.usage.output_tokens"),
            get("gen_ai.usage.cache_read.input_tokens"),
            get("gen_ai.usage.cache_creation.input_tokens"),
            get("gen_ai.usage.reasoning.output_tokens"),
        )
        reading.of_session(get("gen_ai.conversation.id"))
        if not reading.prompt:
            reading.prompt = word(get("gen_ai.prompt.name"))
        seconds = number(get("gen_ai.response.time_to_first_chunk"))
        if seconds is not None:
            reading.first_token(seconds * 1000)
        _texts(reading)


def _guessed(reading: Reading) -> SpanKind | None:
    names = reading.attributes
    if "gen_ai.tool.name" in names or "gen_ai.tool.call.id" in names:
        return "tool"
    if "gen_ai.evaluation.name" in names:
        return "evaluation"
    if "gen_ai.retrieval.query.text" in names or "gen_ai.retrieval.documents" in names:
        return "retrieval"
    if "gen_ai.embeddings.dimension.count" in names:
        return "embedding"
    if "gen_ai.agent.name" in names or "gen_ai.agent.id" in names or "agent_name" in names:
        return "agent"
    if "gen_ai.request.model" in names:
        return "generation"
    return None


def _texts(reading: Reading) -> None:
    names = reading.attributes
    asked, said = names.get("gen_ai.input.messages"), names.get("gen_ai.output.messages")
    if asked is None or said is None:
        for event in reading.span.events:
            if event.name == "gen_ai.client.inference.operation.details":
                asked = event.attributes.get("gen_ai.input.messages") if asked is None else asked
                said = event.attributes.get("gen_ai.output.messages") if said is None else said
    if asked is not None:
        reading.asked(_messages(reading, "gen_ai.input.messages", asked))
    if said is not None:
        reading.answered(_messages(reading, "gen_ai.output.messages", said))
    if "gen_ai.tool.call.arguments" in names and not reading.input:
        reading.input = dumped(names["gen_ai.tool.call.arguments"])
    if "gen_ai.tool.call.result" in names and not reading.output:
        reading.output = readable(names["gen_ai.tool.call.result"], reply=True)
    if "gen_ai.retrieval.query.text" in names and not reading.input:
        reading.input = dumped(names["gen_ai.retrieval.query.text"])
    if "gen_ai.retrieval.documents" in names and not reading.output:
        reading.output = documents_text(names["gen_ai.retrieval.documents"])
    if "gen_ai.evaluation.name" in names and not reading.output:
        reading.output = evaluation_text(names)
    if not reading.input and "gen_ai.system_instructions" in names:
        reading.input = parts_text(system_of(names["gen_ai.system_instructions"]) or ())


def _messages(reading: Reading, name: str, value: Any) -> Any:
    """Store messages that came as JSON text as what they say, and return that; the text held nothing else."""
    found = parsed(value) if isinstance(value, str) else value
    if found is None:
        return value
    if name in reading.attributes:
        reading.attributes[name] = found
    return found


def documents_text(documents: Any) -> str:
    """Return retrieved documents as people read them: one a paragraph, with id and score where they are told."""
    if isinstance(documents, str):
        found = parsed(documents)
        if found is None:
            return documents
        documents = found
    if not isinstance(documents, list):
        return dumped(documents)
    pieces = []
    for document in documents:
        if not isinstance(document, dict):
            pieces.append(dumped(document))
            continue
        head = " ".join(
            word(document.get(name)) for name in ("id", "score") if document.get(name) is not None
        )
        body = dumped(document.get("content"))
        pieces.append(f"[{head}] {body}".strip() if head else body)
    return "\n\n".join(pieces)


def evaluation_text(names: dict[str, Any]) -> str:
    """Return a score as people read it."""
    score = word(names.get("gen_ai.evaluation.score.value"))
    label = word(names.get("gen_ai.evaluation.score.label"))
    text = f"{word(names.get('gen_ai.evaluation.name'))}: {' '.join(p for p in (score, label) if p)}"
    why = word(names.get("gen_ai.evaluation.explanation"))
    return f"{text}\n{why}" if why else text


plugin = GenAi
