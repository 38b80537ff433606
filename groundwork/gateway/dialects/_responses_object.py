"""The response object of the Responses API: what was asked, what came out, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _citations, _errors
from groundwork.gateway.types import ChatRequest, FinishReason, ToolCall, Usage

Status = Literal["in_progress", "completed", "incomplete", "failed"]
_ECHOED = (
    "instructions", "max_output_tokens", "max_tool_calls", "metadata", "prompt_cache_key", "reasoning", "safety_identifier",
    "service_tier", "temperature", "top_logprobs", "top_p", "truncation", "user",
)  # fmt: skip
_INCOMPLETE: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
# The codes that the specification knows; any other failure is a `server_error`.
_ERROR_CODES = {
    "rate_limited": "rate_limit_exceeded",
    "budget_exceeded": "rate_limit_exceeded",
    "invalid_input": "invalid_prompt",
}


class ResponseObject:
    """Makes the objects of one response; they differ in status, output and usage."""

    def __init__(self, request: ChatRequest, identifier: str, created: int) -> None:
        asked: Mapping[str, Any] = request.native or {}
        text = asked.get("text") if isinstance(asked.get("text"), dict) else {}
        self._head: dict[str, Any] = {
            "id": identifier,
            "object": "response",
            "created_at": created,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            "model": request.model,
            "output": [],
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "previous_response_id": None,
            "store": False,
            "text": {"format": {"type": "text"}, **(text or {})},
            "tool_choice": asked.get("tool_choice") or "auto",
            "tools": asked.get("tools") or [],
            "usage": None,
            **{key: asked.get(key) for key in _ECHOED},
        }
        self._head["metadata"] = self._head["metadata"] or {}

    def begun(self) -> dict[str, Any]:
        return self._head

    def ended(self, output: list[dict[str, Any]], finish: FinishReason, usage: Usage) -> dict[str, Any]:
        """Return the finished response; one that was cut short is `incomplete`."""
        why = _INCOMPLETE.get(finish)
        return {
            **self._head,
            "status": "incomplete" if why else "completed",
            "incomplete_details": {"reason": why} if why else None,
            "output": output,
            "usage": usage_of(usage),
        }

    def failed(self, output: list[dict[str, Any]], error: GroundworkError) -> dict[str, Any]:
        said = {"code": _ERROR_CODES.get(error.code, "server_error"), "message": _errors.message_of(error)}
        return {**self._head, "status": "failed", "error": said, "output": output}


def message(
    identifier: str, text: str, annotations: Iterable[Mapping[str, Any]] = (), status: Status = "completed"
) -> dict[str, Any]:
    """Return an output item with the text of the model."""
    cited = [c for a in annotations if (c := _citations.file_citation(a, text)) is not None]
    part = output_text(text, cited)
    return {"id": identifier, "type": "message", "status": status, "role": "assistant", "content": [part]}


def output_text(text: str, cited: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": cited, "logprobs": []}


def function_call(identifier: str, call: ToolCall, status: Status = "completed") -> dict[str, Any]:
    return {
        "id": identifier,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def reasoning(identifier: str, text: str, status: Status = "completed") -> dict[str, Any]:
    content = [{"type": "reasoning_text", "text": text}] if text else []
    return {"id": identifier, "type": "reasoning", "status": status, "summary": [], "content": content}


def usage_of(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
