"""The tree of a trace as rows with a timeline: where each span lies, and which ones the trace waited for. Pure.

The critical path is found backwards from the end: of a span's children the one that ended last is what it waited for, before
that one the child that ended last before it began, and so on; the same within each of them. A span's own time is what no
child covers. Source: Yang and Miller, Critical Path Analysis for the Execution of Parallel and Distributed Programs (1988),
in the form that Jaeger's critical path uses for spans.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundwork.server.console import trace_words as words
from groundwork.server.console.plots import Stretch, stretch
from groundwork.telemetry.types import SpanInfo, TraceInfo

MOST_FOR_PATH = 1_000
"""A critical path is looked for only where the whole trace is at hand, and that is up to this many spans."""
DEEPEST = 16
"""Rows are indented up to here; deeper ones stay there and say how deep they are."""


@dataclass(frozen=True)
class Row:
    """One span in the tree.

    Attributes:
        bar: its place in the trace's time, in percent. own: its own time in words, empty where not all children are at hand.
        critical: the trace waited for it.
        indent: steps to the right.
    """

    span: SpanInfo
    title: str
    kind: str
    failed: bool
    took: str
    bar: Stretch
    indent: int
    critical: bool
    own: str
    said: str


@dataclass(frozen=True)
class Scale:
    """The time of a trace: its start in nanoseconds, its length in milliseconds, and four marks on the way."""

    start_ns: int
    length_ms: float

    @property
    def marks(self) -> tuple[str, ...]:
        return ("0", *(words.took(self.length_ms * n / 4) for n in (1, 2, 3, 4)))

    def place(self, span: SpanInfo) -> Stretch:
        """Return where a span lies; one outside, from a clock that is wrong, lies at the edge."""
        return stretch((span.started_ns - self.start_ns) / 1e6, span.duration_ms, self.length_ms)


def scale_of(trace: TraceInfo, spans: Sequence[SpanInfo] = ()) -> Scale:
    """Return the scale of a trace; spans that are known to end later, or to begin a little earlier, make it longer."""
    start, length = trace.started_ns, max(trace.duration_ms, 0.001)
    near = [s for s in spans if abs(s.started_ns - start) / 1e6 <= 10 * length + 1000]
    begin = min((s.started_ns for s in near), default=start)
    begin = min(begin, start)
    last = max((_end(s) for s in near), default=start)
    return Scale(begin, max(length + (start - begin) / 1e6, (last - begin) / 1e6))


def rows(spans: Sequence[SpanInfo], scale: Scale, *, whole: bool = False, top: int = 0) -> list[Row]:
    """Return spans in display order as rows.

    Args:
        spans: in display order, with `depth`.
        whole: they are the whole trace, so that what it waited for can be found.
        top: the depth that is not indented.
    """
    children = _children(spans)
    waited = critical_path(spans) if whole and len(spans) <= MOST_FOR_PATH else frozenset()
    return [_row(s, scale, children, s.span_id in waited, top) for s in spans]


def own_ms(span: SpanInfo, children: Sequence[SpanInfo]) -> float:
    """Return the time of a span that no child covers, in milliseconds."""
    start, end = span.started_ns, span.started_ns + int(span.duration_ms * 1e6)
    covered, reached = 0, start
    for child in sorted(children, key=lambda c: c.started_ns):
        low = max(child.started_ns, reached)
        high = min(child.started_ns + int(child.duration_ms * 1e6), end)
        if high > low:
            covered += high - low
            reached = high
    return max(0.0, (end - start - covered) / 1e6)


def critical_path(spans: Sequence[SpanInfo]) -> frozenset[str]:
    """Return the ids of the spans that a trace waited for, from each of its roots down."""
    children = _children(spans)
    found: set[str] = set()
    waiting = [(s, _end(s)) for s in spans if s.depth == 0]
    while waiting:
        span, until = waiting.pop()
        if span.span_id in found:
            continue
        found.add(span.span_id)
        for child in sorted(children.get(span.span_id, ()), key=_end, reverse=True):
            # One that goes on after the span it belongs to was not waited for.
            if child.started_ns < until and _end(child) <= until + 1_000_000 and child.duration_ms > 0:
                waiting.append((child, _end(child)))
                until = child.started_ns
    return frozenset(found)


def _row(
    span: SpanInfo, scale: Scale, children: Mapping[str, list[SpanInfo]], critical: bool, top: int
) -> Row:
    inside = children.get(span.span_id, [])
    known = span.children > 0 and len(inside) == span.children
    bar, time = scale.place(span), words.took(span.duration_ms)
    after = (span.started_ns - scale.start_ns) / 1e6
    own = words.took(own_ms(span, inside)) if known else ""
    said = f"began after {words.took(after)}, took {time}"
    if own:
        said += f", {own} of it by itself"
    if critical:
        said += "; the trace waited for it"
    return Row(
        span=span,
        title=span.name.strip() or "a span without a name",
        kind=words.KIND_WORDS.get(span.kind, span.kind),
        failed=span.status == "error",
        took=time,
        bar=bar,
        indent=min(max(0, span.depth - top), DEEPEST),
        critical=critical,
        own=own,
        said=said,
    )


def _children(spans: Sequence[SpanInfo]) -> dict[str, list[SpanInfo]]:
    found: dict[str, list[SpanInfo]] = defaultdict(list)
    for span in spans:
        if span.depth > 0:
            found[span.parent_id].append(span)
    return found


def _end(span: SpanInfo) -> int:
    return span.started_ns + int(span.duration_ms * 1e6)
