"""The scripted upstream itself: it speaks well when told to, and each fault is really what its name says."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import pytest

from groundwork.testing.upstream import Seen, Upstream, serving
from groundwork.testing.upstream_process import UpstreamProcess
from groundwork.testing.upstream_script import CHAT_FAULTS, FAULTS, Call, Script

T = TypeVar("T")
Body = dict[str, object]
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


def within(work: Callable[[Upstream, aiohttp.ClientSession], Awaitable[T]], upstream: Upstream) -> T:
    """Run something against a running upstream, which must end with no task left."""

    async def run() -> T:
        async with upstream, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            found = await work(upstream, session)
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1
        return found

    return asyncio.run(run())


async def raw(upstream: Upstream, path: str, body: Body, *, seconds: float = 1.5) -> bytes:
    """Return every byte that comes until the connection ends or the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
    content = json.dumps(body).encode()
    writer.write(b"POST %b HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (path.encode(), len(content), content))
    got = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while data := await reader.read(65536):
                got += data
    except (TimeoutError, ConnectionResetError) as error:
        got += f"<{type(error).__name__}>".encode()
    writer.close()
    return bytes(got)


@pytest.mark.parametrize("wire", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_fault_is_played_in_both_formats_and_leaves_nothing_behind(wire: str, stream: bool) -> None:
    scripts = {
        name: Script(fault=name, byte_s=0.2, big_bytes=1 << 18, calls=(Call("get_weather"),))
        for name in FAULTS
    }

    async def work(upstream: Upstream, _: aiohttp.ClientSession) -> dict[str, bytes]:
        body: Body = {"model": "m", "stream": stream}
        names = [name for name in CHAT_FAULTS if name not in ("connect_refused", "invalid_tls")]
        got = await asyncio.gather(*(raw(upstream, f"/{name}{PATHS[wire]}", body) for name in names))
        assert len(upstream.seen) == len(names)
        return dict(zip(names, got, strict=True))

    got = within(work, Upstream(scripts))
    assert got["silence"] == b"<TimeoutError>"
    assert got["reset_after_headers"].endswith(b"<ConnectionResetError>")
    assert got["one_byte_per_second"].endswith(b"<TimeoutError>")
    # Each byte comes as a chunk of six; how many come in the time depends on the machine, all of them would be thousands.
    assert len(got["one_byte_per_second"].partition(b"\r\n\r\n")[2]) < 600
    assert b"retry-after" not in got["rate_limited_absent"]
    assert b"retry-after: -5" in got["rate_limited_negative"]
    assert b"location: http://" in got["redirect_inside"]
    assert b"NaN" in got["nan"]
    assert got["tool_calls_10000"].count(b"get_weather") >= 10_000
    assert len(got["endless"]) > 100_000 or stream
    with pytest.raises(UnicodeDecodeError):
        got["cut_utf8"].removesuffix(b"<TimeoutError>").removesuffix(b"\r\n0\r\n\r\n").decode()


def test_a_bomb_is_small_on_the_wire_and_large_when_opened() -> None:
    async def work(upstream: Upstream, _: aiohttp.ClientSession) -> bytes:
        return await raw(upstream, "/v1/chat/completions", {})

    got = within(work, Upstream({"": Script(fault="gzip_bomb", big_bytes=1 << 20)}))
    packed = got.partition(b"\r\n\r\n")[2].removesuffix(b"<TimeoutError>")
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) > 20_000_000


def test_a_fault_can_begin_late_and_end_early() -> None:
    async def work(upstream: Upstream, session: aiohttp.ClientSession) -> list[int]:
        statuses = []
        for _ in range(5):
            async with session.post(upstream.url + "/v1/chat/completions", json={"model": "m"}) as reply:
                statuses.append(reply.status)
        return statuses

    assert within(work, Upstream({"": Script(fault="status_500", times=2)})) == [500, 500, 200, 200, 200]
    assert within(work, Upstream({"": Script(fault="key_rotated", after=3)})) == [200, 200, 200, 401, 401]


def test_what_was_asked_is_remembered_with_its_connection_and_whether_the_client_stayed() -> None:
    async def work(upstream: Upstream, session: aiohttp.ClientSession) -> list[Seen]:
        for _ in range(2):
            async with session.post(upstream.url + "/v1/chat/completions", json={"model": "quick"}) as reply:
                await reply.read()
        body = {"model": "slow", "stream": True}
        async with session.post(upstream.url + "/v1/chat/completions", json=body) as reply:
            await reply.content.readany()
        await asyncio.sleep(0.05)
        return list(upstream.seen)

    scripts = {"": Script(), "slow": Script(chunk_delay_s=5)}
    first, second, left = within(work, Upstream(scripts))
    assert first.connection == second.connection
    assert first.digest == second.digest != left.digest
    assert (first.finished, first.gone) == (True, False)
    assert (left.finished, left.gone) == (False, True)
    assert left.json["model"] == "slow"


def test_a_script_can_follow_from_the_request() -> None:
    def choose(seen: Seen) -> Script:
        return Script(text=seen.json["model"].upper())

    async def work(upstream: Upstream, session: aiohttp.ClientSession) -> str:
        async with session.post(upstream.url + "/v1/messages", json={"model": "parrot"}) as reply:
            return str((await reply.json())["content"][0]["text"])

    assert within(work, Upstream(choose=choose)) == "PARROT"


def test_it_runs_in_a_thread_and_as_a_process() -> None:
    import urllib.request

    with serving() as upstream, urllib.request.urlopen(upstream.url + "/v1/models") as reply:
        assert [m["id"] for m in json.load(reply)["data"]] == ["small", "large"]
    with UpstreamProcess({"a": Script(models=("one",))}) as process:
        with urllib.request.urlopen(process.url + "/a/v1/models") as reply:
            assert [m["id"] for m in json.load(reply)["data"]] == ["one"]
        assert [(s.script, s.path) for s in process.seen()] == [("a", "/a/v1/models")]
