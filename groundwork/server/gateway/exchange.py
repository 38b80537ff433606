"""One HTTP exchange at the gateway's door: its headers, its body within limits, who calls, and how it is answered."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.gateway import wire
from groundwork.gateway.types import Caller

if TYPE_CHECKING:
    from groundwork.server.protocol import Direct

Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DRAIN_BYTES = 64 * 2**20
"""A body over the limit is read and dropped up to here, so that the client gets the answer and not a broken pipe."""
BODY_SECONDS = 60.0
STALL_SECONDS = 60.0
"""How long a client may take nothing of a stream before it counts as gone."""
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$")
_NONE: Mapping[str, Any] = {}
_BASE: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


class ClientLeft(Exception):
    """The client closed the connection; nobody reads an answer."""


class Exchange:
    """One request and its answer. Not for reuse."""

    __slots__ = ("_direct", "_headers", "_receive", "_send", "call_id", "client", "method", "path", "started")

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send, call_id: str) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.client: str = scope["client"][0] if scope.get("client") else ""
        self.call_id = call_id
        self.started = False
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._direct: Direct | None = scope.get("extensions", _NONE).get("groundwork.direct")
        self._receive = receive
        self._send = send

    def header(self, name: bytes) -> str:
        """Return a header, empty when it is absent; `name` in small letters."""
        value = self._headers.get(name)
        return "" if value is None else value.decode("latin-1")

    @property
    def is_local(self) -> bool:
        """Whether the client is on this machine."""
        return _is_loopback(self.client)

    def key(self) -> str | None:
        """Return the key that was presented in any of the usual places, None where there is none."""
        value = self._headers.get(b"authorization")
        if value is not None:
            kind, _, secret = value.decode("latin-1").partition(" ")
            return secret.strip() if kind.lower() == "bearer" else value.decode("latin-1")
        for name in (b"x-api-key", b"api-key"):
            if name in self._headers:
                return self._headers[name].decode("latin-1").strip()
        return None

    def caller(self, key: str | None) -> Caller:
        """Return who calls with `key`, as far as the headers say; the ledger looks the key up."""
        trace = _TRACEPARENT.match(self.header(b"traceparent"))
        cache = self.header(b"x-groundwork-cache").lower()
        asked: Literal["auto", "on", "off"] = "on" if cache == "on" else "off" if cache == "off" else "auto"
        return Caller(
            key=key,
            call_id=self.call_id,
            door="http",
            trace_id=trace[1] if trace else "",
            span_id=trace[2] if trace else "",
            cache=asked,
            idempotency_key=self.header(b"idempotency-key")[:200],
        )

    async def body(self, limit: int) -> bytes:
        """Return the body.

        Raises:
            TooLargeError: it has more than `limit` bytes.
            InvalidInputError: it is compressed, or did not arrive in time.
            ClientLeft: the connection was closed before its end.
        """
        if self._headers.get(b"content-encoding", b"identity") not in (b"identity", b""):
            raise InvalidInputError(
                f"a body with Content-Encoding `{self.header(b'content-encoding')[:40]}` is not read",
                hint="send it uncompressed",
            )
        at_once = None if self._direct is None else self._direct.body()
        if at_once is not None:
            if len(at_once) > limit:
                raise _too_large(len(at_once), limit)
            return at_once
        try:
            async with asyncio.timeout(BODY_SECONDS):
                first = await self._receive()
                if first["type"] != "http.request" or first.get("more_body"):
                    return await self._gather(first, limit)
        except TimeoutError:
            raise InvalidInputError(
                f"the body did not arrive within {BODY_SECONDS:.0f} seconds", hint="send it faster"
            ) from None
        whole: bytes = first.get("body", b"")
        if len(whole) > limit:
            raise _too_large(len(whole), limit)
        return whole

    async def _gather(self, message: Message, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part = message.get("body", b"")
            size += len(part)
            if size <= limit:
                parts.append(part)
            else:
                parts.clear()
            if not message.get("more_body") or size > DRAIN_BYTES:
                break
            message = await self._receive()
        if size > limit:
            raise _too_large(size, limit)
        return b"".join(parts)

    def watch(self, left: Callable[[], object]) -> Callable[[], object]:
        """Have `left` called when the client closes the connection; returns what ends that. Not before the body was read."""
        loop = asyncio.get_running_loop()
        direct = self._direct
        if direct is not None:
            return partial(direct.watch, None) if direct.watch(left) else loop.call_soon(left).cancel
        task = loop.create_task(self._closed())
        task.add_done_callback(lambda done: None if done.cancelled() else left())
        return task.cancel

    async def _closed(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(
        self, status: int, body: Mapping[str, Any] | bytes, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        """Send a whole answer as JSON."""
        content = body if isinstance(body, bytes) else wire.write(body)
        self.started = True
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"x-request-id", self.call_id.encode()),
            *_BASE,
            *headers,
        ]
        if self._direct is not None and self._direct.answer(status, head, content):
            return
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        await self._send({"type": "http.response.body", "body": content})

    async def open_stream(self, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Begin an event stream."""
        self.started = True
        await self._send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"x-accel-buffering", b"no"),
                    (b"x-request-id", self.call_id.encode()),
                    *_BASE,
                    *headers,
                ],
            }
        )

    async def send(self, chunk: bytes) -> None:
        """Send a part of an event stream; waits while the client does not read."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def close_stream(self) -> None:
        """End an event stream."""
        await self._send({"type": "http.response.body", "body": b""})


def model_of(path: str, prefix: str) -> str:
    """Return the model a path names after `prefix`; names hold slashes, escaped or not."""
    return unquote(path[len(prefix) :])


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _too_large(size: int, limit: int) -> TooLargeError:
    return TooLargeError(
        f"a body of {size:,} bytes or more is over the limit of {limit:,} bytes",
        hint="send less, or raise the setting `max_request_mib`",
    )
