"""Lists and searches: every filter, every order, every page once, and nobody else's traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.telemetry import filters
from groundwork.telemetry.types import Order, Page, Query, Span
from groundwork.telemetry.walking import ORDERS
from tests.telemetry.conftest import Kept
from tests.telemetry.making import START, generation, span, span_id, trace_id

ANN = Principal(name="user:ann")
BOB = Principal(name="user:bob")
OTHER = replace(LOCAL, tenant="other")
SECOND = 10**9


def traces(kept: Kept, query: Query | None = None, who: Principal = LOCAL, **more: Any) -> list[int]:
    """The numbers of the traces found, all pages of two."""
    found: list[int] = []
    page: Page[Any] = kept.reader.traces(who, query or Query(), limit=2, **more)
    while True:
        found += [int(x.trace_id[:8], 16) for x in page.items]
        if page.next is None:
            return found
        page = kept.reader.traces(who, query or Query(), limit=2, cursor=page.next, **more)


def spans(kept: Kept, query: Query | None = None, who: Principal = LOCAL) -> list[tuple[int, int]]:
    """`(trace, span)` of the spans found, all pages of three."""
    found: list[tuple[int, int]] = []
    page: Page[Any] = kept.reader.spans(who, query or Query(), limit=3)
    while True:
        found += [(int(x.trace_id[:8], 16), int(x.span_id, 16) - 1) for x in page.items]
        if page.next is None:
            return found
        page = kept.reader.spans(who, query or Query(), limit=3, cursor=page.next)


def fill(kept: Kept) -> None:
    kept.store.add(
        "default",
        [
            span(1, 0, app="shop", release="r1", environment="prod", service="web", user_id="ann", session_id="s1",
                 principal="user:ann", kind="answer", name="ask", input="When does the gate open?", output="At nine."),
            generation(1, 1, 0, service="llm", prompt="qa@1", key_id="key_1", answer_id="ans_1"),
            span(2, 0, app="shop", user_id="ann", session_id="s1", principal="user:ann", status="error",
                 ended_ns=START + 9 * SECOND),
            span(3, 0, app="desk", user_id="bob", session_id="s2", principal="user:bob", output="Gates are green"),
            generation(3, 1, 0, model="large", input_tokens=900, cost_nanousd=2 * SECOND, snapshot="default@2"),
            span(4, 0, source="sdk", name="job"),
        ],
    )  # fmt: skip
    kept.store.add("other", [span(9, 0, app="shop", user_id="ann", principal="user:ann", input="the gate")])
    kept.store.mark("default", trace_id(3), feedback="down")


FILTERS: list[tuple[Query, list[int], list[tuple[int, int]]]] = [
    (Query(), [4, 3, 2, 1], [(4, 0), (3, 1), (3, 0), (2, 0), (1, 1), (1, 0)]),
    (Query(app="shop"), [2, 1], [(2, 0), (1, 1), (1, 0)]),
    (Query(release="r1"), [1], [(1, 1), (1, 0)]),
    (Query(environment="prod"), [1], [(1, 1), (1, 0)]),
    (Query(service="llm"), [1], [(1, 1)]),
    (Query(user="ann"), [2, 1], [(2, 0), (1, 1), (1, 0)]),
    (Query(session="s2"), [3], [(3, 1), (3, 0)]),
    (Query(model="large"), [3], [(3, 1)]),
    (Query(kind="generation"), [3, 1], [(3, 1), (1, 1)]),
    (Query(name="ask"), [1], [(1, 0)]),
    (Query(status="error"), [2], [(2, 0)]),
    (Query(status="unset"), [4, 3, 1], [(4, 0), (3, 1), (3, 0), (1, 1), (1, 0)]),
    (Query(source="sdk"), [4], [(4, 0)]),
    (Query(answer="ans_1"), [1], [(1, 1), (1, 0)]),
    (Query(key="key_1"), [1], [(1, 1)]),
    (Query(prompt="qa@1"), [1], [(1, 1)]),
    (Query(snapshot="default@2"), [3], [(3, 1)]),
    (Query(feedback="down"), [3], [(3, 1), (3, 0)]),
    (Query(feedback="any"), [3], [(3, 1), (3, 0)]),
    (Query(feedback="none"), [4, 2, 1], [(4, 0), (2, 0), (1, 1), (1, 0)]),
    (Query(text="GATE open"), [1], [(1, 0)]),
    (Query(text="gat"), [3, 1], [(3, 0), (1, 0)]),
    (Query(text="gate nothing"), [], []),
    (Query(min_ms=1000), [2], [(2, 0)]),
    (Query(max_ms=1000), [4, 3, 1], [(4, 0), (3, 1), (3, 0), (1, 1), (1, 0)]),
    (Query(min_usd=1.5), [3], [(3, 1)]),
    (Query(min_tokens=500), [3], [(3, 1)]),
    (Query(since_ns=START + 3 * SECOND), [4, 3], [(4, 0), (3, 1), (3, 0)]),
    (Query(until_ns=START + 2 * SECOND), [1], [(1, 1), (1, 0)]),
    (Query(app="shop", status="error"), [2], [(2, 0)]),
    (Query(app="shop", model="large"), [], []),
    (Query(kind="generation", model="small", text="open"), [1], []),
    (Query(user="ann", text="gate"), [1], [(1, 0)]),
]  # fmt: skip


@pytest.mark.parametrize("few", [filters.FEW, 0], ids=["from the few", "from the newest"])
def test_every_filter_finds_what_fits_and_pages_show_each_once(
    kept: Kept, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.telemetry.walking.FEW", few)
    fill(kept)
    for query, in_traces, in_spans in FILTERS:
        assert traces(kept, query) == in_traces, query
        assert spans(kept, query) == in_spans, query
        assert kept.reader.count(LOCAL, query) == len(in_traces), query
        for order in ORDERS:
            assert sorted(traces(kept, query, order=order)) == sorted(in_traces), (query, order)


def test_orders_put_the_slowest_dearest_and_most_talkative_first(kept: Kept) -> None:
    fill(kept)
    first: dict[Order, list[int]] = {
        "newest": [4, 3, 2, 1], "slowest": [2, 4, 3, 1], "dearest": [3, 1, 4, 2], "most_tokens": [3, 1, 4, 2],
    }  # fmt: skip
    for order, expected in first.items():
        assert traces(kept, order=order) == expected


def test_traces_of_one_moment_are_paged_without_loss(kept: Kept) -> None:
    kept.store.add("default", [span(n, 0, started_ns=START) for n in range(9)])
    assert sorted(traces(kept)) == list(range(9))
    assert sorted(spans(kept)) == [(n, 0) for n in range(9)]


def test_what_arrives_while_pages_are_turned_moves_nothing(kept: Kept) -> None:
    kept.store.add("default", [span(n, 0) for n in range(1, 6)])
    page = kept.reader.traces(LOCAL, Query(), limit=2)
    kept.store.add("default", [span(n, 0) for n in range(6, 9)])
    rest = kept.reader.traces(LOCAL, Query(), limit=50, cursor=page.next)
    assert [x.trace_id for x in rest.items] == [trace_id(n) for n in (3, 2, 1)]


ASK: list[Callable[[Kept, Principal], object]] = [
    lambda k, p: k.reader.trace(p, trace_id(1)),
    lambda k, p: k.reader.trace(p, trace_id(1)[:8]),
    lambda k, p: k.reader.tree(p, trace_id(1)),
    lambda k, p: k.reader.span(p, trace_id(1), span_id(0)),
    lambda k, p: k.reader.session(p, "s1"),
]


def test_nobody_sees_traces_of_another_tenant_or_of_somebody_else(kept: Kept) -> None:
    fill(kept)
    stranger = Principal(tenant="third", name="user:ann", owner=True)
    for ask in ASK:
        ask(kept, LOCAL)
        ask(kept, ANN)
        for who in (BOB, OTHER, stranger, Principal(name="")):
            with pytest.raises(NotFoundError):
                ask(kept, who)
    assert traces(kept, who=ANN) == [2, 1]
    assert spans(kept, who=BOB) == [(3, 1), (3, 0)]
    assert traces(kept, who=Principal(name="")) == []
    assert traces(kept, Query(text="gate"), who=OTHER) == [9]
    assert traces(kept, Query(text="gate open"), who=BOB) == []
    assert kept.reader.by_answer(LOCAL, "ans_1") == trace_id(1)
    assert kept.reader.by_answer(BOB, "ans_1") is None
    assert kept.reader.by_answer(OTHER, "ans_1") is None
    assert kept.reader.sessions(BOB, Query()).items[0].session_id == "s2"
    assert len(kept.reader.sessions(BOB, Query()).items) == 1
    assert kept.reader.facets(BOB, Query())["app"] == [("desk", 1)]
    assert kept.reader.sessions(OTHER, Query()).items == ()


def test_a_trace_that_two_principals_sent_spans_of_is_shown_to_neither(kept: Kept) -> None:
    kept.store.add("default", [span(1, 0, principal="user:ann", input="mine alone")])
    kept.store.add("default", [span(1, 1, principal="user:bob", started_ns=START - SECOND)])
    for who in (ANN, BOB):
        assert traces(kept, who=who) == []
    assert traces(kept) == [1]


def test_the_beginning_of_an_id_is_enough_when_it_is_the_only_one(kept: Kept) -> None:
    fill(kept)
    kept.store.add(
        "default",
        [
            replace(span(1, 0), trace_id="abcdef" + "0" * 26),
            replace(span(1, 0), trace_id="abcdef" + "1" * 26),
        ],
    )
    assert kept.reader.trace(LOCAL, trace_id(1)[:8]).trace_id == trace_id(1)
    for unclear in ("abcdef", "12345", "nothing", "", "a" * 33, "%", "zzzzzz"):
        with pytest.raises(NotFoundError):
            kept.reader.trace(LOCAL, unclear)
    assert kept.reader.trace(LOCAL, "ABCDEF1").trace_id.startswith("abcdef1")


def test_sessions_add_up_their_traces_and_the_newest_comes_first(kept: Kept) -> None:
    fill(kept)
    first, second = kept.reader.sessions(LOCAL, Query()).items
    assert (first.session_id, first.traces, first.cost_nanousd) == ("s2", 1, 2 * SECOND)
    assert (second.session_id, second.traces, second.errors, second.user_id, second.app) == (
        "s1",
        2,
        1,
        "ann",
        "shop",
    )
    assert second.input == "When does the gate open?"
    assert [x.trace_id for x in kept.reader.session(LOCAL, "s1")] == [trace_id(1), trace_id(2)]
    page = kept.reader.sessions(LOCAL, Query(), limit=1)
    assert kept.reader.sessions(LOCAL, Query(), limit=1, cursor=page.next).items == (second,)
    assert [x.session_id for x in kept.reader.sessions(LOCAL, Query(status="error")).items] == ["s1"]
    assert [x.session_id for x in kept.reader.sessions(LOCAL, Query(model="large")).items] == ["s2"]
    assert [x.session_id for x in kept.reader.sessions(LOCAL, Query(text="gate", session="s1")).items] == [
        "s1"
    ]


def test_facets_count_the_values_among_what_was_found(kept: Kept) -> None:
    fill(kept)
    found = kept.reader.facets(LOCAL, Query(app="shop"))
    assert found["app"] == [("shop", 2)]
    assert found["user"] == [("ann", 2)]
    assert found["model"] == [("small", 1)]
    assert found["kind"] == [("answer", 1), ("generation", 1), ("span", 1)]
    assert found["status"] == [("error", 1), ("unset", 1)]
    assert "feedback" not in found


def test_words_are_compared_without_case_and_accents_and_the_last_may_be_a_beginning(kept: Kept) -> None:
    kept.store.add(
        "default",
        [span(1, 0, input="Öffnet das Café um NEUN? naïve_words x2"), span(2, 0, output="日本語 テスト")],
    )
    for text in ("cafe", "CAFÉ neun", "offn", "naive", "words", "x2", "um caf", "neun?!"):
        assert traces(kept, Query(text=text)) == [1], text
    assert traces(kept, Query(text="日本")) == [2]
    assert traces(kept, Query(text="caf neun")) == []
    for text in ('"', "* -", "()", "☃"):
        with pytest.raises(InvalidInputError):
            traces(kept, Query(text=text))
    for text in ('cafe" OR "x', "neun*", "NEAR(cafe neun)", "words:cafe", "a' | 'b", "cafe & neun:*", "\\"):
        if any(c.isalnum() for c in text):
            traces(kept, Query(text=text))


def test_hostile_questions_are_answered_or_refused_by_name(kept: Kept) -> None:
    fill(kept)
    for cursor in ("x", "W10", "bnVsbA", "W1sidHJhY2VzL25ld2VzdCIsMSwxXQ", "é", "[" * 5000):
        with pytest.raises(InvalidInputError):
            kept.reader.traces(LOCAL, Query(), cursor=cursor)
    of_slowest = kept.reader.traces(LOCAL, Query(), order="slowest", limit=1).next
    with pytest.raises(InvalidInputError):
        kept.reader.traces(LOCAL, Query(), cursor=of_slowest)
    with pytest.raises(InvalidInputError):
        kept.reader.spans(LOCAL, Query(), cursor=of_slowest)
    for limit in (0, -1, 1001):
        with pytest.raises(InvalidInputError):
            kept.reader.traces(LOCAL, Query(), limit=limit)
    with pytest.raises(InvalidInputError):
        kept.reader.traces(LOCAL, Query(), order="by name")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        kept.reader.traces(LOCAL, Query(min_ms=float("nan")))
    extremes = Query(
        since_ns=-(10**30), until_ns=10**30, min_ms=-1e300, max_ms=1e300, max_usd=float("inf"), min_tokens=-5
    )
    assert traces(kept, extremes) == [4, 3, 2, 1]
    for word in ("'; DROP TABLE spans; --", "\x00", "\ud800", "x" * 100_000):
        assert traces(kept, Query(app=word)) == []
        assert traces(kept, Query(name=word)) == []
    assert traces(kept, Query(user="\x00")) == []


def test_answers_of_several_spans_are_one_trace(kept: Kept) -> None:
    made: list[Span] = [span(1, n, answer_id="ans_7") for n in range(3)]
    kept.store.add("default", made)
    assert traces(kept, Query(answer="ans_7")) == [1]
    assert len(spans(kept, Query(answer="ans_7"))) == 3
