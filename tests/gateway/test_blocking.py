"""The gateway from threads: whole, streamed, cut off, closed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundwork.core.errors import ModelNotFoundError, UnavailableError, UpstreamError
from groundwork.gateway.blocking import BlockingGateway
from groundwork.gateway.types import Caller, EmbedRequest
from groundwork.testing.timing import Stopwatch
from tests.gateway.flows import chat, lab, scripted

SLOW = {"text": "word " * 400, "chunk_delay_ms": 20}


def test_threads_call_one_gateway_at_the_same_time() -> None:
    with lab(providers={"s": scripted(hi={"text": "{input}", "delay_ms": 200})}) as it:
        gateway = BlockingGateway(it.gateway)
        try:
            with ThreadPoolExecutor(8) as threads, Stopwatch() as took:
                said = list(
                    threads.map(lambda n: gateway.complete(chat("s/hi", str(n)), Caller()).text, range(8))
                )
            assert said == [str(n) for n in range(8)]
            assert took.seconds < 8 * 0.2
            assert len(gateway.embed(EmbedRequest("s/hi", ("a",)), Caller()).vectors) == 1
            assert "s/hi" in [m.id for m in gateway.models(Caller())]
            assert gateway.count_tokens(chat("s/hi"), Caller()) > 0
        finally:
            gateway.close()
        assert all(c["state"] == "done" for c in it.calls())


def test_a_stream_is_iterated_in_a_thread() -> None:
    with lab(providers={"s": scripted(hi={"text": "one two", "usage": [3, 2]})}) as it:
        gateway = BlockingGateway(it.gateway)
        with gateway.stream(chat("s/hi", stream=True), Caller()) as stream:
            assert stream.meta.provider == "s"
            assert "".join(e.text for e in stream if e.kind == "text") == "one two"
            assert stream.completion is not None
            assert stream.completion.meta.cost_usd > 0
        gateway.close()


def test_an_error_before_the_first_event_and_one_after_it_are_raised_where_they_happen() -> None:
    with lab(providers={"s": scripted(cut={"text": "one two", "fail": "reset", "fail_after": 1})}) as it:
        gateway = BlockingGateway(it.gateway)
        with pytest.raises(ModelNotFoundError), gateway.stream(chat("nobody/x", stream=True), Caller()):
            pass
        with gateway.stream(chat("s/cut", stream=True), Caller()) as stream:
            events = iter(stream)
            assert next(events).text == "one "
            with pytest.raises(UpstreamError):
                next(events)
        gateway.close()
        assert [c["state"] for c in it.calls()] == ["failed", "incomplete"]


def test_leaving_a_stream_early_cancels_the_call() -> None:
    with lab(providers={"s": scripted(slow=SLOW)}) as it:
        gateway = BlockingGateway(it.gateway)
        with gateway.stream(chat("s/slow", stream=True), Caller()) as stream:
            next(iter(stream))
        assert it.calls()[0]["state"] == "cancelled"
        gateway.close()


def test_closing_ends_what_runs_and_settles_it() -> None:
    with lab(providers={"s": scripted(slow={"text": "x", "delay_ms": 20_000})}) as it:
        gateway = BlockingGateway(it.gateway)
        caught: list[BaseException] = []

        def call() -> None:
            try:
                gateway.complete(chat("s/slow"), Caller())
            except BaseException as error:
                caught.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        while not it.calls():
            time.sleep(0.01)
        gateway.close()
        thread.join(5)
        assert not thread.is_alive()
        assert isinstance(caught[0], UnavailableError)
        assert it.calls()[0]["state"] == "cancelled"
        assert not [t for t in threading.enumerate() if t.name == "gateway"]


def test_it_serves_again_after_it_was_closed() -> None:
    with lab(providers={"s": scripted(hi="x")}) as it:
        gateway = BlockingGateway(it.gateway)
        for _ in range(2):
            assert gateway.complete(chat("s/hi"), Caller()).text == "x"
            gateway.close()
