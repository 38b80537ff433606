"""A scripted upstream: a small HTTP server that speaks like a model provider, and plays every fault a provider has shown.

    async with Upstream({"": Script(text="Hello")}) as upstream:
        ...  # ask upstream.url + "/v1/chat/completions"
        assert upstream.seen[0].path == "/v1/chat/completions"

Which script answers is said by what stands before `/v1` in the address (`/flaky/v1/chat/completions` asks `flaky`), else by
the request's model, else it is the script named "". It runs in a loop (`Upstream`), in a thread of its own (`serving`), or
as a process: `python -m groundwork.testing.upstream --port 0`, which prints its port. The process takes scripts as JSON at
`POST /lab/scripts` and tells what it saw at `GET /lab/seen`. It is raw asyncio, since benchmarks measure against it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from groundwork.testing.upstream_play import JSON, play, reply_body
from groundwork.testing.upstream_script import Script, script_of
from groundwork.testing.upstream_wire import Wire, error_body, written

Choose = Callable[["Seen"], Script | None]
MAX_HEAD = 64 * 1024
_REASONS = {
    200: b"OK",
    307: b"Temporary Redirect",
    400: b"Bad Request",
    401: b"Unauthorized",
    404: b"Not Found",
}


@dataclass(slots=True)
class Seen:
    """One request as the upstream saw it.

    Attributes:
        n: 1, 2, … among the requests of its script. connection: 1, 2, … in the order of connecting.
        fault: what was played. finished: the whole reply was sent. gone: the client left before that.
    """

    n: int
    connection: int
    script: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    fault: str = ""
    finished: bool = False
    gone: bool = False

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def digest(self) -> str:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass
class Upstream:
    """The server, as an async context manager.

    Attributes:
        scripts: by name; may be changed at any time. choose: asked first, for replies that follow from the request.
        keep: how many requests are remembered; 0 none, for benchmarks.
        port: 0 takes a free one. tls: also listens with a certificate that nobody has signed, at `tls_url`.
    """

    scripts: dict[str, Script] = field(default_factory=lambda: {"": Script()})
    choose: Choose | None = None
    keep: int = 100_000
    port: int = 0
    tls: bool = False
    seen: deque[Seen] = field(default_factory=deque)
    connections: int = 0
    open_connections: set[_Connection] = field(default_factory=set)
    inside: int = 0
    """How many requests followed a redirect to the inside; always to be 0."""

    def __post_init__(self) -> None:
        self.seen = deque(self.seen, maxlen=self.keep)
        self._counts: Counter[str] = Counter()
        self._ready: dict[tuple[int, str, str], tuple[Script, bytes]] = {}  # the script keeps its id taken
        self._servers: list[asyncio.Server] = []
        self._refusing: socket.socket | None = None
        self._tls_port = 0

    @property
    def url(self) -> str:
        """The address without a path, such as `http://127.0.0.1:40123`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where a certificate stands that nobody has signed."""
        return f"https://127.0.0.1:{self._tls_port}"

    @property
    def refused_url(self) -> str:
        """An address at which nobody listens, and nobody else can while this runs."""
        if self._refusing is None:
            self._refusing = socket.socket()
            self._refusing.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._refusing.getsockname()[1]}"

    @property
    def requests(self) -> int:
        """How many requests came since scripts were last changed."""
        return self._counts.total()

    def of(self, script: str) -> list[Seen]:
        """Return what one script has seen, in order."""
        return [seen for seen in self.seen if seen.script == script]

    def forget(self) -> None:
        """Count requests from 1 again and forget those seen."""
        self.seen.clear()
        self._counts.clear()

    async def __aenter__(self) -> Upstream:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        if self.tls:
            context = self_signed()
            secure = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=context)
            self._tls_port = secure.sockets[0].getsockname()[1]
            self._servers.append(secure)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        tasks = [c.task for c in list(self.open_connections) if c.task]
        for connection in list(self.open_connections):
            connection.drop()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._refusing is not None:
            self._refusing.close()
            self._refusing = None

    def script_for(self, path: str, request: Any) -> tuple[str, Script]:
        """Return name and script that answer a request."""
        name = path.partition("/v1")[0].strip("/").rpartition("/")[2]
        if name in self.scripts and name:
            return name, self.scripts[name]
        model = str(request.get("model", "")) if isinstance(request, dict) else ""
        if model in self.scripts:
            return model, self.scripts[model]
        return "", self.scripts.get("", _DEFAULT)

    def counted(self, name: str) -> int:
        """Count one more request of a script and return its number."""
        self._counts[name] += 1
        return self._counts[name]

    def ready_reply(self, script: Script, wire: Wire, path: str, model: str) -> bytes:
        """Return a whole, well-behaved reply, made once for each script, path and model."""
        key = (id(script), path, model)
        found = self._ready.get(key)
        if found is None:
            body = written(reply_body(wire, path, script, {"model": model}))
            found = (script, _head(200, JSON, len(body), script.headers) + body)
            if len(self._ready) < 1000:
                self._ready[key] = found
        return found[1]


_DEFAULT = Script()


class _Gone(Exception):
    """The client closed the connection."""


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is read."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._lost = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.number = 0
        self._seen: Seen | None = None
        self.wire: Wire = "openai"
        self.path = ""
        self.headers: Mapping[str, str] = {}
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # that of uvloop is no subclass
        self._upstream.connections += 1
        self.number = self._upstream.connections
        self._upstream.open_connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._upstream.open_connections.discard(self)
        self._lost.set()
        self._room.set()
        if self._seen is not None and not self._seen.finished:
            self._seen.gone = True
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self.task is None and self._one_request():
            pass

    def drop(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def hang_up(self) -> None:
        """Tell the client at once that nothing more will come or be read."""
        assert self._transport is not None
        self._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _one_request(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                self.drop()
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        start = end + 4
        if headers.get("transfer-encoding", "").lower() == "chunked":
            found = _dechunked(self._buffer, start)
            if found is None:
                return False
            body, after = found
        else:
            after = start + int(headers.get("content-length", "0") or 0)
            if len(self._buffer) < after:
                return False
            body = bytes(self._buffer[start:after])
        del self._buffer[:after]
        method, path, _ = (*lines[0].split(" "), "", "", "")[:3]
        self._answer(method, path.partition("?")[0], headers, body)
        return True

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        upstream = self._upstream
        self.path, self.headers, self.body = path, headers, body
        self.wire = "anthropic" if "/messages" in path or "anthropic-version" in headers else "openai"
        if path.startswith("/lab/"):
            self._lab(path, body)
            return
        if path.startswith("/inside"):
            upstream.inside += 1
        try:
            request = json.loads(body) if body else {}
        except ValueError:
            request = {}
        name, script = upstream.script_for(path, request)
        n = upstream.counted(name)
        if upstream.keep or upstream.choose:
            self._seen = Seen(n, self.number, name, method, path, headers, body)
            upstream.seen.append(self._seen)
            if upstream.choose is not None:
                script = upstream.choose(self._seen) or script
        fault = script.fault_of(n)
        if self._seen is not None:
            self._seen.fault = fault
        refusal = _refusal(self.wire, path, script, headers)
        if refusal is not None:
            self._write(refusal)
        elif fault or script.delay_s or request.get("stream") or path.endswith(("/embeddings", "_tokens")):
            self.task = asyncio.get_running_loop().create_task(self._play(script, fault, request))
        else:
            self._write(upstream.ready_reply(script, self.wire, path, str(request.get("model", ""))))

    async def _play(self, script: Script, fault: str, request: Mapping[str, Any]) -> None:
        seen = self._seen
        try:
            await play(self, script, fault, request)
            if seen is not None and not self._lost.is_set():
                seen.finished = True
        except _Gone:
            pass
        finally:
            self.task = None
        while self.task is None and not self._lost.is_set() and self._one_request():
            pass

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)
        if self._seen is not None:
            self._seen.finished = True

    def _lab(self, path: str, body: bytes) -> None:
        if path == "/lab/scripts":
            given: dict[str, Any] = json.loads(body)
            self._upstream.scripts.update({name: script_of(values) for name, values in given.items()})
            self._upstream.forget()
        seen = [
            {**asdict(s), "body": s.body.decode("utf-8", "replace"), "headers": dict(s.headers)}
            for s in self._upstream.seen
        ]
        upstream = self._upstream
        told = {
            "seen": seen,
            "connections": upstream.connections,
            "open": len(upstream.open_connections),
            "inside": upstream.inside,
            "requests": upstream.requests,
            "tls_url": upstream.tls_url,
            "refused_url": upstream.refused_url,
        }
        text = written(told)
        assert self._transport is not None
        self._transport.write(_head(200, JSON, len(text)) + text)

    # What a play calls.

    def head(
        self, status: int, kind: str, length: int | None, extra: tuple[tuple[str, str], ...] = ()
    ) -> None:
        assert self._transport is not None
        self._transport.write(_head(status, kind, length, extra))

    async def send(self, data: bytes) -> None:
        assert self._transport is not None
        if self._lost.is_set():
            raise _Gone
        self._transport.write(data)
        if not self._room.is_set():
            await self._room.wait()

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def reset(self) -> None:
        assert self._transport is not None
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    async def wait_until_gone(self) -> None:
        await self._lost.wait()


def _head(status: int, kind: str, length: int | None, extra: tuple[tuple[str, str], ...] = ()) -> bytes:
    body = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    more = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in extra)
    reason = _REASONS.get(status, b"Status")
    return b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\n%b\r\n%b\r\n" % (status, reason, kind.encode(), body, more)


def _refusal(wire: Wire, path: str, script: Script, headers: Mapping[str, str]) -> bytes | None:
    known = ("/chat/completions", "/messages", "/count_tokens", "/embeddings", "/models")
    shown = headers.get("x-api-key") or headers.get("api-key")
    shown = shown or headers.get("authorization", "").removeprefix("Bearer ")
    if script.key and shown != script.key:
        status, text = 401, f"incorrect API key provided: {shown}"
    elif not path.endswith(known):
        status, text = 404, f"no such path: {path}"
    else:
        return None
    body = written(error_body(wire, status, text))
    return _head(status, JSON, len(body)) + body


def _dechunked(data: bytearray, at: int) -> tuple[bytes, int] | None:
    parts = []
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(bytes(data[at:line]).partition(b";")[0], 16)
        if len(data) < line + 2 + size + 2:
            return None
        parts.append(bytes(data[line + 2 : line + 2 + size]))
        at = line + 2 + size + 2
        if size == 0:
            return b"".join(parts), at


def self_signed() -> ssl.SSLContext:
    """Return a server's TLS context whose certificate, for 127.0.0.1, nobody has signed."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lab.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)
    return context


