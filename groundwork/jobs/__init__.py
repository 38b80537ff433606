"""Durable work: what is enqueued is done, also when the process that does it is killed on the way.

A job is a record; asking for one stores it and needs no worker. A worker (the server, as a rule) takes jobs
up, and those a dead worker left. A handler may therefore run more than once: each step of it that was
recorded is not run again, one that was cut off is, so a step's effect must be the same when it happens twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeVar

from groundwork.core.principal import Principal

T = TypeVar("T")
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINISHED: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class JobInfo:
    """One job as it stands.

    Attributes:
        progress: what the handler reported last.
        result: what the handler returned; of a cancelled job, what it had by then.
        error: `{code, message, hint, retryable, details}` of a failed job.
        attempts: how often a worker has taken it up.
    """

    id: str
    kind: str
    state: JobState
    arguments: Mapping[str, Any]
    progress: Mapping[str, Any]
    result: Any
    error: Mapping[str, Any] | None
    principal: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel_requested: bool
    attempts: int

    @property
    def finished(self) -> bool:
        """Whether it has come to an end, whichever."""
        return self.state in FINISHED

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class JobContext(Protocol):
    """What a handler is given."""

    id: str
    kind: str
    principal: Principal
    arguments: Mapping[str, Any]

    def step(self, name: str, action: Callable[[], T]) -> T:
        """Run `action` and record its result, or return the result recorded before a crash.

        Steps are called in the same order in every run and from the handler's own thread. The result is a
        JSON value (a tuple comes back as a list).

        Raises:
            ConflictError: the job was cancelled or the worker is ending; the handler lets it through.
        """
        ...

    def progress(self, report: Mapping[str, Any]) -> None:
        """Show how far the job is; cheap enough to be called at every document (stored twice a second at most)."""
        ...

    def cancelled(self) -> bool:
        """Say whether to stop: the job was cancelled, or the worker is ending and will take it up again later."""
        ...


Handler = Callable[[JobContext], Any]
"""Does the work of one kind of job and returns a JSON value."""


class Jobs(Protocol):
    """Where jobs are asked for and looked at. A principal sees the jobs of its tenant: an owner all, others their own."""

    def enqueue(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        principal: Principal,
        idempotency_key: str | None = None,
    ) -> str:
        """Store a job and return its id; a second delivery of the same key returns the first id.

        Raises:
            NotFoundError: there is no such kind.
            ConflictError: the key was used for another job.
        """
        ...

    def get(self, job_id: str, principal: Principal) -> JobInfo:
        """Return a job as it stands; raises NotFoundError."""
        ...

    def list(
        self,
        principal: Principal,
        *,
        limit: int = 50,
        before: str | None = None,
        state: JobState | None = None,
    ) -> list[JobInfo]:
        """Return jobs, newest first, those older than the job `before`."""
        ...

    def cancel(self, job_id: str, principal: Principal) -> JobInfo:
        """Ask a job to stop: one that waits is cancelled at once, a running one at its next look; raises NotFoundError."""
        ...

    def wait(self, job_id: str, principal: Principal, timeout: float = 60.0) -> JobInfo:
        """Return the job when it has finished, or as it stands after `timeout` seconds."""
        ...

    def start(self) -> None:
        """Take up jobs in this process, in background threads."""
        ...

    def stop(self, timeout: float = 20.0) -> bool:
        """Stop taking up jobs and interrupt running ones, which a later worker continues; say whether all had ended."""
        ...
