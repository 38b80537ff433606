"""A failure of a provider, in the words of the platform: what the client is told when no attempt is left."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import (
    ContextLengthError,
    GroundworkError,
    InvalidInputError,
    ModelNotFoundError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Candidate
    from groundwork.gateway.failures import Failure

LONGEST_MESSAGE = 500
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ADDRESS = re.compile(r"`https?://[^`\s]*`")
_TARGET = re.compile(r"a redirect to `[^`]*`")
_HINTS = {
    "auth": "the operator looks after the provider's key, which `groundwork doctor` shows where to put",
    "tls": "the operator checks the provider's certificate and `base_url`",
    "connect": "the operator checks that the provider runs, with `groundwork model check`",
    "limit": "ask for less at once",
}


def error_of(failure: Failure, candidate: Candidate, *, attempts: int, secret: str = "") -> GroundworkError:
    """Return what the client is told.

    A provider that refuses its own key is a 502: the client's key is another one, and was good.

    Args:
        failure: the last one.
        candidate: who failed.
        attempts: how many attempts were made in all.
        secret: the provider's key, taken out of the message should a provider repeat it.
    """
    if failure.error is not None:
        return failure.error
    said = without_addresses(cleaned(failure.message, secret))
    where = f"`{candidate.provider}/{candidate.model}`"
    about: dict[str, Any] = {"failure": failure.code, "provider": candidate.provider, "attempts": attempts}
    if failure.status is not None:
        about["upstream_status"] = failure.status
    match failure.code:
        case "bad_request" if failure.status == 404:
            return ModelNotFoundError(
                f"{where} is not there: {said}", hint="list what there is with GET /v1/models", **about
            )
        case "bad_request":
            return InvalidInputError(f"{where} refuses this request: {said}", hint="change it", **about)
        case "unsupported":
            return InvalidInputError(
                f"{where} cannot do this: {said}",
                hint="ask for a model that can; `groundwork model list` says what each serves",
                **about,
            )
        case "context_length":
            return ContextLengthError(
                f"the prompt is too long for {where}: {said}", hint="shorten the prompt", **about
            )
        case "content_filter":
            return InvalidInputError(
                f"{where} refuses this content: {said}", hint="change the prompt", **about
            )
        case "timeout":
            return UpstreamTimeoutError(f"{where}: {said}", hint="ask again, or raise the deadline", **about)
        case "rate_limited":
            wait = failure.retry_after_s if failure.retry_after_s is not None else 1.0
            return RateLimitedError(
                f"{where} has no room now: {said}",
                hint=f"ask again in {wait:g} s",
                retry_after_s=wait,
                **about,
            )
    if failure.retry_after_s is not None:
        about["retry_after_s"] = failure.retry_after_s
    tries = f"after {attempts} attempts " if attempts > 1 else ""
    return UpstreamError(
        f"{where} failed {tries}({failure.code}): {said}",
        hint=_HINTS.get(failure.code, "ask again; `groundwork usage calls` shows every attempt"),
        **about,
    )


def late(deadline_s: float, last: Failure | None, attempts: int) -> UpstreamTimeoutError:
    """Return the error for a call whose deadline was over between two attempts."""
    because = f"; the last failure was {last.code}" if last else ""
    return UpstreamTimeoutError(
        f"the call's {deadline_s:g} s were over after {attempts} attempts{because}",
        hint="ask again, or raise the deadline",
        failure=last.code if last else "timeout",
        attempts=attempts,
    )


def resting(name: str, wait_s: float) -> UpstreamError:
    """Return the error for a model whose every provider failed so often that it is left alone for a while."""
    return UpstreamError(
        f"every provider of `{name}` failed too often and is left alone for {wait_s:.1f} s",
        hint="ask again then; `groundwork model check` says what is wrong",
        failure="breaker_open",
        retry_after_s=wait_s,
    )


def without_addresses(message: str) -> str:
    """Return a failure's message for the client, who is not told where the operator's providers are."""
    message = _TARGET.sub("a redirect", message)
    first = _ADDRESS.search(message)
    if first is None:
        return message
    return _ADDRESS.sub("another address", message.replace(first[0], "the provider"))


def cleaned(message: str, secret: str = "") -> str:
    """Return a provider's words on one line, bounded, without its key."""
    if len(secret) >= 4:
        message = message.replace(secret, "[key]")
    text = _UNPRINTABLE.sub(" ", message[: LONGEST_MESSAGE * 4]).strip()
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
