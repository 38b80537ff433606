"""Indexes, documents, snapshots and search over HTTP, on a real workspace."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from groundwork.server.routes.knowledge import attachment
from tests.server.fake_workspace import FakeWorkspace


def test_indexes_are_listed_also_those_that_are_empty(client: TestClient) -> None:
    found = {i["name"]: i for i in client.get("/api/indexes").json()}
    assert found["default"]["documents"] == 2
    assert found["default"]["quarantined"] == 1
    assert found["other"]["head"] is None


def test_documents_are_paged_and_found_by_part_of_their_name(client: TestClient) -> None:
    page = client.get("/api/indexes/default/documents", params={"limit": 1, "offset": 1}).json()
    assert (page["total"], len(page["items"]), page["offset"]) == (2, 1, 1)
    found = client.get("/api/indexes/default/documents", params={"contains": "travel"}).json()["items"]
    assert [d["document"] for d in found] == ["handbook/travel policy.txt"]


def test_a_document_shows_chunks_that_cover_its_text(client: TestClient) -> None:
    listed = client.get("/api/indexes/default/documents").json()["items"][0]
    detail = client.get(f"/api/documents/{listed['id']}").json()
    text = client.get(f"/api/documents/{listed['id']}/text").text
    assert detail["chunks"][0]["start"] == 0
    assert max(c["end"] for c in detail["chunks"]) == len(text) == detail["info"]["chars"]


def test_an_original_is_saved_and_never_shown_by_a_browser(client: TestClient) -> None:
    document = client.get("/api/indexes/default/documents", params={"contains": "travel"}).json()["items"][0]
    response = client.get(f"/api/documents/{document['id']}/original")
    assert b"<script>" in response.content
    assert response.headers["content-disposition"].startswith('attachment; filename="travel policy.txt"')
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ['a"\r\nSet-Cookie: x=1', "täxt.md", "../../etc/passwd", "", "a\\b.txt", "🙂.pdf"]
)
def test_the_name_of_a_download_can_break_no_header(name: str) -> None:
    value = attachment(name, "text/plain")["Content-Disposition"]
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    assert ".." not in value.split(";")[1]


def test_search_says_on_which_snapshot_it_ran_and_takes_a_filter(client: TestClient) -> None:
    body = {"question": "carried into the next year", "k": 3, "strategy": "lexical"}
    found = client.post("/api/search", json=body).json()
    assert found["hits"][0]["document"] == "handbook/leave.md"
    assert len(found["snapshot"]) == 64
    kept = client.post("/api/search", json={**body, "filter": {"eq": ["document_id", "doc_none"]}}).json()
    assert kept["hits"] == []
    refused = client.post("/api/search", json={**body, "filter": {"like": ["text", "%"]}})
    assert refused.json()["code"] == "invalid_input"


def test_snapshots_differ_and_the_head_moves_back_and_forward(client: TestClient) -> None:
    newest, oldest = client.get("/api/indexes/default/snapshots").json()[:2]
    diff = client.get("/api/indexes/default/diff", params={"old": oldest["id"][:12], "new": "head"}).json()
    assert {(c["kind"], c["document"]) for c in diff["changes"]} == {
        ("changed", "handbook/leave.md"),
        ("added", "handbook/travel policy.txt"),
    }
    back = client.post(
        "/api/indexes/default/rollback", json={"snapshot": oldest["id"], "reason": "too early"}
    ).json()
    assert back["id"] == oldest["id"]
    assert client.get("/api/indexes/default").json()["documents"] == 1
    client.post("/api/indexes/default/rollback", json={"snapshot": newest["id"]})
    assert client.get("/api/indexes/default/snapshots/head").json()["id"] == newest["id"]


def test_quarantine_gives_reasons(client: TestClient) -> None:
    entry = client.get("/api/indexes/default/quarantine").json()[0]
    assert entry["path"].endswith("broken.pdf")
    assert entry["reason"]
    assert entry["message"]


def test_paths_of_the_server_are_not_taken_over_http(fake_client: TestClient, fake: FakeWorkspace) -> None:
    for body in ({"paths": ["/etc"]}, {"path": "/etc/passwd"}):
        assert fake_client.post("/api/indexes/default/uploads", json=body).status_code == 422
        assert fake_client.post("/api/indexes/default/ingest", json=body).status_code == 404
    assert not [c for c in fake.calls if c[0] == "start_ingest"]


def test_settings_are_listed_with_origin_and_without_passwords(fake_client: TestClient) -> None:
    rows = {r["key"]: r for r in fake_client.get("/api/settings").json()}
    assert rows["settings.database"] == {
        "key": "settings.database",
        "value": "postgresql://gw:…@db.internal/gw",
        "origin": "environment",
    }
    assert "secret" not in fake_client.get("/settings", headers={"accept": "text/html"}).text


def test_doctor_and_verify_answer(client: TestClient) -> None:
    assert {f["level"] for f in client.get("/api/doctor").json()} <= {"ok", "warn", "error"}
    report = client.post("/api/verify").json()
    assert report["ok"] is True
    assert sum(report["checked"].values()) > 0


def test_jobs_are_listed_shown_and_cancelled(fake_client: TestClient, fake: FakeWorkspace) -> None:
    assert [j["id"] for j in fake_client.get("/api/jobs").json()] == ["job_1", "job_2"]
    assert fake_client.get("/api/jobs/job_1").json()["progress"]["done"] == 40
    fake_client.post("/api/jobs/job_1/cancel")
    assert ("cancel", "job_1") in fake.calls
