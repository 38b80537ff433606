"""Every convention on the shelf keeps the contract."""

from __future__ import annotations

import pytest

from groundwork.telemetry.conventions import CONVENTIONS, Convention
from groundwork.testing.convention import ConventionContract

NAMES: dict[str, tuple[str, ...]] = {
    "gen_ai": (
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.usage.input_tokens",
        "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result", "gen_ai.retrieval.documents", "gen_ai.retrieval.query.text", "gen_ai.evaluation.name",
        "gen_ai.evaluation.score.value", "gen_ai.conversation.id", "gen_ai.response.time_to_first_chunk",
    ),
    "gen_ai_legacy": (
        "gen_ai.system", "gen_ai.prompt", "gen_ai.completion", "gen_ai.prompt.0.role", "gen_ai.prompt.0.content",
        "gen_ai.prompt.7.tool_calls.0.name", "gen_ai.completion.0.content", "gen_ai.usage.prompt_tokens",
        "gen_ai.usage.cost", "events", "all_messages_events",
    ),
    "openinference": (
        "openinference.span.kind", "llm.model_name", "llm.system", "llm.token_count.prompt", "llm.invocation_parameters",
        "llm.input_messages.0.message.role", "llm.input_messages.0.message.content", "llm.input_messages",
        "llm.output_messages.0.message.contents.0.message_content.text", "retrieval.documents.0.document.content",
        "retrieval.documents.3.document.score", "embedding.embeddings.0.embedding.text", "embedding.model_name",
        "embedding.embeddings.0.embedding.vector", "input.value", "output.value", "input.mime_type", "session.id", "user.id",
        "tool.name", "tool.parameters", "llm.tools.0.tool.json_schema", "llm.cost.total",
    ),
    "openllmetry": (
        "traceloop.span.kind", "traceloop.entity.name", "traceloop.entity.input", "traceloop.entity.output",
        "traceloop.association.properties.user_id", "llm.request.type", "llm.request.model", "llm.usage.prompt_tokens",
        "llm.prompts.0.content", "llm.vendor",
    ),
    "vercel_ai": (
        "ai.operationId", "ai.model.id", "ai.model.provider", "ai.prompt", "ai.prompt.messages", "ai.response.text",
        "ai.response.toolCalls", "ai.usage.inputTokens", "ai.response.msToFirstChunk", "ai.toolCall.name",
        "ai.toolCall.args", "ai.toolCall.result", "ai.telemetry.metadata.userId", "ai.settings.temperature",
        "ai.value", "ai.response.object", "ai.prompt.tools", "ai.embedding",
    ),
    "mlflow": (
        "mlflow.spanType", "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tokenUsage", "mlflow.llm.cost",
        "mlflow.llm.model", "mlflow.trace.user", "mlflow.trace.session", "mlflow.chat.tools",
    ),
    "langfuse": (
        "langfuse.observation.type", "langfuse.observation.input", "langfuse.observation.output",
        "langfuse.observation.model.name", "langfuse.observation.usage_details", "langfuse.observation.cost_details",
        "langfuse.observation.model.parameters", "langfuse.observation.completion_start_time", "langfuse.observation.level",
        "langfuse.user.id", "langfuse.session.id", "langfuse.observation.prompt.name", "langfuse.trace.input",
    ),
    "http": ("http.request.method", "http.method", "http.status_code", "http.url", "url.path"),
    "db": ("db.system", "db.system.name", "db.statement", "db.query.text"),
    "groundwork": (
        "groundwork.kind", "groundwork.app", "groundwork.input", "groundwork.cost_nanousd", "groundwork.first_token_ms",
        "groundwork.cached", "groundwork.session",
    ),
}  # fmt: skip


def test_every_convention_is_tested() -> None:
    assert set(NAMES) == set(CONVENTIONS.names())


@pytest.fixture(scope="module", params=CONVENTIONS.names())
def shelved(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def convention(shelved: str) -> Convention:
    return CONVENTIONS.make(shelved)


@pytest.fixture(scope="module")
def names(shelved: str) -> tuple[str, ...]:
    return NAMES[shelved]


class TestEveryConvention(ConventionContract):
    """The contract itself."""
