"""The one way out: HTTP to providers over pooled connections, with limits on time and size, without redirects or cookies."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from groundwork.core.clock import Clock, SystemClock
from groundwork.gateway import wire
from groundwork.gateway.deadline import Within
from groundwork.gateway.failures import Failure
from groundwork.gateway.origin import Origin
from groundwork.gateway.retry_after import retry_after_s
from groundwork.gateway.sse import LineTooLongError, ServerEvent, SseReader

if TYPE_CHECKING:
    from yarl import URL

    from groundwork.gateway.link import Link
    from groundwork.gateway.pool import Place, Pool

Auth = Literal["bearer", "api-key", "x-api-key", "none"]
MIB = 1024 * 1024
_REFUSAL_BYTES = 256 * 1024  # of a refusal's body that is read
_BOMB_BYTES, _BOMB_RATIO = 4 * MIB, 200  # no text that a model wrote compresses so well
_GRACE_S = 0.02  # what a stream is waited for after its last event, so that the connection can serve again


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may use.

    Attributes:
        connections_per_host: connections of one event loop to one host, open at a time.
        connect_s: until a connection stands, name look-up and TLS included.
        idle_s: between two pieces of a stream; how long its first byte may take is up to the attempt's own time.
        body_bytes: a whole reply, unpacked. line_bytes: one event of a stream.
        stream_bytes, events: a whole stream.
    """

    connections_per_host: int = 256
    connect_s: float = 10.0
    idle_s: float = 60.0
    body_bytes: int = 32 * MIB
    line_bytes: int = MIB
    stream_bytes: int = 64 * MIB
    events: int = 250_000


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply of any status but a redirect; `headers` by names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str
    now: datetime

    @property
    def retry_after_s(self) -> float | None:
        """Seconds the provider asks to wait."""
        return retry_after_s(self.headers, self.now)

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            Failure: `protocol`: it is empty, HTML, cut off, or holds NaN.
        """
        try:
            return wire.read(self.body)
        except ValueError as error:
            raise Failure(
                "protocol",
                f"`{self.host}` answered {self.status} with {_looks_like(self.body)}: {error}",
                status=self.status,
                billed=True,
            ) from None


class EventStream:
    """A reply that is an event stream; iterate it once, then `close` it. With `reply` set it was none: that is all of it."""

    def __init__(
        self, response: Link | None, asked: _Asked, pool: Pool | None = None, reply: Reply | None = None
    ) -> None:
        self._response = response
        self._pool = pool
        self._asked = asked
        self._reader = SseReader(asked.limits.line_bytes)
        self._ready: deque[ServerEvent] = deque()
        self._size = 0
        self._count = 0
        self._over = response is None
        self.reply = reply

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> ServerEvent:
        while not self._ready:
            if self._over or self._response is None:
                raise StopAsyncIteration
            await self._read_on(self._response)
        return self._ready.popleft()

    async def _read_on(self, response: Link) -> None:
        asked, limits = self._asked, self._asked.limits
        try:
            with Within(min(asked.left(), limits.idle_s)):
                piece = await response.read()
            self._over = not piece
            self._size += len(piece)
            if self._size > limits.stream_bytes:
                raise _over(asked, f"stream over {limits.stream_bytes} bytes")
            _refuse_bomb(response, self._size, asked)
            events = self._reader.feed(piece) if piece else self._reader.end()
        except LineTooLongError as error:
            raise _over(asked, f"stream in which {error}") from None
        except Exception as error:
            raise _explained(error, asked) from None
        self._count += len(events)
        if self._count > limits.events:
            raise _over(asked, f"stream of more than {limits.events} events")
        self._ready.extend(events)

    async def close(self, *, ended: bool = False) -> None:
        """Let go of the connection: back to the pool after a stream that `ended` by its own rules, else it is closed."""
        response, self._response = self._response, None
        if response is None or self._pool is None:
            return
        try:
            if ended and not response.free:
                with suppress(Exception):
                    async with asyncio.timeout(_GRACE_S):
                        while await response.read():
                            pass
        finally:
            self._pool.give(response)


@dataclass
class Transport:
    """Shared by every provider; any number of event loops may use one, each has connections of its own.

    Args:
        limits: of every attempt. clock: tells the wall time that dates in `Retry-After` are compared with.
        ca_file: PEM file of further certificate authorities; empty: those of the system alone.
    """

    limits: Limits = Limits()
    clock: Clock = field(default_factory=SystemClock)
    ca_file: str = ""

    def __post_init__(self) -> None:
        self._sessions: dict[asyncio.AbstractEventLoop, Pool] = {}
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    async def post_json(
        self,
        url: URL,
        body: Any,
        *,
        origin: Origin,
        secret: str = "",
        auth: Auth = "bearer",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 120.0,
        limits: Limits | None = None,
    ) -> Reply:
        """Send `body` (a value that JSON can hold) and return the whole reply, whatever its status but a redirect.

        Args:
            origin: of the provider's configuration; an address elsewhere is refused, and the secret goes nowhere else.
            timeout_s: until the last byte of the reply has come.

        Raises:
            Failure: connect, tls, timeout, reset, protocol (redirect, broken HTTP), limit, bad_request (no JSON), auth
                (the key may not travel there).
        """
        asked = _Asked("POST", url, origin, timeout_s, limits or self.limits)
        return await self._whole(
            asked, _encoded(body), _headers(url, origin, secret, auth, headers, _JSON_HEADERS)
        )

    async def post_form(
        self,
        url: URL,
        fields: Mapping[str, str],
        *,
        origin: Origin,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        limits: Limits | None = None,
    ) -> Reply:
        """Send the fields of a form and return the whole reply; see `post_json`. They are secret: see `Origin`."""
        if not origin.takes_secrets:
            raise Failure("auth", f"no secret is sent to `{origin}`, which is not encrypted")
        asked = _Asked("POST", url, origin, timeout_s, limits or self.limits)
        sent = {**_GET_HEADERS, "content-type": "application/x-www-form-urlencoded"}
        return await self._whole(
            asked, urlencode(fields).encode(), _headers(url, origin, "", "none", headers, sent)
        )

    async def post_bytes(
        self,
        url: URL,
        data: bytes,
        content_type: str,
        *,
        origin: Origin,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        limits: Limits | None = None,
    ) -> Reply:
        """Send bytes of any type and return the whole reply; see `post_json`. Whether headers may go there, see `Origin`."""
        asked = _Asked("POST", url, origin, timeout_s, limits or self.limits)
        sent = {**_GET_HEADERS, "accept": content_type, "content-type": content_type}
        return await self._whole(asked, data, _headers(url, origin, "", "none", headers, sent))

    async def get_json(
        self,
        url: URL,
        *,
        origin: Origin,
        secret: str = "",
        auth: Auth = "bearer",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        limits: Limits | None = None,
    ) -> Reply:
        """Return the whole reply; see `post_json`."""
        asked = _Asked("GET", url, origin, timeout_s, limits or self.limits)
        return await self._whole(asked, None, _headers(url, origin, secret, auth, headers, _GET_HEADERS))

    async def post_stream(
        self,
        url: URL,
        body: Any,
        *,
        origin: Origin,
        secret: str = "",
        auth: Auth = "bearer",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 120.0,
        limits: Limits | None = None,
    ) -> EventStream:
        """Send `body` and return the event stream once its head is there; the caller closes it in every case.

        A reply of another status than 200, and one that is JSON, is read whole and handed over as `reply`.

        Raises:
            Failure: see `post_json`; iterating raises timeout (also when nothing comes for `idle_s`), reset, protocol, and
                limit.
        """
        asked = _Asked("POST", url, origin, timeout_s, limits or self.limits)
        sent = _headers(url, origin, secret, auth, headers, _STREAM_HEADERS)
        pool = self._pool()
        response = await self._begin(pool, asked, _encoded(body), sent)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status == 200 and kind != "application/json":
            if "html" not in kind:
                return EventStream(response, asked, pool)
            pool.give(response)
            raise Failure("protocol", f"`{asked.host}` answered 200 with HTML", status=200, billed=True)
        return EventStream(None, asked, reply=await self._rest(pool, asked, response))

    async def aclose(self, *, everywhere: bool = True) -> None:
        """Close the connections of every event loop, or of the running one; loops in other threads are told to."""
        here = asyncio.get_running_loop()
        with self._lock:
            sessions = dict(self._sessions)
            if not everywhere:
                sessions = {loop: session for loop, session in sessions.items() if loop is here}
            for loop in sessions:
                del self._sessions[loop]
        for loop, session in sessions.items():
            if loop is here:
                await session.aclose()
            elif loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(session.aclose(), loop)
                with suppress(Exception):
                    await asyncio.wait_for(asyncio.wrap_future(closing), 2)

    async def _whole(self, asked: _Asked, data: bytes | None, headers: dict[str, str]) -> Reply:
        pool = self._pool()
        return await self._rest(pool, asked, await self._begin(pool, asked, data, headers))

    async def _begin(self, pool: Pool, asked: _Asked, data: bytes | None, headers: dict[str, str]) -> Link:
        """Return a connection on which the head of the reply has come."""
        link: Link | None = None
        try:
            place, start = _start_of(asked.method, asked.url)
            request = _request(start, headers, data)
            with Within(asked.left()):
                link = await pool.take(place, asked.limits.connect_s)
                link.ask(request)
                await link.head()
        except BaseException as error:
            if link is not None:
                pool.give(link)
            if not isinstance(error, Exception):
                raise
            raise _explained(error, asked) from None
        if 300 <= link.status < 400:
            redirected = _redirected(link, asked)
            pool.give(link)
            raise redirected
        return link

    async def _rest(self, pool: Pool, asked: _Asked, link: Link) -> Reply:
        try:
            if link.whole:  # all of it came with its head
                body = await _read(link, asked)
            else:
                with Within(asked.left()):
                    body = await _read(link, asked)
            return Reply(link.status, link.headers, body, asked.host, self.clock.now())
        except Exception as error:
            raise _explained(error, asked) from None
        finally:
            pool.give(link)

    def _pool(self) -> Pool:
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is not None and not found.closed:
            return found
        from groundwork.gateway.pool import Pool

        with self._lock:
            for gone in [known for known in self._sessions if known.is_closed()]:
                del self._sessions[gone]
            made = self._sessions[loop] = Pool(self.limits.connections_per_host, self._tls_settings)
        return made

    def _tls_settings(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = ssl.create_default_context()
                if self.ca_file:
                    self._tls.load_verify_locations(self.ca_file)
                self._tls.set_alpn_protocols(["http/1.1"])
            return self._tls


class _Asked:
    """One exchange: what is asked, until when, within which limits."""

    __slots__ = ("_clock", "deadline", "host", "limits", "method", "timeout_s", "url")

    def __init__(self, method: str, url: URL, origin: Origin, timeout_s: float, limits: Limits) -> None:
        self.method = method
        self.url = url
        self.host = origin.name
        self.timeout_s = timeout_s
        self._clock = asyncio.get_running_loop().time
        self.deadline = self._clock() + timeout_s
        self.limits = limits

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.deadline - self._clock()


# Names of headers are lower case throughout, so that one replaces another.
_AGENT = {"user-agent": "groundwork"}
_GET_HEADERS = {**_AGENT, "accept": "application/json", "accept-encoding": "gzip, deflate"}
_JSON_HEADERS = {**_GET_HEADERS, "content-type": "application/json"}
_STREAM_HEADERS = {
    **_AGENT,
    "accept": "text/event-stream",
    "accept-encoding": "identity",
    "content-type": "application/json",
}


def _headers(
    url: URL,
    origin: Origin,
    secret: str,
    auth: Auth,
    further: Mapping[str, str] | None,
    usual: Mapping[str, str],
) -> dict[str, str]:
    """Return the headers of a request; the key's stands last, so that nothing else can take its place."""
    if not origin.covers(url):
        raise Failure("unsupported", f"the address does not lie at `{origin}`, where the provider is")
    headers = dict(usual)
    for name, value in (further or {}).items():
        headers[name.lower()] = value
    if secret and auth != "none":
        if not origin.takes_secrets:
            raise Failure(
                "auth",
                f"the key is not sent to `{origin}`, which is not encrypted; use https, or say `allow_http = true` in "
                "the provider's `options`",
            )
        if not secret.isascii() or not secret.isprintable():
            raise Failure("auth", f"the key for `{origin}` holds characters that no HTTP header can carry")
        if auth == "bearer":
            headers["authorization"] = f"Bearer {secret}"
        else:
            headers[auth] = secret
    return headers


