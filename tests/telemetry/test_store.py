"""The span store: told after the commit, each span once, bounded, and its own state of a span replaced."""

from __future__ import annotations

import asyncio
import resource
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundwork.core.errors import BusyError, NotFoundError, StorageFullError
from groundwork.core.principal import LOCAL
from groundwork.telemetry import store as store_module
from groundwork.telemetry.rows import DOCUMENTS
from groundwork.telemetry.types import Added, Query, Span, SpanEvent, SpanLink
from tests.telemetry.conftest import Kept
from tests.telemetry.making import START, generation, span, span_id, trace_id


def test_everything_of_a_span_is_read_back_as_it_was_handed_in(kept: Kept) -> None:
    told = Span(
        trace_id(1), span_id(1), "chat ünï \x00 \U0001f600", START, START + 5_000_001, parent_id=span_id(0),
        kind="generation", status="error",
        status_message="no \uf8fe", service="shop", scope="lib 1.2", app="a", release="r1",
        environment="prod", user_id="ann", principal="key:k", session_id="s1", provider="p", model="m-1", input_tokens=0,
        output_tokens=7, cached_tokens=0, cost_nanousd=12, first_token_ms=0.0, cached=True, answer_id="ans_1",
        call_id="call_1", job_id="job_1", key_id="key_1", prompt="qa@12ab", snapshot="default@34cd", input="in \x00 \uf8fe",
        output="out", attributes={"n": 1, "x": [1.5, None, True, {"y": "é\x00"}]}, original={"llm.x": "é"},
        resource={"service.name": "shop", "host": "h"}, events=(SpanEvent("e", START, {"k": "v"}),),
        links=(SpanLink(trace_id(2), span_id(2), {"l": 1}),), schema="gen_ai", source="otlp", cut=3,
    )  # fmt: skip
    assert kept.store.add("default", [told]) == Added(1, 0)
    assert kept.reader.span(LOCAL, trace_id(1), span_id(1)) == told


def test_what_is_no_character_is_replaced_so_that_every_reader_can_take_it(kept: Kept) -> None:
    kept.store.add(
        "default", [span(1, 0, name="a\ud800b", input="\udfff", attributes={"k\ud800": ["é\ud801"]})]
    )
    found = kept.reader.span(LOCAL, trace_id(1), span_id(0))
    assert (found.name, found.input) == ("a\ufffdb", "\ufffd")
    assert found.attributes == {"k\ufffd": ["é\ufffd"]}


def test_a_span_that_comes_again_changes_nothing(kept: Kept) -> None:
    first = generation(1, 0)
    assert kept.store.add("default", [first, first]) == Added(1, 1)
    assert kept.store.add("default", [span(1, 0, name="another", input="other"), span(1, 1, 0)]) == Added(
        1, 1
    )
    assert kept.reader.span(LOCAL, trace_id(1), span_id(0)) == first
    line = kept.reader.trace(LOCAL, trace_id(1))
    assert (line.spans, line.input_tokens, line.name) == (2, 100, "step 0")
    assert kept.store.counters()["duplicates"] == 2


def test_a_newer_state_of_our_own_span_replaces_the_earlier_one(kept: Kept) -> None:
    running = generation(1, 0, source="groundwork", name="running", input="early words")
    done = generation(
        1, 0, source="groundwork", name="done", status="error", input="late words", cost_nanousd=7
    )
    kept.store.add("default", [running, span(1, 1, 0, source="groundwork")])
    assert kept.store.add("default", [done]) == Added(1, 0)
    assert kept.store.add("default", [done]) == Added(0, 1)
    line = kept.reader.trace(LOCAL, trace_id(1))
    assert (line.name, line.errors, line.spans, line.cost_nanousd, line.input_tokens) == (
        "done",
        1,
        2,
        7,
        100,
    )
    assert kept.reader.traces(LOCAL, Query(text="early")).items == ()
    assert kept.reader.traces(LOCAL, Query(name="running")).items == ()
    assert len(kept.reader.traces(LOCAL, Query(text="late")).items) == 1
    foreign = span(1, 1, 0, source="otlp", name="foreign")
    assert kept.store.add("default", [foreign]) == Added(0, 1)
    assert kept.store.counters()["replaced"] == 1


def test_the_same_ids_in_two_tenants_are_two_traces(kept: Kept) -> None:
    kept.store.add("default", [span(1, 0, name="mine")])
    kept.store.add("other", [span(1, 0, name="theirs")])
    assert kept.reader.trace(LOCAL, trace_id(1)).name == "mine"


def test_ids_that_are_no_hexadecimal_digits_are_refused_and_counted(kept: Kept) -> None:
    bad = [
        Span("x" * 32, span_id(1), "a", 1, 2),
        Span(trace_id(1), "1" * 15, "a", 1, 2),
        Span(trace_id(1)[:-1], span_id(1), "a", 1, 2),
        Span(trace_id(1) + "\n", span_id(1), "a", 1, 2),
    ]
    assert kept.store.add("default", [*bad, span(2, 0)]) == Added(1, 0)
    assert kept.store.counters()["refused"] == 4


def test_threads_that_store_at_once_all_find_their_spans(kept: Kept) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(
                lambda t: kept.store.add("default", [span(t % 3, n + 100 * t) for n in range(20)]), range(24)
            )
        )
    assert sum(x.stored for x in outcomes) == 480
    assert sum(line.spans for line in kept.reader.traces(LOCAL, Query()).items) == 480


