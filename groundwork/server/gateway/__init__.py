"""The gateway's own door: `/v1/…` as plain ASGI beside the framework, because each microsecond is paid on every call."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

from groundwork.server.memory import set_aside

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.metrics import Metrics
    from groundwork.server.gateway.door import Door

PREFIX = "/v1/"


class GatewayDoor:
    """The door of a workspace, built at the first call, so that a server that nobody calls stays small."""

    def __init__(self, workspace: Workspace, hosts: frozenset[str], origins: frozenset[str]) -> None:
        self._workspace = workspace
        self._hosts = hosts
        self._origins = origins
        self._door: Door | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            door = self._door or await self._build()
        except Exception as error:
            # A provider in the spec that cannot be built; it is tried again, since keys may come later.
            from groundwork.server.gateway.door import cannot_open

            await cannot_open(scope, receive, send, error)
            return
        await door(scope, receive, send)

    @property
    def metrics(self) -> Metrics | None:
        """What the gateway has counted, None while nobody has called it."""
        return None if self._door is None else self._door.gateway.metrics

    async def aclose(self) -> None:
        """Let go of the connections that belong to this event loop."""
        if self._door is not None:
            await self._door.gateway.aclose()
            self._door = None

    async def _build(self) -> Door:
        async with self._building:
            if self._door is None:
                # Imports and the look at the spec take a moment, which other requests need not wait for.
                self._door = await asyncio.to_thread(self._make)
            return self._door

    def _make(self) -> Door:
        from groundwork.server.gateway.door import Door

        room, settings = self._workspace.door, self._workspace.settings
        door = Door(
            room.gateway,
            room.keys,
            self._hosts,
            self._origins,
            settings.max_request_mib * 2**20,
            settings.gateway_keys == "auto",
        )
        if gc.get_freeze_count():  # in a server of its own, not in somebody's test
            set_aside()
        return door
