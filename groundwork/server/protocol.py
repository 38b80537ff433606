"""HTTP as uvicorn speaks it, with fewer writes and with short ways through it for whoever knows of them.

The head of an answer and its body go out in one write: half the calls into the kernel. The scope of a request holds a
`Direct` as its extension `groundwork.direct`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

DIRECT = "groundwork.direct"

GATHERED = 64 * 1024
"""Bytes after which a write goes out at once, so that a client who does not read is noticed."""


class OneWrite:
    """A transport that gathers what is written within one step of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Write later in this step, together with what else is written."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > GATHERED:
            self._flush()

    def write_now(self, data: bytes) -> None:
        """Write at once, after what was gathered; nothing is written to a connection that is closed."""
        self._flush()
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Write what was gathered, then close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what was gathered is dropped."""
        self._parts.clear()
        self._transport.abort()

    def _flush(self) -> None:
        parts = self._parts
        if not parts:
            return
        self._parts = []
        self._size = 0
        if self._transport.is_closing():  # the client left within this step; uvloop would raise
            return
        self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol over a transport that gathers writes."""

    watched: Direct | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, OneWrite(transport, self.loop)))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.cycle is not None:
            cast(Any, self.cycle.scope).pop("extensions", None)  # which leads back to here
        watched, self.watched = self.watched, None
        if watched is not None and watched.left is not None:
            watched.left()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cast(Any, cycle.scope)["extensions"] = {DIRECT: Direct(self, cycle)}
        super()._start_asgi_task(cycle, app)


class Direct:
    """Does at once what a message through ASGI does in several steps, for the request that is being served."""

    __slots__ = ("_cycle_of", "_protocol", "left")

    def __init__(self, protocol: Protocol, cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle_of = ref(cycle)  # which holds this, and lives as long as its request is served
        self.left: Callable[[], object] | None = None

    @property
    def _cycle(self) -> RequestResponseCycle:
        cycle = self._cycle_of()
        assert cycle is not None
        return cycle

    def body(self) -> bytes | None:
        """Return the body where all of it is there and was not received, else None."""
        cycle = self._cycle
        if cycle.more_body or cycle.waiting_for_100_continue or cycle.disconnected or cycle.response_complete:
            return None
        whole = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.message_event.clear()
        return whole

    def watch(self, left: Callable[[], object] | None) -> bool:
        """Have `left` called when the client closes the connection, or nobody any more; False where it is closed already."""
        if left is not None and self._cycle.disconnected:
            return False
        self.left = left
        self._protocol.watched = None if left is None else self
        return True

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write a whole answer, whose headers name its length; False, with nothing done, where it must go the usual way."""
        cycle = self._cycle
        if cycle.response_started or cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        every = (
            [*cycle.default_headers, *headers] if cycle.keep_alive else [*headers, (b"connection", b"close")]
        )
        head = b"".join([b"%b: %b\r\n" % header for header in every])
        if head.count(b"\n") != len(every) or head.count(b"\r") != len(every) or b"\0" in head:
            return False  # refused there
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        if cycle.disconnected:
            return True
        transport = cast(OneWrite, cycle.transport)
        transport.write_now(b"%b%b\r\n%b" % (STATUS_LINE[status], head, body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            transport.close()
        cycle.on_response()
        return True
