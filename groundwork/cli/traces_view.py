"""How traces, spans, trees and sessions look on a terminal; pure layout."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from groundwork.cli.screen import Screen, count, end_cut, middle_cut, one_line

if TYPE_CHECKING:
    from groundwork.telemetry.retention import Report
    from groundwork.telemetry.types import SavedView, SessionInfo, Span, SpanInfo, TraceInfo

NANO = 1_000_000_000
NAME_WIDTH = 44


def traces(found: Sequence[TraceInfo], more: bool, screen: Screen) -> list[str]:
    """Lay out a list of traces."""
    if not found:
        return ["No trace fits."]
    head = ["trace", "started", "name", "spans", "took", "tokens", "cost", ""]
    rows = [
        [
            t.trace_id[:12],
            short(t.started_ns),
            end_cut(one_line(t.name), NAME_WIDTH),
            f"{t.spans:,}",
            took(t.duration_ms),
            f"{t.input_tokens + t.output_tokens:,}" if t.input_tokens + t.output_tokens else "",
            usd(t.cost_nanousd),
            _marks(t, screen),
        ]
        for t in found
    ]
    lines = screen.table(head, rows, "<<<>>>><", stretch=2)
    return lines + _more(more, screen)


def trace(found: TraceInfo, screen: Screen) -> list[str]:
    """Lay out the line of one trace with everything in it."""
    facts = [
        ("started", when(found.started_ns) + " UTC"),
        ("took", took(found.duration_ms)),
        ("spans", f"{found.spans:,}" + (f", {screen.red(count(found.errors, 'error'))}" if found.errors else "")),
        ("app", found.app), ("release", found.release), ("environment", found.environment), ("service", found.service),
        ("user", found.user_id), ("session", found.session_id), ("principal", found.principal),
        ("models", ", ".join(found.models)),
        ("tokens", f"{found.input_tokens:,} read, {found.output_tokens:,} written" if found.models else ""),
        ("cost", usd(found.cost_nanousd)), ("answer", found.answer_id), ("feedback", found.feedback),
        ("source", found.source), ("input", found.input), ("output", found.output),
    ]  # fmt: skip
    lines = [screen.bold(one_line(found.name)), screen.soft(found.trace_id)]
    for name, value in facts:
        if value:
            lines += screen.paragraph(one_line(value), " " * 13, f"  {name:<11}")
    if found.rootless:
        lines.append(screen.amber("  its root has not come (yet)"))
    return lines


def tree(found: Sequence[SpanInfo], start: int, more: bool, screen: Screen) -> list[str]:
    """Lay out a part of a trace, children below their parents; bars show when each span ran."""
    if not found:
        return ["No span fits."]
    rows = [
        [
            "  " * min(s.depth, 12) + end_cut(one_line(s.name), NAME_WIDTH),
            s.kind,
            took((s.started_ns - start) / 1e6),
            took(s.duration_ms),
            s.model,
            screen.red("error")
            if s.status == "error"
            else screen.amber("no parent")
            if s.missing_parent
            else "",
            screen.soft(s.span_id),
        ]
        for s in found
    ]
    lines = screen.table(["span", "kind", "after", "took", "model", "", "id"], rows, "<<>><<<", stretch=0)
    return lines + _more(more, screen)


def span(found: Span, screen: Screen) -> list[str]:
    """Lay out one span with its attributes and texts."""
    lines = [screen.bold(one_line(found.name)), screen.soft(f"{found.trace_id} {found.span_id}")]
    facts: list[tuple[str, Any]] = [
        ("kind", found.kind), ("status", found.status), ("", found.status_message),
        ("started", when(found.started_ns) + " UTC"), ("took", took(found.duration_ms)), ("model", found.model),
        ("read", found.input_tokens), ("written", found.output_tokens), ("cost", usd(found.cost_nanousd or 0)),
        ("schema", found.schema), ("cut", f"{count(found.cut, 'value')} because of limits" if found.cut else ""),
        *sorted(found.attributes.items()), ("input", found.input), ("output", found.output),
    ]  # fmt: skip
    for name, value in facts:
        if value not in ("", None):
            lines += screen.paragraph(one_line(str(value)), "    ", f"  {screen.soft(one_line(name))} ")
    for event in found.events:
        after = took((event.at_ns - found.started_ns) / 1e6)
        said = " ".join(f"{k}={v}" for k, v in sorted(event.attributes.items()))
        lines += screen.paragraph(one_line(f"event after {after}: {event.name} {said}"), "    ", "  ")
    return lines


def spans(found: Sequence[SpanInfo], more: bool, screen: Screen) -> list[str]:
    """Lay out a list of single spans."""
    if not found:
        return ["No span fits."]
    rows = [
        [
            s.trace_id[:12], s.span_id, short(s.started_ns), end_cut(one_line(s.name), NAME_WIDTH), s.kind,
            took(s.duration_ms), one_line(s.model), screen.red("error") if s.status == "error" else "",
        ]
        for s in found
    ]  # fmt: skip
    head = ["trace", "span", "started", "name", "kind", "took", "model", ""]
    return screen.table(head, rows, "<<<<<><<", stretch=3) + _more(more, screen)


def sessions(found: Sequence[SessionInfo], more: bool, screen: Screen) -> list[str]:
    """Lay out a list of sessions."""
    if not found:
        return ["No session fits."]
    rows = [
        [
            middle_cut(one_line(s.session_id), 32), short(s.ended_ns), f"{s.traces:,}",
            screen.red(str(s.errors)) if s.errors else "", usd(s.cost_nanousd), one_line(s.user_id), one_line(s.input),
        ]
        for s in found
    ]  # fmt: skip
    head = ["session", "last", "traces", "errors", "cost", "user", "begins with"]
    return screen.table(head, rows, "<<>>><<", stretch=6) + _more(more, screen)


def views(found: Sequence[SavedView], screen: Screen) -> list[str]:
    """Lay out saved views."""
    if not found:
        return ["No view is saved yet; the console's lists have a button for it."]
    rows = [[v.id, one_line(v.name), v.page, one_line(v.query), "shared" if v.shared else ""] for v in found]
    return screen.table(["view", "name", "page", "filters", ""], rows, stretch=3)


def kept(report: Report, screen: Screen) -> list[str]:
    """Lay out what the store holds and what was dropped."""
    lines = [
        f"{count(report.traces, 'trace')}, {count(report.spans, 'span')}, {size(report.bytes)} of {size(report.most_bytes)}",
        f"kept for {count(report.days, 'day')} after the last span"
        + (f"; the oldest came {when(report.oldest_ns)} UTC" if report.oldest_ns is not None else ""),
    ]
    for reason, words in (("age", "too old"), ("size", "too many"), ("deleted", "deleted by hand")):
        dropped = report.dropped.get(f"{reason}_traces", 0)
        if dropped:
            lines.append(
                f"{words}: {count(dropped, 'trace')}, {count(report.dropped.get(f'{reason}_spans', 0), 'span')}"
            )
    return lines


def when(moment_ns: int) -> str:
    """Return a moment as `2026-11-28 10:00:01`, or its nanoseconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(moment_ns // NANO, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{moment_ns} ns"


def short(moment_ns: int) -> str:
    """Return a moment of this year without the year, `11-28 10:00:01`, and any other as `when` does."""
    said = when(moment_ns)
    return said[5:] if said[:5] == f"{datetime.now(UTC):%Y-}" else said


def took(ms: float) -> str:
    """Return a duration as people say it."""
    if abs(ms) < 10:
        return f"{ms:.1f} ms"
    if abs(ms) < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    return (
        f"{seconds:.1f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def usd(nano: int) -> str:
    """Return an amount; empty for none."""
    return "" if not nano else f"${nano / NANO:,.6f}".rstrip("0").rstrip(".")


def size(number: int) -> str:
    """Return bytes as people say them."""
    return f"{number / 2**20:,.1f} MiB" if number < 2**30 else f"{number / 2**30:,.2f} GiB"


def _marks(found: TraceInfo, screen: Screen) -> str:
    marks = [screen.red(count(found.errors, "error"))] if found.errors else []
    marks += [screen.teal("cached")] if found.cached else []
    marks += [f"thumb {found.feedback}"] if found.feedback else []
    return " ".join(marks)


def _more(more: bool, screen: Screen) -> list[str]:
    return [screen.soft("there is more; `--limit` shows more at once")] if more else []
