"""Measure how many spans a server takes over OTLP: acknowledged, stored, and how soon they can be seen; beside one rival."""

from __future__ import annotations

import gzip
import http.client
import os
import secrets
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.bench.gateway_servers import Server, free_port
from groundwork.bench.otlp_servers import groundwork, mlflow, phoenix
from groundwork.core.errors import InvalidInputError, UnavailableError

TRACES, SPANS = 100, 5
"""Of one request: traces, and spans of each, about 1 KB a span."""
PROMPT = "How many days of annual leave may be carried into the next year, and until when do they lapse? " * 4
WORDS = "Up to five days may be carried over; they lapse on 31 March of the following year. " * 4
SETTLE_S = 60.0
LOOKS = 200
Say = Callable[[str], None]


def run(
    *,
    requests: int = 200,
    clients: int = 4,
    rival: Path | None = None,
    rival_requests: int = 10,
    say: Say = lambda what: None,
) -> dict[str, Any]:
    """Return what a new server takes, and what a rival does with the same requests.

    Args:
        requests: of 500 spans each, gzipped protobuf as the official exporter sends them.
        clients: connections that send at a time.
        rival: an environment with `mlflow` or `arize-phoenix`. rival_requests: how many it gets; rivals are slow.

    Returns:
        `{span_bytes, requests, clients, servers: [{name, acknowledged_per_s, stored_per_s, sent, stored, request_p50_ms,
        request_p99_ms, visible_p50_ms, visible_p99_ms, cpu_us_per_span}]}`; `stored_per_s` counts until the last span was in
        the database; visible: from the acknowledgement until the span is in an answer of the server. What a server cannot
        tell is null.
    """
    say("writing the requests")
    bodies = [body(n) for n in range(requests)]
    span_bytes = round(statistics.mean(len(gzip.decompress(b)) for b, _ in bodies[:5]) / (TRACES * SPANS))
    found = []
    with tempfile.TemporaryDirectory() as folder, groundwork(Path(folder)) as server:
        say("Groundwork")
        send(server, [body(requests)], 1)  # loads what the first request loads
        found.append(_measured(server, bodies, clients, lambda: _own_spans(Path(folder)), _seen_here))
    if rival is not None:
        found.append(_of_rival(rival.absolute(), bodies[:rival_requests], clients, say))
    return {"span_bytes": span_bytes, "requests": requests, "clients": clients, "servers": found}


def body(number: int) -> tuple[bytes, str]:
    """Return a gzipped request with spans nobody has seen, and the id of its last trace."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _put(group.resource, {"service.name": "bench", "telemetry.sdk.name": "opentelemetry"})
    part = group.scope_spans.add()
    part.scope.name, part.scope.version = "bench", "1.0"
    trace_id = b""
    now = time.time_ns()
    for at in range(TRACES):
        trace_id, parent = secrets.token_bytes(16), b""
        for n in range(SPANS):
            span = part.spans.add()
            span.trace_id, span.span_id, span.parent_span_id = trace_id, secrets.token_bytes(8), parent
            parent = parent or span.span_id
            span.name = "answer a question" if n == 0 else "chat small"
            span.kind = 1 if n == 0 else 3
            span.start_time_unix_nano = now + n * 1_000_000
            span.end_time_unix_nano = now + (n + 5) * 1_000_000
            _put(span, _attributes(number, at, n))
    return gzip.compress(request.SerializeToString(), 1), trace_id.hex()


def send(
    server: Server, bodies: list[tuple[bytes, str]], clients: int, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Send requests over several connections and return when and how they were acknowledged."""
    waiting = iter(bodies)
    lock = threading.Lock()
    times: list[float] = []
    failed: list[float] = []
    told = {"content-type": "application/x-protobuf", "content-encoding": "gzip", **(headers or {})}

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        while True:
            with lock:
                item = next(waiting, None)
            if item is None:
                connection.close()
                return
            status, seconds = _acknowledged(connection, item[0], told)
            with lock:
                (times if status == 200 else failed).append(seconds)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"seconds": time.perf_counter() - begun, "begun": begun, "times": sorted(times), "failed": failed}


def _acknowledged(
    connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str]
) -> tuple[int, float]:
    """Send a request, again while the server asks for it; return the status, 0 for a broken connection, and seconds."""
    while True:
        begun = time.perf_counter()
        try:
            connection.request("POST", "/v1/traces", body, headers)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # it opens again by itself
            return 0, time.perf_counter() - begun
        if reply.status != 429:
            return reply.status, time.perf_counter() - begun
        time.sleep(0.05)


