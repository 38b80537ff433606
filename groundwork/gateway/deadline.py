"""Deadlines: over many waits with one timer, as in a stream; and over one block, as `asyncio.timeout` but cheaper."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """Interrupts whoever waits inside of it when its time is over; entered again and again, by one task at a time.

    The wait ends with TimeoutError; entering after the time is over raises it at once. `end` before the time frees the
    timer. Making it takes a running loop.
    """

    __slots__ = ("_cancelled", "_cancelling", "_over", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._over = seconds <= 0
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._cancelled = False
        self._timer = None if self._over else loop.call_later(seconds, self.expire)

    @property
    def waits(self) -> bool:
        """Whether a task waits inside of it now."""
        return self._task is not None

    def expire(self) -> None:
        """Let its time be over now."""
        self._over = True
        self.end()
        if self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    def end(self) -> None:
        """Free the timer; nothing is interrupted any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        if self._over:
            raise TimeoutError
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if self._cancelled and task is not None:
            self._cancelled = False
            # As asyncio.timeout does: if somebody else cancelled the task as well, that is what counts.
            if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError


class Within(Deadline):
    """A deadline over one block, like `asyncio.timeout`, but not to be rescheduled."""

    __slots__ = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        super().__exit__(kind, error, trace)
