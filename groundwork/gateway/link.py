"""One connection to a provider: as much of HTTP/1.1 as a model's API needs, one exchange at a time, parsed by llhttp.

What a general client does beside that (redirects, cookies, proxies, forms) is either refused here or not wanted, and costs
more than everything else on the way out.
"""

from __future__ import annotations

import asyncio
import select
import zlib
from collections import deque
from typing import Any

import httptools

HEAD_BYTES = 64 * 1024
"""The names and values of a reply's headers together."""
AHEAD_BYTES = 256 * 1024
"""What is read ahead of whoever takes it; then the provider has to wait."""
UNPACKED_AT_ONCE = 256 * 1024


class LinkError(Exception):
    """An exchange that came to no good end."""


class NotHttpError(LinkError):
    """What came is no HTTP, or has a head without end."""


class CutOffError(LinkError):
    """The reply ended before its end, or is packed wrongly."""


class LostError(LinkError):
    """The connection broke."""


class Link(asyncio.Protocol):
    """A connection. `ask`, then `head`, then `read` until it returns nothing; then it may `ask` again if it is `free`.

    Attributes:
        status, headers: of the reply, once `head` has returned; names in lower case, of equal ones the first.
        whole: all of the reply has come. packed: bytes of a packed body so far, None for one that is not packed.
        closed: nothing more can be asked.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.whole = False
        self.packed: int | None = None
        self.closed = False
        self.idle_since = 0.0
        self._transport: Any = None
        self._poll: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._ahead = 0
        self._paused = False
        self._asked = False
        self._headed = False
        self._head_bytes = 0
        self._until_closed = False
        self._keeps_alive = False
        self._spoiled = False
        self._error: LinkError | None = None
        self._unpacker: Any = None
        self._packed_rest = b""
        self._parser = httptools.HttpResponseParser(self)
        # Servers are forgiven what every client forgives them, and nothing that makes two replies of one.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    # ---- one exchange ----

    def ask(self, request: bytes) -> None:
        """Send a request, head and body."""
        self.status = 0
        self.headers = {}
        self.whole = self._headed = self._until_closed = False
        self.packed = None
        self._head_bytes = 0
        self._unpacker = None
        self._packed_rest = b""
        self._asked = True
        self._transport.write(request)

    async def head(self) -> None:
        """Wait until the head of the reply is there. Raises LinkError."""
        while not self._headed:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes:
        """Return what has come of the body, unpacked; nothing at its end. Raises LinkError."""
        while True:
            if self._packed_rest:
                piece = self._unpacked(self._packed_rest)
            elif self._pieces:
                piece = self._taken()
                if self._unpacker is not None:
                    piece = self._unpacked(piece)
            elif self._error is not None:
                raise self._error
            elif self.whole:
                if self._unpacker is not None and self.packed and not self._unpacker.eof:
                    raise CutOffError
                return b""
            else:
                await self._wait()
                continue
            if piece:
                return piece

    @property
    def free(self) -> bool:
        """Whether the exchange is over and another one may follow it."""
        return (
            self.whole
            and not self.closed
            and not self._pieces
            and not self._packed_rest
            and not self._spoiled
            and self._keeps_alive
            and self._error is None
            and not self._transport.is_closing()
            and not self._transport.get_write_buffer_size()
        )

    def rest(self, now: float) -> None:
        """Wait for the next exchange; what comes before it was asked for by nobody."""
        self._asked = False
        self.idle_since = now

    def is_clean(self) -> bool:
        """Return whether nothing came since the last reply, and nothing, not even its end, waits to be read.

        HTTP/1.1 tells replies apart by their order alone. A provider, or a proxy before it, that sends one reply too many
        on an idle connection would have it taken for the answer to the next request, which may be another caller's.
        """
        if self.closed or self._spoiled or self._transport.is_closing():
            return False
        return self._poll is None or not self._poll.poll(0)

    def close(self) -> None:
        """Close the connection now; a reply that is on its way is not waited for."""
        if not self.closed:
            self.closed = True
            if self._transport is not None:
                self._transport.abort()

    # ---- from the event loop ----

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        if hasattr(select, "poll") and (socket := transport.get_extra_info("socket")) is not None:
            self._poll = select.poll()
            self._poll.register(socket.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)

    def data_received(self, data: bytes) -> None:
        if not self._asked or self.whole:
            self._spoiled = True
            if not self._asked:
                self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not self.whole:
                self._fail(NotHttpError())
            self._spoiled = True
        except httptools.HttpParserUpgrade:
            self._fail(NotHttpError())
        if not self._headed:
            self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and not self.whole:
            self._fail(NotHttpError())
        if self._ahead > AHEAD_BYTES and not self._paused and not self.closed:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._asked and not self.whole:
            if not self._headed:
                self._fail(LostError())
            elif self._until_closed and exc is None:
                self.whole = True
            else:
                self._fail(LostError() if isinstance(exc, OSError) else CutOffError())
        self._wake()

    # ---- from the parser ----

    def on_message_begin(self) -> None:
        if self.whole:
            self._spoiled = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headed:
            return  # a trailer
        self._head_bytes += len(name) + len(value)
        if self._head_bytes <= HEAD_BYTES:
            self.headers.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "replace").strip())

    def on_headers_complete(self) -> None:
        if self.whole:
            return
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue and its like: the reply follows
            self.headers = {}
            return
        self.status = status
        self._head_bytes = self._head_bytes if self._head_bytes > HEAD_BYTES else 0
        self._headed = True
        self._keeps_alive = self._parser.should_keep_alive()
        headers = self.headers
        if "content-length" not in headers and "transfer-encoding" not in headers:
            self._until_closed = status not in (204, 304)
        packing = headers.get("content-encoding")
        if packing is not None and packing.lower() in ("gzip", "x-gzip", "deflate"):
            self.packed = 0
            self._unpacker = _Unpacker(packing.lower() == "deflate")

    def on_body(self, body: bytes) -> None:
        if self.whole or self._spoiled:
            return
        if self.packed is not None:
            self.packed += len(body)
        self._pieces.append(body)
        self._ahead += len(body)

    def on_message_complete(self) -> None:
        if self._headed:
            self.whole = True

    # ---- inside ----

    def _taken(self) -> bytes:
        pieces = self._pieces
        piece = pieces.popleft() if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._ahead = 0
        if self._paused:
            self._paused = False
            if not self.closed:
                self._transport.resume_reading()
        return piece

    def _unpacked(self, packed: bytes) -> bytes:
        try:
            piece: bytes = self._unpacker.decompress(packed, UNPACKED_AT_ONCE)
        except zlib.error:
            self._packed_rest = b""
            self._error = CutOffError()
            raise self._error from None
        self._packed_rest = self._unpacker.unconsumed_tail
        return piece

    def _fail(self, error: LinkError) -> None:
        if self._error is None:
            self._error = error
        self.close()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter


class _Unpacker:
    """Unpacks gzip and deflate, the latter with its header or, as some servers send it, without."""

    __slots__ = ("_either", "_made")

    def __init__(self, deflate: bool) -> None:
        self._either = deflate
        self._made: Any = None if deflate else zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._made is not None and bool(self._made.eof)

    @property
    def unconsumed_tail(self) -> bytes:
        return b"" if self._made is None else bytes(self._made.unconsumed_tail)

    def decompress(self, packed: bytes, most: int) -> bytes:
        if self._made is None:
            headed = packed[0] & 0x0F == 8
            self._made = zlib.decompressobj(zlib.MAX_WBITS if headed else -zlib.MAX_WBITS)
        return bytes(self._made.decompress(packed, most))
