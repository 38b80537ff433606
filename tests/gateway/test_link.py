"""A connection to a provider: what replies of every form are read as, and when another request may follow on it."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from yarl import URL

from groundwork.gateway.failures import Failure
from groundwork.gateway.origin import Origin
from groundwork.gateway.transport import Limits, Reply, Transport

OK = b"HTTP/1.1 200 OK\r\n"
Ask = Callable[[], Awaitable[Reply]]


def asked(*pieces: bytes, times: int = 1, limits: Limits = Limits(), **more: Any) -> tuple[list[Any], int]:
    """Ask a server that answers each request with these pieces, a moment apart; return what came and its connections."""

    async def run() -> tuple[list[Any], int]:
        connections = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    for piece in pieces:
                        if not piece:
                            return
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0.005)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/models")
        transport = Transport(limits)
        found: list[Any] = []
        for _ in range(times):
            try:
                found.append(await transport.get_json(url, origin=Origin.of(str(url)), **more))
            except Failure as failure:
                found.append(failure)
        await transport.aclose()
        server.close()
        return found, connections

    return asyncio.run(run())


@pytest.mark.parametrize(
    "pieces",
    [
        (OK + b"content-length: 7\r\n\r\n" + b'{"a":1}',),
        (OK + b"content-length: 7\r\n", b"\r\n", b'{"a', b'":1}'),
        (OK + b"Content-Length: 7\n\n" + b'{"a":1}',),
        (b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"content-length: 7\r\n\r\n", b'{"a":1}'),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 7\r\n\r\n" + b'{"a":1}',),
        (OK + b"transfer-encoding: chunked\r\n\r\n3\r\n", b'{"a\r\n4;x=y\r\n":1}\r\n0\r\nx-more: 1\r\n\r\n'),
    ],
    ids=["one", "pieces", "bare-newlines", "continue", "hints", "chunks-and-trailers"],
)
def test_a_whole_reply_is_read_and_its_connection_used_again(pieces: tuple[bytes, ...]) -> None:
    found, connections = asked(*pieces, times=3)
    assert [(r.status, r.json()) for r in found] == [(200, {"a": 1})] * 3
    assert connections == 1


@pytest.mark.parametrize(
    "pieces",
    [
        (OK + b"\r\n", b'{"a":1}', b""),
        (OK + b"connection: close\r\ncontent-length: 7\r\n\r\n" + b'{"a":1}',),
        (b'HTTP/1.0 200 OK\r\ncontent-length: 7\r\n\r\n{"a":1}',),
        (OK + b'content-length: 7\r\n\r\n{"a":1}' + OK + b"content-length: 2\r\n\r\n{}",),
    ],
    ids=["until-closed", "close", "http-1.0", "two-replies"],
)
def test_a_connection_that_cannot_or_must_not_go_on_is_not_used_again(pieces: tuple[bytes, ...]) -> None:
    found, connections = asked(*pieces, times=2)
    assert [(r.status, r.json()) for r in found] == [(200, {"a": 1})] * 2
    assert connections == 2


def _raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("packed", [zlib.compress(b"1" * 900_000), _raw(b"1" * 900_000)], ids=["zlib", "raw"])
def test_deflate_is_unpacked_with_its_header_and_without(packed: bytes) -> None:
    head = OK + b"content-encoding: deflate\r\ncontent-length: %d\r\n\r\n" % len(packed)
    (reply,), _ = asked(head, packed[:100], packed[100:])
    assert reply.body == b"1" * 900_000


def test_a_packed_body_that_ends_early_is_told_from_a_whole_one() -> None:
    packed = zlib.compress(b'{"a":1}')[:-4]
    (failure,), _ = asked(
        OK + b"content-encoding: deflate\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed
    )
    assert failure.code == "protocol"


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        (
            (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",),
            "protocol",
        ),
        ((OK + b"x: 1\r\n" * 20_000,), "protocol"),
        ((OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n12",), "protocol"),
        ((OK + b"content-length: 9\r\n\r\n123", b""), "protocol"),
        ((OK + b"x: y", b""), "reset"),
    ],
    ids=["upgrade", "many-headers", "two-lengths", "cut", "half-a-head"],
)
def test_what_is_no_whole_reply_is_a_failure(pieces: tuple[bytes, ...], code: str) -> None:
    (failure,), _ = asked(*pieces)
    assert isinstance(failure, Failure)
    assert failure.code == code


def test_a_header_that_would_be_two_is_refused_before_anything_is_sent() -> None:
    (failure,), connections = asked(OK, headers={"x-trace": "a\r\nx-evil: 1"})
    assert (failure.code, connections) == ("bad_request", 0)


def test_no_more_exchanges_with_one_host_than_allowed_run_at_a_time() -> None:
    async def run() -> tuple[int, int]:
        now = most = connections = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal now, most, connections
            connections += 1
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    now += 1
                    most = max(most, now)
                    await asyncio.sleep(0.01)
                    now -= 1
                    writer.write(OK + b"content-length: 2\r\n\r\n{}")
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        transport = Transport(Limits(connections_per_host=3))
        await asyncio.gather(*[transport.get_json(url, origin=Origin.of(str(url))) for _ in range(20)])
        await transport.aclose()
        server.close()
        return most, connections

    assert asyncio.run(run()) == (3, 3)


def test_who_leaves_while_waiting_for_a_connection_takes_no_place() -> None:
    async def run() -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.05)
            writer.write(OK + b"content-length: 2\r\n\r\n{}")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        origin = Origin.of(str(url))
        transport = Transport(Limits(connections_per_host=1, connect_s=0.02))
        first = asyncio.create_task(transport.get_json(url, origin=origin))
        await asyncio.sleep(0.01)
        with pytest.raises(Failure, match=r"no connection to .* within 0\.02 s"):
            await transport.get_json(url, origin=origin)
        left = asyncio.create_task(transport.get_json(url, origin=origin))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        await first
        reply = await transport.get_json(url, origin=origin)
        await transport.aclose()
        server.close()
        return reply.status

    assert asyncio.run(run()) == 200


def test_connections_that_nobody_uses_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.gateway.pool.KEEP_SECONDS", 0.05)

    async def run() -> bool:
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK + b"content-length: 2\r\n\r\n{}")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            closed.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        transport = Transport()
        await transport.get_json(url, origin=Origin.of(str(url)))
        await asyncio.wait_for(closed.wait(), 5)
        await transport.aclose()
        server.close()
        return closed.is_set()

    assert asyncio.run(run())
