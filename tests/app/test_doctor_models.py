"""What the doctor says of an app that asks a model and is not calibrated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.answers.labs import lab
from tests.workspaces import LIGHT, light_workspace


def _hint(workspace: object) -> str:
    (found,) = [f for f in workspace.doctor() if f.topic == "app default"]  # type: ignore[attr-defined]
    assert "uncalibrated" in found.message
    return str(found.hint)


def test_the_doctor_warns_that_calibrating_an_app_with_a_model_calls_the_model(tmp_path: Path) -> None:
    with lab(tmp_path, "28 days [1].") as workspace:
        assert "it asks lab/model each of them, which costs" in _hint(workspace)


def test_the_doctor_warns_of_no_calls_where_none_are_made(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "ws") as workspace:
        assert "asks" not in _hint(workspace)


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ('base_url = "http://models.example.org/v1"', "error"),
        ('base_url = "http://models.example.org/v1"\noptions = { allow_http = true }', "ok"),
        ('base_url = "http://127.0.0.1:8000/v1"', "ok"),
        ('base_url = "https://models.example.org/v1"', "ok"),
    ],
)
def test_a_key_that_would_travel_unencrypted_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, level: str
) -> None:
    monkeypatch.setenv("FAR_KEY", "secret-key")
    spec = f'{LIGHT}\n[providers.far]\nkey = "env:FAR_KEY"\n{more}\n'
    with light_workspace(tmp_path / "ws", spec) as workspace:
        found = [f for f in workspace.doctor() if f.topic == "providers"]
    assert found[0].level == level
    assert ("unencrypted" in found[0].message) == (level == "error")
