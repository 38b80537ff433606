"""What a program sees of itself: spans that nest, values within limits, and nothing that breaks or slows it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork import LOCAL, Client, Workspace, observe
from groundwork.sdk.capture import captured
from groundwork.sdk.sender import MOST_WAITING, Sender
from groundwork.sdk.span import OpenSpan
from groundwork.telemetry.types import Query, Span
from tests.telemetry.exporting.sink import names_in, served
from tests.workspaces import light_workspace


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    workspace = light_workspace(tmp_path)
    observe.to(workspace, service="program", environment="test", release="1.2")
    yield workspace
    observe.configure(enabled=False)
    workspace.close()


def spans(house: Workspace) -> dict[str, Span]:
    assert observe.flush(10)
    found = house.telemetry.reader.spans(LOCAL, Query(), limit=100).items
    return {s.name: house.telemetry.reader.span(LOCAL, s.trace_id, s.span_id) for s in found}


def test_calls_nest_and_tell_arguments_results_and_what_was_said_of_them(house: Workspace) -> None:
    @observe(name="search", kind="retrieval")
    async def search(question: str, k: int = 3) -> list[str]:
        return ["Five days."]

    @observe(name="answer")
    async def answer(question: str) -> str:
        observe.update(user="ann", session="s-1", attributes={"step": 1})
        await search(question)
        observe.update(
            model="small", provider="openai", usage={"prompt_tokens": 4, "completion_tokens": 2}, cost_usd=0.5
        )
        return "At nine."

    assert asyncio.run(answer("When?")) == "At nine."
    made = spans(house)
    outer, inner = made["answer"], made["search"]
    assert (inner.parent_id, inner.trace_id, inner.kind) == (outer.span_id, outer.trace_id, "retrieval")
    assert (outer.input, outer.output) == ("When?", "At nine.")
    assert json.loads(inner.input) == "When?" if inner.input.startswith('"') else inner.input == "When?"
    assert json.loads(inner.output) == ["Five days."]
    assert (outer.user_id, outer.session_id, inner.session_id) == ("ann", "s-1", "s-1")
    assert (outer.model, outer.input_tokens, outer.output_tokens, outer.cost_nanousd) == (
        "small",
        4,
        2,
        500_000_000,
    )
    assert (outer.service, outer.environment, outer.release, outer.attributes["step"]) == (
        "program",
        "test",
        "1.2",
        1,
    )


def test_an_exception_goes_on_and_is_told(house: Workspace) -> None:
    @observe(name="fails")
    def fails() -> None:
        raise ValueError("no such day")

    with pytest.raises(ValueError, match="no such day"):
        fails()
    span = spans(house)["fails"]
    assert (span.status, span.status_message) == ("error", "ValueError: no such day")
    assert "in fails" in span.events[0].attributes["exception.stacktrace"]


def test_generators_are_one_span_and_their_reader_is_not_inside(house: Workspace) -> None:
    @observe(name="inner")
    def inner() -> None:
        return None

    @observe(name="pieces", kind="generation")
    def pieces(n: int) -> Iterator[str]:
        for _ in range(n):
            inner()
            got = yield "ab"
            assert got in (None, "hello")

    @observe(name="streams")
    async def streams() -> AsyncIterator[int]:
        try:
            for n in range(10):
                yield n
        finally:
            inner()

    generator = pieces(3)
    next(generator)
    assert observe.current is None
    generator.send("hello")
    assert list(generator) == ["ab"]

    async def some() -> None:
        stream = streams()
        async for n in stream:
            if n == 1:
                break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(some())
    made = spans(house)
    assert made["pieces"].output == "ababab"
    assert made["pieces"].first_token_ms is not None
    assert made["streams"].output == "[0, 1]"
    assert made["streams"].status == "unset"
    assert made["inner"].parent_id in (made["pieces"].span_id, made["streams"].span_id)


def test_a_block_is_a_span_and_another_service_can_go_on_from_it(house: Workspace) -> None:
    with observe.span("rank", kind="rerank", candidates=20) as span:
        assert observe.headers() == {"traceparent": f"00-{span.trace_id}-{span.span_id}-01"}
    assert observe.headers() == {}
    observe.update(user="nobody")  # outside of a span nothing happens
    made = spans(house)["rank"]
    assert (made.kind, made.attributes["candidates"]) == ("rerank", 20)


def test_names_signatures_and_results_stay_what_they_were(house: Workspace) -> None:
    @observe
    def documented(a: int, *, b: int = 2) -> int:
        """It adds."""
        return a + b

    assert (documented.__name__, documented.__doc__, documented(1, b=3)) == ("documented", "It adds.", 4)


def test_values_are_captured_within_limits_and_never_raise() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    loop: list[Any] = []
    loop.append(loop)
    assert captured(Odd()) == "<Odd>"
    assert len(json.dumps(captured({"a": ["x" * 10**6] * 500, "b": loop}))) < 80_000
    assert captured({1: float("nan"), "b": b"123", "n": 2**70}) == {
        "1": "nan",
        "b": "<3 bytes>",
        "n": str(2**70),
    }
    assert captured(list(range(200)))[-1] == "… 100 more"


def test_a_server_that_is_away_costs_the_program_nothing_but_the_spans() -> None:
    client = Client("http://127.0.0.1:9", service="x")

    @client.observe
    def work() -> int:
        return 1

    assert [work() for _ in range(50)] == [1] * 50
    client._sender.flush(0.01)
    client.close()
    counts = client.counters()
    assert counts["sent"] == 0
    assert counts["dropped"] + counts["waiting"] >= 0
    with pytest.raises(ValueError, match="no address"):
        Client("ftp://x")


def test_a_queue_that_is_full_drops_and_counts() -> None:
    held = threading.Event()

    def post(body: bytes) -> int:
        held.wait(10)
        return 200

    sender = Sender(post, {})
    for n in range(MOST_WAITING + 600):
        span = OpenSpan(f"s{n}", "span", None, {})
        span.end()
        sender.put(span)
    assert sender.counters()["dropped"] > 0
    held.set()
    assert sender.flush(20)
    counts = sender.counters()
    assert counts["sent"] + counts["dropped"] == MOST_WAITING + 600


def test_what_the_server_refuses_is_dropped_and_what_it_cannot_take_now_comes_again() -> None:
    answers = [503, 413, 200, 200, 400]
    got: list[int] = []

    def handle(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        status = answers.pop(0)
        if status == 200:
            got.append(len(names_in(body)))
        return status, {}, b""

    with served(handle) as url:
        client = Client(url, api_key="gw_x")
        for n in range(4):
            with client.span(f"s{n}"):
                pass
        assert client.flush(10)
        with client.span("refused"):
            pass
        assert client.flush(10)
        client.close()
    assert got == [2, 2]
    assert client.counters() == {"sent": 4, "dropped": 1, "failed_requests": 3, "waiting": 0}


def test_spans_are_sent_at_the_end_of_a_program_with_the_key_of_its_environment() -> None:
    seen: list[tuple[str, list[str]]] = []

    def handle(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        seen.append((headers.get("authorization", ""), names_in(body)))
        return 200, {}, b"{}"

    code = "from groundwork import observe\n@observe\ndef work(): return 1\nwork()\n"
    with served(handle) as url:
        told = {**os.environ, "GROUNDWORK_URL": url, "GROUNDWORK_API_KEY": "gw_abc"}
        subprocess.run([sys.executable, "-c", code], check=True, env=told, timeout=60)
        begun = time.monotonic()
        quiet = {**told, "GROUNDWORK_TRACING": "off"}
        subprocess.run([sys.executable, "-c", code], check=True, env=quiet, timeout=60)
        assert time.monotonic() - begun < 30
    assert seen == [("Bearer gw_abc", ["work"])]


def test_the_sdk_imports_nothing_beyond_the_standard_library() -> None:
    code = (
        "import sys; from groundwork import observe, Client; import groundwork.openai, groundwork.anthropic;"
        "heavy = ('pydantic', 'sqlalchemy', 'openai', 'aiohttp', 'opentelemetry');"
        "bad = [m for m in sys.modules if m.split('.')[0] in heavy];"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
