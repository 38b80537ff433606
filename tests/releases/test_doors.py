"""Releases over every door: command line, HTTP, the gateway; and a server that answers while releases are moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.bench import releases as bench
from groundwork.core.principal import LOCAL
from groundwork.gateway.types import Caller, ChatRequest, Message, TextPart
from tests.cli.conftest import call as run_cli
from tests.releases.conftest import QUESTION, promote
from tests.server.conftest import client_of


@pytest.fixture
def client(home: Workspace) -> Iterator[TestClient]:
    with client_of(home) as made:
        yield made


def asked(client: TestClient, **more: Any) -> Any:
    return client.post("/api/ask", json={"question": QUESTION, **more})


# -- HTTP --------------------------------------------------------------------------------------------------------------
def test_a_question_names_a_release_or_an_environment(client: TestClient, home: Workspace) -> None:
    promote(home, "default@1")
    first = home.releases.book.get(LOCAL, "default@1").id
    assert asked(client).json()["pins"]["release"] is None, "nothing stands in production"
    for named in ({"app": "default@1"}, {"app": "default@open"}, {"environment": "open"}, {"release": first}):
        answer = asked(client, **named).json()
        assert answer["pins"]["release"] == first, named
        assert answer["app"] == "default"
        assert "28 days" in answer["text"]
    assert client.post(f"/api/answers/{answer['id']}/replay").json()["result"] == "identical"


def test_an_unknown_name_is_a_clear_problem(client: TestClient) -> None:
    for named, status, hint in (
        ({"app": "default@opne"}, 404, "such as `default@"),
        ({"app": "default@9"}, 404, "default@2"),
        ({"environment": "opne"}, 404, "did you mean `open`?"),
        ({"release": "rel_unknown"}, 404, "default@2"),
        ({"release": "default@1", "snapshot": "head"}, 400, "not both"),
        ({"app": "defualt"}, 404, "did you mean `default`?"),
    ):
        problem = asked(client, **named)
        assert (problem.status_code, hint in problem.text) == (status, True), (named, problem.text)


def test_the_whole_way_over_http(client: TestClient, home: Workspace) -> None:
    made = client.post("/api/releases", json={"app": "default", "note": "again"}).json()
    assert (made["new"], made["release"]["ref"]) == (False, "default@2")
    assert [r["ref"] for r in client.get("/api/releases").json()["items"]] == ["default@2", "default@1"]
    refused = client.post("/api/environments/staging/promote", json={"release": "default@1"})
    assert refused.status_code == 200
    assert (refused.json()["promoted"], [c["name"] for c in refused.json()["checks"] if not c["passed"]]) == (
        False,
        ["after"],
    )
    assert client.post("/api/environments/open/promote", json={"release": "default@1"}).json()["promoted"]
    conflict = client.post("/api/environments/open/promote", json={"release": "default@2", "expected": ""})
    assert conflict.status_code == 409
    begun = client.post(
        "/api/environments/open/trials", json={"release": "default@2", "changes": {"share": 1.0}}
    ).json()
    trial = begun["deployment"]["id"]
    assert asked(client, environment="open", unit="a").status_code == 201
    assert home.releases.trying.wait()
    status = client.get(f"/api/deployments/{trial}/status").json()
    assert (status["n"], status["ties"], status["deployment"]["state"]) == (1, 1, "active")
    assert len(client.get(f"/api/deployments/{trial}/requests").json()["items"]) == 1
    assert client.post(f"/api/deployments/{trial}/promote", json={}).json()["promoted"]
    assert client.post(f"/api/deployments/{trial}/end", json={}).status_code == 404
    back = client.post("/api/environments/open/rollback", json={"reason": "no"}).json()
    assert (back["promoted"], back["release"]) == (True, "default@1")
    stands = client.get("/api/environments/open/default").json()
    assert (stands["release"], stands["moves"]) == ("default@1", 3)
    release = client.get("/api/releases/default@1").json()
    assert (release["signature"]["valid"], release["environments"]) == (True, ["open"])
    assert client.get("/api/releases/default@2/diff").json()["documents"]["changes"]
    assert (
        client.get("/api/releases/default@2/checks", params={"environment": "guarded"}).json()[1]["passed"]
        is False
    )
    assert "BEGIN PUBLIC KEY" in client.get("/api/releases/key").text
    assert [d["kind"] for d in client.get("/api/deployments").json()] == [
        "rollback",
        "promote",
        "canary",
        "promote",
    ]
    assert client.get("/api/environments").json()[0]["name"]
    both = client.post(
        "/api/releases/ask", json={"old": "default@1", "new": "default@2", "question": QUESTION}
    ).json()["answers"]
    assert ["28 days" in both[0]["text"], "30 days" in both[1]["text"]] == [True, True]


# -- the gateway -------------------------------------------------------------------------------------------------------
def chat(home: Workspace, model: str, user: str = "") -> Any:
    request = ChatRequest(model, (Message("user", (TextPart(QUESTION),)),), user=user)
    return home.gateway.complete(request, Caller(access=None))


def test_a_model_s_name_picks_a_release_or_environment(home: Workspace) -> None:
    promote(home, "default@1")
    assert "30 days" in chat(home, "app/default").text
    for name in ("app/default@1", "app/default@open"):
        completion = chat(home, name)
        assert "28 days" in completion.text
        about = next(a for a in completion.annotations if a["type"] == "answer")
        assert about["release"] == home.releases.book.get(LOCAL, "default@1").id
        assert home.answer(about["answer_id"]).app == "default"


@pytest.mark.parametrize("name", ["app/default@9", "app/default@opne", "app/default@", "app/nothing@1"])
def test_a_model_s_name_that_no_release_has_is_not_found(home: Workspace, name: str) -> None:
    from groundwork.core.errors import GroundworkError

    with pytest.raises(GroundworkError) as caught:
        chat(home, name)
    assert caught.value.status == 404


def test_the_client_s_user_is_kept_at_one_release(home: Workspace) -> None:
    promote(home, "default@1", "open")
    home.releases.promotions.promote(LOCAL, "default@1", "dev")
    home.releases.trials.begin(LOCAL, "default@2", "open", changes={"share": 0.5})
    for user in ("ann", "bob", "cy"):
        assert len({chat(home, "app/default@open", user).text for _ in range(3)}) == 1
    assert home.releases.trying.wait()


# -- the command line --------------------------------------------------------------------------------------------------
def test_the_whole_way_on_the_command_line(copy: Path, tmp_path: Path) -> None:
    def run(*words: str, code: int = 0) -> Any:
        done = run_cli("release", *words, "--workspace", str(copy), "--json")
        assert done.code == code, (words, done.out, done.err)
        return json.loads(done.out) if done.out.strip() else None

    assert run("create")["new"] is False
    assert run("promote", "default@1", "--to", "staging", code=1)["checks"][-1]["command"].endswith(
        "--to dev"
    )
    assert run("promote", "default@1", "--to", "open")["promoted"]
    assert run("promote", "default@2", "--to", "open", "--dry-run")["promoted"] is False
    assert run("canary", "default@2", "--to", "open", "--share", "0.5")["deployment"]["share"] == 0.5
    assert run("canary", "status", "--to", "open")["n"] == 0
    assert run("canary", "promote", "--to", "open")["promoted"]
    assert run("rollback", "default", "-e", "open")["release"] == "default@1"
    assert run("shadow", "default@2", "--to", "open")["deployment"]["kind"] == "shadow"
    assert run("shadow", "end", "default", "--to", "open")["deployment"]["state"] == "ended"
    assert [s["release"] for s in run("status")["standings"] if s["release"]] == ["default@1"]
    assert len(run("history")["deployments"]) == 5
    assert run("diff", "default@1", "default@2")["same"] is False
    envelope, key = tmp_path / "envelope.json", tmp_path / "key.pem"
    envelope.write_text(json.dumps(run("show", "default@1", "--envelope")))
    key.write_text(run("key")["pem"])
    offline = run_cli("release", "verify", str(envelope), "--key", str(key), "--json")
    assert (offline.code, json.loads(offline.out)["valid"]) == (0, True)
    changed = json.loads(envelope.read_text())
    changed["signatures"][0]["sig"] = "AAAA"
    envelope.write_text(json.dumps(changed))
    assert run_cli("release", "verify", str(envelope), "--key", str(key), "--json").code == 1


# -- a real server -----------------------------------------------------------------------------------------------------
def test_requests_of_a_real_server_see_no_error_while_releases_are_moved(tmp_path: Path) -> None:
    """Small here; `groundwork bench releases` does it with a thousand at once."""
    with bench._workspace(tmp_path):
        pass
    found = asyncio.run(bench._moving(tmp_path, 24, lambda done, total, what: None))
    assert found["errors"] == 0, found
    assert found["moves"] >= 2
    assert set(found["answered_by"]) <= {"default@1", "default@2"}


def test_simulated_canaries_hold_their_promise() -> None:
    found = bench.simulate(20, 300, 1)[0]
    assert found["rolled_back"]["value"] >= 0.85
    assert found["false_rollbacks"]["value"] <= 0.15
