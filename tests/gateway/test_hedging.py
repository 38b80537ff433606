"""Hedging: a second attempt after a while of silence; the first good one wins and the other is let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from groundwork.core.errors import UpstreamError
from groundwork.gateway.types import Caller, Completion, Event, Usage
from tests.gateway.flows import Puppet, chat, lab, scripted


def _spec(hedge: float | None = 40, **scripts: Any) -> dict[str, Any]:
    first, *others = scripts
    model: dict[str, Any] = {
        "routes": [{"model": f"s/{first}"}],
        "fallbacks": [f"s/{o}" for o in others],
        "attempts": 1,
    }
    if hedge is not None:
        model["hedge_after_ms"] = hedge
    return {"providers": {"s": scripted(**scripts)}, "models": {"m": model}}


def _rows(it: Any) -> list[tuple[str, str, str]]:
    return [(a["reason"], a["model"], a["state"]) for a in it.attempts()]


@pytest.mark.parametrize("stream", [False, True])
def test_a_slow_first_attempt_is_overtaken_by_the_next_candidate(stream: bool) -> None:
    with lab(**_spec(slow={"text": "late", "delay_ms": 5000}, quick="soon")) as it:
        completion = it.stream(chat("m", stream=True))[1] if stream else it.complete(chat("m"))
        assert (completion.text, completion.meta.model, completion.meta.attempts) == ("soon", "quick", 2)
        assert _rows(it) == [("first", "slow", "cancelled"), ("hedge", "quick", "done")]
        assert it.calls()[0]["state"] == "done"
        assert it.attempts()[0]["cost_nanousd"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_the_first_attempt_wins_where_it_answers_first(stream: bool) -> None:
    plays = {"slow": {"text": "first", "delay_ms": 400}, "slower": {"text": "second", "delay_ms": 5000}}
    with lab(**_spec(**plays)) as it:
        completion = it.stream(chat("m", stream=True))[1] if stream else it.complete(chat("m"))
        assert completion.text == "first"
        assert _rows(it) == [("first", "slow", "done"), ("hedge", "slower", "cancelled")]


def test_a_model_without_fallbacks_is_asked_twice() -> None:
    waits = iter([5.0, 0.0])

    async def act(*_: Any) -> Completion:
        await asyncio.sleep(next(waits))
        return Completion("second", usage=Usage(1, 1))

    values: dict[str, Any] = {"models": {"m": {"routes": [{"model": "p/m"}], "hedge_after_ms": 30}}}
    with lab(**values, extra={"p": Puppet(act)}) as it:
        assert it.complete(chat("m")).text == "second"
        assert [a["reason"] for a in it.attempts()] == ["first", "hedge"]


def test_nothing_is_asked_twice_where_the_answer_is_quick_or_hedging_is_off() -> None:
    with lab(**_spec(hedge=3000, quick="soon", other="x")) as it:
        it.complete(chat("m"))
        assert len(it.attempts()) == 1
    with lab(**_spec(hedge=None, slow={"text": "late", "delay_ms": 400}, other="x")) as it:
        assert it.complete(chat("m")).text == "late"
        assert len(it.attempts()) == 1


def test_one_that_fails_leaves_the_other_running() -> None:
    plays = {"slow": {"text": "late", "delay_ms": 400}, "bad": {"fail": "server_error"}}
    with lab(**_spec(**plays)) as it:
        assert it.complete(chat("m")).text == "late"
        assert _rows(it) == [("first", "slow", "done"), ("hedge", "bad", "failed")]


def test_when_both_fail_the_call_goes_on_as_after_any_failure() -> None:
    plays = {"slow": {"fail": "reset", "delay_ms": 300}, "bad": {"fail": "server_error"}}
    with lab(**_spec(**plays)) as it:
        with pytest.raises(UpstreamError):
            it.complete(chat("m"))
        assert [a["state"] for a in it.attempts()] == ["failed"] * 3
        assert [a["reason"] for a in it.attempts()] == ["first", "hedge", "fallback"]


def test_a_hedge_that_the_budget_does_not_allow_is_left_out() -> None:
    plays = {"slow": {"text": "late", "delay_ms": 400}, "quick": "soon"}
    with lab(**_spec(**plays), settings={"budget_day_usd": 0.0022}) as it:
        assert it.complete(chat("m")).text == "late"
        assert len(it.attempts()) == 1


def test_a_client_that_leaves_ends_both() -> None:
    closed = []

    async def play(*_: Any) -> AsyncIterator[Event]:
        try:
            await asyncio.sleep(60)
            yield Event("text", "x")
        finally:
            closed.append(True)

    values: dict[str, Any] = {"models": {"m": {"routes": [{"model": "p/m"}], "hedge_after_ms": 20}}}
    puppet = Puppet(play=play)
    with lab(**values, extra={"p": puppet}) as it:

        async def leave() -> None:
            task = asyncio.create_task(it.gateway.open_stream(chat("m", stream=True), Caller()))
            while len(puppet.seen) < 2:
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.wait([task])

        it.run(leave())
        assert closed == [True, True]
        assert [a["state"] for a in it.attempts()] == ["cancelled", "cancelled"]
        assert it.calls()[0]["state"] == "cancelled"


def test_two_streams_that_begin_in_the_same_moment_leave_one() -> None:
    async def play(*_: Any) -> AsyncIterator[Event]:
        await gate.wait()
        yield Event("text", "x")
        yield Event("finish", finish="stop")

    values: dict[str, Any] = {"models": {"m": {"routes": [{"model": "p/m"}], "hedge_after_ms": 20}}}
    puppet = Puppet(play=play)
    with lab(**values, extra={"p": puppet}) as it:

        async def read() -> str:
            task = asyncio.create_task(it.gateway.open_stream(chat("m", stream=True), Caller()))
            while len(puppet.seen) < 2:
                await asyncio.sleep(0.005)
            gate.set()
            async with await task as stream:
                return "".join([e.text async for e in stream])

        gate = asyncio.Event()
        assert it.run(read()) == "x"
        assert sorted(a["state"] for a in it.attempts()) == ["cancelled", "done"]
