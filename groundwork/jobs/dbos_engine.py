"""Durable jobs on DBOS. Asking for jobs and looking at them imports none of it; only a worker does.

The job table of the workspace says what is to be done and what came of it; DBOS keeps, in a file or schema of
its own, which workflow is whose and which steps are recorded. A worker hands each waiting job to DBOS under
the job's id, so that handing it over twice is one workflow. DBOS is loaded when there is something to do. Each
worker is an executor of its own and holds a lease of that name; what a worker whose lease is gone left running
is recovered by any other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from groundwork.core.errors import GroundworkError, InternalError, NotFoundError, UnavailableError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.jobs import Handler, JobInfo, JobState
from groundwork.jobs.context import RunningJob
from groundwork.jobs.store import JobStore
from groundwork.jobs.values import JsonValues, as_json, error_as_dict
from groundwork.storage.database import Database
from groundwork.storage.failpoints import failpoint
from groundwork.storage.faults import explain_database_error
from groundwork.storage.leases import TTL, Lease, Leases

VERSION = "groundwork-jobs-1"
"""DBOS recovers only workflows of the same version, by default a hash of the code, so that every upgrade
would strand the jobs under way. It is raised by hand when a handler's steps change so that recorded ones no
longer fit."""

QUEUE = "groundwork"
ATTEMPTS = 5
"""A job that ended its worker so often is given up: it would do so for ever."""

POLL_SECONDS = 0.5
RECOVER_EVERY = 5.0
REST_AFTER = 30.0
"""Seconds without a job after which the engine is put away: its threads look for work all the time, and each look may
hold up requests that the same process answers."""
LEASE = "jobs:worker:"

T = TypeVar("T")
log = logging.getLogger("groundwork.jobs")


class Interrupted(BaseException):
    """Ends a run without an outcome, so that the workflow stays pending for a later worker.

    Not an `Exception`: DBOS records those as the workflow's end.
    """


class DurableJobs:
    """Jobs that survive their worker.

    Args:
        database: where the records are.
        engine: the engine's own SQLite file, or a PostgreSQL URL (it keeps to the schema `dbos`).
        handlers: what does each kind of job.
        concurrency: how many jobs one worker does at a time.
        ttl: seconds without a sign of life after which a worker on another machine counts as gone.
    """

    _worker: ClassVar[DurableJobs | None] = None
    """DBOS is one per process, so a process is one worker at most."""

    def __init__(
        self,
        database: Database,
        engine: str | Path,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 2,
        ttl: float = TTL,
    ) -> None:
        self._database = database
        self._engine = str(engine)
        self._handlers = handlers
        self._concurrency = concurrency
        self._ttl = ttl
        self._store = JobStore(database)
        self._leases = Leases(database)
        self._executor = ""
        self._awake = False
        self._lease: Lease | None = None
        self._ending = threading.Event()
        self._poke = threading.Event()
        self._handed: set[str] = set()
        self._active: set[str] = set()
        self._idle = threading.Condition()
        self._dispatcher: threading.Thread | None = None

    def enqueue(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        principal: Principal,
        idempotency_key: str | None = None,
    ) -> str:
        if kind not in self._handlers:
            raise NotFoundError(
                f"there is no kind of job called `{kind}`", hint=f"known: {', '.join(sorted(self._handlers))}"
            )
        job_id = self._store.add(kind, as_json(dict(arguments)), principal, idempotency_key)
        self._poke.set()
        return job_id

    def get(self, job_id: str, principal: Principal) -> JobInfo:
        return self._store.get(job_id, principal)

    def list(
        self,
        principal: Principal,
        *,
        limit: int = 50,
        before: str | None = None,
        state: JobState | None = None,
    ) -> list[JobInfo]:
        return self._store.list(principal, limit=limit, before=before, state=state)

    def cancel(self, job_id: str, principal: Principal) -> JobInfo:
        return self._store.cancel(job_id, principal)

    def wait(self, job_id: str, principal: Principal, timeout: float = 60.0) -> JobInfo:
        until = time.monotonic() + timeout
        pause = 0.02
        while not (job := self._store.get(job_id, principal)).finished and time.monotonic() < until:
            time.sleep(min(pause, max(0.0, until - time.monotonic())))
            pause = min(pause * 1.5, 0.5)
        return job

    def start(self) -> None:
        if DurableJobs._worker is not None:
            raise InternalError("this process is a worker already", hint="stop the other one first")
        self._ending.clear()
        self._executor = new_id("job").replace("job_", "worker-")
        self._lease = self._leases.acquire(LEASE + self._executor, self._executor, self._ttl)
        DurableJobs._worker = self
        try:
            if self._wanted():
                self._wake()
        except Exception:
            DurableJobs._worker = None
            self._lease.release()
            raise
        self._dispatcher = threading.Thread(target=self._dispatch, name="jobs dispatcher", daemon=True)
        self._dispatcher.start()

    def stop(self, timeout: float = 20.0) -> bool:
        if DurableJobs._worker is not self:
            return True
        self._ending.set()
        self._poke.set()
        if self._dispatcher is not None:
            self._dispatcher.join(timeout)
        with self._idle:
            ended = self._idle.wait_for(lambda: not self._active, timeout)
        self._put_away()
        DurableJobs._worker = None
        # Held to the end: who takes over must not meet a handler of ours still at work.
        if self._lease is not None and ended:
            self._lease.release()
        return ended

    def _dispatch(self) -> None:
        recovered = -RECOVER_EVERY
        busy = time.monotonic()
        while not self._ending.is_set():
            try:
                self._keep_lease()
                if self._wanted():
                    busy = time.monotonic()
                    self._wake()
                    self._hand_over()
                    if time.monotonic() - recovered >= RECOVER_EVERY:
                        recovered = time.monotonic()
                        self._recover()
                elif self._awake and not self._active and time.monotonic() - busy > REST_AFTER:
                    self._put_away()
            except GroundworkError as error:
                log.warning("jobs wait: %s", error.message)
            except Exception:  # the thread must outlive whatever DBOS meets; it looks again in a moment
                log.exception("jobs wait: the job engine failed")
            self._poke.wait(POLL_SECONDS)
            self._poke.clear()

    def _wanted(self) -> bool:
        """Say whether a job waits, or is said to run: here, elsewhere, or in a worker that has ended."""
        return bool(self._store.queued() or self._store.running())

    def _wake(self) -> None:
        if self._awake:
            return
        try:
            _launch(self._engine, self._executor, self._concurrency)
        except Exception as error:
            raise UnavailableError(
                f"the job engine did not start: {error}",
                hint="`groundwork doctor` looks at its file or database",
            ) from error
        self._awake = True
        self._handed.clear()

    def _put_away(self) -> None:
        if self._awake:
            from dbos import DBOS

            self._awake = False
            DBOS.destroy()

    def _keep_lease(self) -> None:
        # A machine that slept for longer than the lease wakes up without it; what it begins from now on is its own.
        if self._lease is not None and self._lease.lost:
            self._lease.release()
            self._lease = self._leases.acquire(LEASE + self._executor, self._executor, self._ttl)

    def _hand_over(self) -> None:
        from dbos import DBOS, SetWorkflowID

        waiting = self._store.queued()
        self._handed &= set(waiting)
        for job_id in waiting:
            if job_id not in self._handed and not self._ending.is_set():
                with SetWorkflowID(job_id):
                    DBOS.enqueue_workflow(QUEUE, _workflow(), job_id)
                self._handed.add(job_id)

    def _recover(self) -> None:
        """Take over what workers that are gone were doing, and jobs that the engine has lost."""
        from dbos import DBOS

        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        for executor in {str(workflow.executor_id) for workflow in pending} - {self._executor}:
            if self._leases.holder(LEASE + executor) is None:
                log.info("taking over the jobs of %s, which has ended", executor)
                DBOS._recover_pending_workflows([executor])
                self._leases.forget(LEASE + executor)
        running = self._store.running()
        if running:
            known = DBOS.list_workflows(workflow_ids=list(running), load_input=False, load_output=False)
            lost = set(running) - {workflow.workflow_id for workflow in known} - self._active
            if lost:
                self._store.requeue(sorted(lost))

    def _run(self, job_id: str) -> None:
        """Do one job to its end; this is the body of the workflow."""
        if self._ending.is_set():
            raise Interrupted
        begun = self._stored(lambda: self._store.begin(job_id))
        if begun is None:
            return
        job, principal = begun
        if job.attempts > ATTEMPTS:
            self._stored(lambda: self._store.finish(job, "failed", error=error_as_dict(_given_up(job))))
            return
        with self._idle:
            self._active.add(job_id)
        try:
            self._handle(job, principal)
        finally:
            with self._idle:
                self._active.discard(job_id)
                self._idle.notify_all()

    def _handle(self, job: JobInfo, principal: Principal) -> None:
        context = RunningJob(job, principal, self._store, _record_step, self._ending)
        result: Any = None
        error: dict[str, Any] | None = None
        try:
            handler = self._handlers.get(job.kind)
            if handler is None:
                raise NotFoundError(
                    f"no handler does jobs of the kind `{job.kind}`", hint="is a plug-in missing?"
                )
            failpoint("jobs.before_handler")
            result = as_json(handler(context))
            failpoint("jobs.after_handler")
        except GroundworkError as known:
            error = error_as_dict(known)
        except Exception as unknown:
            log.exception("the job %s (%s) failed", job.id, job.kind)
            error = error_as_dict(unknown)
        if context.was_interrupted:
            self._stored(lambda: self._store.interrupted(job))
            raise Interrupted
        state: JobState = "failed" if error is not None else "succeeded"
        if context.was_cancelled:
            state, error = "cancelled", None
        self._stored(
            lambda: self._store.finish(job, state, result=result, error=error, progress=context.latest)
        )

    def _stored(self, action: Callable[[], T]) -> T:
        """Try until the record is stored: an outcome is not given up because the disk is full for a while.

        When the worker ends before that, the workflow stays pending and the job is taken up again.
        """
        while True:
            try:
                return action()
            except GroundworkError as error:
                log.warning("the record of a job waits: %s", error.message)
                if not error.retryable or self._ending.wait(1.0):
                    raise Interrupted from error


def _given_up(job: JobInfo) -> InternalError:
    return InternalError(
        f"the job was given up: its worker ended without an outcome {job.attempts - 1} times",
        hint="the machine may be short of memory; the log of the worker says more",
    )


def _record_step(name: str, action: Callable[[], Any]) -> Any:
    from dbos import DBOS
    from sqlalchemy.exc import DBAPIError

    try:
        # Through JSON on the first run too, so that a run after a crash sees the very same value.
        return DBOS.run_step({"name": name}, lambda: as_json(action()))
    except DBAPIError as error:
        raise explain_database_error(error, "of the job engine") or error from error


def _launch(engine: str, executor: str, concurrency: int) -> None:
    import dbos
    from dbos import DBOS, DBOSConfig

    _refuse_pickles()
    logging.getLogger("dbos").addFilter(_without_chatter)
    config: DBOSConfig = {
        "name": "groundwork",
        "system_database_url": engine if "://" in engine else f"sqlite:///{engine}",
        "application_version": VERSION,
        "executor_id": executor,
        "serializer": _serializer(dbos),
        "enable_otlp": False,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    _workflow()
    DBOS.launch()
    DBOS.register_queue(
        QUEUE, worker_concurrency=concurrency, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
    )


_registered: list[Callable[[str], None]] = []


def _workflow() -> Callable[[str], None]:
    """Return the one workflow, which DBOS knows by name; it is registered once per process."""
    if not _registered:
        from dbos import DBOS

        def job(job_id: str) -> None:
            worker = DurableJobs._worker
            if worker is None:
                raise Interrupted
            worker._run(job_id)

        # Our own count of attempts decides, and says so in the record of the job.
        _registered.append(DBOS.workflow(name="groundwork.job", max_recovery_attempts=None)(job))
    return _registered[0]


def _serializer(dbos: Any) -> Any:
    return type("JsonValues", (JsonValues, dbos.Serializer), {})()


def _refuse_pickles() -> None:
    """Make DBOS unable to load a pickle, which it would for a row that claims to hold one."""
    from dbos._serialization import DefaultSerializer

    def refuse(_self: Any, _stored: str) -> Any:
        raise InternalError("the job engine's database holds a pickle, which is never loaded")

    DefaultSerializer.deserialize = refuse


def _without_chatter(record: logging.LogRecord) -> bool:
    # An interrupted run ends in a warning of DBOS although it is meant to be taken up later.
    return record.levelno >= logging.ERROR
