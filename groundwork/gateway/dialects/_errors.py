"""Errors as bodies: the status, type and code by which each dialect's official client chooses its exception class.

The official OpenAI client chooses by status alone, the Anthropic one by status too (529 is its overloaded error); type and
code are for people and for programs that read them. The hint follows the message.
"""

from __future__ import annotations

from typing import Any

from groundwork.core.errors import GroundworkError

_BUSY_FAILURES = frozenset(
    {"overloaded", "rate_limited", "breaker_open"}
)  # of a provider: see `gateway.failures`
_OPENAI_CODES = {
    "unauthenticated": "invalid_api_key",
    "rate_limited": "rate_limit_exceeded",
    "budget_exceeded": "insufficient_quota",
    "too_large": "request_too_large",
    "forbidden": "insufficient_permissions",
    "busy": "overloaded",
}
_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def message_of(error: GroundworkError) -> str:
    """Return message and hint as one text."""
    if not error.hint:
        return error.message
    return f"{error.message}{'' if error.message.endswith(('.', '?', '!')) else '.'} {error.hint}"


def status_of(error: GroundworkError) -> int:
    """Return the status of an OpenAI dialect."""
    return 503 if error.code == "busy" or _is_overload(error) else error.status


def anthropic_status_of(error: GroundworkError) -> int:
    """Return the status of the Anthropic dialect; an overload is a 529 there."""
    status = status_of(error)
    return 529 if status == 503 and error.code != "missing_model" else status


def openai_error(error: GroundworkError) -> dict[str, Any]:
    """Return what stands under `error` in a body of OpenAI."""
    status = status_of(error)
    code: str | None = _OPENAI_CODES.get(error.code, error.code)
    if error.code == "invalid_input":
        code = "content_filter" if error.details.get("failure") == "content_filter" else None
    elif _is_overload(error):
        code = "overloaded"
    kind = "insufficient_quota" if error.code == "budget_exceeded" else _OPENAI_TYPES.get(status, "")
    if not kind:
        kind = "invalid_request_error" if status < 500 else "server_error"
    param = error.details.get("param")
    if error.code == "model_not_found":
        param = "model"
    return {"message": message_of(error), "type": kind, "param": param, "code": code}


def anthropic_error(error: GroundworkError) -> dict[str, Any]:
    """Return what stands under `error` in a body of Anthropic."""
    status = anthropic_status_of(error)
    kind = "billing_error" if error.code == "budget_exceeded" else _ANTHROPIC_TYPES.get(status, "")
    if not kind:
        kind = "invalid_request_error" if status < 500 else "api_error"
    return {"type": kind, "message": message_of(error)}


def _is_overload(error: GroundworkError) -> bool:
    return error.code == "upstream_failed" and error.details.get("failure") in _BUSY_FAILURES