@lru_cache(maxsize=1024)
def _start_of(method: str, url: URL) -> tuple[Place, bytes]:
    """Return where a request goes, and how it starts."""
    from groundwork.gateway.pool import Place

    start = f"{method} {url.raw_path_qs or '/'} HTTP/1.1\r\nhost: {url.host_port_subcomponent}\r\n"
    return Place(url.scheme == "https", url.raw_host or "", url.port or 0), start.encode("ascii")


def _request(start: bytes, headers: Mapping[str, str], data: bytes | None) -> bytes:
    """Return a request as it travels. Raises ValueError for a header that would be two, or none."""
    head = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if head.count("\n") != len(headers) or head.count("\r") != len(headers) or "\0" in head:
        raise ValueError("a header holds a line break")
    if data is None:
        return b"%b%b\r\n" % (start, head.encode())
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (start, head.encode(), len(data), data)


def _encoded(body: Any) -> bytes:
    try:
        return wire.write(body)
    except (ValueError, TypeError) as error:
        raise Failure("bad_request", f"the request cannot be written as JSON: {error}") from None


async def _read(response: Link, asked: _Asked) -> bytes:
    """Return the whole body; of a refusal its beginning."""
    refused = response.status >= 400
    cap = _REFUSAL_BYTES if refused else asked.limits.body_bytes
    announced = response.headers.get("content-length", "")
    if not refused and announced.isdecimal() and int(announced[:19]) > cap:
        raise _over(asked, f"body of {announced[:19]} bytes, more than {cap}")
    pieces: list[bytes] = []
    size = 0
    while piece := await response.read():
        size += len(piece)
        pieces.append(piece)
        if size > cap:
            if refused:
                break
            raise _over(asked, f"body over {cap} bytes")
        _refuse_bomb(response, size, asked)
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]


