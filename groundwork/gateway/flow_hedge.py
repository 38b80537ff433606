"""Asking a second time when nothing came for a while: the first good answer wins, the other attempt is let go at once.

Off unless a model sets `hedge_after_ms`, because every hedge may be paid twice. Each attempt runs in a task of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from groundwork.core.errors import BudgetExceededError
from groundwork.gateway.failures import Failure
from groundwork.gateway.flow_gather import Opened

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Candidate
    from groundwork.gateway.flow import Flow
    from groundwork.gateway.flow_call import Call, Running

T = TypeVar("T")


async def hedged(flow: Flow, call: Call, running: Running, once: Callable[[Running], Awaitable[T]]) -> T:
    """Return what the first good one of two attempts returned.

    Raises:
        Failure: both failed, or the first one did before a second was begun; the last failure.
    """
    assert call.plan.hedge_after_ms is not None
    loop = asyncio.get_running_loop()
    racing: set[asyncio.Task[T]] = {loop.create_task(_awaited(once, running))}
    try:
        done, _ = await asyncio.wait(racing, timeout=call.plan.hedge_after_ms / 1000)
        if not done and (second := await _second(flow, call, running.candidate)) is not None:
            racing.add(loop.create_task(_awaited(once, second)))
        return await _first_good(racing)
    finally:
        await _let_go(flow, call, racing)


async def _second(flow: Flow, call: Call, first: Candidate) -> Running | None:
    """Begin the second attempt, at the next candidate that is ready or at the same one; None without the money for it."""
    now = flow.clock.monotonic()
    others = [c for c in call.order if c is not first and flow.breakers.of(c.key).ready(now)]
    try:
        return await flow.begin(call, others[0] if others else first, "hedge")
    except BudgetExceededError:
        return None


async def _first_good(racing: set[asyncio.Task[T]]) -> T:
    failure: Failure | None = None
    while racing:
        done, _ = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            racing.discard(task)
            error = task.exception()
            if error is None:
                return task.result()
            if not isinstance(error, Failure):
                raise error
            failure = error
    assert failure is not None
    raise failure


async def _let_go(flow: Flow, call: Call, racing: set[asyncio.Task[T]]) -> None:
    """Cancel who lost and wait until its connection is closed, so that its end is in the books before the call settles."""
    for task in racing:
        task.cancel()
    if not racing:
        return
    for ended in await asyncio.gather(*racing, return_exceptions=True):
        if isinstance(ended, Opened):
            await flow.abandon(call, ended)


async def _awaited(once: Callable[[Running], Awaitable[T]], running: Running) -> T:
    return await once(running)
