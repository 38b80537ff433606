"""Jobs run over SQLite and over a real PostgreSQL, with workers that are real processes where one is to die."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.jobs.dbos_engine import DurableJobs
from groundwork.storage.database import Database
from tests.jobs.work import HANDLERS
from tests.storage.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The URL of the workspace's database and the place of the job engine."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
        return url, url
    database = Database(tmp_path / "groundwork.db")
    database.migrate()
    database.close()
    return database.url, str(tmp_path / "jobs.db")


@pytest.fixture
def jobs(places: tuple[str, str]) -> Iterator[DurableJobs]:
    """Jobs without a worker; a test that starts one gets it stopped."""
    database = Database(places[0])
    made = DurableJobs(database, places[1], HANDLERS)
    yield made
    made.stop()
    database.close()


@pytest.fixture
def worker(places: tuple[str, str]) -> Iterator[type[Worker]]:
    """A worker in a process of its own; what a test leaves running is killed."""
    Worker.places = places
    Worker.running = []
    yield Worker
    for process in Worker.running:
        process.kill()
        process.wait()


class Worker:
    """Starts worker processes."""

    places: tuple[str, str]
    running: list[subprocess.Popen[bytes]]

    @classmethod
    def start(cls, environment: dict[str, str] | None = None, ttl: float = 15.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.jobs.work", *cls.places, str(ttl)]
        process = subprocess.Popen(command, env={**os.environ, **(environment or {})})
        cls.running.append(process)
        return process
