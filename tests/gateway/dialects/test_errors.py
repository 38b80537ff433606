"""Errors as the official clients raise them: each code of the gateway becomes the class a program waits for."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import ErrorResponse

from groundwork.core import errors
from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import DIALECTS
from tests.gateway.dialects.clients import anthropic_client, openai_client

ERRORS: list[tuple[GroundworkError, type[Exception], type[Exception], str | None, str]] = [
    (
        errors.InvalidInputError("x"),
        openai.BadRequestError,
        anthropic.BadRequestError,
        None,
        "invalid_request_error",
    ),
    (
        errors.TooLargeError("x"),
        openai.APIStatusError,
        anthropic.APIStatusError,
        "request_too_large",
        "request_too_large",
    ),
    (
        errors.ContextLengthError("x"),
        openai.BadRequestError,
        anthropic.BadRequestError,
        "context_length_exceeded",
        "invalid_request_error",
    ),
    (
        errors.InvalidInputError("x", failure="content_filter"),
        openai.BadRequestError,
        anthropic.BadRequestError,
        "content_filter",
        "invalid_request_error",
    ),
    (
        errors.UnauthenticatedError("x"),
        openai.AuthenticationError,
        anthropic.AuthenticationError,
        "invalid_api_key",
        "authentication_error",
    ),
    (
        errors.ForbiddenError("x"),
        openai.PermissionDeniedError,
        anthropic.PermissionDeniedError,
        "insufficient_permissions",
        "permission_error",
    ),
    (
        errors.ModelNotFoundError("x"),
        openai.NotFoundError,
        anthropic.NotFoundError,
        "model_not_found",
        "not_found_error",
    ),
    (
        errors.RateLimitedError("x"),
        openai.RateLimitError,
        anthropic.RateLimitError,
        "rate_limit_exceeded",
        "rate_limit_error",
    ),
    (
        errors.BudgetExceededError("x"),
        openai.RateLimitError,
        anthropic.RateLimitError,
        "insufficient_quota",
        "billing_error",
    ),
    (
        errors.UpstreamError("x"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "upstream_failed",
        "api_error",
    ),
    (
        errors.UpstreamError("x", failure="overloaded"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "overloaded",
        "overloaded_error",
    ),
    (
        errors.BusyError("x"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "overloaded",
        "overloaded_error",
    ),
    (
        errors.UpstreamTimeoutError("x"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "upstream_timeout",
        "timeout_error",
    ),
    (
        errors.OutputRefusedError("x"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "output_refused",
        "api_error",
    ),
    (
        errors.StorageFullError("x"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "storage_full",
        "api_error",
    ),
    (
        errors.InternalError("x"),
        openai.InternalServerError,
        anthropic.InternalServerError,
        "internal",
        "api_error",
    ),
]


def openai_calls(name: str, content: bytes, status: int) -> Any:
    client = openai_client(content, status, "application/json")
    match name:
        case "openai_chat":
            return client.chat.completions.create(model="m", messages=[])
        case "openai_completions":
            return client.completions.create(model="m", prompt="x")
        case "openai_responses":
            return client.responses.create(model="m", input="x")
        case _:
            return client.embeddings.create(model="m", input="x")


@pytest.mark.parametrize("name", [n for n in DIALECTS.names() if n.startswith("openai")])
def test_the_openai_client_raises_the_class_and_reads_the_code(name: str) -> None:
    dialect = DIALECTS.make(name)
    for error, kind, _, code, _ in ERRORS:
        body = json.dumps(dialect.error_body(error)).encode()
        with pytest.raises(kind) as caught:
            openai_calls(name, body, dialect.status_of(error))
        raised: Any = caught.value
        assert raised.code == code
        assert raised.status_code == dialect.status_of(error)
        assert raised.body["message"] == "x"


def test_the_anthropic_client_raises_the_class_and_reads_the_type() -> None:
    dialect = DIALECTS.make("anthropic_messages")
    for error, _, kind, _, type_ in ERRORS:
        said = dialect.error_body(error, "req_1")
        assert said["error"] == {"type": type_, "message": "x"}
        assert said["request_id"] == "req_1"
        if type_ not in ("request_too_large",):  # one the client knows by its status only
            ErrorResponse.model_validate(said)
        client = anthropic_client(json.dumps(said).encode(), dialect.status_of(error), "application/json")
        with pytest.raises(kind) as caught:
            client.messages.create(model="m", max_tokens=9, messages=[])
        raised: Any = caught.value
        assert raised.status_code == dialect.status_of(error)


def test_an_overload_is_a_503_or_the_529_of_anthropic() -> None:
    busy = errors.UpstreamError("x", failure="overloaded")
    assert DIALECTS.make("openai_chat").status_of(busy) == 503
    assert DIALECTS.make("anthropic_messages").status_of(busy) == 529
    assert DIALECTS.make("openai_chat").status_of(errors.UpstreamError("x", failure="auth")) == 502


def test_the_hint_follows_the_message_and_the_field_is_named() -> None:
    error = errors.InvalidInputError("`n` is 0, it must be from 1 to 128", hint="ask for one", param="n")
    said = DIALECTS.make("openai_chat").error_body(error)["error"]
    assert said["message"] == "`n` is 0, it must be from 1 to 128. ask for one"
    assert said["param"] == "n"
    assert said["type"] == "invalid_request_error"
    assert (
        DIALECTS.make("openai_chat").error_body(errors.ModelNotFoundError("x"))["error"]["param"] == "model"
    )