def _looks_like(body: bytes) -> str:
    start = body[:512].lstrip().lower()
    if not start:
        return "nothing"
    return "HTML" if start.startswith((b"<!doctype", b"<html", b"<head")) else "what is no JSON"


def _refuse_bomb(response: Link, size: int, asked: _Asked) -> None:
    packed = response.packed
    if packed is not None and size > _BOMB_BYTES and size > _BOMB_RATIO * packed:
        raise _over(asked, f"reply that {packed} bytes unpack to more than {size}")


def _over(asked: _Asked, what: str) -> Failure:
    return Failure("limit", f"`{asked.host}` sent a {what}", billed=True)


def _redirected(response: Link, asked: _Asked) -> Failure:
    from yarl import URL

    try:
        target = URL(response.headers.get("location", "")).host or "another path"
    except ValueError:
        target = "an address that cannot be read"
    return Failure(
        "protocol",
        f"`{asked.host}` answered {response.status}, a redirect to `{target[:200]}`; redirects are not followed",
        status=response.status,
    )


def _explained(error: Exception, asked: _Asked) -> Failure:
    """Return what went wrong below HTTP; texts of libraries are left out, they may hold whole addresses."""
    from groundwork.gateway import link, pool

    host, kind = asked.host, type(error).__name__
    match error:
        case Failure():
            return error
        case pool.ConnectTimeoutError():
            return Failure("connect", f"no connection to `{host}` within {asked.limits.connect_s:g} s")
        case pool.TlsError():
            return Failure(
                "tls", f"the TLS certificate or handshake of `{host}` is not valid ({error.args[0]})"
            )
        case pool.NoSuchHostError():
            return Failure("connect", f"the name of `{host}` cannot be resolved")
        case pool.UnreachableError():
            cause = error.args[0]
            why = os.strerror(cause.errno) if cause.errno else type(cause).__name__
            return Failure("connect", f"`{host}` cannot be reached: {why}")
        case link.CutOffError():
            return Failure("protocol", f"the reply of `{host}` was cut off or is packed wrongly", billed=True)
        case link.NotHttpError():
            return Failure("protocol", f"`{host}` does not speak HTTP", billed=True)
        case link.LinkError() | OSError() if not isinstance(error, TimeoutError):
            return Failure("reset", f"`{host}` broke the connection", billed=True)
        case TimeoutError():
            late = asked.left() < 0.005
            why = (
                f"was not done within {asked.timeout_s:g} s"
                if late
                else f"was silent for {asked.limits.idle_s:g} s"
            )
            return Failure("timeout", f"`{host}` {why}", billed=True)
        case ValueError():
            return Failure("bad_request", f"the request to `{host}` cannot be sent ({kind})")
        case _:
            return Failure("connect", f"the connection to `{host}` cannot be used ({kind})")
