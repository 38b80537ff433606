"""The way out: where a key may go, what a reply may be, and that nothing is left behind however an exchange ends."""

from __future__ import annotations

import asyncio
import gc
import gzip
import threading
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from groundwork.core.errors import SettingsError
from groundwork.gateway import wire
from groundwork.gateway.failures import Failure
from groundwork.gateway.origin import Origin
from groundwork.gateway.transport import Auth, Limits, Transport
from groundwork.testing.timing import Stopwatch
from groundwork.testing.upstream import Upstream
from groundwork.testing.upstream_script import Script

SECRET = "sk-test-4dK9wq8ZrT"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw(reply: bytes | Serve) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve one reply to every connection, then close it; give the address and the heads of the requests."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            if callable(reply):
                await reply(reader, writer)
            else:
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()


async def post(transport: Transport, url: str, body: Any = None, **more: Any) -> Any:
    """Post to a URL whose origin is its own."""
    from yarl import URL

    more.setdefault("origin", Origin.of(url))
    return await transport.post_json(URL(url), body if body is not None else {}, **more)


async def streamed(transport: Transport, url: str, **more: Any) -> list[str]:
    """Return the data of every event."""
    from yarl import URL

    stream = await transport.post_stream(URL(url), {}, origin=Origin.of(url), **more)
    try:
        return [event.data async for event in stream]
    finally:
        await stream.close()


def whole(body: bytes, head: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """Return a reply as it travels."""
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n%b\r\n%b" % (head, len(body), more, body)


async def failing(work: Awaitable[Any]) -> Failure:
    """Return the failure that `work` ends with."""
    with pytest.raises(Failure) as caught:
        await work
    return caught.value


# ---- where a key may go ----


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ("bearer", f"authorization: Bearer {SECRET}"),
        ("api-key", f"api-key: {SECRET}"),
        ("x-api-key", f"x-api-key: {SECRET}"),
    ],
)
def test_the_key_is_sent_as_the_provider_takes_it(auth: Auth, header: str) -> None:
    async def run() -> None:
        transport = Transport()
        async with raw(whole(b"{}")) as (url, heads):
            await post(transport, url, secret=SECRET, auth=auth)
            await post(transport, url, secret=SECRET, auth="none")
        assert header in heads[0].decode()
        assert SECRET not in heads[1].decode()
        await transport.aclose()

    asyncio.run(run())


def test_the_key_goes_to_the_configured_origin_alone() -> None:
    async def run() -> None:
        from yarl import URL

        transport = Transport()
        async with raw(whole(b"{}")) as (url, heads):
            for other in (
                "https://api.example.com/v1",
                "http://localhost:1/v1",
                url.replace("http:", "https:"),
            ):
                origin = Origin.of(other)
                failure = await failing(transport.post_json(URL(url), {}, origin=origin, secret=SECRET))
                assert failure.code == "unsupported"
                assert SECRET not in failure.message
        assert heads == []
        await transport.aclose()

    asyncio.run(run())


def test_a_key_does_not_travel_unencrypted_to_another_machine() -> None:
    async def run() -> None:
        from yarl import URL

        url = URL("http://models.example.com/v1")
        failure = await failing(Transport().post_json(url, {}, origin=Origin.of(str(url)), secret=SECRET))
        assert failure.code == "auth"
        assert "allow_http" in failure.message

    asyncio.run(run())
    assert Origin.of("http://models.example.com", allow_http=True).takes_secrets
    assert Origin.of("http://127.0.0.2:8080/v1").takes_secrets
    assert Origin.of("http://[::1]:8080/v1").takes_secrets
    assert not Origin.of("http://10.0.0.7:8080/v1").takes_secrets
    assert not Origin.of("http://127.0.0.1.example.com").takes_secrets


