"""A target that takes OTLP and does what it is told: refuse, be slow, be down."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from groundwork.telemetry.exporting.sending import NotSentError, Sent

Answer = Callable[[int], Sent]


class Sink:
    """Takes request bodies as a sender would post them; `answer` says what it answers to so many spans."""

    def __init__(self) -> None:
        self.requests: list[int] = []
        self.names: list[str] = []
        self.down = False
        self.answer: Answer = lambda spans: Sent(200)

    def send(self, body: bytes) -> Sent:
        if self.down:
            raise NotSentError("nobody answers")
        spans = names_in(body)
        self.requests.append(len(spans))
        sent = self.answer(len(spans))
        if sent.status == 200:
            self.names += spans
        return sent

    def close(self) -> None:
        return


def names_in(body: bytes) -> list[str]:
    """Return the names of the spans in a request."""
    if body[:1] == b"{":
        told = json.loads(body)["resourceSpans"]
        return [s["name"] for g in told for p in g["scopeSpans"] for s in p["spans"]]
    request = ExportTraceServiceRequest.FromString(body)
    return [s.name for g in request.resource_spans for p in g.scope_spans for s in p.spans]


@contextmanager
def served(handle: Callable[[dict[str, str], bytes], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """Serve over HTTP; `handle` gets the headers and the inflated body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status, headers, said = handle(
                {k.lower(): v for k, v in self.headers.items()} | {":path": self.path}, body
            )
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