def test_an_event_loop_stores_without_waiting_in_it(kept: Kept) -> None:
    async def go() -> list[Added]:
        return await asyncio.gather(
            *(kept.store.add_async("default", [span(t, n) for n in range(1 + t)]) for t in range(20))
        )

    assert sum(x.stored for x in asyncio.run(go())) == 210
    assert kept.reader.count(LOCAL, Query()) == 20


def test_many_more_spans_than_one_transaction_takes_are_stored_in_several(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "TOGETHER", 7)
    assert kept.store.add("default", [span(1, n, 0 if n else None) for n in range(50)]) == Added(50, 0)
    assert kept.reader.trace(LOCAL, trace_id(1)).spans == 50


def test_a_full_queue_turns_spans_away_says_when_to_come_again_and_counts(
    local: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "WAITING_SPANS", 10)
    local.store.add("default", [span(0, 0)])
    stand_still = threading.Event()
    started = threading.Event()

    def hold(cursor: object) -> None:
        started.set()
        stand_still.wait(30)

    held = local.store.writer.submit(hold)
    started.wait(30)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(local.store.add, "default", [span(1, n) for n in range(8)])
        while local.store.counters()["waiting"] < 8:
            pass
        with pytest.raises(BusyError) as caught:
            local.store.add("default", [span(2, n) for n in range(5)])
        stand_still.set()
        assert waiting.result(30) == Added(8, 0)
    held.result(30)
    assert caught.value.details["retry_after_s"] > 0
    assert caught.value.retryable
    assert local.store.counters()["busy"] == 5
    assert local.store.add("default", [span(2, n) for n in range(5)]) == Added(5, 0)


def test_a_full_disk_refuses_keeps_what_was_there_and_goes_on_when_there_is_space(local: Kept) -> None:
    local.store.add("default", [span(1, 0)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    large = [span(2, n, input=f"{n} " + "word " * 5000) for n in range(100)]
    try:
        with pytest.raises(StorageFullError):
            local.store.add("default", large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert local.reader.trace(LOCAL, trace_id(1)).spans == 1
    with pytest.raises(NotFoundError):
        local.reader.trace(LOCAL, trace_id(2))
    assert local.store.add("default", large).stored == 100


def test_an_operation_that_fails_takes_nobody_with_it(kept: Kept) -> None:
    kept.store.add("default", [span(0, 0)])
    go = threading.Event()
    first = kept.store.writer.submit(lambda cursor: go.wait(30))

    def broken(cursor: object) -> None:
        raise ZeroDivisionError

    failing = kept.store.writer.submit(broken)
    with ThreadPoolExecutor(1) as pool:
        good = pool.submit(kept.store.add, "default", [span(1, 0)])
        go.set()
        assert good.result(30) == Added(1, 0)
    assert first.result(30)
    with pytest.raises(ZeroDivisionError):
        failing.result(30)


def test_spans_beyond_the_limit_of_a_trace_are_refused_and_counted(kept: Kept) -> None:
    object.__setattr__(kept.store.limits, "spans_per_trace", 3)
    assert kept.store.add("default", [span(1, 0)]) == Added(1, 0)
    assert kept.store.add("default", [span(1, n, 0) for n in range(1, 6)]) == Added(2, 0)
    assert kept.store.counters()["refused"] == 3


def test_a_thumb_is_put_on_the_line_of_its_trace(kept: Kept) -> None:
    assert kept.store.mark("default", trace_id(1), feedback="up") is False
    kept.store.add("default", [span(1, 0), span(2, 0)])
    assert kept.store.mark("default", trace_id(1), feedback="up") is True
    kept.store.add("default", [span(1, 1, 0)])
    assert kept.reader.trace(LOCAL, trace_id(1)).feedback == "up"
    assert [x.trace_id for x in kept.reader.traces(LOCAL, Query(feedback="up")).items] == [trace_id(1)]
    assert [x.trace_id for x in kept.reader.traces(LOCAL, Query(feedback="none")).items] == [trace_id(2)]


def test_numbers_grow_with_commits_and_spans_come_out_in_that_order(kept: Kept) -> None:
    for n in range(5):
        kept.store.add("default", [span(n, 0), span(n, 1, 0)])
        kept.store.add("other", [span(n, 0)])
    found = kept.reader.raw("default", 0, 100)
    assert [x.trace_id for _, x in found] == [trace_id(n) for n in range(5) for _ in range(2)]
    assert [seq for seq, _ in found] == sorted({seq for seq, _ in found})
    assert kept.reader.raw("default", found[3][0], 2) == found[4:6]
    assert kept.reader.tenants() == ["default", "other"]


def test_equal_resources_are_stored_once(kept: Kept) -> None:
    kept.store.add("default", [span(1, n, resource={"service.name": "shop"}) for n in range(50)])
    with kept.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM resources").scalar() == 1
    assert kept.reader.span(LOCAL, trace_id(1), span_id(7)).resource == {"service.name": "shop"}


def test_documents_that_a_span_shows_are_noted(kept: Kept) -> None:
    kept.store.add("default", [span(1, 0, attributes={DOCUMENTS: ["doc_1", "doc_2", "doc_1"]})])
    with kept.database.read() as connection:
        rows = (
            connection.exec_driver_sql("SELECT document_id FROM span_documents ORDER BY document_id")
            .scalars()
            .all()
        )
    assert rows == ["doc_1", "doc_2"]
