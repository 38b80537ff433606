"""Where texts are not kept, none of any convention stays behind: neither under its new name nor under its old one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from groundwork.telemetry.masking import without_texts
from groundwork.telemetry.types import SpanEvent
from groundwork.testing.convention import NOW_NS, read

WORDS = "confidential words"
TALK = json.dumps([{"role": "user", "content": WORDS}])
WRITTEN: dict[str, dict[str, Any]] = {
    "gen_ai": {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": TALK,
        "gen_ai.output.messages": TALK,
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": WORDS}]),
        "gen_ai.tool.call.arguments": WORDS,
        "gen_ai.tool.call.result": WORDS,
    },
    "gen_ai_legacy": {
        "gen_ai.system": "openai",
        "gen_ai.prompt": TALK,
        "gen_ai.prompt.0.content": WORDS,
        "gen_ai.completion.0.content": WORDS,
        "all_messages_events": TALK,
    },
    "openinference": {
        "openinference.span.kind": "LLM",
        "input.value": WORDS,
        "output.value": WORDS,
        "llm.input_messages.0.message.content": WORDS,
        "llm.output_messages": TALK,
        "retrieval.documents.0.document.content": WORDS,
        "embedding.embeddings.0.embedding.text": WORDS,
        "tool.parameters": WORDS,
        "llm.prompt_template.template": WORDS,
    },
    "openllmetry": {
        "traceloop.span.kind": "workflow",
        "traceloop.entity.input": WORDS,
        "traceloop.entity.output": WORDS,
        "llm.prompts.0.content": WORDS,
    },
    "vercel_ai": {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.prompt": WORDS,
        "ai.prompt.messages": TALK,
        "ai.response.text": WORDS,
        "ai.response.toolCalls": json.dumps([{"toolName": "f", "args": WORDS}]),
        "ai.toolCall.args": WORDS,
        "ai.toolCall.result": WORDS,
        "ai.value": WORDS,
        "ai.response.object": WORDS,
    },
    "mlflow": {
        "mlflow.spanType": '"TOOL"',
        "mlflow.spanInputs": json.dumps({"q": WORDS}),
        "mlflow.spanOutputs": json.dumps(WORDS),
    },
    "langfuse": {
        "langfuse.observation.type": "generation",
        "langfuse.observation.input": WORDS,
        "langfuse.observation.output": WORDS,
        "langfuse.trace.input": WORDS,
    },
    "db": {"db.system": "postgresql", "db.statement": WORDS},
    "groundwork": {"groundwork.input": WORDS, "groundwork.output": WORDS},
}


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_no_text_is_left(name: str) -> None:
    event = SpanEvent("gen_ai.user.message", NOW_NS, {"content": WORDS})
    kept = read(WRITTEN[name], (event,))
    assert WORDS in json.dumps(asdict(kept))
    bare = without_texts(kept)
    assert WORDS not in json.dumps(asdict(bare)), name
    assert (bare.kind, bare.schema) == (kept.kind, kept.schema)
