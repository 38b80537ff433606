"""Put load on HTTP servers from a process of its own: bare sockets, so that the measure costs less than what is measured.

Run as `python -m groundwork.bench.gateway_load` with a plan as JSON on stdin; prints what was measured as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """Where requests go: `path` of a server at 127.0.0.1, with the body's text made different each time.

    `body` holds `{n}` where the number of the request belongs; without it all requests are equal.
    """

    name: str
    port: int
    path: str
    headers: Mapping[str, str]
    body: str
    stream: bool = False

    def request(self, n: str) -> bytes:
        """Return the bytes of one request."""
        body = self.body.replace("{n}", n).encode()
        head = [
            f"POST {self.path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            "content-type: application/json",
        ]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body


class Reply:
    """Reads one HTTP/1.1 reply from bytes as they come."""

    __slots__ = ("_buffer", "_chunked", "_length", "_start", "first_data", "status")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._length: int | None = None
        self._chunked = False
        self.status = 0
        self.first_data = False

    def feed(self, data: bytes) -> bool:
        """Take bytes; say whether the reply is whole."""
        self._buffer += data
        if not self.status:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self._buffer[:end]).lower()
            self.status = int(head[9:12])
            self._start = end + 4
            self._chunked = b"transfer-encoding: chunked" in head
            at = head.find(b"\r\ncontent-length:")
            self._length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else None
        self.first_data = self.first_data or self._buffer.find(b"data:", self._start) >= 0
        if self._chunked:
            return self._buffer.endswith(b"0\r\n\r\n")
        return len(self._buffer) - self._start >= (self._length or 0)

    @property
    def text(self) -> bytes:
        """What has come."""
        return bytes(self._buffer[self._start :])


def one_by_one(targets: Sequence[Target], rounds: int, warm: int, seed: int) -> dict[str, Any]:
    """Ask every target once in each round, in changing order, over one connection each.

    Returns:
        `{name: {ms: [...], first_ms: [...], errors: {status: n}}}`, the lists in the order of the rounds.
    """
    order = random.Random(seed)  # noqa: S311
    connections = {t.name: socket.create_connection(("127.0.0.1", t.port), 60) for t in targets}
    for connection in connections.values():
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found: dict[str, Any] = {t.name: {"ms": [], "first_ms": [], "errors": Counter()} for t in targets}
    for turn in range(warm + rounds):
        for target in order.sample(list(targets), len(targets)):
            request = target.request(f"{'s' if target.stream else 'w'}{seed}-{turn}")
            connection = connections[target.name]
            began = time.perf_counter()
            connection.sendall(request)
            reply, first, whole = Reply(), 0.0, False
            while not whole:
                data = connection.recv(65536)
                if not data:
                    raise ConnectionError(f"{target.name} closed the connection")
                whole = reply.feed(data)
                if not first and reply.first_data:
                    first = time.perf_counter() - began
            took = time.perf_counter() - began
            if reply.status != 200:
                found[target.name]["errors"][str(reply.status)] += 1
            if turn >= warm:
                found[target.name]["ms"].append(took * 1000)
                found[target.name]["first_ms"].append(first * 1000)
    for connection in connections.values():
        connection.close()
    return found


@dataclass
class _Tally:
    """What many clients have seen together."""

    left: int
    until: float
    prefix: str
    ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    example: str = ""


class _Client(asyncio.Protocol):
    """Asks, waits for the whole reply, and asks again."""

    def __init__(self, target: Target, tally: _Tally) -> None:
        self.target = target
        self.tally = tally
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reply = Reply()
        self.began = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        if not self.reply.feed(data):
            return
        tally = self.tally
        tally.ms.append((time.perf_counter() - self.began) * 1000)
        tally.statuses[str(self.reply.status)] += 1
        if self.reply.status != 200 and not tally.example:
            tally.example = self.reply.text[:300].decode("utf-8", "replace")
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.tally.statuses["lost"] += 1
            self.done.set_result(None)

    def _ask(self) -> None:
        tally = self.tally
        if tally.sent >= tally.left or time.perf_counter() > tally.until:
            if not self.done.done():
                self.done.set_result(None)
            self.transport.close()
            return
        tally.sent += 1
        self.reply = Reply()
        self.began = time.perf_counter()
        self.transport.write(self.target.request(f"{tally.prefix}-{tally.sent}"))


async def together(
    target: Target, clients: int, requests: int, seconds: float, prefix: str
) -> dict[str, Any]:
    """Ask with many clients at once, until so many requests were made or the time is over.

    Returns:
        `seconds`, `requests`, `per_second`, `statuses`, and `p50_ms`, `p99_ms` of those that were answered.
    """
    tally = _Tally(requests, time.perf_counter() + seconds, prefix)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        (await loop.create_connection(lambda: _Client(target, tally), "127.0.0.1", target.port))[1]
        for _ in range(clients)
    ]
    await asyncio.wait([client.done for client in made], timeout=seconds + 120)
    took = time.perf_counter() - began
    ordered = sorted(tally.ms) or [0.0]
    return {
        "seconds": took,
        "requests": len(tally.ms),
        "per_second": len(tally.ms) / took,
        "statuses": dict(tally.statuses),
        "example": tally.example,
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


def main() -> None:
    """Do what the plan on stdin says."""
    plan = json.load(sys.stdin)
    targets = [Target(**t) for t in plan["targets"]]
    if plan["kind"] == "one_by_one":
        result = one_by_one(targets, plan["rounds"], plan["warm"], plan["seed"])
    else:
        import uvloop

        result = uvloop.run(
            together(targets[0], plan["clients"], plan["requests"], plan["seconds"], plan["prefix"])
        )
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
