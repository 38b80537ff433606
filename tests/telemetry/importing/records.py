"""One record of every tool, as it exports it."""

from __future__ import annotations

import json
from typing import Any

TRACE = "0af7651916cd43dd8448eb211c80319c"
LANGFUSE: dict[str, Any] = {
    "id": TRACE,
    "timestamp": "2026-03-01T10:00:00.000Z",
    "name": "answer",
    "userId": "ann",
    "sessionId": "s-1",
    "release": "r1",
    "input": '"When does the gate open?"',
    "output": "At nine.",
    "scores": [{"id": "sc1", "name": "helpful", "value": 1, "comment": "Yes."}],
    "observations": [
        {
            "id": "obs-root",
            "traceId": TRACE,
            "type": "SPAN",
            "name": "answer",
            "startTime": "2026-03-01T10:00:00.000Z",
            "endTime": "2026-03-01T10:00:02.000Z",
        },
        {
            "id": "obs-gen",
            "traceId": TRACE,
            "parentObservationId": "obs-root",
            "type": "GENERATION",
            "name": "chat",
            "startTime": "2026-03-01T10:00:00.500Z",
            "endTime": "2026-03-01T10:00:01.500Z",
            "completionStartTime": "2026-03-01T10:00:00.700Z",
            "model": "gpt-4o",
            "usageDetails": {"input": 10, "output": 4, "total": 14},
            "costDetails": {"total": 0.002},
            "input": [{"role": "user", "content": "When?"}],
            "output": {"role": "assistant", "content": "At nine."},
            "level": "DEFAULT",
            "metadata": {
                "resourceAttributes": {"service.name": "guide"},
                "scope": {"name": "langfuse-sdk", "version": "3.1"},
            },
        },
    ],
}
PHOENIX: dict[str, Any] = {
    "name": "ChatCompletion",
    "span_kind": "LLM",
    "parent_id": None,
    "start_time": "2026-03-01T10:00:00.000000+00:00",
    "end_time": "2026-03-01T10:00:01.000000+00:00",
    "status_code": "OK",
    "status_message": "",
    "events": "[]",
    "context.trace_id": TRACE,
    "context.span_id": "b7ad6b7169203331",
    "attributes.llm.model_name": "gpt-4o",
    "attributes.llm.token_count.prompt": 10,
    "attributes.llm.token_count.completion": 4,
    "attributes.llm.input_messages": '[{"message.role": "user", "message.content": "When?"}]',
    "attributes.input.value": "When?",
    "attributes.output.value": "At nine.",
    "attributes.session": '{"id": "s-1"}',
}
MLFLOW_3: dict[str, Any] = {
    "info": {
        "trace_id": f"tr-{TRACE}",
        "request_time": "2026-03-01T10:00:00Z",
        "state": "OK",
        "trace_metadata": {"mlflow.trace.user": "ann", "mlflow.trace.session": "s-1"},
        "assessments": [{"assessment_name": "correct", "feedback": {"value": True}, "rationale": "It is."}],
    },
    "data": {
        "spans": [
            {
                "trace_id": "CvdlGRbNQ92ESOshHIAxnA==",
                "span_id": "t61rcWkgMzE=",
                "parent_span_id": None,
                "name": "predict",
                "start_time_unix_nano": 1_772_359_200_000_000_000,
                "end_time_unix_nano": 1_772_359_201_000_000_000,
                "status": {"code": "STATUS_CODE_OK", "message": ""},
                "attributes": {
                    "mlflow.spanType": '"CHAT_MODEL"',
                    "mlflow.spanInputs": '{"messages": [{"role": "user", "content": "When?"}]}',
                    "mlflow.spanOutputs": '"At nine."',
                    "mlflow.chat.tokenUsage": '{"input_tokens": 10, "output_tokens": 4}',
                },
            }
        ]
    },
}
MLFLOW_2: dict[str, Any] = {
    "info": {
        "request_id": "d3a8",
        "timestamp_ms": 1_772_359_200_000,
        "status": "OK",
        "request_metadata": {},
        "tags": {},
    },
    "data": {
        "spans": [
            {
                "name": "predict",
                "context": {"span_id": "0xb7ad6b7169203331", "trace_id": "0x" + TRACE},
                "parent_id": None,
                "start_time": 1_772_359_200_000_000_000,
                "end_time": 1_772_359_201_000_000_000,
                "status_code": "ERROR",
                "status_message": "it broke",
                "attributes": {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": '{"q": "When?"}'},
                "events": [{"name": "exception", "timestamp": 1_772_359_200_500_000_000, "attributes": {}}],
            }
        ]
    },
}
OTLP: dict[str, Any] = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": TRACE,
                            "spanId": "b7ad6b7169203331",
                            "name": "x",
                            "startTimeUnixNano": "1772359200000000000",
                            "endTimeUnixNano": "1772359201000000000",
                        }
                    ]
                }
            ],
        }
    ]
}
TAU: dict[str, Any] = {
    "task_id": 3,
    "trial": 1,
    "reward": 1.0,
    "info": {
        "task": {"user_id": "olivia", "instruction": "Change the flight."},
        "reward_info": {"info": {"r_actions": 1.0}},
    },
    "traj": [
        {"role": "system", "content": "Be polite."},
        {"role": "user", "content": "Change my flight."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": '{"id": "X"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "find", "content": "Error: none"},
        {"role": "assistant", "content": "There is none."},
    ],
}
OWN: dict[str, Any] = {
    "trace_id": TRACE,
    "span_id": "b7ad6b7169203331",
    "name": "answer",
    "kind": "answer",
    "started_ns": 1_772_359_200_000_000_000,
    "ended_ns": 1_772_359_201_000_000_000,
    "input": "When?",
    "output": "At nine.",
    "answer_id": "ans_1",
    "cost_nanousd": 12,
    "attributes": {"a": 1},
    "events": [{"name": "hit", "at_ns": 1_772_359_200_500_000_000, "attributes": {}}],
}
RECORDS: dict[str, dict[str, Any]] = {
    "langfuse": LANGFUSE, "phoenix": PHOENIX, "mlflow": MLFLOW_3, "otlp": OTLP, "tau_bench": TAU, "groundwork": OWN,
}  # fmt: skip


def lines(*records: Any) -> bytes:
    """Return records as JSON lines."""
    return b"".join(json.dumps(r).encode() + b"\n" for r in records)