def _measured(
    server: Server,
    bodies: list[tuple[bytes, str]],
    clients: int,
    count: Callable[[], int | None],
    seen: Callable[[Server, str], bool] | None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    before, cpu = count() or 0, server.cpu_s()
    done = send(server, bodies, clients, headers)
    spent = server.cpu_s() - cpu
    sent = len(done["times"]) * TRACES * SPANS
    stored, until = count() or 0, time.perf_counter() + SETTLE_S
    while stored - before < sent and time.perf_counter() < until:
        time.sleep(0.02)
        stored = count() or 0
    settled = time.perf_counter() - done["begun"]
    result = {
        "name": server.name,
        "acknowledged_per_s": round(sent / done["seconds"]),
        "stored_per_s": round((stored - before) / settled),
        "sent": sent,
        "stored": stored - before,
        "refused_requests": len(done["failed"]),
        "request_p50_ms": _ms(done["times"], 0.5),
        "request_p99_ms": _ms(done["times"], 0.99),
        "cpu_us_per_span": round(spent / max(1, sent) * 1e6, 1),
        "visible_p50_ms": None,
        "visible_p99_ms": None,
    }
    if seen is not None:
        waits = sorted(_visible(server, number, seen) for number in range(LOOKS))
        result["visible_p50_ms"], result["visible_p99_ms"] = _ms(waits, 0.5), _ms(waits, 0.99)
    return result


def _visible(server: Server, number: int, seen: Callable[[Server, str], bool]) -> float:
    one = body(1_000_000 + number)
    send(server, [one], 1)
    begun = time.perf_counter()
    while not seen(server, one[1]):
        if time.perf_counter() - begun > SETTLE_S:
            return SETTLE_S
        time.sleep(0.002)
    return time.perf_counter() - begun


def _seen_here(server: Server, trace_id: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        headers = {"authorization": f"Bearer {server.key}"} if server.key else {}
        connection.request("GET", f"/api/traces/{trace_id}/export?format=jsonl", headers=headers)
        reply = connection.getresponse()
        said = reply.read()
        if reply.status in (401, 403, 500):
            raise UnavailableError(f"the server does not let the bench look: {said[:200]!r}")
        return reply.status == 200 and said.count(b"\n") == SPANS
    finally:
        connection.close()


def _own_spans(folder: Path) -> int | None:
    return _count(folder / ".groundwork" / "telemetry.db", "spans")


def _of_rival(environment: Path, bodies: list[tuple[bytes, str]], clients: int, say: Say) -> dict[str, Any]:
    for command, start in (("mlflow", mlflow), ("phoenix", phoenix)):
        if not (environment / "bin" / command).exists():
            continue
        say(command)
        headers = {"x-mlflow-experiment-id": "0"} if command == "mlflow" else None
        with tempfile.TemporaryDirectory() as folder, start(environment, Path(folder), free_port()) as server:
            send(server, [body(10_000_000)], 1, headers)
            count = partial(_count, Path(folder) / f"{command}.db", "spans")
            return _measured(server, bodies, clients, count, None, headers)
    raise InvalidInputError(
        f"there is neither mlflow nor phoenix in {environment}", hint="make one with scripts/bench_traces.sh"
    )


def _count(file: Path, table: str) -> int | None:
    try:
        with _opened(file) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own words
    except sqlite3.Error:
        return None


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def _attributes(number: int, at: int, n: int) -> dict[str, Any]:
    if n == 0:
        return {
            "session.id": f"s-{number}-{at // 10}",
            "user.id": f"u-{at}",
            "input.value": PROMPT,
            "output.value": WORDS,
        }
    message = '[{{"role": "{}", "parts": [{{"type": "text", "content": "{}"}}]}}]'
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.input_tokens": 100 + at,
        "gen_ai.usage.output_tokens": 40 + n,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.input.messages": message.format("user", PROMPT),
        "gen_ai.output.messages": message.format("assistant", WORDS),
    }


def _put(into: Any, attributes: dict[str, Any]) -> None:
    for key, value in attributes.items():
        pair = into.attributes.add()
        pair.key = key
        if isinstance(value, str):
            pair.value.string_value = value
        elif isinstance(value, float):
            pair.value.double_value = value
        else:
            pair.value.int_value = value


def _ms(times: list[float], share: float) -> float:
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 2) if times else 0.0


def summary(result: dict[str, Any]) -> list[str]:
    """Return the figures in words."""
    lines = [
        f"{result['requests']} requests of {TRACES * SPANS} spans, {result['span_bytes']} bytes a span, "
        f"{result['clients']} clients, {os.cpu_count()} cores"
    ]
    for one in result["servers"]:
        seen = f", visible p99 {one['visible_p99_ms']:.0f} ms" if one["visible_p99_ms"] is not None else ""
        lines.append(
            f"{one['name']}: {one['acknowledged_per_s']:,} spans/s acknowledged, {one['stored_per_s']:,} stored "
            f"({one['stored']:,} of {one['sent']:,}), request p50 {one['request_p50_ms']:.0f} ms, "
            f"{one['cpu_us_per_span']:.0f} µs of CPU a span{seen}"
            + (f"; {one['refused_requests']} requests failed" if one["refused_requests"] else "")
        )
    return lines