@pytest.mark.parametrize(
    "url",
    ["", "api.openai.com/v1", "ftp://x/", "file:///etc/passwd", "https://user:pass@host/v1", "https://:pass@host/v1",
     "https://user@host", "https:///v1", "http://[::1", "https://host:99999/v1"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Origin.of(url)
    assert "pass@" not in str(caught.value.as_dict())


def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it() -> None:
    async def run() -> None:
        for secret in ("sk-a\r\nx-evil: 1", "sk-ü", "sk-\x00"):
            failure = await failing(post(Transport(), "http://127.0.0.1:1", secret=secret))
            assert failure.code == "auth"
            assert "sk-" not in failure.message

    asyncio.run(run())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
def test_a_redirect_is_refused_and_names_no_more_than_its_target_host(status: int) -> None:
    async def run() -> None:
        transport = Transport()
        head = b"%d Moved" % status
        location = b"Location: http://169.254.169.254/latest/meta-data?token=abc\r\n"
        async with raw(whole(b"", head, location)) as (url, heads):
            failure = await failing(post(transport, url, secret=SECRET))
        assert (failure.code, failure.status, len(heads)) == ("protocol", status, 1)
        assert "169.254.169.254" in failure.message
        assert "token" not in failure.message
        await transport.aclose()

    asyncio.run(run())


def test_no_cookie_is_kept_and_no_proxy_of_the_environment_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def run() -> None:
        transport = Transport()
        async with raw(whole(b"{}", more=b"Set-Cookie: who=you; Path=/\r\n")) as (url, heads):
            await post(transport, url)
            await post(transport, url)
        assert len(heads) == 2
        assert not any(b"cookie" in head.lower() for head in heads)
        await transport.aclose()

    asyncio.run(run())


# ---- what a reply may be ----


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}", "protocol"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "protocol"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", "protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", "protocol"),
        (whole(b"x" * 2_000_000), "limit"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000, "limit"),
    ],
    ids=["nothing", "short", "chunks", "no-http", "no-gzip", "header", "announced", "unannounced"],
)
def test_a_broken_or_boundless_reply_is_a_failure(reply: bytes, code: str) -> None:
    async def run() -> None:
        transport = Transport(Limits(body_bytes=1_000_000))
        async with raw(reply) as (url, _):
            failure = await failing(post(transport, url))
            assert failure.code == code, failure.message
        await transport.aclose()

    asyncio.run(run())


@pytest.mark.parametrize(
    "body", [b"", b"<html>hi</html>", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000, b"{} {}", b"\xff"]
)
def test_a_body_that_is_no_json_is_told_without_repeating_it(body: bytes) -> None:
    async def run() -> None:
        transport = Transport()
        async with raw(whole(body)) as (url, _):
            reply = await post(transport, url)
            with pytest.raises(Failure) as caught:
                reply.json()
        assert caught.value.code == "protocol"
        assert "html>" not in caught.value.message
        await transport.aclose()

    asyncio.run(run())


def test_json_is_read_strictly_and_as_text_that_can_be_stored() -> None:
    assert wire.read(b'\xef\xbb\xbf{"a": "\\ud83d\\ude80"}') == {"a": "🚀"}
    assert wire.read(b'{"\\ud800": ["a\\udfffb"]}') == {"\ufffd": ["a\ufffdb"]}
    with pytest.raises(ValueError, match="utf-8"):
        wire.read(b'"\xed\xa0\x80"')
    assert wire.write({"a": "ü\ud800"}) == b'{"a":"\\u00fc\\ud800"}'
    assert wire.write({"a": "ü"}) == '{"a":"ü"}'.encode()
    with pytest.raises(ValueError):
        wire.write(float("nan"))


def test_a_request_that_is_no_json_is_refused_before_anything_is_sent() -> None:
    async def run() -> None:
        async with raw(whole(b"{}")) as (url, heads):
            failure = await failing(post(Transport(), url, {"a": float("nan")}))
            assert failure.code == "bad_request"
            assert heads == []

    asyncio.run(run())


