"""What the exporter asks of the way out, and how its answers are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, Protocol

from groundwork.telemetry.otlp.wire import parts, varint

Verdict = Literal["taken", "too_large", "refused", "later", "misconfigured"]
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 529})
_MISCONFIGURED = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 415})
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Sent:
    """What the target said; `retry_after_s` where it named a time."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None


class NotSentError(Exception):
    """The target could not be reached, or broke off; the message says how."""


class Sender(Protocol):
    """Posts a request body to the target."""

    def send(self, body: bytes) -> Sent:
        """Return the answer.

        Raises:
            NotSentError: there was none.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def verdict(sent: Sent) -> Verdict:
    """Return what an answer means for the spans that were sent.

    `taken`: stored there. `too_large`: send fewer at a time. `refused`: never again. `later`: again after a while.
    `misconfigured`: again too, and somebody has to look at the address or the key.
    """
    if 200 <= sent.status < 300:
        return "taken"
    if sent.status == 413:
        return "too_large"
    if sent.status in _MISCONFIGURED:
        return "misconfigured"
    return "later" if sent.status in _LATER else "refused"


def rejected(sent: Sent, *, as_json: bool) -> tuple[int, str]:
    """Return how many spans of a request that was taken were rejected, and why, as its partial success says."""
    try:
        if as_json:
            told = json.loads(sent.body or b"{}").get("partialSuccess") or {}
            return max(0, int(told.get("rejectedSpans") or 0)), str(told.get("errorMessage") or "")[:_LONGEST]
        partial = b"".join(parts(sent.body, 1))
        count = 0
        if partial[:1] == b"\x08":
            count, _ = varint(partial, 1)
        message = b"".join(parts(partial, 2)).decode("utf-8", "replace")
        return min(count, 2**31), message[:_LONGEST]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return 0, ""


def words(sent: Sent) -> str:
    """Return what the target said, for people."""
    body = sent.body[:2000].decode("utf-8", "replace")
    said = "".join(c if c.isprintable() else " " for c in body).strip()
    return f"{sent.status} {said}"[:_LONGEST].strip()
