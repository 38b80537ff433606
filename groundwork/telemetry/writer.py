"""The one writer of a process to the span store: it commits for all who wait, and they are told after the commit.

`storage.group` does the same for thousands of small operations that must not wait for each other; here a few large ones
come, each with hundreds of rows, and the log of SQLite is copied into the file by the writer itself, every 16 MiB.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Literal, TypeVar

from groundwork.core.errors import ConflictError, GroundworkError
from groundwork.storage.database import Database
from groundwork.storage.faults import explain_driver_error
from groundwork.storage.group import is_of_the_driver, is_of_the_store
from groundwork.storage.prepared import Cursor

T = TypeVar("T")
Operation = Callable[[Cursor], T]
Sync = Literal["full", "normal"]
TOGETHER = 16
BUSY_SECONDS = 10.0
SYNC_SECONDS = 1.0
LOG_PAGES = 4000
CACHE_KIB = 32 * 1024
TRIES = 5
log = logging.getLogger("groundwork.telemetry")
_Task = tuple[Operation[Any], "Future[Any]"]


class Writer:
    """Carries out operations one after another, several in one transaction; its thread starts with the first.

    An operation that fails is undone together with those that shared its transaction; each is then tried alone, so it must
    change nothing but the database. Operations of several processes follow one another, on PostgreSQL by an advisory lock,
    so that numbers given in one transaction are seen in the order of commits.

    Args:
        sync: what was acknowledged survives a killed process; a loss of power too with `full`, and with `normal` after a
            second.
    """

    def __init__(self, database: Database, sync: Sync = "normal", name: str = "span store") -> None:
        self._database = database
        self._sync = sync
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        self._name = name
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, operation: Operation[T]) -> Future[T]:
        """Have an operation stored; the future ends after the commit."""
        future: Future[T] = Future()
        with self._lock:
            if self._thread is None:
                self._queue = SimpleQueue()
                work = _Work(self._database, self._sync, self._key, self._queue)
                self._thread = threading.Thread(target=work.serve, name=f"{self._name} writer", daemon=True)
                self._thread.start()
            self._queue.put((operation, future))
        return future

    def close(self) -> None:
        """Store what waits and end the thread; the object may be used again."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()


class _Work:
    """What the thread does."""

    def __init__(self, database: Database, sync: Sync, key: int, queue: SimpleQueue[_Task | None]) -> None:
        self._database = database
        self._sync = sync
        self._key = key
        self._queue = queue
        self._connection: Any = None
        self._cursor: Any = None
        self._unsynced_since = 0.0

    def serve(self) -> None:
        ended = False
        while not ended:
            tasks, ended = self._next()
            if tasks:
                self._settle(tasks)
        self._sync_log()
        self._drop()

    def _next(self) -> tuple[list[_Task], bool]:
        """Wait for work; meanwhile have the log written to the disk once a second."""
        try:
            wait = SYNC_SECONDS if self._unsynced_since else None
            task = self._queue.get(timeout=wait)
        except Empty:
            self._sync_log()
            return [], False
        tasks: list[_Task] = []
        while task is not None:
            tasks.append(task)
            if len(tasks) == TOGETHER:
                return tasks, False
            try:
                task = self._queue.get_nowait()
            except Empty:
                return tasks, False
        return tasks, True

    def _settle(self, tasks: list[_Task]) -> None:
        error = self._together(tasks)
        if error is None:
            return
        if len(tasks) == 1 or is_of_the_store(error):
            _fail(tasks, error)
            return
        for task in tasks:
            self._alone(task)

    def _alone(self, task: _Task) -> None:
        for left in reversed(range(TRIES)):
            error = self._together([task])
            if error is None:
                return
            # A deadlock that PostgreSQL has broken, or a key that another one has just taken: look again.
            if not left or self._database.dialect == "sqlite" or not isinstance(error, ConflictError):
                _fail([task], error)
                return

    def _together(self, tasks: list[_Task]) -> Exception | None:
        """Carry the tasks out in one transaction and tell who waits; or undo it and return why."""
        refused: list[tuple[Future[Any], GroundworkError]] = []
        results: list[tuple[Future[Any], Any]] = []
        try:
            cursor = self._begin()
            for operation, future in tasks:
                try:
                    results.append((future, operation(cursor)))
                except GroundworkError as refusal:  # before it has changed anything
                    refused.append((future, refusal))
            self._cursor.execute("COMMIT")
        except Exception as error:
            explained = self._explain(error)
            self._undo(explained)
            return explained
        if not self._unsynced_since:
            self._unsynced_since = time.monotonic()
        elif time.monotonic() - self._unsynced_since >= SYNC_SECONDS:
            self._sync_log()
        for future, result in results:
            if future.set_running_or_notify_cancel():
                future.set_result(result)
        for future, why in refused:
            if future.set_running_or_notify_cancel():
                future.set_exception(why)
        return None

    def _begin(self) -> Cursor:
        if self._database.dialect == "postgresql":
            return self._begin_postgresql()
        if self._connection is None:
            self._open()
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._cursor.execute("BEGIN IMMEDIATE")
                return Cursor(self._cursor, "sqlite")
            except sqlite3.OperationalError as error:
                # SQLite's own waiting sleeps up to 100 ms at a time.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(0.002)

    def _begin_postgresql(self) -> Cursor:
        for fresh in (False, True):
            if self._connection is None:
                self._open()
                fresh = True
            try:
                self._cursor.execute(f"BEGIN; SELECT pg_advisory_xact_lock({self._key})")
                break
            except Exception:
                # The server was started anew while nothing was to be written.
                self._drop()
                if fresh:
                    raise
        return Cursor(self._cursor, "postgresql")

    def _open(self) -> None:
        connection = self._database.driver_connection(busy_seconds=0)
        cursor = connection.cursor()
        if self._database.dialect == "sqlite":
            for pragma in (
                f"synchronous={self._sync.upper()}",
                f"wal_autocheckpoint={LOG_PAGES}",
                f"journal_size_limit={4 * LOG_PAGES * 4096}",
                f"cache_size=-{CACHE_KIB}",
            ):
                cursor.execute(f"PRAGMA {pragma}").fetchall()
        self._connection, self._cursor = connection, cursor

    def _sync_log(self) -> None:
        """Have what was committed without waiting for the disk written to it."""
        if not self._unsynced_since:
            return
        self._unsynced_since = 0.0
        if self._database.path is None or self._sync == "full":
            return
        with suppress(OSError):  # gone or refused: the next commit tries again
            file = os.open(f"{self._database.path}-wal", os.O_RDONLY)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)

    def _undo(self, error: Exception) -> None:
        try:
            if self._cursor is not None:
                self._cursor.execute("ROLLBACK")
        except Exception:
            # SQLite rolls back by itself when it is full; a lost connection has nothing to undo.
            if self._database.dialect == "postgresql" or getattr(self._connection, "in_transaction", True):
                self._drop()
        if is_of_the_store(error):
            self._drop()

    def _drop(self) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _explain(self, error: Exception) -> Exception:
        if isinstance(error, GroundworkError):
            return error
        explained = explain_driver_error(error, self._database.name) if is_of_the_driver(error) else None
        if explained is None:
            log.error("an operation of the span store failed", exc_info=error)
            return error
        return explained


def _fail(tasks: list[_Task], error: Exception) -> None:
    for _, future in tasks:
        if future.set_running_or_notify_cancel():
            # Each gets an error of its own: a shared one would gather the traceback of everybody who raises it.
            own = (
                type(error)(error.message, hint=error.hint, **error.details)
                if isinstance(error, GroundworkError)
                else error
            )
            future.set_exception(own)
