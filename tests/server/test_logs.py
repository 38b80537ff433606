"""The server's log: one line for each request with its ids, secrets masked, and never in anybody's way."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.gateway.flow_trace import trace_hex
from groundwork.server import logs
from groundwork.server.application import create_app
from groundwork.telemetry.current import Current, from_traceparent, within
from tests.workspaces import light_workspace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Written:
    """A log into memory."""

    def __init__(self, form: logs.Format = "json", level: logs.Level = "info") -> None:
        self.stream = io.StringIO()
        self.lines = logs.begin(form, level, self.stream)

    def end(self) -> str:
        logs.end(self.lines)
        return self.stream.getvalue()

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.end().splitlines()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    made = light_workspace(tmp_path / "house")
    yield made
    made.close()


def client_of(house: Workspace) -> TestClient:
    return TestClient(create_app(house), base_url="http://127.0.0.1:8700", client=("127.0.0.1", 5000))


def test_a_request_is_one_line_with_the_ids_of_request_and_trace(house: Workspace) -> None:
    written = Written()
    with client_of(house) as client:
        client.get("/livez")
        answered = client.get("/api/answers", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
        client.get("/api/answers/ans_nothing?token=not-for-the-log")
    rows = [r for r in written.rows() if r["logger"] == "groundwork.access"]
    first, second = rows
    assert first["message"] == "GET /api/answers 200"
    assert (first["trace_id"], first["span_id"], first["principal"]) == (TRACE, SPAN, "local")
    assert first["request_id"] == answered.headers["x-request-id"]
    assert (first["status"], first["method"], first["path"]) == (200, "GET", "/api/answers")
    assert first["duration_ms"] > 0
    assert first["time"].endswith("+00:00")
    assert second["status"] == 404
    assert len(second["trace_id"]) == 32
    assert "not-for-the-log" not in json.dumps(rows)


def test_an_answer_stands_in_the_trace_that_its_log_line_names(house: Workspace, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Parking\n\nVisitors park on the north side.\n")
    house.ingest([docs])
    written = Written()
    with client_of(house) as client:
        answer = client.post("/api/ask", json={"question": "Where do visitors park?"}).json()
    [row] = [r for r in written.rows() if r.get("path") == "/api/ask"]
    assert answer["trace_id"] == row["trace_id"]


def test_warnings_of_every_room_are_in_the_log_and_secrets_are_not() -> None:
    written = Written()
    key = "sk-" + "abcdefghij0123456789" * 2
    with within(Current(TRACE, SPAN, "req_1", "user:ann")):
        logging.getLogger("groundwork.gateway").warning("the provider refused the key %s", key)
    logging.getLogger("some.library").warning("a warning of a library")
    logging.getLogger("some.library").info("no word of this")
    logging.getLogger("groundwork.gateway").debug("nor of this")
    try:
        raise ValueError("it broke")
    except ValueError as error:
        logging.getLogger("groundwork.jobs").error("a job failed", exc_info=error)
    first, second, third = written.rows()
    assert first["message"].startswith("the provider refused the key [masked")
    assert (first["trace_id"], first["request_id"], first["principal"]) == (TRACE, "req_1", "user:ann")
    assert (second["logger"], second["level"]) == ("some.library", "warning")
    assert (third["error"]["type"], third["error"]["message"]) == ("ValueError", "it broke")
    assert "test_logs.py" in third["error"]["stack"]


def test_a_line_for_people_stays_one_line() -> None:
    written = Written("text")
    logging.getLogger("groundwork.server").warning("a name\nwith a line end\x1b[2J")
    [line] = written.end().splitlines()
    assert "warning groundwork.server: a name\\x0awith a line end\\x1b[2J" in line


def test_who_logs_never_waits_for_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_WAITING", 50)

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            gate.wait()
            return super().write(text)

    gate = threading.Event()
    stream = Stuck()
    lines = logs.begin("json", "info", stream)
    log = logging.getLogger("groundwork.server")
    for n in range(100):
        log.info("line %d", n)
    assert lines.dropped >= 40
    gate.set()
    logs.end(lines)
    assert "lines of the log were dropped" in stream.getvalue()


def test_calls_of_models_are_logged_only_when_asked_for(house: Workspace) -> None:
    body = {"model": "extractive", "messages": [{"role": "user", "content": "What?"}]}
    quiet, loud = Written(), None
    with client_of(house) as client:
        client.post("/v1/chat/completions", json=body)
        assert not [r for r in quiet.rows() if r.get("path", "").startswith("/v1")]
        loud = Written(level="debug")
        client.post("/v1/chat/completions", json=body, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
        [row] = [r for r in loud.rows() if r.get("path", "").startswith("/v1")]
    assert row["call_id"].startswith("call_")
    assert row["trace_id"] == TRACE


@pytest.mark.parametrize(
    "header",
    ["", "x", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01"],
)
def test_a_traceparent_that_does_not_fit_is_none(header: str) -> None:
    assert from_traceparent(header) == ("", "")


def test_a_warning_of_the_gateway_names_the_call_and_its_trace(
    house: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Written()
    with client_of(house) as client:
        body = {"model": "extractive", "messages": [{"role": "user", "content": "What?"}]}
        gateway = house.door.gateway
        complete = gateway.complete

        async def warning(request: Any, caller: Any) -> Any:
            logging.getLogger("groundwork.gateway").warning("something odd")
            return await complete(request, caller)

        monkeypatch.setattr(gateway, "complete", warning)
        first = client.post("/v1/chat/completions", json=body)
        client.post("/v1/chat/completions", json=body, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    own, joined = [r for r in written.rows() if r["logger"] == "groundwork.gateway"]
    call_id = first.headers["x-groundwork-call"]
    assert (own["request_id"], own["trace_id"]) == (call_id, trace_hex(call_id))
    assert joined["trace_id"] == TRACE
