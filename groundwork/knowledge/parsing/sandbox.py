"""Parse documents in a few limited child processes that are reused, replaced when they grow, and killed when they hang."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import NamedTuple, TypeVar

from groundwork.core.errors import InternalError, InvalidInputError
from groundwork.knowledge.parsing import frames
from groundwork.knowledge.parsing.child import Child, Died
from groundwork.knowledge.parsing.outcome import Limits, Measured, Quarantine
from groundwork.knowledge.types import Parsed

K = TypeVar("K")
READ_AHEAD = 4
"""Documents waiting per worker; files named by path are read only when their turn comes."""


class _Task(NamedTuple):
    source: bytes | Path
    name: str
    media_type: str | None
    future: Future[Measured]


class Parser:
    """Reads documents in child processes; a context manager, to be used from any number of threads.

    Args:
        workers: how many child processes at most; each is started when it is first needed.
        limits: what one document may cost.
    """

    def __init__(self, workers: int = 2, limits: Limits | None = None) -> None:
        if workers < 1:
            raise InvalidInputError(f"a parser needs at least 1 worker, not {workers}")
        self.workers = workers
        self.limits = limits or Limits()
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._lock = threading.Lock()

    def __enter__(self) -> Parser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child processes; what is waiting is cancelled."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
        with contextlib.suppress(Exception):
            while True:
                task = self._tasks.get_nowait()
                if task is not None:
                    task.future.cancel()
        for _ in threads:
            self._tasks.put(None)
        for thread in threads:
            thread.join()

    def parse(self, data: bytes | Path, name: str, media_type: str | None = None) -> Parsed | Quarantine:
        """Return what `data` says, or why it could not be read."""
        return self.measure(data, name, media_type).outcome

    def measure(self, data: bytes | Path, name: str, media_type: str | None = None) -> Measured:
        """Return what `parse` returns, with the media type and what it took."""
        return self._submit(data, name, media_type).result()

    def parse_many(
        self, documents: Iterable[tuple[K, bytes | Path, str, str | None]]
    ) -> Iterator[tuple[K, Parsed | Quarantine]]:
        """Yield the outcome of every `(key, bytes or path, name, media type or None)`, in the order they came.

        At most `4 * workers` documents are taken ahead of the one that is waited for.
        """
        for key, measured in self.measure_many(documents):
            yield key, measured.outcome

    def measure_many(
        self, documents: Iterable[tuple[K, bytes | Path, str, str | None]]
    ) -> Iterator[tuple[K, Measured]]:
        """Yield what `parse_many` yields, with the media type and what each took."""
        waiting: deque[tuple[K, Future[Measured]]] = deque()
        try:
            for key, source, name, media_type in documents:
                waiting.append((key, self._submit(source, name, media_type)))
                if len(waiting) >= READ_AHEAD * self.workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()

    def _submit(self, source: bytes | Path, name: str, media_type: str | None) -> Future[Measured]:
        future: Future[Measured] = Future()
        with self._lock:
            if self._closed:
                raise InvalidInputError(
                    "the parser is closed", hint="make a new one: `with Parser() as parser:`"
                )
            if len(self._threads) < self.workers:
                # The child dies with the thread that started it, so each child has a thread of its own.
                thread = threading.Thread(target=self._serve, name="groundwork-parse", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._tasks.put(_Task(source, name, media_type, future))
        return future

    def _serve(self) -> None:
        slot = _Slot(self.limits)
        try:
            while (task := self._tasks.get()) is not None:
                if not task.future.set_running_or_notify_cancel():
                    continue
                try:
                    task.future.set_result(slot.measure(task.source, task.name, task.media_type))
                except BaseException as error:
                    task.future.set_exception(error)
        finally:
            slot.close()


class _Slot:
    """A place for one child at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._child: Child | None = None

    def measure(self, source: bytes | Path, name: str, media_type: str | None) -> Measured:
        """Return the outcome for one document."""
        data = _bytes_of(source, self._limits) if isinstance(source, Path) else source
        if isinstance(data, bytes) and len(data) > self._limits.max_bytes:
            data = _too_large(len(data), self._limits)
        if isinstance(data, Quarantine):
            return Measured(data, media_type or "", 0.0, 0.0)
        started = time.monotonic()
        used = self._child is not None and self._child.documents > 0
        try:
            return self._ask(data, name, media_type, started)
        except Died as error:
            died = error
            self.close()
        if used and died.quarantine.reason in ("crashed", "memory"):
            # Another document may have left the child in a bad state; only a fresh one can tell.
            try:
                return self._ask(data, name, media_type, started)
            except Died as error:
                died = error
                self.close()
        return Measured(died.quarantine, media_type or "", time.monotonic() - started, died.peak_mib)

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _ask(self, data: bytes, name: str, media_type: str | None, started: float) -> Measured:
        if self._child is None:
            self._child = Child(self._limits)
            started = time.monotonic()
        facts, body = self._child.ask({"name": name, "media_type": media_type}, data)
        seconds = time.monotonic() - started
        outcome = _outcome(facts, body)
        grown = float(facts.get("rss_mib", 0)) > self._limits.grown_mib
        failed = isinstance(outcome, Quarantine) and outcome.reason in ("memory", "crashed")
        if failed and self._child.documents > 1:
            raise Died(outcome, float(facts.get("peak_mib", 0)))  # type: ignore[arg-type]
        if grown or failed or self._child.documents >= self._limits.documents:
            self.close()
        return Measured(outcome, str(facts.get("media_type", "")), seconds, float(facts.get("peak_mib", 0)))


def _outcome(facts: dict[str, object], body: bytes) -> Parsed | Quarantine:
    if "reason" in facts:
        return Quarantine(str(facts["reason"]), str(facts.get("message", "")))
    try:
        return frames.unpack_parsed(facts, body)
    except InternalError as error:
        return Quarantine("crashed", error.message)


def _too_large(size: int, limits: Limits) -> Quarantine:
    return Quarantine("too_large", f"it has {size:,} bytes; the limit is {limits.max_bytes:,}")


def _bytes_of(path: Path, limits: Limits) -> bytes | Quarantine:
    """Read a regular file; anything else, and what cannot be opened, is a quarantine."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Quarantine("unreadable", f"the file cannot be opened: {error.strerror or error}")
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            return Quarantine("unreadable", "it is not a regular file")
        if facts.st_size > limits.max_bytes:
            return _too_large(facts.st_size, limits)
        with open(handle, "rb", closefd=False) as stream:
            data = stream.read(limits.max_bytes + 1)
    except OSError as error:
        return Quarantine("unreadable", f"the file cannot be read: {error.strerror or error}")
    finally:
        os.close(handle)
    return data if len(data) <= limits.max_bytes else _too_large(len(data), limits)
