"""Input that cannot be served: a clear error in the caller's dialect with the right status, and nothing leaked."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from groundwork.testing.timing import Stopwatch
from groundwork.testing.upstream import serving
from groundwork.testing.upstream_script import Script
from tests.gateway.upstreams import PROVIDER_KEY, SCRIPTS, Served, eventually, served

MIB = 1024 * 1024
FLOOD = Script(text="x" * 30 * MIB, chunks=3000)
NOT_A_SCHEMA = {"type": "colour"}
DEEP = "[" * 100_000 + "]" * 100_000


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Speaks:
    """A dialect: where it is spoken, a plain body, and where its error's text and code stand."""

    name: str
    path: str

    def body(
        self, model: str = "lab/hello", text: str = "How long is the Loire?", **more: Any
    ) -> dict[str, Any]:
        if self.name == "openai_responses":
            return {"model": model, "input": text, "max_output_tokens": 50, **more}
        return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 50, **more}

    def message_of(self, reply: Reply) -> str:
        body = reply.json
        error = body["error"]
        assert isinstance(error["message"], str)
        assert error["message"]
        assert isinstance(error["type"], str)
        if self.name == "anthropic_messages":
            assert body["type"] == "error"
        else:
            assert {"message", "type", "param", "code"} <= set(error)
        return str(error["message"])

    def with_schema(self, schema: Any) -> dict[str, Any]:
        if self.name == "openai_chat":
            form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
            return self.body(response_format=form)
        if self.name == "openai_responses":
            return {**self.body(), "text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}}
        return self.body(output_config={"format": {"type": "json_schema", "schema": schema}})

    def with_tool(self, schema: Any) -> dict[str, Any]:
        if self.name == "openai_chat":
            return self.body(tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}])
        if self.name == "openai_responses":
            return self.body(tools=[{"type": "function", "name": "f", "parameters": schema}])
        return self.body(tools=[{"name": "f", "input_schema": schema}])

    def with_orphan(self) -> dict[str, Any]:
        if self.name == "openai_chat":
            orphan = {"role": "tool", "tool_call_id": "call_never", "content": "sunny"}
            return {"model": "lab/hello", "messages": [{"role": "user", "content": "Hi"}, orphan]}
        if self.name == "openai_responses":
            return self.body() | {
                "input": [{"type": "function_call_output", "call_id": "call_never", "output": "sunny"}]
            }
        block = {"type": "tool_result", "tool_use_id": "call_never", "content": "sunny"}
        return self.body() | {"messages": [{"role": "user", "content": [block]}]}


