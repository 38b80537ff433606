"""What a handler sees of its job, and how often the database hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from groundwork.core.errors import ConflictError, GroundworkError
from groundwork.core.principal import Principal
from groundwork.jobs import JobInfo
from groundwork.jobs.store import JobStore

T = TypeVar("T")
EVERY_SECONDS = 0.5
"""Between two writes of progress, and between two looks whether the job was cancelled."""


class RunningJob:
    """The context of one run of a job.

    Args:
        record_step: runs an action once and records its result, under a name.
        ending: set when the worker is ending.
    """

    def __init__(
        self,
        job: JobInfo,
        principal: Principal,
        store: JobStore,
        record_step: Callable[[str, Callable[[], Any]], Any],
        ending: threading.Event,
    ) -> None:
        self.id = job.id
        self.kind = job.kind
        self.arguments = job.arguments
        self.principal = principal
        self.latest: Mapping[str, Any] | None = None
        self._job = job
        self._store = store
        self._record_step = record_step
        self._ending = ending
        self._reported = 0.0
        self._looked = 0.0
        self._cancelled = False
        self._told = False

    def step(self, name: str, action: Callable[[], T]) -> T:
        if self.cancelled():
            raise ConflictError(f"the job `{self.id}` was stopped before its step `{name}`", job=self.id)
        result: T = self._record_step(name, action)
        return result

    def progress(self, report: Mapping[str, Any]) -> None:
        self.latest = dict(report)
        now = time.monotonic()
        if now - self._reported >= EVERY_SECONDS:
            self._reported = now
            with suppress(GroundworkError):  # a busy or full database must not end the work
                self._store.report(self._job, self.latest)

    def cancelled(self) -> bool:
        now = time.monotonic()
        if not self._cancelled and now - self._looked >= EVERY_SECONDS:
            self._looked = now
            with suppress(GroundworkError):
                self._cancelled = self._store.is_cancel_requested(self.id)
        stop = self._cancelled or self._ending.is_set()
        self._told = self._told or stop
        return stop

    @property
    def was_cancelled(self) -> bool:
        """Whether the handler has been told to stop because somebody asked for it."""
        return self._told and self._cancelled

    @property
    def was_interrupted(self) -> bool:
        """Whether the handler has been told to stop only because the worker is ending."""
        return self._told and not self._cancelled
