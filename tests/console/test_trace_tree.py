"""Rows of a trace: where spans lie, what was waited for, what a span did itself; and how two trees are set in line."""

from __future__ import annotations

from groundwork.server.console import trace_compare, trace_tree, trace_words
from groundwork.telemetry.types import SpanInfo, TraceInfo

MS = 1_000_000
BASE = 1_790_000_000 * 10**9


def span(
    name: str, start: float, lasts: float, parent: str = "", depth: int = 0, children: int = 0, **more: object
) -> SpanInfo:
    kind = more.pop("kind", "span")
    return SpanInfo(
        "t" * 32, name, parent, name, kind, more.pop("status", "ok"), BASE + int(start * MS), lasts, depth=depth,  # type: ignore[arg-type]
        children=children, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def trace(**more: object) -> TraceInfo:
    given = {"duration_ms": 100.0, "status": "ok", "spans": 5, "errors": 0, **more}
    return TraceInfo("t" * 32, "root", "answer", BASE, **given)  # type: ignore[arg-type]


TREE = [
    span("root", 0, 100, children=3),
    span("search", 0, 40, "root", 1),
    span("beside", 5, 10, "root", 1),
    span("model", 40, 55, "root", 1, children=1),
    span("try", 45, 50, "model", 2),
]


def test_rows_lie_where_they_were_in_time() -> None:
    rows = trace_tree.rows(TREE, trace_tree.scale_of(trace(), TREE), whole=True)
    assert [(r.bar.left, r.bar.wide) for r in rows] == [(0, 100), (0, 40), (5, 10), (40, 55), (45, 50)]
    assert [r.indent for r in rows] == [0, 1, 1, 1, 2]
    assert rows[3].said == "began after 40 ms, took 55 ms, 5 ms of it by itself; the trace waited for it"


def test_the_critical_path_leaves_out_what_ran_beside() -> None:
    assert trace_tree.critical_path(TREE) == {"root", "search", "model", "try"}


def test_a_span_that_outlived_its_parent_was_not_waited_for() -> None:
    tree = [
        span("root", 0, 50, children=2),
        span("fire and forget", 10, 400, "root", 1),
        span("work", 0, 49, "root", 1),
    ]
    assert trace_tree.critical_path(tree) == {"root", "work"}


def test_own_time_counts_what_no_child_covers_once() -> None:
    children = [span("a", 10, 30), span("b", 20, 40), span("c", 90, 100)]
    assert trace_tree.own_ms(span("root", 0, 100), children) == 40


def test_clocks_that_are_years_off_do_not_squeeze_the_rest() -> None:
    far = span("years ago", -3e11, 5, "root", 1)
    scale = trace_tree.scale_of(trace(), [*TREE, far])
    assert scale.length_ms == 100
    assert 0 <= scale.place(far).left <= 100


def test_a_whole_trace_that_ends_late_makes_the_scale_longer() -> None:
    scale = trace_tree.scale_of(trace(), [*TREE, span("late", 90, 110, "root", 1)])
    assert scale.length_ms == 200
    assert scale.marks == ("0", "50 ms", "100 ms", "150 ms", "200 ms")


def test_durations_are_said_with_the_digits_that_count() -> None:
    said = [
        trace_words.took(v) for v in (0, 0.42, 12.4, 999, 1421, 9999, 12_345, 61_000, 200_000, 7_500_000, 1e9)
    ]
    assert said == [
        "0 ms", "0.42 ms", "12 ms", "999 ms", "1.42 s", "10.0 s", "12.3 s", "61.0 s", "3 min 20 s", "2 h 5 min", "11 days",
    ]  # fmt: skip
    assert trace_words.moment_of(10**30).endswith("ns")


def test_outcomes_are_words() -> None:
    assert trace_words.state(trace()) == ("good", "ok")
    assert trace_words.state(trace(errors=2)) == ("warn", "2 spans failed")
    assert trace_words.state(trace(status="error", errors=1)) == ("bad", "failed")
    assert trace_words.state(trace(rootless=True))[1] == "root not here yet"


def test_spans_of_two_traces_are_set_in_line() -> None:
    left = [
        span("root", 0, 100),
        span("search", 0, 40, "root", 1),
        span("gpt", 40, 50, "root", 1, kind="generation"),
    ]
    right = [
        span("root", 0, 100), span("search", 0, 41, "root", 1), span("rerank", 41, 5, "root", 1, kind="rerank"),
        span("claude", 46, 80, "root", 1, kind="generation", status="error"),
    ]  # fmt: skip
    found = trace_compare.aligned(left, right)
    names = [(p.left.name if p.left else "", p.right.name if p.right else "") for p in found]
    assert names == [("root", "root"), ("search", "search"), ("", "rerank"), ("gpt", "claude")]
    assert [p.differs for p in found[:3]] == [frozenset(), frozenset(), frozenset({"alone"})]
    assert found[3].differs == {"name", "status", "time"}