DIALECTS = (
    Speaks("openai_chat", "/v1/chat/completions"),
    Speaks("openai_responses", "/v1/responses"),
    Speaks("anthropic_messages", "/v1/messages"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    shorter = "import groundwork.server.gateway.door as door; door.STALL_SECONDS = 1.0"
    scripts = {**SCRIPTS, "flood": FLOOD}
    # One model each, since one that fails often is left alone for a while.
    scripts |= {
        f"html-{form}-{d.name}": Script(fault="html") for d in DIALECTS for form in ("whole", "stream")
    }
    with served(tmp_path_factory.mktemp("bad"), scripts, before=shorter) as running:
        yield running
        said = running.said()
        assert PROVIDER_KEY not in said
        assert "Traceback" not in said


@pytest.fixture(scope="module")
def key(server: Served) -> str:
    return server.key("bad input")


@pytest.fixture(params=DIALECTS, ids=lambda d: d.name)
def speaks(request: pytest.FixtureRequest) -> Speaks:
    return request.param  # type: ignore[no-any-return]


def send(
    server: Served, path: str, body: Any = None, key: str | None = None, method: str = "POST", **headers: str
) -> Reply:
    """Make one request; a body that is no bytes goes as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    given = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    if key is not None:
        given["authorization"] = f"Bearer {key}"
    try:
        connection.request(method, path, data, given)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
    finally:
        connection.close()
    shown = reply.body.decode("utf-8", "replace") + str(reply.headers)
    assert PROVIDER_KEY not in shown
    assert "Traceback" not in shown
    assert "groundwork/" not in shown.replace("user-agent", "")
    return reply


def test_no_key_a_wrong_key_and_a_revoked_one_are_401(server: Served, speaks: Speaks, key: str) -> None:
    from groundwork.core.principal import LOCAL

    revoked = server.key("revoked")
    known = next(k for k in server.workspace.keys.list(LOCAL) if k.prefix and revoked.startswith(k.prefix))
    server.workspace.keys.revoke(LOCAL, known.id)
    for wrong in (None, "", "sk-x", "gw_x", key[:-1], key + "x", key.swapcase(), revoked, PROVIDER_KEY):
        reply = send(server, speaks.path, speaks.body(), wrong)
        assert reply.status == 401, (wrong, reply)
        assert "key" in speaks.message_of(reply)
        assert not wrong or len(wrong) < 9 or wrong not in reply.body.decode()


def test_an_expired_key_is_401_and_says_so(server: Served, speaks: Speaks) -> None:
    soon = server.key("soon", expires_at=(datetime.now(UTC) + timedelta(seconds=0.5)).isoformat())
    time.sleep(0.7)
    reply = send(server, speaks.path, speaks.body(), soon)
    assert reply.status == 401
    assert "expired" in speaks.message_of(reply)


def test_a_key_without_the_scope_is_refused(server: Served, speaks: Speaks) -> None:
    narrow = server.key("narrow", scopes=("embed", "models"))
    assert send(server, speaks.path, speaks.body(), narrow).status == 403
    elsewhere = server.key("elsewhere", scopes=("chat", "model:claude/*"))
    assert send(server, speaks.path, speaks.body(), elsewhere).status in (403, 404)
    assert send(server, speaks.path, speaks.body("claude/hello"), elsewhere).status == 200


def test_an_exhausted_budget_is_429_and_names_it(server: Served, speaks: Speaks) -> None:
    poor = server.key("poor", budget_usd={"day": 0.00003})
    replies = [
        send(server, speaks.path, speaks.body(max_output_tokens=5, max_tokens=5), poor) for _ in range(5)
    ]
    assert replies[-1].status == 429, replies[-1]
    assert "budget" in speaks.message_of(replies[-1])
    spent = sum(float(r.headers["x-groundwork-cost-usd"]) for r in replies if r.status == 200)
    assert spent <= 0.00003


@pytest.mark.parametrize(
    "model", ["lab/none", "nobody/x", "none", "app/none", "", "lab/", "/", "x" * 5000, "../lab"]
)
def test_an_unknown_model_is_404_and_no_name_at_all_400(
    server: Served, speaks: Speaks, key: str, model: str
) -> None:
    reply = send(server, speaks.path, speaks.body(model), key)
    assert reply.status == (404 if 0 < len(model) < 1000 else 400)
    assert speaks.message_of(reply)
    assert len(reply.body) < 2000


def test_a_body_of_50_mb_is_413(server: Served, speaks: Speaks, key: str) -> None:
    reply = send(server, speaks.path, speaks.body(text="x" * 50_000_000), key)
    assert reply.status == 413
    assert "20,971,520" in speaks.message_of(reply)


def test_a_prompt_longer_than_the_context_is_400(server: Served, speaks: Speaks, key: str) -> None:
    before = len(server.upstream.seen)
    reply = send(server, speaks.path, speaks.body("lab/short", "many words " * 2000), key)
    assert reply.status == 400
    assert "200" in speaks.message_of(reply)
    assert len(server.upstream.seen) == before


@pytest.mark.parametrize(
    "schema",
    [
        NOT_A_SCHEMA,
        {"type": 7},
        {"properties": []},
        {"$ref": "http://169.254.169.254/latest/meta-data"},
        {"$ref": "#/nowhere"},
        {"type": "string", "pattern": "("},
        "a string",
        7,
    ],
    ids=str,
)
def test_a_schema_that_is_none_is_400(server: Served, speaks: Speaks, key: str, schema: Any) -> None:
    before = len(server.upstream.seen)
    reply = send(server, speaks.path, speaks.with_schema(schema), key)
    assert reply.status == 400, reply
    assert speaks.message_of(reply)
    reply = send(server, speaks.path, speaks.with_tool(schema), key)
    assert reply.status == 400, reply
    assert len(server.upstream.seen) == before


def test_a_tool_result_for_a_call_never_made_is_400(server: Served, speaks: Speaks, key: str) -> None:
    reply = send(server, speaks.path, speaks.with_orphan(), key)
    assert reply.status == 400
    assert "call_never" in speaks.message_of(reply)


@pytest.mark.parametrize("provider", ["lab", "claude"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_answers_html_is_502_and_recorded(
    server: Served, speaks: Speaks, key: str, provider: str, stream: bool
) -> None:
    model = f"{provider}/html-{'stream' if stream else 'whole'}-{speaks.name}"
    reply = send(server, speaks.path, speaks.body(model, stream=stream), key)
    assert reply.status == 502
    assert "<h1>" not in speaks.message_of(reply)
    call = server.last_call(model=model)
    assert call["state"] == "failed"
    assert [a["failure"] for a in server.attempts_of(call["id"])] == ["protocol", "protocol"]


def test_a_client_that_stops_reading_is_let_go_and_so_is_the_upstream(
    server: Served, speaks: Speaks, key: str
) -> None:
    place = urlsplit(server.url)
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect((place.hostname, place.port))
        content = json.dumps(speaks.body("lab/flood", stream=True)).encode()
        head = f"POST {speaks.path} HTTP/1.1\r\nhost: {place.netloc}\r\nauthorization: Bearer {key}\r\n"
        idle.sendall(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        assert eventually(lambda: bool(server.upstream.of("flood")))
        # The server takes no more from the provider than it can pass on, and gives up after a second without progress.
        assert eventually(lambda: server.upstream.of("flood")[-1].gone, 10)
        assert eventually(lambda: server.last_call(model="lab/flood")["state"] in ("cancelled", "incomplete"))
        assert send(server, speaks.path, speaks.body(), key).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"model": "lab/hello", "messages": NaN}',
        b'{"model": "\xed\xa0\x80"}',
        DEEP.encode(),
        f'{{"model": "lab/hello", "messages": {DEEP}}}'.encode(),
        f'{{"model": "lab/hello", "input": "x", "max_tokens": {"9" * 5000}}}'.encode(),
    ],
    ids=[
        "empty",
        "cut",
        "list",
        "text",
        "null",
        "utf16",
        "nan",
        "surrogate",
        "deep",
        "deep-field",
        "long-number",
    ],
)
def test_a_body_that_is_no_json_object_is_400(server: Served, speaks: Speaks, key: str, body: bytes) -> None:
    reply = send(server, speaks.path, body, key)
    assert reply.status == 400, reply
    assert speaks.message_of(reply)


@pytest.mark.parametrize(
    "change",
    [
        {"model": 7},
        {"model": None},
        {"messages": [], "input": []},
        {"messages": "Hi", "input": 7},
        {"messages": [7], "input": [7]},
        {"messages": [{"role": "wizard", "content": "Hi"}], "input": [{"role": "wizard", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": 7}], "input": [{"role": "user", "content": 7}]},
        {"messages": [{"role": "user"}], "input": [{"role": "user"}]},
        {"stream": "yes"},
        {"max_tokens": -1, "max_output_tokens": -1},
        {"max_tokens": "many", "max_output_tokens": "many"},
        {"temperature": "hot"},
        {"temperature": 99},
        {"top_p": -2},
        {"tools": {"name": "f"}},
        {"tools": [{}]},
        {"tool_choice": 7},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_kind_is_400_and_named(
    server: Served, speaks: Speaks, key: str, change: dict[str, Any]
) -> None:
    before = len(server.upstream.seen)
    reply = send(server, speaks.path, {**speaks.body(), **change}, key)
    assert reply.status == 400, reply
    message = speaks.message_of(reply)
    assert any(name in message or name.rstrip("s") in message for name in change), message
    assert len(server.upstream.seen) == before


def test_a_packed_body_and_an_unknown_path_are_refused(server: Served, speaks: Speaks, key: str) -> None:
    packed = gzip.compress(json.dumps(speaks.body()).encode())
    assert send(server, speaks.path, packed, key, content_encoding="gzip").status == 400
    reply = send(server, f"{speaks.path}/nothing", speaks.body(), key)
    assert reply.status == 404
    assert speaks.message_of(reply)
    assert send(server, speaks.path, None, key, method="GET").status in (404, 405)


def test_a_client_cannot_choose_where_the_providers_key_goes(
    server: Served, speaks: Speaks, key: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as thief:
        thief.settimeout(0.3)
        there = f"http://127.0.0.1:{thief.getsockname()[1]}/v1"
        names = (
            "api_base",
            "base_url",
            "api_key",
            "custom_llm_provider",
            "azure_endpoint",
            "endpoint",
            "extra_body",
        )
        body = speaks.body(**dict.fromkeys(names, there), extra_headers={"host": there}, organization=there)
        headers = {
            "x_base_url": there,
            "openai_organization": "org",
            "x_api_base": there,
            "forwarded": f"host={there}",
        }
        reply = send(server, speaks.path, body, key, **headers)
        assert reply.status in (200, 400)
        with pytest.raises(TimeoutError):
            thief.accept()
    if reply.status == 200:
        seen = server.upstream.seen[-1]
        assert seen.headers.get("authorization", "").endswith(PROVIDER_KEY)
        assert key not in str(seen.headers)
        assert key not in seen.body.decode()


def test_a_host_that_is_not_ours_and_a_foreign_page_are_refused(
    server: Served, speaks: Speaks, key: str
) -> None:
    assert send(server, speaks.path, speaks.body(), key, host="evil.example").status in (403, 421)
    reply = send(server, speaks.path, speaks.body(), None, origin="https://evil.example")
    assert reply.status in (401, 403)


def test_embeddings_of_nothing_and_of_wrong_things_are_400(server: Served, key: str) -> None:
    for given in ([], [""] * 3000, 7, None, {"a": 1}, [[1.5]], [None]):
        reply = send(server, "/v1/embeddings", {"model": "lab/embed", "input": given}, key)
        assert reply.status == 400, (str(given)[:50], reply)
    for change in ({"dimensions": 0}, {"dimensions": "x"}, {"encoding_format": "hex"}, {"model": "lab/none"}):
        reply = send(server, "/v1/embeddings", {"model": "lab/embed", "input": "x", **change}, key)
        assert reply.status in (400, 404), (change, reply)
        assert reply.json["error"]["message"]


def test_a_key_in_any_of_the_usual_headers_opens_and_none_of_them_reaches_the_provider(
    server: Served, speaks: Speaks, key: str
) -> None:
    for headers in ({"authorization": f"Bearer {key}"}, {"x_api_key": key}, {"api_key": key}):
        reply = send(
            server, speaks.path, speaks.body(), None, **headers, cookie="session=mine", x_custom="mine"
        )
        assert reply.status == 200, reply
        seen = server.upstream.seen[-1]
        assert key not in str(seen.headers)
        assert "mine" not in str(seen.headers)


def test_slow_senders_and_garbage_do_not_keep_others_out(server: Served, speaks: Speaks, key: str) -> None:
    place = urlsplit(server.url)
    held = []
    for n in range(100):
        slow = socket.create_connection((place.hostname, place.port))
        garbage = b"GARBAGE \x00\xff\r\n\r\n"
        half = f"POST {speaks.path} HTTP/1.1\r\nhost: {place.netloc}\r\n".encode()
        slow.sendall(half if n % 3 else garbage)
        held.append(slow)
    with Stopwatch() as took:
        assert send(server, speaks.path, speaks.body(), key).status == 200
    assert took.seconds < 2
    for slow in held:
        slow.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_store_that_takes_no_writes_refuses_calls_and_records_none_by_halves(
    server: Served, speaks: Speaks, key: str, stream: bool
) -> None:
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("needs prlimit")
    pid, calls, seen = server.process.pid, server.count_calls(), len(server.upstream.seen)
    usual = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        replies = [send(server, speaks.path, speaks.body(stream=stream), key) for _ in range(5)]
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, usual)
    assert {reply.status for reply in replies} <= {500, 503, 507, 529}, replies[0]
    assert all(str(server.root) not in speaks.message_of(reply) for reply in replies)
    assert (server.count_calls(), len(server.upstream.seen)) == (calls, seen)
    assert eventually(lambda: send(server, speaks.path, speaks.body(stream=stream), key).status == 200)


def test_a_spec_whose_provider_cannot_be_built_is_503_in_the_callers_dialect(tmp_path: Path) -> None:
    wrong = '[indexes.default]\nembedder = "none"\n[providers.odd]\nkind = "telepathy"\n'
    with serving() as upstream:
        running = Served(tmp_path, upstream, wrong)
        try:
            for speaks in DIALECTS:
                reply = send(running, speaks.path, speaks.body())
                assert reply.status in (503, 529)
                assert "cannot be opened" in speaks.message_of(reply)
                assert "telepathy" not in reply.body.decode()
        finally:
            running.stop()


def test_the_ledger_has_no_call_open_at_the_end(server: Served, tmp_path: Path) -> None:
    from sqlalchemy import select

    from groundwork.storage.tables import attempts, budget_windows, calls

    def still() -> list[Any]:
        with server.workspace.rooms.database.read() as connection:
            found = connection.execute(select(calls.c.id, calls.c.model).where(calls.c.state == "open")).all()
            found += connection.execute(select(attempts.c.id).where(attempts.c.state == "open")).all()
            held = budget_windows.c.reserved_nanousd
            return [*found, *connection.execute(select(held).where(held != 0)).all()]

    assert eventually(lambda: not still()), still()
