"""Alive, ready, going down."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from groundwork.core.errors import WorkspaceVersionError
from groundwork.server import house
from tests.server.conftest import client_of
from tests.server.fake_workspace import FakeWorkspace


def test_a_server_on_a_sound_workspace_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/livez").json()["status"] == "ok"
    assert client.get("/readyz").json() == {"status": "ok", "problems": [], "notes": []}


def test_readiness_drops_when_the_server_goes_down_and_life_does_not(fake: FakeWorkspace) -> None:
    client = client_of(fake)
    with client:
        assert client.get("/readyz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == ["the server is going down"]
    assert client.get("/livez").status_code == 200


def test_readiness_says_that_the_schema_does_not_fit(fake_client: TestClient, fake: FakeWorkspace) -> None:
    fake.raises = {"answers": WorkspaceVersionError("a newer Groundwork wrote this workspace")}
    response = fake_client.get("/readyz")
    assert response.status_code == 503
    assert "newer Groundwork" in response.json()["problems"][0]


def test_readiness_says_that_nothing_can_be_written(
    fake: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(house.tempfile, "TemporaryFile", full)
    with client_of(fake) as client:
        response = client.get("/readyz")
    assert response.status_code == 503
    assert "No space left" in response.json()["problems"][0]
