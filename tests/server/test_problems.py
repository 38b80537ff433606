"""Every error is a problem document for programs and a page for people, and neither tells what it should not."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from groundwork.core.errors import BusyError, GroundworkError, StorageFullError
from groundwork.server.problems import explanations
from tests.server.fake_workspace import FakeWorkspace

KEYS = {"type", "title", "status", "detail", "code", "hint", "instance", "retryable", "errors"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/nope", None, 404, "not_found"),
        ("GET", "/api/answers/ans_x", None, 404, "not_found"),
        ("DELETE", "/api/answers", None, 405, "method_not_allowed"),
        ("GET", "/api/answers?limit=0", None, 422, "invalid_input"),
        ("POST", "/api/ask", {"question": "why", "typo": 1}, 422, "invalid_input"),
        ("POST", "/api/search", {"question": 3}, 422, "invalid_input"),
    ],
)
def test_an_error_is_a_problem_document(
    fake_client: TestClient, method: str, path: str, body: object, status: int, code: str
) -> None:
    response = fake_client.request(method, path, json=body)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert set(problem) == KEYS
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/problems/{code}"
    assert problem["instance"] == response.headers["x-request-id"]


def test_an_unforeseen_error_tells_its_id_and_nothing_else(
    fake_client: TestClient, fake: FakeWorkspace
) -> None:
    fake.raises = {"answers": RuntimeError("the password is hunter2")}
    for headers in ({}, {"accept": "text/html"}):
        response = fake_client.get("/api/answers" if not headers else "/answers", headers=headers)
        assert response.status_code == 500
        assert "hunter2" not in response.text
        assert "Traceback" not in response.text
        assert response.headers["x-request-id"] in response.text
        assert "content-security-policy" in response.headers


def test_a_retryable_error_says_when_to_come_back(fake_client: TestClient, fake: FakeWorkspace) -> None:
    fake.raises = {"ask": BusyError("somebody writes", hint="wait")}
    response = fake_client.post("/api/ask", json={"question": "why"})
    assert response.status_code == 409
    assert response.headers["retry-after"]


def test_a_page_says_what_happened_what_is_safe_and_what_to_do(
    fake_client: TestClient, fake: FakeWorkspace
) -> None:
    fake.raises = {"answers": StorageFullError("the disk is full", hint="free some space")}
    page = fake_client.get("/answers", headers={"accept": "text/html"})
    assert page.status_code == 507
    for words in ("the disk is full", "What was acknowledged is kept", "free some space", "storage_full"):
        assert words in page.text


def test_what_a_person_typed_is_shown_as_text(fake_client: TestClient) -> None:
    page = fake_client.get("/answers/%3Cscript%3Ealert(1)%3C%2Fscript%3E", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "<script>alert" not in page.text


def test_every_code_of_an_error_is_explained_at_its_address(fake_client: TestClient) -> None:
    def codes(base: type[GroundworkError]) -> set[str]:
        return {base.code}.union(*(codes(c) for c in base.__subclasses__()))

    assert codes(GroundworkError) == set(explanations())
    for code, (status, sentence) in explanations().items():
        page = fake_client.get(f"/problems/{code}")
        assert page.status_code == 200
        assert str(status) in page.text
        assert len(sentence) > 10
