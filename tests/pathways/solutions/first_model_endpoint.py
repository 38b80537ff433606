"""Name a model, make a key, call it over HTTP twice, read the attempts."""

from __future__ import annotations

from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.server.application import create_app
from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    table = (
        "\n[models.lab-endpoint]\n"
        f'routes = [{{ model = "lab-upstream/{draw["main"]}" }}]\n'
        f'fallbacks = ["lab-upstream/{draw["spare"]}"]\n'
        "attempts = 1\n"
    )
    learner.write("groundwork.toml", learner.read("groundwork.toml") + table)
    key = learner.json("key", "create", "first", "--scope", "chat", "--scope", "model:lab-endpoint")["key"]

    body = {
        "model": "lab-endpoint",
        "messages": [{"role": "user", "content": "What is the word of the day?"}],
    }
    headers = {"Authorization": f"Bearer {key}"}
    workspace = Workspace.open(learner.root)
    try:
        with TestClient(
            create_app(workspace), base_url="http://127.0.0.1", client=("127.0.0.1", 5)
        ) as client:
            whole = client.post("/v1/chat/completions", json=body, headers=headers)
            assert whole.status_code == 200, whole.text
            streamed = client.post("/v1/chat/completions", json={**body, "stream": True}, headers=headers)
            assert streamed.status_code == 200
    finally:
        workspace.close()

    said = whole.json()["choices"][0]["message"]["content"]
    assert draw["word"] in said
    learner.answer("word", said.partition(": ")[2].rstrip("."))
    attempts = learner.json("usage", "call", "last")["attempts"]
    learner.answer("failure", attempts[0]["failure"])
