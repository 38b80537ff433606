"""Prompts over HTTP: files, versions, labels, differences and tests, on a real workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from tests.server.conftest import client_of

SAY = "---\ndescription: A word.\ntests:\n- inputs: {word: a}\n  expect: {prompt_contains: Say a}\n---\nSay {{ word }}.\n"
SHOUT = "Shout {{ word }}!\n"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with Workspace.init(tmp_path) as workspace, client_of(workspace) as made:
        yield made


def write(client: TestClient, source: str, **more: object) -> dict[str, object]:
    response = client.put("/api/prompts/say", json={"source": source, **more})
    assert response.status_code == 200, response.text
    return response.json()


def test_a_prompt_is_written_listed_and_read(client: TestClient, tmp_path: Path) -> None:
    made = write(client, SAY)
    assert (tmp_path / "prompts" / "say.md").read_text() == SAY
    found = {p["name"]: p for p in client.get("/api/prompts").json()}
    assert found["say"]["latest"]["digest"] == made["digest"]
    assert (found["say"]["origin"], found["say"]["tests"], found["answer"]["origin"]) == (
        "file",
        1,
        "built-in",
    )
    read = client.get("/api/prompts/say").json()
    assert read == made
    assert read["messages"] == [{"role": "user", "text": "Say {{ word }}."}]
    assert read["inputs"][0]["type"] == "text"


def test_versions_labels_and_differences(client: TestClient) -> None:
    old, new = write(client, SAY), write(client, SHOUT)
    label = client.put(
        "/api/prompts/say/labels/production",
        json={"version": str(old["digest"])[:8], "expected": "", "reason": "ok"},
    )
    assert label.json()["labels"] == ["production"]
    assert (
        client.put(
            "/api/prompts/say/labels/production", json={"version": "latest", "expected": ""}
        ).status_code
        == 409
    )
    assert client.get("/api/prompts/say", params={"version": "production"}).json()["digest"] == old["digest"]
    assert [v["digest"] for v in client.get("/api/prompts/say/versions").json()] != []
    diff = client.get("/api/prompts/say/diff", params={"old": "production"}).json()
    assert (diff["old"], diff["new"], diff["same"]) == (old["digest"], new["digest"], False)
    assert [x["sign"] for x in diff["messages"][0]["lines"]] == ["-", "+"]
    moves = client.get("/api/prompts/say/labels/production/moves").json()
    assert [(m["new"], m["reason"]) for m in moves] == [(old["digest"], "ok")]
    assert client.put("/api/prompts/say/labels/latest", json={"version": "production"}).status_code == 400


def test_rendering_and_testing(client: TestClient) -> None:
    write(client, SAY)
    rendered = client.post("/api/prompts/say/render", json={"inputs": {"word": "{{ word }}"}}).json()
    assert rendered["messages"] == [{"role": "user", "text": "Say {{ word }}."}]
    missing = client.post("/api/prompts/say/render", json={})
    assert missing.status_code == 400
    assert "needs `word`" in missing.json()["detail"]
    report = client.post("/api/prompts/say/test", json={}).json()
    assert (report["passed"], report["model"]) == (True, "scripted")
    assert client.get("/api/prompts/say/runs").json() == [report]


def test_what_is_no_prompt_is_refused_with_its_line_and_changes_nothing(
    client: TestClient, tmp_path: Path
) -> None:
    write(client, SAY)
    refused = client.put("/api/prompts/say", json={"source": "Hello\n{{ word"})
    assert refused.status_code == 400
    assert "line 2" in refused.json()["detail"]
    assert (tmp_path / "prompts" / "say.md").read_text() == SAY
    assert client.put("/api/prompts/say", json={"source": "x" * 300_000}).status_code == 422


def test_a_writer_who_read_something_else_is_refused(client: TestClient, tmp_path: Path) -> None:
    write(client, SAY, expected="")
    (entry,) = (p for p in client.get("/api/prompts").json() if p["name"] == "say")
    (tmp_path / "prompts" / "say.md").write_text(SHOUT)
    refused = client.put("/api/prompts/say", json={"source": SAY, "expected": entry["source_digest"]})
    assert refused.status_code == 409


def test_a_removed_prompt_keeps_its_versions(client: TestClient) -> None:
    digest = write(client, SAY)["digest"]
    assert client.delete("/api/prompts/say").status_code == 204
    assert client.delete("/api/prompts/say").status_code == 404
    assert client.get("/api/prompts/say").status_code == 404
    assert client.get("/api/prompts/say", params={"version": digest}).status_code == 200


@pytest.mark.parametrize("name", ["..%2Fgroundwork", "a%2Fb", "A", "a.md", "%2Fetc%2Fpasswd", "a%00"])
def test_no_name_reaches_another_file(client: TestClient, tmp_path: Path, name: str) -> None:
    before = sorted(str(p) for p in tmp_path.rglob("*.md"))
    assert client.put(f"/api/prompts/{name}", json={"source": "x"}).status_code in (400, 404, 405)
    assert client.get(f"/api/prompts/{name}").status_code in (400, 404)
    assert client.delete(f"/api/prompts/{name}").status_code in (400, 404, 405)
    assert sorted(str(p) for p in tmp_path.rglob("*.md")) == before


def test_a_broken_file_is_listed_with_its_error(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "broken.md").write_text("{{ word")
    found = {p["name"]: p for p in client.get("/api/prompts").json()}
    assert "never closed" in found["broken"]["error"]["message"]
    assert found["answer"]["error"] is None
    assert client.get("/api/prompts/broken").status_code == 400
