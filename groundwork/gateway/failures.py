"""How one attempt at a provider can fail, and what the flow may do about each.

code               retry  says
connect            yes    refused, unreachable, reset before the request was sent, name not found
tls                no     the certificate is not valid
timeout            yes    the attempt's time was over
reset              yes    the connection broke after the request was sent
rate_limited       yes    429; `retry_after_s` as the provider said
overloaded         yes    503, 529
server_error       yes    500, 502, 504 and the like
auth               no     401, 403: the provider's key is wrong; never shown to the client as the client's own
bad_request        no     400, 404, 413, 422: the provider refuses this request
context_length     no     the prompt is longer than the model's context
content_filter     no     the provider refused for content
protocol           yes    HTML, empty, truncated, not JSON, NaN, no choices, a stream without an end, a redirect
limit              no     a line, body or stream over the gateway's limits
unsupported        no     the provider cannot do this at all
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from groundwork.core.errors import GroundworkError

FailureCode = Literal[
    "connect", "tls", "timeout", "reset", "rate_limited", "overloaded", "server_error", "auth", "bad_request",
    "context_length", "content_filter", "protocol", "limit", "unsupported",
]  # fmt: skip
RETRYABLE: frozenset[str] = frozenset(
    {"connect", "timeout", "reset", "rate_limited", "overloaded", "server_error", "protocol"}
)


class Failure(Exception):
    """One attempt failed.

    Args:
        code: see the table above.
        message: what happened, with values, without any secret and without text of the prompt.
        status: the provider's HTTP status, None where there was none.
        retry_after_s: seconds the provider asks to wait, None where it does not; never negative.
        billed: the provider may have charged for this attempt (the request was sent and not refused).
        error: what the client is told as it is. A provider of this process sets it that made calls of its own: those were
            retried already and counted where they were made, so this attempt is neither.
    """

    def __init__(
        self,
        code: FailureCode,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        billed: bool = False,
        error: GroundworkError | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.billed = billed
        self.error = error

    @property
    def retryable(self) -> bool:
        """Whether the same attempt may succeed later or elsewhere."""
        return self.error is None and self.code in RETRYABLE
