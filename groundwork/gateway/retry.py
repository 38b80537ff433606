"""What follows a failed attempt: the same again after a pause, the next candidate at once, or the end.

| failure | same again | next candidate | counts against the breaker |
| --- | --- | --- | --- |
| connect, reset, overloaded, server_error, protocol | yes | yes | yes |
| rate_limited | yes, not before Retry-After | yes | no: it answers, and may answer a smaller request |
| timeout | only while the deadline has time left | yes | yes, where it had a fair share of the deadline |
| auth, tls | no | yes | yes |
| limit, unsupported, a model it does not know (404) | no | yes | no |
| context_length | no | yes: another model may read more | no |
| bad_request, content_filter | no | no: the request is at fault, and a filter is not shopped around | no |

A failure that carries an error of the platform (an app's own model failed) is told as it is: never tried again here, since
its own calls were, and no breaker counts it; another candidate may still serve what the request is not at fault for.

Pauses are drawn evenly from 0 to a bound that doubles ("full jitter"; Brooker, Exponential Backoff and Jitter, AWS
Architecture Blog 2015); a Retry-After is a lower bound that is always kept. One that goes beyond what is left of the
deadline, or beyond `patience_s` while another candidate waits, leads on at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from groundwork.gateway.failures import Failure

_LEADS_ON = frozenset({"auth", "tls", "limit", "unsupported", "context_length"})
_PROVIDER_IS_ILL = frozenset(
    {"connect", "tls", "reset", "overloaded", "server_error", "auth", "protocol", "timeout"}
)


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """Bounds of the pauses, in seconds; `patience_s`: the longest Retry-After waited for while a fallback is left."""

    base_s: float = 0.25
    cap_s: float = 8.0
    patience_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """What to do: `again` after `pause_s`, `next` candidate at once, or `stop`."""

    kind: Literal["again", "next", "stop"]
    pause_s: float = 0.0


_NEXT = Step("next")
_STOP = Step("stop")


def after(
    failure: Failure,
    tries: int,
    attempts: int,
    left_s: float,
    *,
    more: bool,
    draw: Callable[[], float],
    options: RetryOptions = RetryOptions(),
) -> Step:
    """Return what follows `failure`.

    Args:
        failure: how the attempt failed.
        tries: attempts made at this candidate, this one included; from 1.
        attempts: how many may be made at one candidate.
        left_s: seconds left of the deadline.
        more: whether another candidate is left.
        draw: returns a random number in [0, 1).
    """
    if not failure.retryable:
        return _NEXT if more and leads_on(failure) else _STOP
    if left_s <= 0:
        return _STOP
    if tries < attempts:
        pause = draw() * min(options.cap_s, options.base_s * 2 ** (tries - 1))
        if failure.retry_after_s is not None:
            pause = failure.retry_after_s + min(pause, options.base_s)
            if more and failure.retry_after_s > options.patience_s:
                return _NEXT
        if pause < left_s:
            return Step("again", pause)
    return _NEXT if more else _STOP


def leads_on(failure: Failure) -> bool:
    """Return whether another candidate may serve what this one refused for good."""
    if failure.error is not None:
        return failure.error.status in (404, 429) or failure.error.status >= 500
    return failure.code in _LEADS_ON or failure.status == 404


def is_ill(failure: Failure, had_s: float, deadline_s: float) -> bool:
    """Return whether the failure says that the provider is ill, so that its breaker counts it.

    A time-out counts only where the attempt had at least half of the model's usual deadline: a client with a short
    deadline of its own shall not close a provider for everybody.
    """
    if failure.error is not None:
        return False
    if failure.code == "timeout":
        return had_s >= deadline_s / 2
    return failure.code in _PROVIDER_IS_ILL
