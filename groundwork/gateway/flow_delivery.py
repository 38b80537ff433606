"""A second delivery of one idempotency key waits for the first, whose completion it then finds in the cache."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from groundwork.core.errors import UpstreamTimeoutError

if TYPE_CHECKING:
    from groundwork.gateway.flow_call import Call


class Delivery:
    """Holds the place of a call with an idempotency key while it is served; without one it does nothing."""

    __slots__ = ("_delivering", "_key", "_until")

    def __init__(self, delivering: dict[str, asyncio.Event], call: Call) -> None:
        self._delivering = delivering
        self._until = call.deadline_s
        self._key = ""
        if call.cache_key and call.caller.idempotency_key:
            # Events belong to a loop; tenants are told apart at admission only, so the key stands for who shows it.
            who = call.caller.key or call.caller.key_id or call.caller.tenant
            self._key = f"{id(asyncio.get_running_loop())}:{who}:{call.cache_key}"

    async def __aenter__(self) -> None:
        if not self._key:
            return
        try:
            async with asyncio.timeout(self._until):
                while (first := self._delivering.get(self._key)) is not None:
                    await first.wait()
        except TimeoutError:
            raise UpstreamTimeoutError(
                "an earlier call with this idempotency key is still being served",
                hint="ask again later, with the same key",
            ) from None
        self._delivering[self._key] = asyncio.Event()

    async def __aexit__(self, *_: object) -> None:
        if self._key:
            self._delivering.pop(self._key).set()
