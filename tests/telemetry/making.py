"""Spans for tests: short to write, with names that tell them apart."""

from __future__ import annotations

from typing import Any

from groundwork.telemetry.types import Span

START = 1_795_860_000 * 10**9
"""28 November 2026, ten in the morning."""


def trace_id(n: int) -> str:
    return f"{n:08x}" + "0" * 23 + "1"


def span_id(n: int) -> str:
    return f"{n + 1:016x}"


def span(trace: int, n: int, parent: int | None = None, **changes: Any) -> Span:
    """Span `n` of a trace, below span `parent`; it starts `n` ms after the trace and takes one millisecond."""
    started = changes.pop("started_ns", START + trace * 10**9 + n * 10**6)
    values: dict[str, Any] = {
        "trace_id": trace_id(trace),
        "span_id": span_id(n),
        "name": f"step {n}",
        "started_ns": started,
        "ended_ns": started + 10**6,
        "parent_id": "" if parent is None else span_id(parent),
        **changes,
    }
    return Span(**values)


def generation(trace: int, n: int, parent: int | None = None, **changes: Any) -> Span:
    """A call of a model with tokens and cost."""
    values: dict[str, Any] = {
        "kind": "generation",
        "model": "small",
        "input_tokens": 100,
        "output_tokens": 10,
        "cost_nanousd": 5000,
        **changes,
    }
    return span(trace, n, parent, **values)
