"""Spans of a trace may come in any order and in any batches: line, tree and lists come out the same."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.principal import LOCAL
from groundwork.telemetry.types import Query, Span, SpanInfo, TraceInfo
from tests.telemetry.conftest import Kept
from tests.telemetry.making import START, span_id, trace_id

_numbers = itertools.count(1)
YEAR = 365 * 86_400 * 10**9

words = st.sampled_from(["", "", "a", "b"])
moments = st.one_of(
    st.integers(0, 20).map(lambda n: START + n * 1000),
    st.sampled_from([0, START - 40 * YEAR, START + 50 * YEAR, (1 << 64) - 1]),
)


@st.composite
def spans(draw: st.DrawFn, n: int) -> Span:
    parent = draw(st.one_of(st.none(), st.integers(0, 9)))
    metered = draw(st.booleans())
    return Span(
        trace_id(0),
        span_id(n),
        f"step {n}",
        draw(moments),
        draw(moments),
        parent_id="" if parent is None else span_id(parent),
        kind=draw(st.sampled_from(["generation", "embedding"] if metered else ["span", "tool", "answer"])),
        status=draw(st.sampled_from(["ok", "error", "unset"])),
        service=draw(words),
        app=draw(words),
        release=draw(words),
        user_id=draw(words),
        session_id=draw(words),
        principal=draw(words),
        answer_id=draw(words),
        model=draw(words),
        input=draw(words),
        output=draw(words),
        input_tokens=draw(st.sampled_from([None, 1, 10])) if metered else None,
        cost_nanousd=draw(st.sampled_from([None, 100])) if metered else None,
        first_token_ms=draw(st.sampled_from([None, 1.5, 2.5])),
        cached=draw(st.booleans()),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Span], list[list[int]]]:
    """Some spans, and the batches in which their places come, some of them twice."""
    n = draw(st.integers(1, 8))
    made = [draw(spans(i)) for i in range(n)]
    order = [*draw(st.permutations(range(n))), *draw(st.lists(st.integers(0, n - 1), max_size=3))]
    batches: list[list[int]] = [[]]
    for place in order:
        another: bool = draw(st.booleans())
        if batches[-1] and another:
            batches.append([])
        batches[-1].append(place)
    return made, batches


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals())
def test_line_tree_and_lists_are_the_same_however_spans_arrive(
    local: Kept, arrival: tuple[list[Span], list[list[int]]]
) -> None:
    made, batches = arrival
    one, other = next(_numbers), next(_numbers)
    tenant = f"t{one}"
    principal = replace(LOCAL, tenant=tenant)
    local.store.add(tenant, [replace(s, trace_id=trace_id(one)) for s in made])
    for batch in batches:
        local.store.add(tenant, [replace(made[i], trace_id=trace_id(other)) for i in batch])
    line, same = (local.reader.trace(principal, trace_id(n)) for n in (one, other))
    assert replace(same, trace_id="") == replace(line, trace_id="")
    trees = [local.reader.tree(principal, trace_id(n)).items for n in (one, other)]
    assert [replace(x, trace_id="") for x in trees[0]] == [replace(x, trace_id="") for x in trees[1]]
    checks_out(made, line, list(trees[0]))
    for query in (
        Query(model="a"),
        Query(kind="tool"),
        Query(status="error"),
        Query(text="a"),
        Query(answer="b"),
    ):
        found = {x.trace_id for x in local.reader.traces(principal, query).items}
        assert found in (set(), {trace_id(one), trace_id(other)}), query


def checks_out(made: list[Span], line: TraceInfo, tree: list[SpanInfo]) -> None:
    """Compare with what the spans say when they are looked at together."""
    stored = [replace(s, started_ns=min(s.started_ns, (1 << 63) - 1)) for s in made]
    first = min(stored, key=lambda s: (bool(s.parent_id), s.started_ns, s.span_id))
    assert line.spans == len(made) == len(tree) == len({x.span_id for x in tree})
    assert line.errors == sum(s.status == "error" for s in made)
    assert (line.name, line.kind, line.status) == (first.name, first.kind, first.status)
    assert line.rootless == all(s.parent_id for s in made)
    assert line.started_ns == min(s.started_ns for s in stored if not s.parent_id or line.rootless)
    assert line.models == tuple(sorted({s.model for s in made if s.model}))
    told = {s.span_id for s in made if s.input_tokens is not None or s.cost_nanousd is not None}
    above = {s.parent_id for s in made if s.span_id in told and s.parent_id != s.span_id}
    counted = [s for s in made if s.span_id in told - above]
    assert line.input_tokens == sum(s.input_tokens or 0 for s in counted)
    assert line.cost_nanousd == sum(s.cost_nanousd or 0 for s in counted)
    ids = {s.span_id for s in made}
    depths: dict[str, int] = {}
    for info in tree:
        tops = info.depth == 0
        assert tops == (not info.parent_id or info.missing_parent)
        assert tops or depths[info.parent_id] == info.depth - 1
        assert info.missing_parent or not tops or not info.parent_id
        assert info.children == sum(s.parent_id == info.span_id for s in made)
        assert info.missing_parent or not info.parent_id or info.parent_id in ids
        depths[info.span_id] = info.depth
