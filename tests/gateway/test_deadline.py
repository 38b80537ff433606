"""One deadline over many waits."""

from __future__ import annotations

import asyncio

import pytest

from groundwork.gateway.deadline import Deadline, Within


def test_what_waits_when_the_time_is_over_is_interrupted_and_later_entries_too() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        deadline = Deadline(0.1)
        for _ in range(3):
            with deadline:
                await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError), deadline:
            await asyncio.sleep(10)
        took = loop.time() - began
        with pytest.raises(TimeoutError), deadline:
            raise AssertionError
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return took

    assert 0.09 <= asyncio.run(work()) < 1.0


def test_nothing_is_interrupted_outside_of_it_or_after_its_end() -> None:
    async def work() -> None:
        over, ended = Deadline(0.01), Deadline(0.01)
        with ended:
            await asyncio.sleep(0)
        ended.end()
        await asyncio.sleep(0.05)
        with ended:
            await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError), over:
            pass

    asyncio.run(work())


def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def work() -> None:
        deadline = Deadline(60)

        async def inner() -> None:
            with deadline:
                await asyncio.sleep(60)

        task = asyncio.create_task(inner())
        await asyncio.sleep(0.01)
        deadline.expire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not deadline.waits

    asyncio.run(work())


def test_a_block_has_its_time_and_leaves_no_timer() -> None:
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        with Within(60):
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), Within(0.01):
            await asyncio.sleep(10)
        with pytest.raises(TimeoutError), Within(0):
            raise AssertionError
        # One inside the other, both over in the same step.
        with pytest.raises(TimeoutError), Within(0.01), Within(0.01):
            await asyncio.sleep(10)
        assert task.cancelling() == 0
        with pytest.raises(KeyError), Within(0.01):
            raise KeyError
        await asyncio.sleep(0.03)

    asyncio.run(work())
