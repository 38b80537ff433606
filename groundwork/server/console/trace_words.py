"""Traces and spans in the words of a page: how they went, how long they took, what they were for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from groundwork.core.money import usd
from groundwork.server.console.plots import Stretch, stretch
from groundwork.server.console.render import plural
from groundwork.telemetry.types import SessionInfo, SpanInfo, TraceInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KIND_WORDS = {
    "answer": "answer", "retrieval": "search", "rerank": "rerank", "generation": "model", "embedding": "embedding",
    "tool": "tool", "agent": "agent", "chain": "step", "guardrail": "guardrail", "evaluation": "evaluation",
    "ingest": "ingest", "job": "job", "http": "request", "span": "span",
}  # fmt: skip
THUMBS = {"up": ("good", "helpful"), "down": ("bad", "not helpful")}
Words = tuple[str, str]
"""A slug for the colour, and what is said."""


@dataclass(frozen=True)
class Line:
    """A trace in a list; `bar` is its share of the longest one there, in percent."""

    trace: TraceInfo
    href: str
    title: str
    kind: str
    state: Words
    started: str
    took: str
    bar: Stretch
    tokens: str
    cost: str
    thumb: Words | None


def lines(traces: Sequence[TraceInfo]) -> list[Line]:
    """Return traces as a list shows them."""
    longest = max((t.duration_ms for t in traces), default=0.0)
    return [_line(t, longest) for t in traces]


def state(trace: TraceInfo) -> Words:
    """Say how a trace went, in words."""
    if trace.status == "error":
        return "bad", "failed"
    if trace.errors:
        return "warn", f"{plural(trace.errors, 'span')} failed"
    if trace.rootless:
        return "plain", "root not here yet"
    return "good", "ok"


def span_state(span: SpanInfo) -> Words:
    """Say how a span went."""
    return ("bad", "failed") if span.status == "error" else ("good", "ok")


def took(milliseconds: float) -> str:
    """Return a duration with two or three digits that count: `0.42 ms`, `12 ms`, `1.42 s`, `3 min 20 s`, `2 h 5 min`."""
    if milliseconds < 0:
        return f"−{took(-milliseconds)}"
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms" if milliseconds >= 0.005 else "0 ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours < 100 else f"{hours // 24:,} days"


def moment_of(ns: int) -> str:
    """Return nanoseconds since 1970 as an ISO time in UTC; what no calendar holds is said as nanoseconds."""
    try:
        return (EPOCH + timedelta(microseconds=ns // 1000)).isoformat()
    except OverflowError:
        return f"{ns} ns"


def tokens(read: int | None, written: int | None) -> str:
    """Return tokens as `1,204 + 88`; empty where none were counted."""
    return f"{read or 0:,} + {written or 0:,}" if read or written else ""


def cost(nanousd: int | None) -> str:
    """Return a cost; empty where it is unknown or nothing."""
    return usd(nanousd / 1e9) if nanousd else ""


def title(trace: TraceInfo) -> str:
    """Return what a trace is called; a name of blanks is said to be none."""
    return trace.name.strip() or "a span without a name"


def of_session(session: SessionInfo) -> dict[str, str]:
    """Return the words of a session in a list."""
    return {
        "started": moment_of(session.started_ns),
        "ended": moment_of(session.ended_ns),
        "took": took((session.ended_ns - session.started_ns) / 1e6),
        "tokens": tokens(session.input_tokens, session.output_tokens),
        "cost": cost(session.cost_nanousd),
    }


def _line(trace: TraceInfo, longest: float) -> Line:
    return Line(
        trace=trace,
        href=f"/traces/{trace.trace_id}",
        title=title(trace),
        kind=KIND_WORDS.get(trace.kind, trace.kind),
        state=state(trace),
        started=moment_of(trace.started_ns),
        took=took(trace.duration_ms),
        bar=stretch(0.0, trace.duration_ms, longest),
        tokens=tokens(trace.input_tokens, trace.output_tokens),
        cost=cost(trace.cost_nanousd),
        thumb=THUMBS.get(trace.feedback),
    )