def test_a_packed_reply_is_unpacked() -> None:
    async def run() -> None:
        transport = Transport()
        body = gzip.compress(b'{"a":"' + bytes(range(97, 123)) * 100 + b'"}')
        async with raw(whole(body, more=b"content-encoding: gzip\r\n")) as (url, _):
            assert len((await post(transport, url)).json()["a"]) == 2600
        await transport.aclose()

    asyncio.run(run())


def test_a_packed_bomb_ends_long_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(300 * 1024 * 1024), 1)

    async def run() -> Failure:
        transport = Transport()
        async with raw(whole(bomb, more=b"content-encoding: gzip\r\n")) as (url, _):
            tracemalloc.start()
            try:
                failure = await failing(post(transport, url))
                assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
            finally:
                tracemalloc.stop()
        await transport.aclose()
        return failure

    assert asyncio.run(run()).code == "limit"


def test_a_stream_is_limited_in_its_lines_its_events_and_its_whole_size() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b"data: x\n\n" * 100)
            await writer.drain()

    async def run() -> None:
        transport = Transport()
        for limits, words in (
            (Limits(events=1000), "1000 events"),
            (Limits(stream_bytes=10_000), "10000 bytes"),
            (Limits(line_bytes=5), "5 bytes"),
        ):
            async with raw(endless) as (url, _):
                failure = await failing(streamed(transport, url, limits=limits))
            assert failure.code == "limit"
            assert words in failure.message
        await transport.aclose()

    asyncio.run(run())


# ---- time ----


def test_the_whole_attempt_has_one_deadline_whatever_drips_in() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def run() -> None:
        transport = Transport()
        async with raw(drip) as (url, _):
            for work in (post, streamed):
                with Stopwatch() as took:
                    failure = await failing(work(transport, url, timeout_s=0.4))
                assert failure.code == "timeout"
                assert took.wall_s > 0.38
                assert took.seconds < 0.6
        await transport.aclose()

    asyncio.run(run())


def test_a_stream_that_falls_silent_ends_before_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x\n\n")
        await writer.drain()
        await reader.read()

    async def run() -> None:
        transport = Transport()
        async with raw(silent) as (url, _):
            with Stopwatch() as took:
                failure = await failing(streamed(transport, url, limits=Limits(idle_s=0.2)))
            assert failure.code == "timeout"
            assert "silent for 0.2 s" in failure.message
            assert took.seconds < 1
        await transport.aclose()

    asyncio.run(run())


def test_an_attempt_without_any_time_left_fails_at_once() -> None:
    async def run() -> None:
        async with raw(whole(b"{}")) as (url, heads):
            for left in (0.0, -1.0):
                assert (await failing(post(Transport(), url, timeout_s=left))).code == "timeout"
            assert heads == []

    asyncio.run(run())


def test_an_unreachable_address_and_an_unknown_name_are_told_apart_from_a_reset() -> None:
    async def run() -> None:
        transport = Transport(Limits(connect_s=2))
        async with Upstream() as upstream:
            failure = await failing(post(transport, upstream.refused_url))
            assert (failure.code, failure.billed) == ("connect", False)
            failure = await failing(post(transport, "http://no-such-host.invalid/v1"))
            assert (failure.code, failure.billed) == ("connect", False)
        await transport.aclose()

    asyncio.run(run())


# ---- nothing is left behind ----


async def left(upstream: Upstream) -> tuple[int, int]:
    """Return how many connections and further tasks are still there, after the loop has had its turns."""
    for _ in range(50):
        await asyncio.sleep(0.01)
        tasks = len(asyncio.all_tasks()) - 1
        if not upstream.open_connections and not tasks:
            break
    return len(upstream.open_connections), tasks


