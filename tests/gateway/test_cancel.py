"""Clients that leave: the provider's request ends at once, the call is settled as cancelled, nothing is left running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from groundwork.gateway.types import Caller, Completion, Event
from tests.gateway.flows import Puppet, chat, drain, lab, scripted


class Slow(Puppet):
    """Never answers, and notes whether its connection was closed."""

    closed = False
    waits = False

    async def complete(self, *_: Any) -> Completion:
        try:
            self.waits = True
            await asyncio.sleep(60)
        finally:
            self.closed = True
        raise AssertionError

    async def stream(self, *_: Any) -> AsyncIterator[Event]:
        try:
            for word in ("one ", "two ", "three "):
                yield Event("text", word)
            self.waits = True
            await asyncio.sleep(60)
        finally:
            self.closed = True


async def _cancelled_when(waits: Callable[[], bool], work: Any) -> float:
    """Cancel the work when it waits; return how many seconds its end took."""
    task = asyncio.create_task(work)
    while not waits():
        await asyncio.sleep(0.005)
    began = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return asyncio.get_running_loop().time() - began


def test_a_cancelled_call_lets_the_provider_go_at_once_and_is_settled() -> None:
    slow = Slow()
    with lab(extra={"p": slow}) as it:
        assert it.run(_cancelled_when(lambda: slow.waits, it.gateway.complete(chat("p/m"), Caller()))) < 0.5
        assert slow.closed
        [call], [attempt] = it.calls(), it.attempts()
        assert it.gateway.metrics.in_flight == 0
    assert (call["state"], attempt["state"]) == ("cancelled", "cancelled")
    assert call["input_tokens"] > 0
    assert call["estimated"]


def test_a_reader_that_is_cancelled_ends_the_stream() -> None:
    slow = Slow()
    with lab(extra={"p": slow}) as it:

        async def read() -> None:
            async with await it.gateway.open_stream(chat("p/m", stream=True), Caller()) as stream:
                await drain(stream)

        it.run(_cancelled_when(lambda: slow.waits, read()))
        assert slow.closed
        [call], [attempt] = it.calls(), it.attempts()
    assert (call["state"], attempt["state"]) == ("cancelled", "cancelled")
    assert call["output_tokens"] > 0
    assert attempt["first_token_ms"] is not None


def test_a_stream_that_is_closed_early_ends_the_call() -> None:
    slow = Slow()
    with lab(extra={"p": slow}) as it:

        async def read() -> None:
            stream = await it.gateway.open_stream(chat("p/m", stream=True), Caller())
            assert (await anext(stream)).text == "one "
            await stream.aclose()
            await stream.aclose()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

        it.run(read())
        assert slow.closed
        assert [c["state"] for c in it.calls()] == ["cancelled"]


def test_a_stream_can_be_closed_while_another_task_reads_it() -> None:
    slow = Slow()
    with lab(extra={"p": slow}) as it:

        async def read() -> list[str]:
            stream = await it.gateway.open_stream(chat("p/m", stream=True), Caller())

            async def reader() -> list[str]:
                return [event.text async for event in stream]

            task = asyncio.create_task(reader())
            while not slow.waits:
                await asyncio.sleep(0.005)
            await stream.aclose()
            return await asyncio.wait_for(task, 1)

        assert it.run(read()) == ["one ", "two ", "three "]
        assert slow.closed
        assert [c["state"] for c in it.calls()] == ["cancelled"]


def test_a_client_that_leaves_while_its_stream_is_opened_is_settled_too() -> None:
    async def never(*_: Any) -> AsyncIterator[Event]:
        await asyncio.sleep(60)
        yield Event("text", "x")

    puppet = Puppet(play=never)
    with lab(extra={"p": puppet}) as it:
        opening = it.gateway.open_stream(chat("p/m", stream=True), Caller())
        it.run(_cancelled_when(lambda: bool(puppet.seen), opening))
        assert [c["state"] for c in it.calls()] == ["cancelled"]
        assert [a["state"] for a in it.attempts()] == ["cancelled"]


@pytest.mark.parametrize("turns", range(12))
def test_a_call_cancelled_at_any_moment_leaves_no_open_row(turns: int) -> None:
    puppet = Puppet()
    with lab(extra={"p": puppet}) as it:

        async def hurried() -> None:
            task = asyncio.create_task(it.gateway.complete(chat("p/m"), Caller()))
            for _ in range(turns):
                await asyncio.sleep(0.0005 * (turns % 3))
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0.1)

        it.run(hurried())
        assert all(c["state"] in ("cancelled", "done") for c in it.calls())
        assert all(a["state"] in ("cancelled", "done") for a in it.attempts())
        assert it.gateway.metrics.in_flight == 0


def test_a_client_that_leaves_between_two_attempts_is_settled() -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(60)

    with lab(providers={"s": scripted(bad={"fail": "reset"})}, sleep=wait) as it:
        it.run(_cancelled_when(lambda: bool(waited), it.gateway.complete(chat("s/bad"), Caller())))
        assert [c["state"] for c in it.calls()] == ["cancelled"]
        assert [a["state"] for a in it.attempts()] == ["failed"]