@contextlib.contextmanager
def serving(upstream: Upstream | None = None) -> Iterator[Upstream]:
    """Run an upstream in a thread of its own, for tests that are not async."""
    upstream = upstream or Upstream()
    started: Future[asyncio.AbstractEventLoop] = Future()
    stop = asyncio.Event()

    async def run() -> None:
        async with upstream:
            started.set_result(asyncio.get_running_loop())
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="upstream", daemon=True)
    thread.start()
    loop = started.result(10)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _serve(arguments: argparse.Namespace) -> None:
    scripts = {"": Script()}
    if arguments.scripts:
        given: dict[str, Any] = json.loads(arguments.scripts)
        scripts |= {name: script_of(values) for name, values in given.items()}
    async with Upstream(scripts, keep=arguments.keep, port=arguments.port, tls=arguments.tls) as upstream:
        print(upstream.port, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m groundwork.testing.upstream")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--scripts", default="", help='JSON: {"name": {"text": …, "fault": …}}')
    parser.add_argument("--keep", type=int, default=0, help="how many requests are remembered")
    parser.add_argument("--tls", action="store_true", help="also listen with a certificate nobody signed")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if sys.platform == "win32":
            asyncio.run(_serve(arguments))
        else:
            import uvloop

            uvloop.run(_serve(arguments))


if __name__ == "__main__":
    main()
