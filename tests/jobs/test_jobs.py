"""What is enqueued is done, once as far as anybody can see, whatever happens to the worker."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConflictError, InternalError, NotFoundError, StorageFullError
from groundwork.core.principal import LOCAL, Principal
from groundwork.jobs.dbos_engine import ATTEMPTS, DurableJobs
from tests.jobs.conftest import Worker
from tests.jobs.work import HANDLERS

ON_SQLITE = pytest.mark.parametrize("places", ["sqlite"], indirect=True)
"""For what does not depend on the database: a worker process takes a second to start."""


def test_a_job_is_done_and_its_result_kept(jobs: DurableJobs) -> None:
    waiting = jobs.enqueue("add", {"numbers": [1, 2, 3]}, LOCAL)
    assert jobs.get(waiting, LOCAL).state == "queued"
    jobs.start()
    done = jobs.wait(waiting, LOCAL, 30)
    assert (done.state, done.result, done.error, done.attempts) == ("succeeded", 6, None, 1)
    assert done.created_at <= str(done.started_at) <= str(done.finished_at)
    later = jobs.wait(jobs.enqueue("add", {"numbers": [4]}, LOCAL), LOCAL, 30)
    assert later.result == 4
    assert [job.id for job in jobs.list(LOCAL)] == [later.id, waiting]
    assert [job.id for job in jobs.list(LOCAL, before=later.id)] == [waiting]
    assert jobs.list(LOCAL, state="failed") == []


def test_a_failed_job_keeps_its_error(jobs: DurableJobs) -> None:
    jobs.start()
    ids = [jobs.enqueue(kind, {}, LOCAL) for kind in ("refuse", "stumble", "strange")]
    refused, stumbled, strange = (jobs.wait(job_id, LOCAL, 30) for job_id in ids)
    assert refused.state == "failed"
    assert refused.error == {
        "code": "too_large",
        "message": "the file `a.pdf` has 3 GiB",
        "hint": "split it",
        "retryable": False,
        "details": {"limit": 100},
    }
    assert stumbled.error is not None
    assert (stumbled.error["code"], stumbled.error["message"]) == ("internal", "RuntimeError: unforeseen")
    assert strange.error is not None
    assert "set" in strange.error["message"]


def test_the_same_key_is_the_same_job(jobs: DurableJobs) -> None:
    first = jobs.enqueue("add", {"numbers": [1]}, LOCAL, "key")
    assert jobs.enqueue("add", {"numbers": [1]}, LOCAL, "key") == first
    assert jobs.enqueue("add", {"numbers": [1]}, Principal(tenant="other", owner=True), "key") != first
    assert jobs.enqueue("add", {"numbers": [1]}, LOCAL) != first
    with pytest.raises(ConflictError):
        jobs.enqueue("add", {"numbers": [2]}, LOCAL, "key")
    assert len(jobs.list(LOCAL)) == 2


def test_an_unknown_kind_is_refused_with_the_known_ones(jobs: DurableJobs) -> None:
    with pytest.raises(NotFoundError) as caught:
        jobs.enqueue("nonsense", {}, LOCAL)
    assert "stepwise" in caught.value.hint


def test_a_job_is_seen_by_its_tenant_and_its_person_only(jobs: DurableJobs) -> None:
    ann, bob = Principal(name="user:ann"), Principal(name="user:bob")
    stranger = Principal(tenant="other", name="user:ann", owner=True)
    job_id = jobs.enqueue("add", {"numbers": [1]}, ann)
    assert jobs.get(job_id, ann).id == jobs.get(job_id, LOCAL).id == job_id
    for other in (bob, stranger):
        assert jobs.list(other) == []
        for look in (jobs.get, jobs.cancel):
            with pytest.raises(NotFoundError):
                look(job_id, other)
    assert not jobs.get(job_id, ann).cancel_requested


def test_a_job_runs_with_the_rights_of_who_asked(jobs: DurableJobs) -> None:
    jobs.start()
    ann = Principal(tenant="t", name="user:ann", access=frozenset({"group:hr", "user:ann"}))
    done = jobs.wait(jobs.enqueue("whoami", {}, ann), ann, 30)
    assert done.result == {
        "tenant": "t",
        "name": "user:ann",
        "access": ["group:hr", "user:ann"],
        "owner": False,
    }


def test_asking_for_a_job_does_not_load_the_engine(places: tuple[str, str]) -> None:
    code = f"""
import sys
from groundwork.core.principal import LOCAL
from groundwork.jobs.dbos_engine import DurableJobs
from groundwork.storage.database import Database
jobs = DurableJobs(Database({places[0]!r}), {places[1]!r}, {{"ingest": print}})
assert jobs.get(jobs.enqueue("ingest", {{}}, LOCAL), LOCAL).state == "queued"
assert jobs.stop()
assert "dbos" not in sys.modules, "dbos was imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_waiting_job_is_cancelled_at_once_and_never_begun(jobs: DurableJobs, tmp_path: Path) -> None:
    job_id = jobs.enqueue("patient", {"log": str(tmp_path / "log")}, LOCAL)
    assert jobs.cancel(job_id, LOCAL).state == "cancelled"
    jobs.start()
    jobs.wait(jobs.enqueue("add", {"numbers": []}, LOCAL), LOCAL, 30)
    assert not (tmp_path / "log").exists()
    assert jobs.cancel(job_id, LOCAL).attempts == 0