@pytest.mark.parametrize(
    "fault", ["silence", "one_byte_per_second", "endless", "gzip_bomb", "reset_after_headers"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_or_cancelled_exchange_leaves_neither_socket_nor_task(fault: str, stream: bool) -> None:
    async def run() -> None:
        transport = Transport(Limits(body_bytes=100_000, stream_bytes=100_000))
        async with Upstream({"": Script(fault=fault)}) as upstream:
            url = f"{upstream.url}/v1/chat/completions"
            work = streamed if stream else post
            tasks = [asyncio.create_task(work(transport, url, timeout_s=5)) for _ in range(8)]
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError | Failure) for end in ends)
            assert await left(upstream) == (0, 0)
        await transport.aclose()

    asyncio.run(run())


def test_a_cancelled_stream_is_closed_before_the_cancellation_leaves() -> None:
    async def run() -> None:
        transport = Transport()
        async with Upstream({"": Script(fault="endless")}) as upstream:
            closed: list[bool] = []

            async def consume() -> None:
                from yarl import URL

                url = f"{upstream.url}/v1/chat/completions"
                stream = await transport.post_stream(URL(url), {"stream": True}, origin=Origin.of(url))
                response = stream._response
                assert response is not None
                try:
                    async for _ in stream:
                        await asyncio.sleep(0)
                finally:
                    await stream.close()
                    closed.append(response.closed)

            task = asyncio.create_task(consume())
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert closed == [True]
            assert await left(upstream) == (0, 0)
        await transport.aclose()

    asyncio.run(run())


def test_connections_are_used_again_after_whole_replies_and_ended_streams() -> None:
    async def run() -> None:
        from yarl import URL

        transport = Transport()
        async with Upstream() as upstream:
            url = f"{upstream.url}/v1/chat/completions"
            for _ in range(5):
                (await post(transport, url)).json()
                stream = await transport.post_stream(URL(url), {"stream": True}, origin=Origin.of(url))
                async for event in stream:
                    if event.data == "[DONE]":
                        break
                await stream.close(ended=True)
            assert upstream.connections == 1
        await transport.aclose()

    asyncio.run(run())


def test_several_event_loops_share_one_transport_each_with_its_own_connections() -> None:
    transport = Transport()
    failures: list[BaseException] = []

    def loop(url: str) -> None:
        async def run() -> None:
            for _ in range(5):
                (await post(transport, f"{url}/v1/chat/completions")).json()
            await transport.aclose(everywhere=False)

        try:
            asyncio.run(run())
        except BaseException as error:
            failures.append(error)

    async def run() -> None:
        async with Upstream() as upstream:
            threads = [threading.Thread(target=loop, args=(upstream.url,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.to_thread(thread.join)
            assert upstream.connections == 4
            assert transport._sessions == {}

    asyncio.run(run())
    assert failures == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_sessions_of_loops_that_ended_are_forgotten() -> None:
    transport = Transport()

    async def run() -> None:
        async with Upstream() as upstream:
            (await post(transport, f"{upstream.url}/v1/chat/completions")).json()

    for _ in range(5):
        asyncio.run(run())
    assert len(transport._sessions) == 1
    transport._sessions.clear()
    gc.collect()


@pytest.mark.parametrize("given", [None, "ca"])
def test_a_certificate_that_nobody_signed_is_refused_unless_its_authority_is_named(
    given: str | None, tmp_path: Any
) -> None:
    import ssl

    async def run() -> None:
        async with Upstream(tls=True) as upstream:
            url = f"{upstream.tls_url}/v1/chat/completions"
            if given is None:
                failure = await failing(post(Transport(), url, secret=SECRET))
                assert (failure.code, failure.billed, upstream.seen) == (
                    "tls",
                    False,
                    type(upstream.seen)(maxlen=100_000),
                )
                return
            port = int(upstream.tls_url.rpartition(":")[2])
            pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
            (tmp_path / "ca.pem").write_text(pem)
            transport = Transport(ca_file=str(tmp_path / "ca.pem"))
            assert (await post(transport, url, secret=SECRET)).json()["choices"]
            await transport.aclose()

    asyncio.run(run())
