"""The short ways through uvicorn end where the long ones do: whole answers, connections kept or ended, clients who leave."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
import uvloop

from groundwork.server.gateway.exchange import Exchange
from groundwork.server.protocol import OneWrite, Protocol

Serve = Callable[[Exchange], Awaitable[None]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]
POST = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


async def _server(serve: Serve) -> tuple[uvicorn.Server, asyncio.Task[None], int]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await serve(Exchange(scope, receive, send, "call_x"))

    config = uvicorn.Config(app, port=0, http=Protocol, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.config.setup_event_loop = lambda: None  # type: ignore[method-assign]
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    return server, task, server.servers[0].sockets[0].getsockname()[1]


def talking(serve: Serve, talk: Talk) -> Any:
    """Serve each request with `serve`, let `talk` be the client, and return what it returns."""

    async def run() -> Any:
        server, task, port = await _server(serve)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await asyncio.wait_for(talk(reader, writer), 10)
        finally:
            writer.close()
            server.should_exit = True
            await task

    return asyncio.run(run())


async def echo(exchange: Exchange) -> None:
    body = await exchange.body(1000)
    await exchange.answer(200, body, [(b"x-more", b"1")])


async def reply(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


def test_a_connection_serves_one_request_after_the_other_and_several_sent_at_once() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
        found = []
        for _ in range(3):
            writer.write(POST)
            head, body = await reply(reader)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nx-more: 1\r\n" in head
            assert b"connection: close" not in head
            found.append(body)
        writer.write(POST * 3)
        return found + [(await reply(reader))[1] for _ in range(3)]

    assert talking(echo, talk) == [b"{}"] * 6


@pytest.mark.parametrize(
    "request_", [POST.replace(b"host: x", b"connection: close"), POST.replace(b"HTTP/1.1", b"HTTP/1.0")]
)
def test_a_connection_that_the_client_ends_is_closed_after_the_answer(request_: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(request_)
        return await reader.read()

    found = talking(echo, talk)
    assert b"\r\nconnection: close\r\n" in found
    assert found.endswith(b"\r\n\r\n{}")


def test_a_body_that_comes_in_pieces_or_after_a_question_is_read_whole() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes, bytes]:
        writer.write(POST[:-1])
        await asyncio.sleep(0.02)
        writer.write(POST[-1:])
        _, first = await reply(reader)
        writer.write(POST[:-2].replace(b"host: x", b"host: x\r\nexpect: 100-continue"))
        said = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"[]")
        return first, said, (await reply(reader))[1]

    assert talking(echo, talk) == (b"{}", b"HTTP/1.1 100 Continue\r\n\r\n", b"[]")


def test_a_header_that_would_be_two_is_never_written() -> None:
    async def serve(exchange: Exchange) -> None:
        await exchange.body(1000)
        await exchange.answer(200, b"{}", [(b"x-more", b"1\r\nx-evil: 1")])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(POST)
        return await reader.read()

    found = talking(serve, talk)
    assert b"x-evil" not in found


def test_a_client_who_leaves_is_noticed_at_once_and_one_who_stays_is_not() -> None:
    async def run() -> list[str]:
        said: list[str] = []
        gone = asyncio.Event()

        async def serve(exchange: Exchange) -> None:
            await exchange.body(1000)
            unwatch = exchange.watch(lambda: (said.append("early"), gone.set()))
            await asyncio.sleep(0.02)
            unwatch()
            exchange.watch(lambda: (said.append("left"), gone.set()))
            await gone.wait()

        server, task, port = await _server(serve)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST)
        await asyncio.sleep(0.05)
        assert said == []
        writer.close()
        await asyncio.wait_for(gone.wait(), 5)
        server.should_exit = True
        await task
        return said

    assert asyncio.run(run()) == ["left"]


def test_who_begins_to_watch_after_the_client_has_left_hears_it_too() -> None:
    async def run() -> bool:
        left = asyncio.Event()

        async def serve(exchange: Exchange) -> None:
            await exchange.body(1000)
            await asyncio.sleep(0.05)
            exchange.watch(left.set)
            await asyncio.wait_for(left.wait(), 5)

        server, task, port = await _server(serve)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST)
        await asyncio.sleep(0.01)
        writer.close()
        await asyncio.wait_for(left.wait(), 5)
        server.should_exit = True
        await task
        return left.is_set()

    assert asyncio.run(run())


def test_a_request_that_was_served_leaves_no_circle_behind() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(POST)
        await reply(reader)
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                writer.write(POST)
                await reply(reader)
            return gc.collect()
        finally:
            gc.enable()

    assert talking(echo, talk) < 50


@pytest.mark.parametrize("now", [False, True], ids=["gathered", "at once"])
def test_what_is_written_to_a_client_who_has_just_left_is_dropped_and_raises_nothing(now: bool) -> None:
    raised: list[dict[str, Any]] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: raised.append(context))
        made: asyncio.Future[asyncio.Transport] = loop.create_future()

        class Held(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                made.set_result(transport)  # type: ignore[arg-type]

        server = await loop.create_server(Held, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        transport = await made
        gathers = OneWrite(transport, loop)
        gathers.write(b"gathered")
        transport.abort()
        await asyncio.sleep(0)
        (gathers.write_now if now else gathers.write)(b"late")
        await asyncio.sleep(0.01)
        writer.close()
        server.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    assert raised == []
