"""The gateway's door: who comes in, apps as models with their citations, and the counters."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import LOCAL
from groundwork.server.application import create_app
from groundwork.server.gateway.exchange import Exchange
from tests.workspaces import FILES, LIGHT, light_workspace, write

SPEC = (
    LIGHT
    + """
[indexes.default.access]
"*travel*" = ["group:staff"]

[providers.play]
kind = "scripted"

[apps.default]

[apps.written]
model = "play/echo"
"""
)
QUESTION = "How many days of paid leave does every employee have?"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = light_workspace(tmp_path / "house", SPEC)
    made.ingest([write(tmp_path / "files", FILES)])
    yield made
    made.close()


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(workspace), base_url="http://127.0.0.1", client=("127.0.0.1", 5)) as made:
        yield made


def ask(client: TestClient, model: str = "app/default", text: str = QUESTION, **more: Any) -> Any:
    headers = more.pop("headers", {})
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return client.post("/v1/chat/completions", json=body, headers=headers)


def test_an_app_is_a_model_that_answers_with_citations_in_the_text_and_beside_it(
    client: TestClient, workspace: Workspace
) -> None:
    body = ask(client).json()
    message = body["choices"][0]["message"]
    assert "28 days" in message["content"]
    assert "[1]" in message["content"]
    assert "leave.md" in message["content"]
    cited = body["citations"][0]
    text = workspace.document(cited["document_id"]).text
    assert text[cited["start"] : cited["end"]] == cited["quote"]
    assert message["annotations"][0]["url_citation"]["title"].endswith("leave.md")


def test_a_call_of_an_app_leads_to_the_recorded_answer(client: TestClient, workspace: Workspace) -> None:
    response = ask(client)
    newest = workspace.answers(limit=1)[0]
    call = workspace.usage.call(LOCAL, response.headers["x-groundwork-call"])
    assert call.answer_id == newest.id
    assert response.json()["groundwork"]["answer_id"] == newest.id


def test_an_app_streams_checked_sentences_and_ends_with_its_citations(client: TestClient) -> None:
    response = ask(client, stream=True)
    lines = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    said = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
    assert "28 days" in said
    assert "[1]" in said
    assert [c["citations"][0]["marker"] for c in chunks if c.get("citations")] == [1]


def test_a_call_that_fails_names_its_record_too(client: TestClient, workspace: Workspace) -> None:
    response = ask(client, response_format={"type": "json_object"})
    call = workspace.usage.call(LOCAL, response.headers["x-groundwork-call"])
    assert (call.state, call.model) == ("failed", "app/default")


def test_an_app_that_declines_says_so_in_words(client: TestClient) -> None:
    content = ask(client, text="Who won the chess championship of 1987?").json()["choices"][0]["message"][
        "content"
    ]
    assert content.startswith("I cannot answer this from the documents")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        {"response_format": {"type": "json_object"}},
        {
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "tool_choice": "required",
        },
    ],
)
def test_an_app_that_is_asked_for_another_form_than_sentences_refuses_before_it_answers(
    client: TestClient, workspace: Workspace, form: dict[str, Any], stream: bool
) -> None:
    response = ask(client, stream=stream, **form)
    assert response.status_code == 400
    assert "cannot do this: an app answers" in response.json()["error"]["message"]
    assert workspace.answers(limit=1) == []


def test_slow_answers_of_apps_leave_the_threads_of_the_server_alone(
    client: TestClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    ask_app = workspace.ask

    def watched(*args: Any, **more: Any) -> Any:
        names.append(threading.current_thread().name)
        return ask_app(*args, **more)

    monkeypatch.setattr(workspace, "ask", watched)
    for stream in (False, True):
        assert ask(client, stream=stream).status_code == 200
    assert [name.partition("_")[0] for name in names] == ["app", "app"]


def test_a_key_sees_only_the_documents_it_has_access_to(client: TestClient, workspace: Workspace) -> None:
    plain, _ = workspace.keys.create(LOCAL, "plain", access=[])
    staff, _ = workspace.keys.create(LOCAL, "staff", access=["group:staff"])
    question = "Which class are trains booked in?"

    def said(key: str) -> str:
        answer = ask(client, text=question, headers={"authorization": f"Bearer {key}"}).json()
        return str(answer["choices"][0]["message"]["content"])

    assert "second class" in said(staff)
    assert "second class" not in said(plain)


def test_callers_of_this_machine_need_no_key_until_the_first_one_is_made(
    client: TestClient, workspace: Workspace
) -> None:
    assert ask(client, "play/echo").status_code == 200
    key, _ = workspace.keys.create(LOCAL, "first")
    refused = ask(client, "play/echo")
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_api_key"
    assert ask(client, "play/echo", headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert ask(client, "play/echo", headers={"x-api-key": key}).status_code == 200
    assert ask(client, "play/echo", headers={"api-key": key}).status_code == 200


def test_a_page_of_another_site_cannot_call_in_its_visitors_name(client: TestClient) -> None:
    refused = ask(client, "play/echo", headers={"origin": "https://evil.example"})
    assert refused.status_code == 403
    assert "another site" in refused.json()["error"]["message"]


def test_a_host_that_is_not_ours_is_refused(workspace: Workspace) -> None:
    with TestClient(create_app(workspace), base_url="http://evil.example", client=("127.0.0.1", 5)) as client:
        assert ask(client, "play/echo").status_code == 403


def test_callers_of_other_machines_need_a_key(workspace: Workspace) -> None:
    with TestClient(create_app(workspace), base_url="http://127.0.0.1", client=("10.0.0.7", 5)) as client:
        assert ask(client, "play/echo").status_code == 401


def test_an_unknown_path_is_refused_in_words_that_name_the_known_ones(client: TestClient) -> None:
    found = client.post("/v1/nothing", json={})
    assert found.status_code == 404
    assert "/v1/chat/completions" in found.json()["error"]["message"]


def test_models_are_listed_in_both_dialects_and_told_of_one_by_one(client: TestClient) -> None:
    ids = [m["id"] for m in client.get("/v1/models").json()["data"]]
    assert "app/default" in ids
    assert "extractive" in ids
    assert client.get("/v1/models/app/default").json()["id"] == "app/default"
    assert client.get("/v1/models/app%2Fdefault").json()["id"] == "app/default"
    assert client.get("/v1/models/none").status_code == 404
    listed = client.get("/v1/models", headers={"anthropic-version": "2023-06-01"}).json()
    assert listed["data"][0]["type"] == "model"
    assert listed["has_more"] is False


def test_the_counters_tell_of_calls_and_of_structured_outputs(client: TestClient) -> None:
    ask(client, "play/echo")
    text = client.get("/metrics").text
    assert (
        'groundwork_gateway_calls_total{model="echo",operation="chat",provider="play",state="done"} 1.0'
        in text
    )
    assert 'groundwork_gateway_structured_total{outcome="refused"} 0.0' in text
    assert "process_resident_memory_bytes" in text


def test_an_app_with_a_model_behind_it_charges_the_key_that_asked(
    client: TestClient, workspace: Workspace
) -> None:
    key, info = workspace.keys.create(LOCAL, "asker")
    response = ask(client, "app/written", headers={"authorization": f"Bearer {key}"})
    assert response.status_code == 200
    calls = [c for c in workspace.usage.calls(LOCAL) if c.key_id == info.id]
    assert {(c.provider, c.app) for c in calls} >= {("play", "written")}


def test_calls_that_cannot_be_read_are_recorded_with_who_made_them(
    client: TestClient, workspace: Workspace
) -> None:
    key, info = workspace.keys.create(LOCAL, "clumsy")
    headers = {"authorization": f"Bearer {key}"}
    refused = client.post("/v1/chat/completions", content=b'{"model": "play/echo"', headers=headers)
    assert refused.status_code == 400
    assert ask(client, "play/echo", temperature="hot", headers=headers).status_code == 400
    assert ask(client, "nobody/knows", headers=headers).status_code == 404
    assert client.post("/v1/messages", json={"model": "play/echo"}, headers=headers).status_code == 400
    rows = {c.id: c for c in workspace.usage.calls(LOCAL) if c.key_id == info.id}
    assert rows[refused.headers["x-request-id"]].state == "failed"
    assert sorted(c.error for c in rows.values()) == ["invalid_input"] * 3 + ["model_not_found"]
    assert {c.dialect for c in rows.values()} == {"openai_chat", "anthropic_messages"}
    assert all(c.cost_usd == 0 for c in rows.values())


@pytest.mark.parametrize("pieces", [[], [b"{"]])
def test_a_body_that_does_not_come_is_waited_for_only_so_long(
    pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.server.gateway.exchange.BODY_SECONDS", 0.05)
    left = list(pieces)

    async def receive() -> Any:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": True}
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"method": "POST", "path": "/v1/chat/completions", "headers": []}
    body = Exchange(scope, receive, send, "call_1").body(100)
    with pytest.raises(InvalidInputError, match="did not arrive"):
        asyncio.run(asyncio.wait_for(body, 5))
