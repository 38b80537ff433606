"""Small work that a server does beside its requests: one thread, several tasks, each at its own pace.

A task that fails is logged once, comes again later and later, and keeps no other from its turn; `troubles` says what fails.
A task that finds nothing to do comes less often, so that an idle server hardly wakes up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import GroundworkError

LONGEST_PAUSE_S = 60.0
log = logging.getLogger("groundwork.upkeep")


@dataclass(frozen=True)
class Task:
    """Something to do again and again.

    Attributes:
        run: does it and returns how much there was to do; nothing, 0 and None are idle.
        every_s: seconds from one end to the next start while there is something to do; `idle_s`: while there is not.
        first_s: seconds until the first start. at_end: run once more when the server goes down.
    """

    name: str
    run: Callable[[], Any]
    every_s: float
    idle_s: float
    first_s: float = 0.0
    at_end: bool = False


@dataclass(frozen=True)
class Trouble:
    """A task that fails: with what, how often in a row, and for how many seconds."""

    task: str
    message: str
    times: int
    seconds: float


@dataclass
class _Turn:
    task: Task
    due: float
    pause: float
    failures: int = 0
    failing_since: float = 0.0
    message: str = ""
    runs: int = 0
    seconds: float = 0.0


class Upkeep:
    """Runs tasks in one thread, between `start` and `stop`.

    Args:
        monotonic: seconds, handed in by tests.
    """

    def __init__(self, tasks: Sequence[Task], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tasks = tuple(tasks)
        self._monotonic = monotonic
        self._turns: list[_Turn] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in the background."""
        if self._thread is not None:
            return
        now = self._monotonic()
        self._turns = [_Turn(task, now + task.first_s, task.every_s) for task in self._tasks]
        self._ended.clear()
        self._thread = threading.Thread(target=self._serve, name="upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the running task end, do once more what is to be done at the end, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ended.set()
        thread.join()
        for turn in self._turns:
            if turn.task.at_end:
                self.run(turn)

    def troubles(self) -> list[Trouble]:
        """Return the tasks whose last run failed."""
        now = self._monotonic()
        return [
            Trouble(t.task.name, t.message, t.failures, now - t.failing_since)
            for t in self._turns
            if t.failures
        ]

    def seconds(self) -> dict[str, float]:
        """Return the time that each task has taken so far, in seconds."""
        return {t.task.name: t.seconds for t in self._turns}

    def run(self, turn: _Turn) -> None:
        """Run a task and say when it comes next."""
        task = turn.task
        begun = self._monotonic()
        try:
            did = bool(task.run())
        except Exception as error:
            self._failed(turn, error)
        else:
            if turn.failures:
                log.warning("%s works again", task.name)
            turn.failures = 0
            turn.pause = task.every_s if did else min(task.idle_s, max(task.every_s, turn.pause * 1.5))
        ended = self._monotonic()
        turn.runs += 1
        turn.seconds += ended - begun
        turn.due = ended + turn.pause

    def _serve(self) -> None:
        while self._turns:
            now = self._monotonic()
            turn = min(self._turns, key=lambda t: t.due)
            if self._ended.wait(max(0.0, turn.due - now)):
                return
            self.run(turn)

    def _failed(self, turn: _Turn, error: Exception) -> None:
        message = error.message if isinstance(error, GroundworkError) else f"{type(error).__name__}: {error}"
        if not turn.failures:
            turn.failing_since = self._monotonic()
        if not turn.failures or message != turn.message:
            known = isinstance(error, GroundworkError)
            log.warning("%s does not work: %s", turn.task.name, message, exc_info=None if known else error)
        turn.failures += 1
        turn.message = message
        turn.pause = min(LONGEST_PAUSE_S, max(turn.task.every_s, 0.5) * 2 ** min(turn.failures, 10))