def test_a_running_job_is_cancelled_and_keeps_what_it_had(jobs: DurableJobs, tmp_path: Path) -> None:
    jobs.start()
    job_id = jobs.enqueue("patient", {"log": str(tmp_path / "log")}, LOCAL)
    until((tmp_path / "log").exists)
    assert jobs.cancel(job_id, LOCAL).cancel_requested
    done = jobs.wait(job_id, LOCAL, 30)
    assert (done.state, done.result) == ("cancelled", "stopped half-way")


@ON_SQLITE
def test_a_cancelled_job_does_not_begin_its_next_step(jobs: DurableJobs, tmp_path: Path) -> None:
    jobs.start()
    job_id = jobs.enqueue("stepwise", steps(tmp_path, 9, stop_at=1), LOCAL)
    until(lambda: lines(tmp_path) == ["0", "1"])
    jobs.cancel(job_id, LOCAL)
    time.sleep(0.6)  # a run looks twice a second
    (tmp_path / "gate").touch()
    done = jobs.wait(job_id, LOCAL, 30)
    assert (done.state, lines(tmp_path)) == ("cancelled", ["0", "1"])


@ON_SQLITE
def test_progress_is_seen_while_a_job_runs_and_its_last_report_is_kept(
    jobs: DurableJobs, tmp_path: Path
) -> None:
    jobs.start()
    job_id = jobs.enqueue("stepwise", steps(tmp_path, 3, stop_at=1), LOCAL)
    until(lambda: jobs.get(job_id, LOCAL).progress == {"done": 1})
    (tmp_path / "gate").touch()
    assert jobs.wait(job_id, LOCAL, 30).progress == {"done": 3}


def test_after_kill_9_a_new_process_finishes_the_job(
    jobs: DurableJobs, worker: type[Worker], tmp_path: Path
) -> None:
    first = worker.start()
    job_id = jobs.enqueue("stepwise", steps(tmp_path, 5, stop_at=3), LOCAL)
    until(lambda: lines(tmp_path) == ["0", "1", "2", "3"])
    first.kill()
    first.wait()
    (tmp_path / "gate").touch()
    worker.start()
    done = jobs.wait(job_id, LOCAL, 40)
    assert (done.state, done.attempts) == ("succeeded", 2)
    assert done.result == [[number, "done"] for number in range(5)]
    # The recorded steps were not run again; the one that was cut off was.
    assert lines(tmp_path) == ["0", "1", "2", "3", "3", "4"]


@ON_SQLITE
def test_a_recorded_failure_of_a_step_is_the_same_after_a_crash(
    jobs: DurableJobs, worker: type[Worker], tmp_path: Path
) -> None:
    first = worker.start()
    job_id = jobs.enqueue("caught", steps(tmp_path, 0, stop_at=0), LOCAL)
    until(lambda: lines(tmp_path) == ["tried", "caught"])
    first.kill()
    first.wait()
    (tmp_path / "gate").touch()
    worker.start()
    assert jobs.wait(job_id, LOCAL, 40).result == "too large; split it; 7"
    assert lines(tmp_path) == ["tried", "caught", "caught"]


@ON_SQLITE
@pytest.mark.parametrize("place", ["jobs.before_handler", "jobs.after_handler"])
def test_a_crash_around_the_handler_loses_and_doubles_nothing(
    place: str, jobs: DurableJobs, worker: type[Worker]
) -> None:
    job_id = jobs.enqueue("add", {"numbers": [1, 2]}, LOCAL)
    assert worker.start({"GW_FAILPOINT": place}).wait(40) == 137
    assert jobs.get(job_id, LOCAL).state == "running"
    worker.start()
    assert jobs.wait(job_id, LOCAL, 40).result == 3


