"""The connections of one event loop to providers: kept for the next exchange, bounded for each host, closed when idle."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from groundwork.gateway.link import Link, LinkError

KEEP_SECONDS = 20.0
SECOND_ADDRESS_SECONDS = 0.25
"""After this the next address of a name is tried beside the first one (RFC 8305)."""


class Place(NamedTuple):
    """Where connections go."""

    tls: bool
    host: str
    port: int


class ConnectTimeoutError(LinkError):
    """No connection stood in time."""


class NoSuchHostError(LinkError):
    """The name cannot be resolved."""


class TlsError(LinkError):
    """The certificate or the handshake is not valid; the argument says what kind of error it was."""


class UnreachableError(LinkError):
    """Nobody answers there; the argument is the system's error."""


class Pool:
    """Connections of one event loop.

    Args:
        most: exchanges with one place at a time; more wait.
        tls: gives the settings of encrypted connections, asked for when the first one is made.
    """

    def __init__(self, most: int, tls: Callable[[], ssl.SSLContext]) -> None:
        self.closed = False
        self._most = most
        self._tls = tls
        self._idle: dict[Place, deque[Link]] = {}
        self._room: dict[Place, asyncio.Semaphore] = {}
        self._taken: dict[Link, Place] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> int:
        """How many connections wait for their next exchange."""
        return sum(map(len, self._idle.values()))

    async def take(self, place: Place, connect_s: float) -> Link:
        """Return a connection that nobody uses; `give` it back in every case.

        Raises:
            LinkError: there is none, and none can be made within `connect_s`.
        """
        room = self._room.get(place)
        if room is None:
            room = self._room[place] = asyncio.Semaphore(self._most)
        if not room.locked():
            await room.acquire()
            link = self._clean(place)
            if link is not None:
                self._taken[link] = place
                return link
            room.release()
        try:
            async with asyncio.timeout(connect_s):
                await room.acquire()
                try:
                    link = self._clean(place) or await self._connected(place)
                except BaseException:
                    room.release()
                    raise
        except TimeoutError:
            raise ConnectTimeoutError from None
        self._taken[link] = place
        return link

    def give(self, link: Link) -> None:
        """Take a connection back: for the next exchange where this one is over, else to close it."""
        place = self._taken.pop(link, None)
        if place is None:
            return
        if link.free and not self.closed:
            loop = asyncio.get_running_loop()
            link.rest(loop.time())
            idle = self._idle.get(place)
            if idle is None:
                idle = self._idle[place] = deque()
            idle.append(link)
            if self._sweeper is None:
                self._sweeper = loop.call_later(KEEP_SECONDS, self._sweep, loop)
        else:
            link.close()
        self._room[place].release()

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        self.closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for link in [*self._taken, *(link for idle in self._idle.values() for link in idle)]:
            link.close()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop closes sockets in its next step

    def _clean(self, place: Place) -> Link | None:
        idle = self._idle.get(place)
        while idle:
            link = idle.pop()
            if link.is_clean():
                return link
            link.close()
        return None

    async def _connected(self, place: Place) -> Link:
        from aiohappyeyeballs import start_connection

        loop = asyncio.get_running_loop()
        try:
            addresses: Any = await _addresses(loop, place)
        except OSError:
            raise NoSuchHostError from None
        secure: dict[str, Any] = {}
        if place.tls:
            secure = {"ssl": self._tls(), "server_hostname": place.host}
        link = Link()
        try:
            connection = await start_connection(
                addresses, happy_eyeballs_delay=SECOND_ADDRESS_SECONDS, loop=loop
            )
            try:
                await loop.create_connection(lambda: link, sock=connection, **secure)
            except BaseException:
                connection.close()
                raise
        except ssl.SSLError as error:
            raise TlsError(type(error).__name__) from None
        except OSError as error:
            raise UnreachableError(error) from None
        return link

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what was not used for a while."""
        self._sweeper = None
        oldest = loop.time() - KEEP_SECONDS
        for place, idle in list(self._idle.items()):
            while idle and (idle[0].closed or idle[0].idle_since <= oldest):
                idle.popleft().close()
            if not idle:
                del self._idle[place]
        if self._idle:
            self._sweeper = loop.call_later(KEEP_SECONDS / 4, self._sweep, loop)


async def _addresses(loop: asyncio.AbstractEventLoop, place: Place) -> Any:
    host, _, _ = place.host.partition("%")
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    if version == 4:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (place.host, place.port))]
    if host != place.host:  # with a zone
        return await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    return [(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (place.host, place.port, 0, 0))]
