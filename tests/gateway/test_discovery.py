"""Local model servers are found, and nothing else is taken for one."""

from __future__ import annotations

import asyncio

from groundwork.gateway.discovery import PLACES, Found, find_local
from groundwork.gateway.transport import Transport
from groundwork.testing.timing import Stopwatch
from groundwork.testing.upstream import Upstream
from groundwork.testing.upstream_script import Script


async def serve(reply: bytes, seen: list[bytes]) -> asyncio.Server:
    """Answer everything with the same bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(reply)
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    """Return where it listens."""
    return int(server.sockets[0].getsockname()[1])


def json_reply(body: bytes) -> bytes:
    """Return a reply that holds JSON."""
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )


def test_a_server_that_lists_models_is_found_with_them() -> None:
    async def run() -> None:
        transport = Transport()
        async with Upstream({"": Script(models=("llama3", "qwen"))}) as upstream:
            found = await find_local(transport, {"ollama": upstream.port})
            assert found == [Found("ollama", f"http://127.0.0.1:{upstream.port}/v1", ("llama3", "qwen"))]
            assert "authorization" not in upstream.seen[0].headers
        await transport.aclose()

    asyncio.run(run())


def test_other_servers_at_the_same_ports_are_not_taken_for_model_servers() -> None:
    async def run() -> None:
        transport = Transport()
        seen: list[bytes] = []
        replies = {
            "html": b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>",
            "other-json": json_reply(b'{"data": {"a": 1}}'),
            "other-list": json_reply(b'{"data": [{"name": 7}]}'),
            "locked": b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n",
            "elsewhere": b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "silent": b"",
        }
        servers = {name: await serve(reply, seen) for name, reply in replies.items()}
        empty = await serve(json_reply(b'{"object": "list", "data": []}'), seen)
        places = {name: port_of(server) for name, server in servers.items()}
        assert await find_local(transport, {**places, "vllm": port_of(empty), "closed": 1}) == [
            Found("vllm", f"http://127.0.0.1:{port_of(empty)}/v1", ())
        ]
        assert len(seen) == len(replies) + 1
        await transport.aclose()

    asyncio.run(run())


def test_a_server_that_hangs_costs_300_ms_and_no_more() -> None:
    async def run() -> None:
        transport = Transport()
        async with (
            Upstream({"": Script(fault="silence")}) as one,
            Upstream({"": Script(fault="silence")}) as two,
        ):
            places = {"a": one.port, "b": two.port}
            with Stopwatch() as took:
                assert await find_local(transport, places) == []
            assert took.seconds < 0.6
        await transport.aclose()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_the_usual_places_are_looked_at() -> None:
    assert PLACES == {"ollama": 11434, "llamacpp": 8080, "vllm": 8000, "lmstudio": 1234}
