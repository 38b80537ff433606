"""What each convention makes of a span as its own tools write it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundwork.app.pricing import price
from groundwork.telemetry.normalise import normalised
from groundwork.telemetry.raw import Scope
from groundwork.telemetry.types import SpanEvent
from groundwork.testing.convention import NOW_NS, raw_span, read

ASKED = [{"role": "user", "parts": [{"type": "text", "content": "When does the gate open?"}]}]
SAID = [{"role": "assistant", "parts": [{"type": "text", "content": "At nine."}], "finish_reason": "stop"}]
CURRENT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.usage.cache_read.input_tokens": 8,
    "gen_ai.conversation.id": "c-1",
    "gen_ai.input.messages": json.dumps(ASKED),
    "gen_ai.output.messages": json.dumps(SAID),
    "gen_ai.response.time_to_first_chunk": 0.25,
    "user.id": "ann",
}


def test_a_span_with_the_current_names_keeps_its_attributes_and_fills_every_field() -> None:
    span = read(CURRENT, scope=Scope("x", "1", "https://opentelemetry.io/schemas/1.37.0"))
    assert (span.kind, span.provider, span.model, span.schema) == (
        "generation", "openai", "gpt-4o-2024-08-06", "gen_ai@1.37.0"
    )  # fmt: skip
    assert (span.input_tokens, span.output_tokens, span.cached_tokens) == (12, 3, 8)
    assert (span.input, span.output) == ("When does the gate open?", "At nine.")
    assert (span.session_id, span.user_id, span.first_token_ms) == ("c-1", "ann", 250.0)
    assert span.original == {}
    assert span.attributes["gen_ai.input.messages"] == ASKED


def test_older_names_become_the_current_ones_and_are_kept_beside_them() -> None:
    span = read(
        {
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4",
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.prompt_tokens": 10,
            "gen_ai.usage.completion_tokens": 2,
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be kind.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": "Hi",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.tool_calls.0.name": "look_up",
            "gen_ai.completion.0.tool_calls.0.arguments": '{"day": "Monday"}',
        }
    )
    assert (span.schema, span.provider, span.input_tokens, span.output_tokens) == (
        "gen_ai/legacy",
        "openai",
        10,
        2,
    )
    assert span.input == "system: Be kind.\n\nuser: Hi"
    assert span.output == "look_up(day='Monday')"
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["gen_ai.usage.input_tokens"] == 10
    assert span.original["gen_ai.system"] == "OpenAI"
    assert span.original["gen_ai.prompt.1.content"] == "Hi"
    assert not any(name.startswith("gen_ai.prompt.") for name in span.attributes)


def test_messages_that_are_events_of_the_span_are_read() -> None:
    events = (
        SpanEvent("gen_ai.user.message", NOW_NS, {"content": "Hi", "role": "user"}),
        SpanEvent(
            "gen_ai.choice", NOW_NS, {"index": 0, "message": '{"role": "assistant", "content": "Hello"}'}
        ),
    )
    span = read({"gen_ai.system": "az.ai.openai", "gen_ai.operation.name": "chat"}, events)
    assert (span.input, span.output, span.provider) == ("Hi", "Hello", "azure.ai.openai")
    assert span.events == events


def test_openinference_tells_messages_documents_tokens_and_the_first_token() -> None:
    first = SpanEvent("First Token Stream Event", NOW_NS - 500_000_000, {})
    span = read(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "claude-3-5-sonnet",
            "llm.provider": "anthropic",
            "llm.token_count.prompt": 20,
            "llm.token_count.completion": 4,
            "llm.token_count.completion_details.reasoning": 2,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": "What is this?",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "A cat.",
            "llm.invocation_parameters": '{"temperature": 0.2}',
            "input.value": "{}",
            "session.id": "s-9",
        },
        (first,),
        Scope("openinference.instrumentation.openai", "0.1.30"),
    )
    assert (span.kind, span.schema, span.model, span.provider) == (
        "generation", "openinference@0.1.30", "claude-3-5-sonnet", "anthropic"
    )  # fmt: skip
    assert (span.input, span.output, span.first_token_ms) == ("What is this?", "A cat.", 500.0)
    assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 2
    assert span.attributes["gen_ai.request.temperature"] == 0.2
    assert span.session_id == "s-9"

    found = read(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "leave",
            "retrieval.documents.0.document.id": "d1",
            "retrieval.documents.0.document.score": 0.9,
            "retrieval.documents.0.document.content": "Five days.",
            "retrieval.documents.1.document.content": "None.",
        }
    )
    assert (found.kind, found.input) == ("retrieval", "leave")
    assert found.output == "[d1 0.9] Five days.\n\nNone."
    assert found.attributes["gen_ai.retrieval.documents"][0] == {
        "id": "d1",
        "score": 0.9,
        "content": "Five days.",
    }


def test_openllmetry_tells_workflows_and_calls_apart() -> None:
    workflow = read(
        {
            "traceloop.span.kind": "workflow",
            "traceloop.entity.name": "joke",
            "traceloop.entity.input": '{"inputs": {"topic": "cats"}}',
            "traceloop.entity.output": '{"outputs": "ha"}',
            "traceloop.association.properties.user_id": "u-1",
        },
        scope=Scope("traceloop.tracer", "0.40"),
    )
    assert (workflow.kind, workflow.user_id, workflow.schema) == ("chain", "u-1", "openllmetry@0.40")
    assert (workflow.input, workflow.output) == ('{"topic": "cats"}', "ha")
    call = read({"llm.request.type": "chat", "gen_ai.system": "Anthropic", "gen_ai.request.model": "c",
                 "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi"})  # fmt: skip
    assert (call.kind, call.provider, call.input) == ("generation", "anthropic", "Hi")


def test_the_outer_span_of_the_vercel_ai_sdk_is_no_second_generation() -> None:
    outer = read({"ai.operationId": "ai.generateText", "ai.model.id": "gpt-4o", "ai.usage.promptTokens": 10,
                  "ai.prompt": '{"system": "Be brief.", "prompt": "Hi"}', "ai.response.text": "Hello"})  # fmt: skip
    inner = read(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": "gpt-4o",
            "ai.model.provider": "openai.chat",
            "ai.prompt.messages": '[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]',
            "ai.response.text": "Hello",
            "ai.usage.promptTokens": 10,
            "ai.usage.completionTokens": 2,
            "ai.response.msToFirstChunk": 120.5,
        }
    )
    assert (outer.kind, outer.input, outer.output) == ("chain", "Hi", "Hello")
    assert (inner.kind, inner.provider, inner.input, inner.output) == ("generation", "openai", "Hi", "Hello")
    assert (inner.input_tokens, inner.output_tokens, inner.first_token_ms) == (10, 2, 120.5)


def test_mlflow_writes_every_value_as_json() -> None:
    span = read(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}',
            "mlflow.spanOutputs": '{"model": "gpt-4o-x", "choices": [{"message": {"role": "assistant", "content": "Yo"}}]}',
            "mlflow.chat.tokenUsage": '{"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}',
            "mlflow.trace.session": '"s-1"',
        }
    )
    assert (span.kind, span.input, span.output, span.model) == ("generation", "Hi", "Yo", "gpt-4o")
    assert (span.input_tokens, span.session_id, span.schema) == (3, "s-1", "mlflow")
    tool = read(
        {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": '{"city": "Rome"}', "mlflow.spanOutputs": "21"}
    )
    assert (tool.kind, tool.input, tool.output) == ("tool", "Rome", "21")


def test_langfuse_counts_cached_input_beside_the_input() -> None:
    span = read(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.usage_details": '{"input": 5, "output": 2, "input_cached_tokens": 7}',
            "langfuse.observation.cost_details": '{"input": 0.001, "output": 0.002}',
            "langfuse.observation.input": '[{"role": "user", "content": "Hi"}]',
            "langfuse.observation.output": "Yo",
            "langfuse.user.id": "ann",
            "langfuse.observation.level": "ERROR",
        }
    )
    assert (span.input_tokens, span.cached_tokens, span.output_tokens) == (12, 7, 2)
    assert (span.cost_nanousd, span.user_id, span.status) == (3_000_000, "ann", "error")
    assert (span.input, span.output) == ("Hi", "Yo")


def test_plain_spans_of_http_and_databases_say_what_they_did() -> None:
    web = read({"http.method": "GET", "http.url": "http://a/b", "http.status_code": 503})
    assert (web.kind, web.input, web.output, web.status, web.schema) == (
        "http", "GET http://a/b", "503", "error", "http/legacy"
    )  # fmt: skip
    assert web.attributes["http.request.method"] == "GET"
    assert read({"db.system": "qdrant", "db.operation": "query"}).kind == "retrieval"
    assert read({"db.system": "postgresql", "db.statement": "SELECT 1"}).input == "SELECT 1"
    assert read({"nothing.known": 1}).schema == ""


def test_the_cost_is_looked_up_only_where_the_sender_told_none() -> None:
    priced = normalised(raw_span(dict(CURRENT)), now_ns=NOW_NS, price=price)
    assert priced.cost_nanousd is not None
    assert priced.cost_nanousd > 0
    told = normalised(raw_span({**CURRENT, "groundwork.cost_nanousd": 5}), now_ns=NOW_NS, price=price)
    assert told.cost_nanousd == 5
    unknown = normalised(
        raw_span({**CURRENT, "gen_ai.response.model": "nobody-knows-it"}), now_ns=NOW_NS, price=price
    )
    assert unknown.cost_nanousd is None
    agent = normalised(
        raw_span({**CURRENT, "gen_ai.operation.name": "invoke_agent"}), now_ns=NOW_NS, price=price
    )
    assert agent.cost_nanousd is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('{"candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}}]}', "Hi"),
        ('[{"type": "human", "content": "Hi"}]', "Hi"),
        ('{"lc": 1, "id": ["langchain", "AIMessage"], "kwargs": {"content": "Hi"}}', "Hi"),
        (
            '{"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}]}',
            "Hi",
        ),
        (
            '[{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]}]',
            "f(a=1)",
        ),
        ("plain words", "plain words"),
        ('{"answer": 42}', '{"answer": 42}'),
    ],
)
def test_replies_of_every_vendor_read_as_text(value: str, text: str) -> None:
    assert read({"openinference.span.kind": "LLM", "output.value": value}).output == text
