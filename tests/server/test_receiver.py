"""`POST /v1/traces`: who may send, what is answered, and the official exporter against a real server."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.errors import BusyError, StorageFullError
from groundwork.core.principal import LOCAL
from groundwork.server.telemetry import receiver
from groundwork.telemetry.otlp.wire import parts, varint
from groundwork.telemetry.types import Query
from tests.server.conftest import client_of
from tests.workspaces import light_workspace

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    workspace = light_workspace(tmp_path)
    yield workspace
    workspace.close()


@pytest.fixture
def client(house: Workspace) -> TestClient:
    return client_of(house)


def request_of(*names: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add().scope_spans.add()
    for n, name in enumerate(names, 1):
        part.spans.add(
            trace_id=b"\1" * 16,
            span_id=bytes([n] * 8),
            name=name,
            start_time_unix_nano=10**18,
            end_time_unix_nano=10**18,
        )
    return request


def told(body: bytes) -> tuple[int, str]:
    """Return code and message of a google.rpc.Status."""
    return varint(body, 1)[0], b"".join(parts(body, 2)).decode()


def stored(house: Workspace) -> list[str]:
    return sorted(s.name for s in house.telemetry.reader.spans(LOCAL, Query()).items)


def test_spans_are_there_when_they_are_acknowledged(house: Workspace, client: TestClient) -> None:
    body = request_of("one", "two").SerializeToString()
    for sent, headers in ((body, PROTOBUF), (gzip.compress(body), {**PROTOBUF, "content-encoding": "gzip"})):
        reply = client.post("/v1/traces", content=sent, headers=headers)
        assert (reply.status_code, reply.content, reply.headers["content-type"]) == (
            200,
            b"",
            PROTOBUF["content-type"],
        )
        assert stored(house) == ["one", "two"]
    assert house.telemetry.store.counters()["duplicates"] == 2


def test_what_is_rejected_is_counted_and_said_in_the_form_of_the_request(
    house: Workspace, client: TestClient
) -> None:
    request = request_of("good", "bad")
    request.resource_spans[0].scope_spans[0].spans[1].trace_id = b"x"
    reply = client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(reply.content).partial_success
    assert (reply.status_code, partial.rejected_spans) == (200, 1)
    assert partial.error_message == "rejected 1: no valid trace id or span id"
    as_json = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz", "spanId": "1"}]}]}]}
    reply = client.post("/v1/traces", json=as_json)
    assert reply.json()["partialSuccess"] == {
        "rejectedSpans": "1", "errorMessage": "rejected 1: no valid trace id or span id"
    }  # fmt: skip
    assert stored(house) == ["good"]


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code", "words"),
    [
        ("/v1/traces", PROTOBUF, b"\xff\xff", 400, 3, "no OTLP request"),
        ("/v1/traces", {**PROTOBUF, "content-encoding": "gzip"}, b"x", 400, 3, "no gzip"),
        ("/v1/traces", {**PROTOBUF, "content-encoding": "zstd"}, b"x", 415, 3, "zstd"),
        ("/v1/traces", {"content-type": "text/plain"}, b"x", 415, 3, "Content-Type"),
        ("/v1/logs", PROTOBUF, b"", 404, 12, "logs are not kept here"),
        ("/v1/metrics", PROTOBUF, b"", 404, 12, "metrics are not kept here"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    client: TestClient, path: str, headers: dict[str, str], body: bytes, status: int, code: int, words: str
) -> None:
    reply = client.post(path, content=body, headers=headers)
    assert reply.status_code == status
    said = told(reply.content)
    assert said[0] == code
    assert words in said[1]


def test_an_error_of_a_json_request_is_json_and_another_method_is_not_allowed(client: TestClient) -> None:
    reply = client.post("/v1/traces", content=b"{", headers=JSON)
    assert (reply.status_code, reply.json()["code"]) == (400, 3)
    assert client.get("/v1/traces", headers=JSON).headers["allow"] == "POST"


def test_a_full_queue_and_a_full_disk_are_told_apart_and_say_when_to_come_again(
    house: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = request_of("one").SerializeToString()
    for error, status in (
        (BusyError("full", retry_after_s=2.2), 429),
        (StorageFullError("full: /secret/place"), 507),
    ):

        async def refuse(tenant: str, spans: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(house.telemetry.store, "add_async", refuse)
        reply = client.post("/v1/traces", content=body, headers=PROTOBUF)
        assert reply.status_code == status
        assert int(reply.headers["retry-after"]) >= 1
        assert b"/secret" not in reply.content


def test_a_body_that_is_too_large_or_comes_with_too_many_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "BODY_BYTES", 1000)
    body = request_of(*(f"span {n}" for n in range(200))).SerializeToString()
    assert client.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 413
    packed = client.post(
        "/v1/traces", content=gzip.compress(bytes(100_000)), headers={**PROTOBUF, "content-encoding": "gzip"}
    )
    assert packed.status_code == 413
    monkeypatch.setattr(receiver, "BODY_BYTES", 10**6)
    monkeypatch.setattr(receiver, "HELD_BYTES", 10)
    assert client.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 429


def test_who_may_send(house: Workspace, client: TestClient) -> None:
    body = request_of("one").SerializeToString()

    def send(key: str | None = None, **headers: str) -> int:
        shown = {"authorization": f"Bearer {key}"} if key else {}
        return int(
            client.post("/v1/traces", content=body, headers={**PROTOBUF, **shown, **headers}).status_code
        )

    assert send() == 200  # no key exists yet
    sends, _ = house.keys.create(LOCAL, "sends", scopes=["traces"])
    chats, _ = house.keys.create(LOCAL, "chats", scopes=["chat"])
    builds, info = house.keys.create(LOCAL, "builds", scopes=["chat"], role="builder")
    views, _ = house.keys.create(LOCAL, "views", scopes=["chat"], role="viewer")
    assert [send(), send(sends), send(chats), send(builds), send(views), send("gw_nonsense")] == [
        401,
        200,
        403,
        200,
        403,
        401,
    ]
    assert send(sends, origin="https://elsewhere.example") == 200
    assert send(origin="https://elsewhere.example") == 403
    assert send(sends, host="elsewhere.example") == 403
    span = house.telemetry.reader.spans(LOCAL, Query()).items[0]
    found = house.telemetry.reader.span(LOCAL, span.trace_id, span.span_id)
    assert found.principal == "local"
    body = request_of("two", "three").SerializeToString()
    assert send(builds) == 200
    keyed = next(s for s in house.telemetry.reader.spans(LOCAL, Query()).items if s.name == "three")
    found = house.telemetry.reader.span(LOCAL, keyed.trace_id, keyed.span_id)
    assert (found.principal, found.key_id) == (f"key:{info.id}", info.id)


def test_a_large_request_is_read_in_pieces_and_stored_whole(house: Workspace, client: TestClient) -> None:
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add().scope_spans.add()
    for n in range(1500):
        part.spans.add(
            trace_id=b"\7" * 16,
            span_id=(n + 1).to_bytes(8, "big"),
            name="x",
            start_time_unix_nano=10**18,
            end_time_unix_nano=10**18,
        )
    assert client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF).status_code == 200
    assert house.telemetry.store.counters()["stored"] == 1500


def test_files_come_in_and_go_out_over_http(house: Workspace, client: TestClient) -> None:
    from tests.telemetry.importing.records import LANGFUSE, TRACE, lines

    reply = client.post("/api/traces/import", files={"file": ("x.jsonl", lines(LANGFUSE) + b"odd\n")})
    assert reply.status_code == 200
    assert (reply.json()["stored"], reply.json()["quarantined"]) == (3, 1)
    out = client.get(f"/api/traces/{TRACE}/export")
    assert "attachment" in out.headers["content-disposition"]
    again = client.post("/api/traces/import", files={"file": ("y.jsonl", out.content)}).json()
    assert (again["stored"], again["duplicates"], again["formats"]) == (0, 3, {"otlp": 1})
    assert client.get("/api/traces/0123456789/export").status_code == 404
    assert client.post("/api/traces/import?format=none", files={"file": ("x", b"{}")}).status_code == 404
    assert client.get("/api/traces/exporter").json()["state"] == "off"


@contextmanager
def serving(root: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    code = "from groundwork.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", "0", "--json", "--workspace", str(root)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        while '"url"' not in said:
            line = process.stdout.readline()
            assert line, "the server ended before it answered"
            said += line
        found = re.search(r'"url": "([^"]+)"', said)
        assert found
        yield found[1], process
    finally:
        process.kill()
        process.wait()


def test_the_official_exporter_sends_to_a_real_server_and_a_killed_one_has_lost_nothing(
    tmp_path: Path,
) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    light_workspace(tmp_path).close()
    with serving(tmp_path) as (url, process):
        provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=Compression.Gzip)
        provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=50))
        tracer = provider.get_tracer("shop", "1.0")
        with tracer.start_as_current_span("checkout") as root:
            root.set_attribute("session.id", "s-1")
            for n in range(120):
                with tracer.start_as_current_span(
                    "chat", attributes={"gen_ai.operation.name": "chat", "n": n}
                ):
                    pass
        assert provider.force_flush(20_000)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Workspace.open(tmp_path) as workspace:
        (trace,) = workspace.telemetry.reader.traces(LOCAL, Query()).items
        assert (trace.name, trace.spans, trace.service, trace.session_id) == ("checkout", 121, "shop", "s-1")
        spans = workspace.telemetry.reader.tree(LOCAL, trace.trace_id, limit=200).items
        assert {s.depth for s in spans} == {0, 1}
        assert json.dumps([s.kind for s in spans]).count("generation") == 120
