"""How long a provider asks to wait: every form of `Retry-After`, and the reset headers that stand in for it.

What is said is returned as it was said, also when it is absurd (10^9 seconds): whether to wait that long is decided above.

Source:
    RFC 9110, section 10.2.3. `retry-after-ms` and `x-ratelimit-reset-*` (durations such as `6m0s`) are sent by OpenAI and
    those who follow it, `anthropic-ratelimit-*-reset` (RFC 3339) by Anthropic.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"(?:(\d{1,9}(?:\.\d{1,9})?)(ms|us|µs|ns|d|h|m|s))", re.ASCII)
_UNIT_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_LIMITS = (
    "x-ratelimit-{}-requests",
    "x-ratelimit-{}-tokens",
    "x-ratelimit-{}",
    "anthropic-ratelimit-requests-{}",
    "anthropic-ratelimit-tokens-{}",
)
_EPOCH_S, _EPOCH_MS = 1e9, 1e12
_LONGEST = 100  # characters of a header that are looked at


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a reply asks to wait, None where it does not; never negative.

    Args:
        headers: by lower-case name, or a mapping that ignores case.
        now: wall time in UTC, for dates.
    """
    in_ms = _number(headers.get("retry-after-ms"))
    if in_ms is not None:
        return max(0.0, in_ms / 1000)
    said = headers.get("retry-after")
    if said is not None:
        seconds = _number(said)
        waits = seconds if seconds is not None else _until(said, now)
        return None if waits is None else max(0.0, waits)
    return _exhausted(headers, now)


def _exhausted(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return when the last of the limits with nothing remaining opens again."""
    waits = []
    for name in _LIMITS:
        left = _number(headers.get(name.format("remaining")))
        reset = headers.get(name.format("reset"))
        if left is not None and left <= 0 and reset:
            wait = _reset(reset, now)
            if wait is not None:
                waits.append(max(0.0, wait))
    return max(waits) if waits else None


def _reset(said: str, now: datetime) -> float | None:
    number = _number(said)
    if number is not None:
        if number >= _EPOCH_MS:
            return number / 1000 - now.timestamp()
        return number - now.timestamp() if number >= _EPOCH_S else number
    said = said.strip()[:_LONGEST]
    if _DURATION.sub("", said) == "" and said:
        return sum(float(n) * _UNIT_S[unit] for n, unit in _DURATION.findall(said))
    return _until(said, now)


def _until(said: str, now: datetime) -> float | None:
    said = said.strip()[:_LONGEST]
    try:
        at = datetime.fromisoformat(said) if said[:4].isdigit() else parsedate_to_datetime(said)
    except (ValueError, IndexError, OverflowError, TypeError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    try:
        return (at - now).total_seconds()
    except OverflowError:
        return None


def _number(said: str | None) -> float | None:
    if said is None or len(said) > _LONGEST:
        return None
    try:
        number = float(said)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
