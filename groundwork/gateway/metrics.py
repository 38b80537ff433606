"""What the gateway counts: plain numbers by a bounded set of labels, read by whoever renders `/metrics` or a page.

A client can ask for any model name, so names come from those who served, and a label set beyond the bound is counted as
`other`. Sums are of this process since its start; the ledger has the exact and lasting ones.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundwork.gateway.flow_call import Call
    from groundwork.gateway.records import CallState, Reason

MOST_LABELS = 500
OTHER = "other"
LATENCY_MS = (5.0, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000)


class Histogram:
    """Counts of values by upper bound (the last bound is infinity), and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_MS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def as_dict(self) -> dict[str, Any]:
        """Return `{bounds, counts, sum, count}`."""
        return {
            "bounds": list(self.bounds),
            "counts": list(self.counts),
            "sum": self.total,
            "count": sum(self.counts),
        }


class Metrics:
    """Counters and histograms of one gateway; safe to use from several threads.

    Attributes:
        calls: by `(operation, state, provider, model)`. attempts: by reason. failures: by `(provider, model, code)`.
        refused: calls that were not let in, by error code. structured: `valid`, `repaired`, `refused`.
        input_tokens, output_tokens, cost_nanousd: by `(provider, model)`.
        latency_ms, first_token_ms: by `(provider, model)`. cached: answered from the cache. in_flight: calls now open.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: dict[tuple[str, str, str, str], int] = {}
        self.attempts: dict[str, int] = {}
        self.failures: dict[tuple[str, str, str], int] = {}
        self.refused: dict[str, int] = {}
        self.structured: dict[str, int] = {"valid": 0, "repaired": 0, "refused": 0}
        self.input_tokens: dict[tuple[str, str], int] = {}
        self.output_tokens: dict[tuple[str, str], int] = {}
        self.cost_nanousd: dict[tuple[str, str], int] = {}
        self.latency_ms: dict[tuple[str, str], Histogram] = {}
        self.first_token_ms: dict[tuple[str, str], Histogram] = {}
        self.cached = 0
        self.in_flight = 0
        self.breakers: Callable[[], Mapping[tuple[str, str], str]] = dict

    def call_refused(self, code: str) -> None:
        """Count a call that was not let in."""
        with self._lock:
            _count(self.refused, code, OTHER)

    def call_began(self) -> None:
        """Count a call that was let in and goes to a provider."""
        with self._lock:
            self.in_flight += 1
            _count(self.attempts, "first", OTHER)

    def call_cached(self) -> None:
        """Count a call that was answered from the cache."""
        with self._lock:
            self.cached += 1

    def attempt_begun(self, reason: Reason) -> None:
        """Count a further attempt."""
        with self._lock:
            _count(self.attempts, reason, OTHER)

    def attempt_failed(self, key: tuple[str, str], code: str) -> None:
        """Count a failed attempt."""
        with self._lock:
            _count(self.failures, (*key, code), (OTHER, OTHER, code))

    def call_ended(self, call: Call, state: CallState, now: float) -> None:
        """Count a call that came to an end, with what it used."""
        key = call.served.key
        with self._lock:
            self.in_flight -= 1
            if key not in self.latency_ms and len(self.latency_ms) >= MOST_LABELS:
                key = (OTHER, OTHER)
            _count(self.calls, (call.operation, state, *key), (call.operation, state, OTHER, OTHER))
            if call.structured != "none":
                self.structured[call.structured] += 1
            self.input_tokens[key] = self.input_tokens.get(key, 0) + call.usage.input_tokens
            self.output_tokens[key] = self.output_tokens.get(key, 0) + call.usage.output_tokens
            self.cost_nanousd[key] = self.cost_nanousd.get(key, 0) + call.spent
            if state == "done":
                self.latency_ms.setdefault(key, Histogram()).add((now - call.began) * 1000)
                if call.first_at is not None:
                    self.first_token_ms.setdefault(key, Histogram()).add((call.first_at - call.began) * 1000)

    def snapshot(self) -> dict[str, Any]:
        """Return everything as plain dictionaries; keys that are tuples stay tuples."""
        with self._lock:
            counted = ("calls", "attempts", "failures", "refused", "structured")
            sums = ("input_tokens", "output_tokens", "cost_nanousd")
            found: dict[str, Any] = {name: dict(getattr(self, name)) for name in (*counted, *sums)}
            for name in ("latency_ms", "first_token_ms"):
                found[name] = {key: h.as_dict() for key, h in getattr(self, name).items()}
            found["cached"] = self.cached
            found["in_flight"] = self.in_flight
        found["breakers"] = dict(self.breakers())
        return found


def _count(counts: dict[Any, int], label: Any, other: Any) -> None:
    if label not in counts and len(counts) >= MOST_LABELS:
        label = other
    counts[label] = counts.get(label, 0) + 1
