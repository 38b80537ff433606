"""How a scripted upstream answers one request: well, or with the fault it was told to play."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Protocol

from groundwork.testing.upstream_script import RATE_LIMITS, STATUSES, Script
from groundwork.testing.upstream_wire import (
    Wire,
    bent,
    chat_body,
    chat_frames,
    embedding_body,
    error_body,
    models_body,
    written,
)

JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"
_GARBAGE = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}}"
HTML = b"<!doctype html><html><body><h1>Welcome</h1><p>Sign in to go on.</p></body></html>"


class Exchange(Protocol):
    """One request being answered; what `upstream.py` hands to a play."""

    wire: Wire
    path: str
    headers: Mapping[str, str]
    body: bytes

    def head(
        self, status: int, kind: str, length: int | None, extra: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Send the head; without a length the body follows in chunks."""

    async def send(self, data: bytes) -> None:
        """Send bytes as they are, when the other side has taken what came before."""

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked body; an empty one ends it."""

    def reset(self) -> None:
        """Break the connection with a TCP reset."""

    def close(self) -> None:
        """Close the connection when everything has been sent."""

    async def wait_until_gone(self) -> None:
        """Wait until the client has closed the connection."""


async def play(exchange: Exchange, script: Script, fault: str, request: Mapping[str, Any]) -> None:
    """Answer one request."""
    if script.delay_s:
        await asyncio.sleep(script.delay_s)
    if fault == "silence":
        await exchange.wait_until_gone()
    elif fault in STATUSES:
        await _refuse(exchange, script, fault)
    elif fault == "html":
        await _whole(exchange, script, HTML, kind="text/html; charset=utf-8")
    elif fault == "empty_body":
        await _whole(exchange, script, b"", kind=SSE if request.get("stream") else JSON)
    elif fault == "redirect_inside":
        inside = f"http://{exchange.headers.get('host', '127.0.0.1')}/inside/metadata"
        exchange.head(307, "text/plain", 0, (("location", inside), *script.headers))
    elif request.get("stream") and exchange.path.endswith(("/chat/completions", "/messages")):
        await _stream(exchange, bent(script, fault), fault, request)
    else:
        body = written(reply_body(exchange.wire, exchange.path, bent(script, fault), request, fault))
        await _reply(exchange, script, fault, body)


def reply_body(
    wire: Wire, path: str, script: Script, request: Mapping[str, Any], fault: str = ""
) -> dict[str, Any]:
    """Return the body of a whole reply to a request at `path`."""
    if path.endswith("/count_tokens"):
        return {"input_tokens": len(json.dumps(request.get("messages", []))) // 4}
    if path.endswith("/models"):
        return models_body(wire, script)
    if path.endswith("/embeddings") and fault == "error_in_stream":
        return error_body(wire, 500, "the engine died")
    if path.endswith("/embeddings"):
        return embedding_body(script, request, fault)
    return chat_body(wire, script, str(request.get("model", "")), fault)


async def _refuse(exchange: Exchange, script: Script, fault: str) -> None:
    status = STATUSES[fault]
    extra: tuple[tuple[str, str], ...] = ()
    if fault in RATE_LIMITS:
        after = script.retry_after or RATE_LIMITS[fault]
        if after == "date":
            after = formatdate(time.time() + 1.5, usegmt=True)
        extra = (("retry-after", after),) if after is not None else ()
    if fault == "status_502":
        await _whole(exchange, script, HTML, kind="text/html", status=502)
        return
    shown = exchange.headers.get("authorization", "") or exchange.headers.get("x-api-key", "")
    # A careless provider repeats the key; whoever passes errors on must not.
    body = written(error_body(exchange.wire, status, f"refused for {shown or 'nobody'}: {fault}"))
    await _whole(exchange, script, body, status=status, extra=extra)


async def _whole(
    exchange: Exchange,
    script: Script,
    body: bytes,
    *,
    kind: str = JSON,
    status: int = 200,
    extra: tuple[tuple[str, str], ...] = (),
) -> None:
    exchange.head(status, kind, len(body), (*extra, *script.headers))
    await exchange.send(body)


async def _reply(exchange: Exchange, script: Script, fault: str, body: bytes) -> None:
    match fault:
        case "reset_after_headers":
            exchange.head(200, JSON, len(body))
            await exchange.send(body[:20])
            await asyncio.sleep(0.01)
            exchange.reset()
        case "one_byte_per_second":
            exchange.head(200, JSON, len(body))
            await _drip(exchange, body, script.byte_s)
        case "truncated_json":
            await _whole(exchange, script, body[: len(body) // 2])
        case "wrong_length":
            exchange.head(200, JSON, len(body) + 100)
            await exchange.send(body)
            exchange.close()
        case "garbage_after":
            exchange.head(200, JSON, len(body))
            await exchange.send(body + _GARBAGE)
        case "unasked_reply":
            await _whole(exchange, script, body)
            await _unasked(exchange, body)
        case "unterminated":
            exchange.head(200, JSON, None)
            await exchange.chunk(body[:-10])
            await exchange.chunk(body[-10:])
            exchange.close()
        case "cut_utf8":
            await _whole(exchange, script, body[: _inside_a_character(body)])
        case "split_utf8":
            cut = _inside_a_character(body)
            exchange.head(200, JSON, len(body))
            await exchange.send(body[:cut])
            await asyncio.sleep(0.01)
            await exchange.send(body[cut:])
        case "duplicate_chunks":
            await _whole(exchange, script, body + body)
        case "long_line":
            exchange.head(200, JSON, len(body) + script.big_bytes)
            await exchange.send(body[:-1])
            await _many(exchange, b" " * 65536, script.big_bytes)
            await exchange.send(body[-1:])
        case "endless":
            exchange.head(200, JSON, None)
            await exchange.chunk(body[:-1])
            while True:
                await exchange.chunk(b" " * 65536)
                await asyncio.sleep(0.001)
        case "gzip_bomb":
            packed = bomb(body[:-1], script.big_bytes * 20, body[-1:])
            await _whole(exchange, script, packed, extra=(("content-encoding", "gzip"),))
        case _:
            await _whole(exchange, script, body)


async def _stream(exchange: Exchange, script: Script, fault: str, request: Mapping[str, Any]) -> None:
    model = str(request.get("model", ""))
    options = request.get("stream_options") or {}
    usage = exchange.wire == "anthropic" or bool(options.get("include_usage"))
    frames = chat_frames(exchange.wire, script, model, fault, usage=usage)
    if fault == "gzip_bomb":
        packed = bomb(b"".join(frames[:2]) + b"data: ", script.big_bytes * 20, b"\n\n" + b"".join(frames[2:]))
        extra = (("content-encoding", "gzip"), *script.headers)
        exchange.head(200, SSE, None, extra)
        await exchange.chunk(packed)
        await exchange.chunk(b"")
        return
    if fault == "wrong_length":
        exchange.head(200, SSE, sum(map(len, frames)) + 100, script.headers)
        await exchange.send(b"".join(frames[:-1]))
        exchange.close()
        return
    exchange.head(200, SSE, None, script.headers)
    async for piece in _disturbed(exchange, script, fault, frames):
        await exchange.chunk(piece)
    if fault in ("unterminated", "truncated_json", "cut_utf8"):
        await exchange.chunk(b"")
    elif fault == "garbage_after":
        await exchange.send(b"0\r\n\r\n" + _GARBAGE)
    elif fault == "unasked_reply":
        await exchange.chunk(b"")
        await _unasked(exchange, b"".join(frames))
    elif fault not in ("reset_after_headers", "one_byte_per_second", "endless"):
        await exchange.chunk(b"")


async def _disturbed(
    exchange: Exchange, script: Script, fault: str, frames: list[bytes]
) -> AsyncIterator[bytes]:
    half = max(2, len(frames) // 2)
    match fault:
        case "reset_after_headers":
            await asyncio.sleep(0.01)
            exchange.reset()
        case "one_byte_per_second":
            for n in b"".join(frames):
                yield bytes((n,))
                await asyncio.sleep(script.byte_s)
        case "truncated_json":
            for frame in frames[:half]:
                yield frame
            yield frames[half][: len(frames[half]) // 2]
        case "cut_utf8":
            text = b"".join(frames)
            yield text[: _inside_a_character(text)]
        case "split_utf8":
            text = b"".join(frames)
            cut = _inside_a_character(text)
            yield text[:cut]
            await asyncio.sleep(0.01)
            for n in range(cut, len(text), 7):
                yield text[n : n + 7]
        case "long_line":
            for frame in frames[:half]:
                yield frame
            for _ in range(script.big_bytes // 65536):
                yield b"x" * 65536
            yield b"\n\n"
            for frame in frames[half:]:
                yield frame
        case "endless":
            for frame in frames[:half]:
                yield frame
            while True:
                yield frames[half - 1]
                await asyncio.sleep(0.001)
        case _:
            for n, frame in enumerate(frames):
                if n and script.chunk_delay_s:
                    await asyncio.sleep(script.chunk_delay_s)
                if frame:
                    yield frame


async def _unasked(exchange: Exchange, body: bytes) -> None:
    """Send a second reply when the connection is idle; a client that takes it for the next one's mixes up its callers."""
    await asyncio.sleep(0.02)
    exchange.head(200, JSON, len(body))
    await exchange.send(body)


async def _drip(exchange: Exchange, body: bytes, byte_s: float) -> None:
    for n in body:
        await exchange.send(bytes((n,)))
        await asyncio.sleep(byte_s)


async def _many(exchange: Exchange, block: bytes, size: int) -> None:
    for sent in range(0, size, len(block)):
        await exchange.send(block[: size - sent])


def _inside_a_character(data: bytes) -> int:
    """Return a place inside of the last character of several bytes; the middle where there is none."""
    for n in range(len(data) - 1, -1, -1):
        if data[n] >= 0xC0:
            return n + 1
    return len(data) // 2


@lru_cache(maxsize=32)
def bomb(head: bytes, size: int, tail: bytes) -> bytes:
    """Return gzip of `head`, `size` spaces and `tail`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(head)]
    block = b" " * (1 << 20)
    parts += [packer.compress(block) for _ in range(size // len(block))]
    return b"".join([*parts, packer.compress(tail), packer.flush()])