def test_two_workers_do_each_job_once(jobs: DurableJobs, worker: type[Worker], tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    ids = [jobs.enqueue("stepwise", steps(tmp_path, 1, stop_at=9), LOCAL) for _ in range(12)]
    worker.start()
    worker.start()
    assert {jobs.wait(job_id, LOCAL, 60).state for job_id in ids} == {"succeeded"}
    assert {jobs.get(job_id, LOCAL).attempts for job_id in ids} == {1}
    assert lines(tmp_path) == ["0"] * 12


@ON_SQLITE
def test_a_worker_that_ends_in_order_hands_its_jobs_on(
    jobs: DurableJobs, worker: type[Worker], tmp_path: Path
) -> None:
    jobs.start()
    job_id = jobs.enqueue("patient", {"log": str(tmp_path / "log")}, LOCAL)
    until((tmp_path / "log").exists)
    assert jobs.stop()
    left = jobs.get(job_id, LOCAL)
    assert (left.state, left.attempts) == ("running", 0)
    worker.start()
    until(lambda: lines(tmp_path) == ["begun", "begun"])
    jobs.cancel(job_id, LOCAL)
    assert jobs.wait(job_id, LOCAL, 30).state == "cancelled"


def test_a_worker_that_stood_still_and_was_overtaken_has_no_say(
    jobs: DurableJobs, worker: type[Worker], tmp_path: Path
) -> None:
    first = worker.start(ttl=1.0)
    arguments = {**steps(tmp_path, 0, stop_at=0), "second_gate": str(tmp_path / "second gate")}
    job_id = jobs.enqueue("overtaken", arguments, LOCAL)
    until(lambda: lines(tmp_path) == ["begun"])
    first.send_signal(signal.SIGSTOP)
    worker.start(ttl=1.0)
    until(lambda: lines(tmp_path) == ["begun", "begun"])
    first.send_signal(signal.SIGCONT)
    (tmp_path / "gate").touch()
    until(lambda: "first ends" in lines(tmp_path))
    time.sleep(0.5)
    assert jobs.get(job_id, LOCAL).state == "running"
    (tmp_path / "second gate").touch()
    done = jobs.wait(job_id, LOCAL, 30)
    assert (done.state, done.result, done.attempts) == ("succeeded", "done by the second run", 2)


def test_an_outcome_waits_for_a_database_that_is_full(
    jobs: DurableJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundwork.jobs.store import JobStore

    refused: list[int] = []
    finish = JobStore.finish

    def full(store: JobStore, *arguments: Any, **named: Any) -> None:
        if len(refused) < 2:
            refused.append(1)
            raise StorageFullError("there is no space left")
        finish(store, *arguments, **named)

    monkeypatch.setattr(JobStore, "finish", full)
    jobs.start()
    done = jobs.wait(jobs.enqueue("add", {"numbers": [1]}, LOCAL), LOCAL, 30)
    assert (done.state, done.result, len(refused)) == ("succeeded", 1, 2)


@pytest.mark.slow
@ON_SQLITE
def test_a_job_that_kills_its_worker_is_given_up(jobs: DurableJobs, worker: type[Worker]) -> None:
    job_id = jobs.enqueue("deadly", {}, LOCAL)
    for _ in range(ATTEMPTS):
        assert worker.start().wait(40) == 9
    worker.start()
    done = jobs.wait(job_id, LOCAL, 40)
    assert done.state == "failed"
    assert done.error is not None
    assert f"{ATTEMPTS} times" in done.error["message"]


@ON_SQLITE
def test_a_process_is_one_worker_at_most(jobs: DurableJobs, places: tuple[str, str]) -> None:
    jobs.start()
    with pytest.raises(InternalError):
        DurableJobs(jobs._database, places[1], HANDLERS).start()


@ON_SQLITE
def test_jobs_whose_engine_file_was_lost_are_done_from_the_beginning(
    jobs: DurableJobs, worker: type[Worker], tmp_path: Path
) -> None:
    first = worker.start()
    job_id = jobs.enqueue("stepwise", steps(tmp_path, 2, stop_at=1), LOCAL)
    until(lambda: lines(tmp_path) == ["0", "1"])
    first.kill()
    first.wait()
    (tmp_path / "gate").touch()
    for file in tmp_path.glob("jobs.db*"):
        file.unlink()
    worker.start()
    assert jobs.wait(job_id, LOCAL, 40).state == "succeeded"
    assert lines(tmp_path) == ["0", "1", "0", "1"]


@ON_SQLITE
def test_nothing_stored_by_the_engine_is_a_pickle(
    jobs: DurableJobs, tmp_path: Path, places: tuple[str, str]
) -> None:
    import sqlite3

    (tmp_path / "gate").touch()
    jobs.start()
    jobs.wait(jobs.enqueue("stepwise", steps(tmp_path, 2, stop_at=9), LOCAL), LOCAL, 30)
    jobs.wait(jobs.enqueue("caught", steps(tmp_path, 2, stop_at=9), LOCAL), LOCAL, 30)
    assert jobs.stop()
    with sqlite3.connect(places[1]) as engine:
        kinds = set(engine.execute("SELECT serialization FROM workflow_status").fetchall())
        kinds |= set(engine.execute("SELECT serialization FROM operation_outputs").fetchall())
    assert kinds == {("groundwork_json",)}


def steps(folder: Path, count: int, *, stop_at: int) -> dict[str, object]:
    return {"log": str(folder / "log"), "gate": str(folder / "gate"), "steps": count, "stop_at": stop_at}


def lines(folder: Path) -> list[str]:
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def until(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "this did not come about"
        time.sleep(0.02)
