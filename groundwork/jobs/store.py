"""The records of jobs, and the only ways a job changes its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from groundwork.core.errors import NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.jobs import FINISHED, JobInfo, JobState
from groundwork.storage.database import Database
from groundwork.storage.idempotency import once
from groundwork.storage.tables import jobs

c = jobs.c


class JobStore:
    """Jobs in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, arguments: Mapping[str, Any], principal: Principal, key: str | None) -> str:
        """Store a job that waits, or return the id stored under the same key; raises ConflictError as `once`."""
        row = {
            "id": new_id("job"),
            "tenant": principal.tenant,
            "kind": kind,
            "state": "queued",
            "arguments": dict(arguments),
            "progress": {},
            "principal": principal.name,
            "actor": {"access": sorted(principal.access), "owner": principal.owner},
            "created_at": _now(),
        }

        def store(connection: Connection) -> str:
            connection.execute(insert(jobs), [row])
            return str(row["id"])

        request = {"kind": kind, "arguments": dict(arguments)}
        return str(once(self._database, principal, "job", key, store, request))

    def get(self, job_id: str, principal: Principal) -> JobInfo:
        """Return a job that the principal may see; raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(c.id == job_id, *_visible(principal))).one_or_none()
        if row is None:
            raise NotFoundError(
                f"there is no job `{job_id}`", hint="`groundwork jobs list` shows those that there are"
            )
        return _info(row)

    def list(
        self, principal: Principal, *, limit: int, before: str | None, state: JobState | None
    ) -> list[JobInfo]:
        """Return jobs that the principal may see, newest first."""
        statement = select(jobs).where(*_visible(principal)).order_by(c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(c.id < before)
        if state is not None:
            statement = statement.where(c.state == state)
        with self._database.read() as connection:
            return [_info(row) for row in connection.execute(statement)]

    def queued(self) -> Sequence[str]:
        """Return the ids of jobs no worker has begun, oldest first."""
        with self._database.read() as connection:
            return connection.execute(select(c.id).where(c.state == "queued").order_by(c.id)).scalars().all()

    def begin(self, job_id: str) -> tuple[JobInfo, Principal] | None:
        """Mark a job as taken up and return it with who asked for it, None when it has finished or is to be cancelled."""
        with self._database.write() as connection:
            row = connection.execute(select(jobs).where(c.id == job_id).with_for_update()).one_or_none()
            if row is None or row.state in FINISHED:
                return None
            if row.cancel_requested:
                _finish(connection, job_id, "cancelled")
                return None
            connection.execute(
                update(jobs)
                .where(c.id == job_id)
                .values(state="running", attempts=row.attempts + 1, started_at=row.started_at or _now())
            )
        actor = row.actor
        principal = Principal(row.tenant, row.principal, frozenset(actor["access"]), bool(actor["owner"]))
        return replace(_info(row), state="running", attempts=row.attempts + 1), principal

    def finish(
        self,
        job: JobInfo,
        state: JobState,
        *,
        result: Any = None,
        error: Mapping[str, Any] | None = None,
        progress: Mapping[str, Any] | None = None,
    ) -> None:
        """End a job. One that has ended keeps its end, and one that a later run has taken up is left to it."""
        with self._database.write() as connection:
            _finish(connection, job.id, state, result, error, progress, attempt=job.attempts)

    def interrupted(self, job: JobInfo) -> None:
        """Take back an attempt that its worker's ordinary end cut short."""
        with self._database.write() as connection:
            mine = (c.id == job.id, c.attempts == job.attempts)
            connection.execute(update(jobs).where(*mine).values(attempts=c.attempts - 1))

    def requeue(self, job_ids: Sequence[str]) -> None:
        """Let running jobs be taken up from the beginning."""
        with self._database.write() as connection:
            connection.execute(
                update(jobs).where(c.id.in_(job_ids), c.state == "running").values(state="queued")
            )

    def running(self) -> Sequence[str]:
        """Return the ids of jobs that a worker has begun and not ended."""
        with self._database.read() as connection:
            return connection.execute(select(c.id).where(c.state == "running")).scalars().all()

    def report(self, job: JobInfo, progress: Mapping[str, Any]) -> None:
        """Keep how far a job is, unless a later run has taken it up."""
        with self._database.write() as connection:
            mine = (c.id == job.id, c.state == "running", c.attempts == job.attempts)
            connection.execute(update(jobs).where(*mine).values(progress=dict(progress)))

    def is_cancel_requested(self, job_id: str) -> bool:
        """Say whether somebody has asked the job to stop."""
        with self._database.read() as connection:
            return bool(connection.execute(select(c.cancel_requested).where(c.id == job_id)).scalar())

    def cancel(self, job_id: str, principal: Principal) -> JobInfo:
        """Ask a job to stop; one that waits has ended with that. One that has ended stays as it is."""
        with self._database.write() as connection:
            row = connection.execute(
                select(jobs).where(c.id == job_id, *_visible(principal)).with_for_update()
            ).one_or_none()
            if row is not None and row.state not in FINISHED:
                connection.execute(update(jobs).where(c.id == job_id).values(cancel_requested=True))
                if row.state == "queued":
                    _finish(connection, job_id, "cancelled")
        return self.get(job_id, principal)


def _finish(
    connection: Connection,
    job_id: str,
    state: JobState,
    result: Any = None,
    error: Mapping[str, Any] | None = None,
    progress: Mapping[str, Any] | None = None,
    attempt: int | None = None,
) -> None:
    values = {"state": state, "result": result, "error": error, "finished_at": _now()}
    if progress is not None:
        values["progress"] = dict(progress)
    # The number of the attempt is the fencing token: a run that stood still while another took over has an old one.
    fence = () if attempt is None else (c.attempts == attempt,)
    connection.execute(update(jobs).where(c.id == job_id, c.state.not_in(FINISHED), *fence).values(values))


def _visible(principal: Principal) -> tuple[Any, ...]:
    mine = () if principal.owner else (c.principal == principal.name,)
    return (c.tenant == principal.tenant, *mine)


def _info(row: Row[Any]) -> JobInfo:
    hidden = ("tenant", "actor")
    return JobInfo(**{name: value for name, value in row._mapping.items() if name not in hidden})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
