"""What a provider's error means, and what of it may be shown."""

from __future__ import annotations

from typing import Any

import pytest

from groundwork.gateway.providers._refusals import refusal

SECRET = "sk-proj-8fJ3kLm2Nq"


def anthropic(message: str) -> dict[str, Any]:
    """Return a refusal in Anthropic's form."""
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            {"error": {"message": "Unsupported parameter: 'max_tokens'", "type": "invalid_request_error"}},
            "bad_request",
        ),
        (400, {"error": {"message": "too long", "code": "context_length_exceeded"}}, "context_length"),
        (
            400,
            {"error": {"message": "This model's maximum context length is 8192 tokens."}},
            "context_length",
        ),
        (
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 4096 tokens.",
                "code": 400,
            },
            "context_length",
        ),
        (400, anthropic("prompt is too long: 9 tokens > 8 maximum"), "context_length"),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            },
            "context_length",
        ),
        (
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ],
            "context_length",
        ),
        (400, {"message": "Input is too long for requested model."}, "context_length"),
        (
            400,
            {
                "error": {
                    "message": "filtered",
                    "code": "content_filter",
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
            "content_filter",
        ),
        (400, anthropic("Output blocked by content filtering policy"), "content_filter"),
        (400, anthropic("Your credit balance is too low to access"), "auth"),
        (401, {"error": {"message": "Incorrect API key provided"}}, "auth"),
        (402, {"error": {"message": "Insufficient Balance"}}, "auth"),
        (403, {"error": {"message": "Country not supported"}}, "auth"),
        (404, {"error": "model 'x' not found"}, "bad_request"),
        (404, None, "bad_request"),
        (408, {}, "timeout"),
        (409, {}, "overloaded"),
        (
            413,
            {
                "error": {
                    "message": "Request too large for model on tokens per minute (TPM)",
                    "code": "rate_limit_exceeded",
                }
            },
            "bad_request",
        ),
        (
            422,
            {"detail": [{"loc": ["body", "n"], "msg": "Input should be 1", "input": "the whole prompt"}]},
            "bad_request",
        ),
        (429, {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}, "rate_limited"),
        (
            429,
            {
                "error": {
                    "message": "You exceeded your current quota",
                    "type": "insufficient_quota",
                    "code": "insufficient_quota",
                }
            },
            "auth",
        ),
        (
            429,
            {"error": {"message": "Please reduce the length of the messages", "code": "rate_limit_exceeded"}},
            "rate_limited",
        ),
        (500, {"error": {"message": "The server had an error"}}, "server_error"),
        (502, None, "server_error"),
        (503, {"error": {"message": "Loading model"}}, "overloaded"),
        (504, "x", "server_error"),
        (520, None, "server_error"),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "overloaded",
        ),
        (418, None, "bad_request"),
        (None, {"error": {"type": "overloaded_error", "message": "Overloaded"}}, "overloaded"),
        (None, {"error": {"code": 429, "message": "slow down"}}, "rate_limited"),
        (None, {"error": {"code": "503", "message": "no"}}, "overloaded"),
        (None, {"error": {"type": "rate_limit_error"}}, "rate_limited"),
        (None, {"error": {"type": "invalid_request_error"}}, "bad_request"),
        (None, {"error": {"status": "RESOURCE_EXHAUSTED"}}, "rate_limited"),
        (None, {"error": "boom"}, "server_error"),
        (None, {"error": {}}, "server_error"),
    ],
)
def test_status_and_body_tell_what_failed(status: int | None, body: Any, code: str) -> None:
    failure = refusal(body, host="host", status=status)
    assert failure.code == code, failure.message
    assert failure.message.startswith("`host` answered")


def test_the_providers_words_are_kept_where_they_help() -> None:
    failure = refusal(
        {
            "error": {
                "message": "Unsupported value: 'temperature'\n does not support 0",
                "type": "invalid_request_error",
            }
        },
        host="host",
        status=400,
    )
    assert failure.message == (
        "`host` answered 400 (invalid_request_error): Unsupported value: 'temperature' does not support 0"
    )
    where = {"detail": [{"loc": ["body", "n"], "msg": "Input should be 1", "input": "the whole prompt"}]}
    assert refusal(where, host="host", status=422).message == "`host` answered 422: body.n: Input should be 1"


@pytest.mark.parametrize(
    "said",
    [
        f"Incorrect API key provided: {SECRET}.",
        "Incorrect API key provided: sk-proj-********2Nq.",
        f"bad header Bearer {SECRET}",
        "key AIzaSyD-9tSrke72PouQMnMX invalid",
    ],
)
def test_no_key_comes_out_of_an_error(said: str) -> None:
    for status in (400, 401, 500):
        message = refusal({"error": {"message": said}}, host="host", status=status, secret=SECRET).message
        assert "sk-proj" not in message
        assert "AIza" not in message


def test_words_that_quote_the_prompt_are_left_out() -> None:
    prompt = "The patient, born on 3 May 1961, complains of headaches since the operation."
    said = f"invalid prompt: '{prompt[4:50]}'"
    failure = refusal({"error": {"message": said}}, host="host", status=400, prompt=lambda: prompt)
    assert "1961" not in failure.message
    assert "left out" in failure.message
    other = refusal(
        {"error": {"message": "unknown field `foo`"}}, host="host", status=400, prompt=lambda: prompt
    )
    assert "unknown field" in other.message


def test_a_message_of_any_length_and_kind_stays_short_and_printable() -> None:
    failure = refusal({"error": {"message": "a\x1b[31m\x00" * 100_000}}, host="host", status=400)
    assert len(failure.message) < 500
    assert failure.message.isprintable()
    for odd in (
        ["x"],
        [],
        {"error": []},
        {"error": {"message": {"a": 1}}},
        {"detail": [7]},
        {"error": {"type": ["x"]}},
        7,
    ):
        assert refusal(odd, host="host", status=400).code == "bad_request"


def test_what_was_asked_to_wait_is_kept() -> None:
    assert refusal(None, host="host", status=429, retry_after_s=3.0).retry_after_s == 3.0
