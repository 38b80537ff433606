"""Small work beside the requests: each task at its own pace; one that fails is said, and keeps no other from its turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.app.upkeep import Task, Upkeep
from groundwork.core.errors import StorageFullError
from groundwork.server.application import create_app
from tests.workspaces import light_workspace


def until(said: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_task_that_fails_keeps_no_other_from_its_turn_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs: list[int] = []
    full = [True]

    def fails() -> None:
        if full:
            raise StorageFullError("the disk is full")

    upkeep = Upkeep(
        [Task("storing", fails, 0.001, 0.001), Task("counting", lambda: runs.append(1), 0.001, 0.001)]
    )
    turn_of = {t.task.name: t for t in upkeep._turns}
    assert not turn_of
    with caplog.at_level(logging.WARNING, "groundwork.upkeep"):
        upkeep.start()
        until(lambda: len(runs) > 20 and bool(upkeep.troubles()))
        for _ in range(3):
            upkeep.run(next(t for t in upkeep._turns if t.task.name == "storing"))
        [trouble] = upkeep.troubles()
        assert (trouble.task, trouble.message) == ("storing", "the disk is full")
        assert trouble.times >= 4
        full.clear()
        upkeep.run(next(t for t in upkeep._turns if t.task.name == "storing"))
        assert upkeep.troubles() == []
        upkeep.stop()
    messages = [r.getMessage() for r in caplog.records]
    assert messages == ["storing does not work: the disk is full", "storing works again"]


def test_a_task_without_work_comes_less_often_and_at_once_again_when_there_is_some() -> None:
    work = [0, 0, 0, 5, 0]
    clock = [0.0]
    upkeep = Upkeep([Task("looking", lambda: work.pop(0), 0.25, 0.6)], monotonic=lambda: clock[0])
    upkeep.start()
    until(lambda: len(work) < 5)
    [turn] = upkeep._turns
    upkeep._ended.set()
    pauses = []
    while work:
        upkeep.run(turn)
        pauses.append(turn.pause)
    upkeep.stop()
    assert pauses[-3:] == [0.6, 0.25, 0.375] or pauses[-2:] == [0.25, 0.375]
    assert max(pauses) <= 0.6


def test_ending_does_once_more_what_is_to_be_done_at_the_end() -> None:
    ran: list[str] = []
    upkeep = Upkeep(
        [
            Task("last", lambda: ran.append("last"), 60.0, 60.0, first_s=60.0, at_end=True),
            Task("not", lambda: ran.append("not"), 60.0, 60.0, first_s=60.0),
        ]
    )
    upkeep.start()
    upkeep.stop()
    upkeep.stop()
    assert ran == ["last"]
    assert not [t for t in threading.enumerate() if t.name == "upkeep"]


def test_readiness_and_the_doctor_say_what_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = light_workspace(tmp_path / "house")

    def fails() -> int:
        raise StorageFullError("the disk is full")

    monkeypatch.setattr(house.telemetry.projector, "catch_up", fails)
    app = create_app(house, upkeep=house.telemetry.upkeep)
    with TestClient(app, base_url="http://127.0.0.1:8700", client=("127.0.0.1", 5000)) as client:
        until(lambda: bool(house.telemetry.upkeep.troubles()))
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["notes"][0].startswith("making spans of records does not work")
        [finding] = [f for f in house.doctor() if f.topic == "upkeep"]
        assert "the disk is full" in finding.message
    house.close()
