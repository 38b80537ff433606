"""Trees of any size and shape: in order, paged, searched, with what no tree should hold."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL
from groundwork.telemetry import trees
from groundwork.telemetry.types import Span, SpanInfo
from tests.telemetry.conftest import Kept
from tests.telemetry.making import START, span, span_id, trace_id


def numbers(items: tuple[SpanInfo, ...] | list[SpanInfo]) -> list[int]:
    return [int(x.span_id, 16) - 1 for x in items]


def whole(kept: Kept, limit: int = 1000, **more: object) -> list[SpanInfo]:
    found: list[SpanInfo] = []
    offset: int | None = 0
    while offset is not None:
        page = kept.reader.tree(LOCAL, trace_id(1), offset=offset, limit=limit, **more)  # type: ignore[arg-type]
        found += page.items
        offset = int(page.next) if page.next else None
    return found


def test_children_follow_their_parents_by_start_with_depth_and_count(kept: Kept) -> None:
    kept.store.add("default", [span(1, 3, 0), span(1, 2, 1), span(1, 1, 0), span(1, 0), span(1, 4, 3)])
    found = whole(kept)
    assert numbers(found) == [0, 1, 2, 3, 4]
    assert [(x.depth, x.children) for x in found] == [(0, 2), (1, 1), (2, 0), (1, 1), (2, 0)]


def test_a_span_without_its_parent_stands_after_the_roots_and_says_so(kept: Kept) -> None:
    kept.store.add("default", [span(1, 1, 9, started_ns=START), span(1, 2, 1), span(1, 5)])
    found = whole(kept)
    assert numbers(found) == [5, 1, 2]
    assert [(x.depth, x.missing_parent) for x in found] == [(0, False), (0, True), (1, False)]
    kept.store.add("default", [span(1, 9, 5)])
    assert [(x.depth, x.missing_parent) for x in whole(kept)] == [
        (0, False),
        (1, False),
        (2, False),
        (3, False),
    ]


def test_a_parent_that_is_no_id_is_a_missing_one(kept: Kept) -> None:
    odd = [
        replace(span(1, n), parent_id=p)
        for n, p in enumerate(("x" * 16, "12", "0" * 16, "\x00\ud800", "é" * 16))
    ]
    kept.store.add("default", [*odd, span(1, 9)])
    found = whole(kept)
    assert numbers(found) == [9, 0, 1, 2, 3, 4]
    assert all(x.missing_parent and x.depth == 0 for x in found[1:])


def test_circles_of_parents_are_shown_once(kept: Kept) -> None:
    circle = [span(1, 1, 3), span(1, 2, 1), span(1, 3, 2), span(1, 4, 4), span(1, 5, 3), span(1, 0)]
    kept.store.add("default", circle)
    found = whole(kept)
    assert sorted(numbers(found)) == [0, 1, 2, 3, 4, 5]
    assert numbers(found)[0] == 0
    assert [x.missing_parent for x in found if x.depth == 0] == [False, True, True]


def test_pages_of_any_size_show_every_span_once_in_the_same_order(kept: Kept) -> None:
    rng = random.Random(7)
    spans = [
        span(1, n, rng.randrange(n) if n and rng.random() < 0.95 else rng.choice([None, 500]))
        for n in range(300)
    ]
    rng.shuffle(spans)
    for start in range(0, 300, 40):
        kept.store.add("default", spans[start : start + 40])
    at_once = numbers(whole(kept))
    assert len(set(at_once)) == 300
    for limit in (1, 7, 299, 300):
        assert numbers(whole(kept, limit)) == at_once


def test_the_first_page_of_a_large_trace_is_the_beginning_of_the_whole(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(3)
    shapes: list[list[Span]] = [
        [
            span(1, n, rng.randrange(n) if n else None, started_ns=START + rng.randrange(9))
            for n in range(120)
        ],
        [span(1, n, n - 1 if n else None) for n in range(120)],
        [span(1, n, 0 if n else None) for n in range(120)],
        [span(1, n, n if n % 9 == 1 else 500 if n % 7 == 0 else None) for n in range(120)],
    ]
    for shape in shapes:
        rng.shuffle(shape)
        kept.store.add("default", shape)
        monkeypatch.setattr(trees, "LARGE", 10_000)
        expected = whole(kept)
        monkeypatch.setattr(trees, "LARGE", 10)
        for limit in (1, 10, 50, 119, 120, 200):
            kept.reader._trees = None
            page = kept.reader.tree(LOCAL, trace_id(1), limit=limit)
            assert list(page.items) == expected[:limit]
            assert (page.next is not None) == (limit < 120)
        from groundwork.telemetry.deletion import Deletions

        Deletions(kept.store).traces(LOCAL, [trace_id(1)])


def test_a_part_below_a_span_is_paged_for_itself(kept: Kept) -> None:
    kept.store.add(
        "default", [span(1, 0), span(1, 1, 0), span(1, 2, 1), span(1, 3, 2), span(1, 4, 1), span(1, 5, 0)]
    )
    assert numbers(whole(kept, parent=span_id(1))) == [2, 3, 4]
    assert numbers(whole(kept, limit=1, parent=span_id(1))) == [2, 3, 4]
    assert whole(kept, parent=span_id(5)) == []
    with pytest.raises(NotFoundError):
        whole(kept, parent=span_id(77))


def test_a_trace_is_searched_by_words_and_errors_in_the_order_of_the_tree(kept: Kept) -> None:
    kept.store.add(
        "default",
        [
            span(1, n, 0 if n else None, input="needle in hay" if n % 10 == 3 else "hay",
                 status="error" if n % 20 == 3 else "ok")
            for n in range(60)
        ],
    )  # fmt: skip
    kept.store.add("default", [span(2, 3, input="needle elsewhere")])
    assert numbers(whole(kept, contains="needl")) == [3, 13, 23, 33, 43, 53]
    assert numbers(whole(kept, limit=2, contains="NEEDLE hay")) == [3, 13, 23, 33, 43, 53]
    assert numbers(whole(kept, errors=True)) == [3, 23, 43]
    assert numbers(whole(kept, errors=True, contains="needle", parent=span_id(0))) == [3, 23, 43]
    assert whole(kept, contains="nothing") == []
    with pytest.raises(InvalidInputError):
        whole(kept, contains="...")


def test_what_arrives_later_is_in_the_next_page_that_is_asked_for(kept: Kept) -> None:
    kept.store.add("default", [span(1, n, 0 if n else None) for n in range(5)])
    assert len(whole(kept)) == 5
    kept.store.add("default", [span(1, 9, 2)])
    assert numbers(whole(kept)) == [0, 1, 2, 9, 3, 4]


def test_a_chain_ten_thousand_deep_is_a_tree_too(local: Kept) -> None:
    local.store.add("default", [span(1, n, n - 1 if n else None) for n in range(10_000)])
    page = local.reader.tree(LOCAL, trace_id(1), offset=9_900, limit=200)
    assert [x.depth for x in page.items] == list(range(9_900, 10_000))
    assert page.next is None
