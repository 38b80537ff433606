"""Who is heard: hosts, origins, forms, sizes, times; and what goes out with every answer."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.core.principal import Principal
from groundwork.server import guard
from groundwork.server.guard import HEADERS
from groundwork.testing.timing import Stopwatch
from tests.server.conftest import BASE, client_of
from tests.server.fake_workspace import FakeWorkspace

PAGE = {"accept": "text/html"}


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "", "[::2]:8700", "localhost.:8700"],
)
def test_a_name_that_is_not_ours_is_not_answered(fake_client: TestClient, host: str) -> None:
    response = fake_client.get("/api/answers", headers={"host": host})
    assert response.status_code == 421
    assert response.json()["code"] == "misdirected"


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:1", "[::1]:8700", "LOCALHOST"])
def test_the_names_of_this_machine_are_answered(fake_client: TestClient, host: str) -> None:
    assert fake_client.get("/api/answers", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:8700", ""]
)
def test_a_page_of_another_origin_can_change_nothing(
    fake_client: TestClient, fake: FakeWorkspace, origin: str
) -> None:
    response = fake_client.post("/api/ask", json={"question": "why"}, headers={"origin": origin})
    assert response.status_code == 403
    assert not fake.calls


def test_a_page_of_ours_and_a_program_may_ask(fake_client: TestClient) -> None:
    assert fake_client.post("/api/ask", json={"question": "why"}, headers={"origin": BASE}).status_code == 201
    assert fake_client.post("/api/ask", json={"question": "why"}).status_code == 201


def test_an_origin_that_was_allowed_may_ask(fake: FakeWorkspace) -> None:
    with client_of(fake, origins=["https://intranet.example"]) as client:
        headers = {"origin": "https://intranet.example"}
        assert client.post("/api/ask", json={"question": "why"}, headers=headers).status_code == 201


def test_another_site_may_link_here_but_not_fetch(fake_client: TestClient) -> None:
    cross = {"sec-fetch-site": "cross-site", **PAGE}
    assert fake_client.get("/", headers={**cross, "sec-fetch-mode": "navigate"}).status_code == 200
    assert fake_client.get("/api/answers", headers={**cross, "sec-fetch-mode": "no-cors"}).status_code == 403
    assert fake_client.post("/ask", headers={**cross, "sec-fetch-mode": "navigate"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/api/answers", "/nope", "/api/nope", "/livez", "/static/console.css", "/api/answers/ans_x"]
)
def test_every_answer_carries_the_security_headers(fake_client: TestClient, path: str) -> None:
    response = fake_client.get(path, headers=PAGE)
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["cache-control"]
    assert "access-control-allow-origin" not in response.headers


def test_a_form_without_the_token_of_its_page_is_refused(fake: FakeWorkspace) -> None:
    with client_of(fake) as client, client_of(fake) as other:
        token = _token(client.get("/", headers=PAGE).text)
        other.get("/", headers=PAGE)
        for form in ({}, {"_token": ""}, {"_token": "0" * 64}, {"_token": "é"}):
            assert client.post("/ask", data={"question": "why", **form}).status_code == 403
        assert other.post("/ask", data={"question": "why", "_token": token}).status_code == 403
        assert not fake.calls
        done = client.post("/ask", data={"question": "why", "_token": token}, follow_redirects=False)
        assert done.status_code == 303


def test_forms_stay_valid_when_the_server_starts_again(fake: FakeWorkspace) -> None:
    with client_of(fake) as before:
        token = _token(before.get("/", headers=PAGE).text)
        cookies = dict(before.cookies)
    with client_of(fake) as after:
        after.cookies.update(cookies)
        assert (
            after.post("/ask", data={"question": "why", "_token": token}, follow_redirects=False).status_code
            == 303
        )


def test_the_key_of_forms_is_readable_by_its_owner_alone(
    fake: FakeWorkspace, fake_client: TestClient
) -> None:
    assert (fake.root / ".groundwork" / "server.key").stat().st_mode & 0o077 == 0


def test_a_body_over_the_limit_is_refused_before_it_is_read(fake_client: TestClient) -> None:
    large = b"x" * (guard.BODY_LIMIT + 1)
    announced = fake_client.post("/api/ask", content=large, headers={"content-type": "application/json"})
    streamed = fake_client.post(
        "/api/ask", content=iter([large]), headers={"content-type": "application/json"}
    )
    for response in (announced, streamed):
        assert response.status_code == 413
        assert response.json()["code"] == "too_large"


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 40, "٣"])
def test_a_length_that_is_none_is_refused(fake_client: TestClient, length: str) -> None:
    response = fake_client.request(
        "POST", "/api/ask", content=b"{}", headers=[(b"content-length", length.encode())]
    )
    assert response.status_code == 413


def test_work_that_takes_too_long_is_answered_in_its_place(
    fake: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(fake, "answers", lambda *a, **k: time.sleep(2) or [])
    with client_of(fake) as client, Stopwatch() as took:
        response = client.get("/api/answers")
    assert took.seconds < 1.5
    assert response.status_code == 504
    assert response.json()["retryable"] is True


def test_requests_that_do_not_come_from_this_machine_have_no_owner(fake: FakeWorkspace) -> None:
    from groundwork.server.application import create_app

    client = TestClient(create_app(fake), base_url=BASE, client=("192.0.2.7", 1))  # type: ignore[arg-type]
    assert client.get("/api/answers").status_code == 401
    assert client.get("/livez").status_code == 200


def test_a_principal_without_the_permission_is_forbidden(tmp_path: Path) -> None:
    class Reader:
        def principal(self, request: object) -> Principal:
            return Principal(name="user:ann")

        def allows(self, principal: Principal, permission: str) -> bool:
            return permission == "answers.read"

    with client_of(FakeWorkspace(tmp_path), doorkeeper=Reader()) as client:
        assert client.get("/api/answers").status_code == 200
        refused = client.post("/api/indexes/default/rollback", json={"snapshot": "head~1"})
        assert refused.status_code == 403
        assert "snapshots.move" in refused.json()["detail"]


def _token(page: str) -> str:
    found = re.search(r'name="_token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]
