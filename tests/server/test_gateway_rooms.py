"""Keys, models, usage and calls over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from tests.gateway_house import GatewayHouse, make_house
from tests.server.conftest import client_of


@pytest.fixture(scope="module")
def gateway_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHouse]:
    made = make_house(tmp_path_factory.mktemp("house") / "w", days=3)
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def http(gateway_house: GatewayHouse) -> Iterator[TestClient]:
    with client_of(gateway_house.workspace) as made:
        yield made


def test_a_new_key_is_returned_once_and_works_at_once(http: TestClient) -> None:
    made = http.post(
        "/api/keys",
        json={
            "name": "by http",
            "scopes": ["chat", "model:play/*"],
            "budget_usd": {"day": 1.5},
            "requests_per_minute": 90,
        },
    )
    assert made.status_code == 201
    body = made.json()
    assert body["base_url"] == "http://127.0.0.1:8700/v1"
    assert body["budgets"] == [
        {
            "scope": f"key:{body['id']}", "name": "by http", "period": "day", "start": datetime.now(UTC).date().isoformat(),
            "resets_at": body["budgets"][0]["resets_at"], "limit_usd": 1.5, "spent_usd": 0.0, "reserved_usd": 0.0,
            "left_usd": 1.5,
        }
    ]  # fmt: skip
    assert body["key"] not in http.get("/api/keys").text + http.get(f"/api/keys/{body['id']}").text
    asked = {"model": "play/mini", "messages": [{"role": "user", "content": "Hello"}]}
    said = http.post("/v1/chat/completions", json=asked, headers={"authorization": f"Bearer {body['key']}"})
    assert said.status_code == 200
    call = http.get(f"/api/calls/{said.headers['x-groundwork-call']}").json()
    assert (call["key_id"], call["state"], call["dialect"]) == (body["id"], "done", "openai_chat")
    now = http.get(f"/api/keys/{body['id']}").json()
    assert now["spent_usd"] == pytest.approx(call["cost_usd"])
    assert now["budgets"][0]["left_usd"] == pytest.approx(1.5 - call["cost_usd"])


def test_a_key_is_changed_in_what_is_named_and_revoked_for_good(http: TestClient) -> None:
    made = http.post("/api/keys", json={"name": "to change", "access": ["group:hr"]}).json()
    where = f"/api/keys/{made['id']}"
    assert http.patch(where, json={"budget_usd": {"total": 3}}).json()["access"] == ["group:hr"]
    assert http.patch(where, json={"access": None}).json()["access"] is None
    later = http.patch(where, json={"expires_at": "2099-01-01"}).json()
    assert later["expires_at"].startswith("2099-01-01T00:00:00")
    assert http.patch(where, json={"expires_at": ""}).json()["expires_at"] is None
    gone = http.post(f"{where}/revoke").json()
    assert gone["state"] == "revoked"
    asked = {"model": "play/mini", "messages": [{"role": "user", "content": "Hello"}]}
    refused = http.post(
        "/v1/chat/completions", json=asked, headers={"authorization": f"Bearer {made['key']}"}
    )
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/api/keys", {"scopes": ["everything"]}, 400, "invalid_input"),
        ("POST", "/api/keys", {"budget_usd": {"week": 1}}, 422, "invalid_input"),
        ("POST", "/api/keys", {"budget_usd": {"day": -1}}, 422, "invalid_input"),
        ("POST", "/api/keys", {"expires_at": "soon"}, 400, "invalid_input"),
        ("POST", "/api/keys", {"name": "intranet chat"}, 409, "conflict"),
        ("POST", "/api/keys", {"colour": "red"}, 422, "invalid_input"),
        ("PATCH", "/api/keys/key_nothing", {}, 404, "not_found"),
        ("POST", "/api/keys/key_nothing/revoke", None, 404, "not_found"),
        ("GET", "/api/keys/key_nothing", None, 404, "not_found"),
        ("GET", "/api/calls/call_nothing", None, 404, "not_found"),
        ("GET", "/api/usage?by=colour", None, 422, "invalid_input"),
        ("GET", "/api/usage?since=soon", None, 422, "invalid_input"),
        ("GET", "/api/calls?state=happy", None, 422, "invalid_input"),
        ("POST", "/api/models/check", {"name": "nobody/nothing"}, 404, "model_not_found"),
    ],
)
def test_what_cannot_be_is_a_problem_with_its_code(
    http: TestClient, method: str, path: str, body: object, status: int, code: str
) -> None:
    refused = http.request(method, path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


def test_usage_is_added_up_by_group_and_day(http: TestClient) -> None:
    whole = http.get("/api/usage").json()
    (total,) = whole["rows"]
    assert total["group"] == {}
    by = http.get("/api/usage", params={"by": ["key", "day"]}).json()
    assert sum(r["calls"] for r in by["rows"]) == total["calls"]
    assert {r["group"]["day"] for r in by["rows"]} == {r["group"]["day"] for r in _days(http)}
    today = datetime.now(UTC).date().isoformat()
    narrowed = http.get("/api/usage", params={"by": "day", "since": today, "until": today}).json()
    assert [r["group"]["day"] for r in narrowed["rows"]] == [today]


def test_calls_are_paged_newest_first_and_narrowed(http: TestClient, gateway_house: GatewayHouse) -> None:
    first = http.get("/api/calls", params={"limit": 3}).json()
    second = http.get("/api/calls", params={"limit": 3, "before": first["next"]}).json()
    ids = [c["id"] for c in first["items"] + second["items"]]
    assert len(set(ids)) == 6
    assert ids == sorted(ids, reverse=True)
    own = http.get("/api/calls", params={"key": gateway_house.intranet.id}).json()
    assert {c["key_id"] for c in own["items"]} == {gateway_house.intranet.id}
    cached = [c for c in http.get("/api/calls", params={"model": "play/mini"}).json()["items"] if c["cached"]]
    assert [c["cost_usd"] for c in cached] == [0.0]
    (answered,) = http.get("/api/calls", params={"model": "app/default"}).json()["items"]
    assert answered["state"] == "done"


def test_a_call_has_its_attempts(http: TestClient) -> None:
    (line,) = http.get("/api/calls", params={"model": "fast"}).json()["items"]
    call = http.get(f"/api/calls/{line['id']}").json()
    assert [a["reason"] for a in call["attempts"]] == ["first", "retry", "fallback"]
    assert [a["failure"] for a in call["attempts"]] == ["server_error", "server_error", ""]
    assert call["price_known"] is True


def test_models_are_listed_with_their_prices(http: TestClient) -> None:
    models = {m["id"]: m for m in http.get("/api/models").json()}
    assert models["play/mini"]["price"] == {"input": 2.5, "output": 20.0, "cached_input": 0.25}
    assert models["far/large"]["price"] is None
    assert models["app/default"]["kind"] == "app"


def test_a_check_names_what_works_and_what_does_not(http: TestClient) -> None:
    done = http.post("/api/models/check", json={"name": "play/words"}).json()
    assert done["ok"] is True
    assert done["checks"][0]["supports"] == ["embeddings"]
    failed = http.post("/api/models/check", json={"name": "far/large"}).json()
    assert failed["ok"] is False
    assert "not set" in failed["checks"][0]["problem"]


def test_secrets_have_no_route(http: TestClient) -> None:
    described = http.get("/api/openapi.json").text
    assert "/secrets" not in described
    assert http.get("/api/secrets").status_code == 404


def _days(http: TestClient) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = http.get("/api/usage", params={"by": "day"}).json()["rows"]
    return found


def test_what_is_cached_is_counted_and_cleared_by_model(
    http: TestClient, gateway_house: GatewayHouse
) -> None:
    headers = {"authorization": f"Bearer {gateway_house.secret}", "x-groundwork-cache": "on"}
    asked = {
        "model": "play/mini",
        "temperature": 0,
        "messages": [{"role": "user", "content": "Keep this one in mind."}],
    }
    hits = [
        http.post("/v1/chat/completions", json=asked, headers=headers).headers["x-groundwork-cache"]
        for _ in range(2)
    ]
    assert hits == ["miss", "hit"]
    (row,) = http.get("/api/cache", params={"model": "play/mini"}).json()["rows"]
    assert row["hits"] >= 1
    assert row["size"] > 10
    assert http.delete("/api/cache", params={"model": "play/none"}).json() == {"removed": 0}
    assert http.delete("/api/cache", params={"model": "play/mini"}).json() == {"removed": row["completions"]}
    assert http.get("/api/cache", params={"model": "play/mini"}).json() == {"rows": []}
