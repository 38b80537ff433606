"""What the client of an app is told when the app's own model fails: the very error, once, and no breaker opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.offers import offers
from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.server.application import create_app
from tests.workspaces import FILES, LIGHT, light_workspace, write

SPEC = (
    LIGHT
    + """
[settings]
call_attempts = 2

[providers.play]
kind = "scripted"

[providers.play.models.echo]
price = { input = 1000, output = 1000 }

[providers.down]
kind = "openai_compatible"
base_url = "http://127.0.0.1:9"

[apps.strict]
model = "down/small"
fallback = "none"

[apps.paid]
model = "play/echo"

[apps.poor]
model = "play/echo"
fallback = "none"
budget_day_usd = 0.000001
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


def ask(client: TestClient, model: str, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], **more}
    return client.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize("stream", [False, True])
def test_an_app_whose_model_does_not_answer_is_asked_once(
    client: TestClient, workspace: Workspace, stream: bool
) -> None:
    response = ask(client, "app/strict", stream=stream)
    assert response.status_code == 502
    call = workspace.usage.call(LOCAL, response.headers["x-groundwork-call"])
    assert [a.reason for a in call.attempts] == ["first"]
    inner = workspace.usage.calls(LOCAL, {"parent": call.id})
    assert len(inner) == 1
    assert len(workspace.usage.call(LOCAL, inner[0].id).attempts) == 2


def test_no_breaker_opens_for_what_the_model_of_an_app_refuses(client: TestClient) -> None:
    said = {ask(client, "app/poor").json()["error"]["message"] for _ in range(8)}
    assert not any("left alone" in message for message in said)


@pytest.mark.parametrize("stream", [False, True])
def test_the_client_of_an_app_without_budget_is_told_so(
    client: TestClient, workspace: Workspace, stream: bool
) -> None:
    response = ask(client, "app/poor", stream=stream)
    assert response.status_code == 429
    assert "budget" in response.json()["error"]["message"]
    call = workspace.usage.call(LOCAL, response.headers["x-groundwork-call"])
    assert (call.error, len(call.attempts)) == ("budget_exceeded", 1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"null", "null"),
        (b"true", "a boolean"),
        (b"[]", "an array"),
        (b'"a"', "a string"),
        (b"1.5", "a number"),
    ],
)
def test_a_body_that_is_no_object_is_named_in_words_of_json(
    client: TestClient, body: bytes, said: str
) -> None:
    refused = client.post("/v1/chat/completions", content=body)
    assert refused.status_code == 400
    assert f"the body is {said}, not an object" in refused.json()["error"]["message"]


def test_a_call_of_an_app_shows_what_its_own_calls_cost(client: TestClient, workspace: Workspace) -> None:
    response = ask(client, "app/paid")
    call = client.get(f"/api/calls/{response.headers['x-groundwork-call']}").json()
    assert [(c["model"], c["state"]) for c in call["made"]] == [("play/echo", "done")]
    assert call["cost_usd"] == 0
    assert call["made_cost_usd"] == call["made"][0]["cost_usd"] > 0
    assert "made for it" in client.get(f"/usage/{call['id']}").text
    assert float(response.headers["x-groundwork-cost-usd"]) == pytest.approx(call["made_cost_usd"])
    words = {o.id: o.price_words for o in offers(workspace, LOCAL)}
    assert words["app/paid"] == "as its models"
