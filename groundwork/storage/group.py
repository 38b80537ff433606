"""Group commit: whoever wants something stored hands it to one writer, who stores for all that wait in one transaction.

The cost of a transaction is its commit. One writer that commits for everybody who came meanwhile keeps the promise "told
after it is stored" at a small part of the price. What waits for no disk is stored on the event loop it came from, at the end
of the loop's step; what may wait for the disk or for another process is stored by a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from enum import Enum
from queue import Empty, SimpleQueue
from typing import Any, Generic, Literal, TypeVar

from groundwork.core.errors import BusyError, ConflictError, GroundworkError
from groundwork.storage.checkpoints import Checkpoints
from groundwork.storage.database import Database
from groundwork.storage.faults import explain_driver_error
from groundwork.storage.prepared import Cursor

T = TypeVar("T")
Operation = Callable[[Cursor], T]
Sync = Literal["full", "normal"]
WAITING = 2048
TOGETHER = 256
IN_A_STEP = 64
"""Operations that one step of an event loop stores at most, some milliseconds; the rest follows in the next one."""
BUSY_SECONDS = 10.0
QUIET_SECONDS = 0.002
LOOK_SECONDS = 0.02
TRIES = 5
log = logging.getLogger("groundwork.storage")


Told = Callable[[Any, BaseException | None], None]


class GroupCommit:
    """The one writer of a process to one database; its thread starts with the first operation.

    An operation is a function of a `Cursor`. It may refuse by raising a GroundworkError, and must do so before it has
    changed anything (or after undoing it), since the others that share its transaction are committed. When it fails in any
    other way the whole transaction is undone and each operation tried alone, so it must change nothing but the database.

    Args:
        database: many processes may write to it; SQLite's writers follow one another, PostgreSQL's overlap
            (READ COMMITTED: compare and set within one statement).
        sync: what was told to be stored survives a killed process; a loss of power too with `full`, and with `normal` after
            a second, since the log is written to the disk from the side. An operation that is not `durable` waits for no
            disk either way.
        exclusive: transactions of this name follow one another on PostgreSQL too. Each holds rows of many operations in an
            order nobody chose, so that overlapping ones would run into deadlocks.
        waiting: operations that may wait; more are refused, so that memory stays bounded when the store stands still.
    """

    def __init__(
        self, database: Database, sync: Sync = "full", *, exclusive: str = "", waiting: int = WAITING
    ) -> None:
        self._database = database
        self._sync = sync
        self._exclusive = exclusive
        self._most = waiting
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._writer: _Writer | None = None
        self._queue: _Queue = SimpleQueue()
        self._lots: dict[asyncio.AbstractEventLoop, _Lot] = {}
        self.refused = 0

    @property
    def waiting(self) -> int:
        """How many operations wait now."""
        return self._queue.qsize() + sum(len(lot.tasks) for lot in list(self._lots.values()))

    def submit(self, operation: Operation[T]) -> Future[T]:
        """Have an operation stored; the future ends after the commit, in whichever thread.

        Raises:
            BusyError: too many wait already.
        """
        future: Future[T] = Future()
        self._put(_Task(operation, future, None))
        return future

    async def run(self, operation: Operation[T], *, durable: bool = True) -> T:
        """Have an operation stored and return its result after the commit; see `begin`."""
        return await self.begin(operation, durable=durable)

    def begin(
        self, operation: Operation[T], *, durable: bool = True, told: Told | None = None
    ) -> asyncio.Future[T]:
        """Have an operation stored, with a future of the running event loop that ends after the commit.

        The operation is carried out also when the future is cancelled.

        Args:
            told: called on the event loop with result and error just before the future ends, also when it was cancelled.

        Raises:
            BusyError: too many wait already, or another process held the database for too long.
            StorageFullError, UnavailableError, DamagedError: the store refuses; nothing of the operation is stored.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        task = _Task(operation, future, loop, durable, told)
        writer = self._writer
        if writer is None or not writer.stores_here or (durable and self._sync == "full"):
            self._put(task)
            return future
        lot = self._lots.get(loop) or self._new_lot(loop)
        if len(lot.tasks) + self._queue.qsize() >= self._most:
            raise self._too_many()
        lot.tasks.append(task)
        if not lot.awaited:
            lot.awaited = True
            loop.call_soon(self._store, lot, loop)
        return future

    def now(
        self, operation: Operation[T], *, durable: bool = True
    ) -> tuple[T, None] | tuple[None, GroundworkError] | None:
        """Store an operation at once, in the calling thread, and return its result or its refusal; None: it has to wait.

        For a caller who is alone: two changes of threads cost more than the operation. It never waits, for the disk or for
        anybody: PostgreSQL, a durable operation of a `full` store, a store that is busy or refuses all answer None.
        """
        writer = self._writer
        if writer is None or not writer.stores_here or (durable and self._sync == "full"):
            return None
        outcomes = writer.here((operation,)) if writer.enter() else None
        return None if outcomes is None else outcomes[0]

    def close(self) -> None:
        """Store what waits and end the thread; the object may be used again."""
        with self._lock:
            thread, queue = self._thread, self._queue
            self._thread = self._writer = None
            lots, self._lots = self._lots, {}
            for lot in lots.values():
                for task in lot.take():
                    queue.put(task)
        if thread is not None:
            queue.put(_Word.END)
            if thread is not threading.current_thread():
                thread.join()

    def _store(self, lot: _Lot, loop: asyncio.AbstractEventLoop) -> None:
        """Store what has gathered in a step of an event loop; the writer's thread does it where that would wait."""
        with self._lock:
            writer = self._writer
            if writer is None or not lot.tasks:
                lot.awaited = False
                return
            if not writer.enter(lambda: loop.call_soon_threadsafe(self._store, lot, loop)):
                return  # somebody else stores, and this is called again
            tasks = lot.take(IN_A_STEP)
            lot.awaited = bool(lot.tasks)
        if lot.awaited:
            loop.call_soon(self._store, lot, loop)
        outcomes = writer.here([task.operation for task in tasks])
        if outcomes is None:
            for task in tasks:
                self._put(task, accepted=True)
            return
        for task, (result, refusal) in zip(tasks, outcomes, strict=True):
            task.end(result, refusal)

    def _new_lot(self, loop: asyncio.AbstractEventLoop) -> _Lot:
        with self._lock:
            for gone in [known for known in self._lots if known.is_closed()]:
                del self._lots[gone]
            return self._lots.setdefault(loop, _Lot())

    def _put(self, task: _Task[Any], *, accepted: bool = False) -> None:
        with self._lock:
            if self._thread is None:
                self._queue = SimpleQueue()
                self._writer = _Writer(self._database, self._sync, self._exclusive, self._queue)
                self._thread = threading.Thread(target=self._writer.serve, name="ledger writer", daemon=True)
                self._thread.start()
            elif not accepted and self._queue.qsize() >= self._most:
                raise self._too_many()
            self._queue.put(task)

    def _too_many(self) -> BusyError:
        self.refused += 1
        return BusyError(
            f"too many calls wait for the ledger ({self._most})",
            hint="the database is slow or stands still; try again in a moment",
            retry_after_s=1.0,
        )


class _Task(Generic[T]):
    """An operation and who waits for it: a task of an event loop, or a thread."""

    __slots__ = ("durable", "future", "loop", "operation", "told")

    def __init__(
        self,
        operation: Operation[T],
        future: Any,
        loop: asyncio.AbstractEventLoop | None,
        durable: bool = True,
        told: Told | None = None,
    ) -> None:
        self.operation = operation
        self.future = future
        self.loop = loop
        self.durable = durable
        self.told = told

    def end(self, result: Any, error: BaseException | None) -> None:
        """Tell who waits; on the event loop, where it is one."""
        if self.told is not None:
            self.told(result, error)
        if self.future.done():
            return  # cancelled meanwhile
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Lot:
    """What came in this step of one event loop; `awaited` says that the loop will store it."""

    __slots__ = ("awaited", "tasks")

    def __init__(self) -> None:
        self.tasks: list[_Task[Any]] = []
        self.awaited = False

    def take(self, most: int | None = None) -> list[_Task[Any]]:
        """Return the first tasks, and keep the others."""
        found = self.tasks
        if most is None or len(found) <= most:
            self.tasks = []
            return found
        self.tasks = found[most:]
        return found[:most]


class _Word(Enum):
    """What is said to the thread beside tasks: to look whether the log is to be shortened, and to end."""

    LOOK = "look"
    END = "end"


_Item = _Task[Any] | _Word
_Queue = SimpleQueue[_Item]
_Outcome = tuple[_Task[Any], Any, BaseException | None]


class _Writer:
    """What the thread does; all but `here` runs in it alone. Who holds `_using` uses the connection."""

    def __init__(self, database: Database, sync: Sync, exclusive: str, queue: _Queue) -> None:
        self._database = database
        self._sync = sync
        # Of the driver's own making: a statement without parameters may hold two, which is one round trip.
        key = int.from_bytes(hashlib.sha256(exclusive.encode()).digest()[:8], "big", signed=True)
        self._begin_postgresql = f"BEGIN; SELECT pg_advisory_xact_lock({key})" if exclusive else "BEGIN"
        self._queue = queue
        self._connection: Any = None
        self._cursor: Any = None
        self._syncing = False
        self._using = threading.Lock()
        self._afterwards: deque[Callable[[], object]] = deque()
        self._checkpoints: Checkpoints | None = None
        if database.path is not None:
            self._checkpoints = Checkpoints(database, lambda: queue.put(_Word.LOOK))

    @property
    def stores_here(self) -> bool:
        """Whether the calling thread may store at all; a round trip to a server is no work for an event loop."""
        return self._checkpoints is not None

    def enter(self, afterwards: Callable[[], object] | None = None) -> bool:
        """Take hold of the connection for `here`, without waiting; where it is in use, `afterwards` is called after that."""
        if self._is_mine():
            return True
        if afterwards is None:
            return False
        self._afterwards.append(afterwards)
        if not self._is_mine():
            return False
        with suppress(ValueError):  # it was called meanwhile, and will find nothing to do
            self._afterwards.remove(afterwards)
        return True

    def here(
        self, operations: Sequence[Operation[Any]]
    ) -> list[tuple[Any, None] | tuple[None, GroundworkError]] | None:
        """Carry operations out in the calling thread, in one transaction, and return what came of each; `enter` first.

        None: it would wait, or one of them failed. Nothing is stored then; the thread tries again.
        """
        points = self._checkpoints
        try:
            # The first commit into a log that begins anew waits for the disk.
            if points is None or points.restarts or self._cursor is None:
                return None
            outcomes = self._at_once(operations)
            points.committed(len(operations))
            return outcomes
        except Exception:
            # Busy, full, gone, or an operation that does not work: the thread finds out, and says why.
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._cursor.execute("ROLLBACK")
            return None
        finally:
            self._leave()

    def _is_mine(self) -> bool:
        return not self._queue.qsize() and self._using.acquire(blocking=False)

    def _leave(self) -> None:
        self._using.release()
        self._call_back()

    def _call_back(self) -> None:
        """Call who found the connection in use, or the queue not empty."""
        while self._afterwards:
            with suppress(IndexError, RuntimeError):  # another thread was quicker; a loop was closed
                self._afterwards.popleft()()

    @contextmanager
    def _alone_with_it(self) -> Iterator[None]:
        self._using.acquire()
        try:
            yield
        finally:
            self._leave()

    def _at_once(
        self, operations: Sequence[Operation[Any]]
    ) -> list[tuple[Any, None] | tuple[None, GroundworkError]]:
        if self._syncing:
            self._cursor.execute("PRAGMA synchronous=NORMAL")
            self._syncing = False
        self._cursor.execute("BEGIN IMMEDIATE")
        cursor = Cursor(self._cursor, "sqlite")
        outcomes: list[tuple[Any, None] | tuple[None, GroundworkError]] = []
        for operation in operations:
            try:
                outcomes.append((operation(cursor), None))
            except GroundworkError as refusal:
                outcomes.append((None, refusal))
        self._cursor.execute("COMMIT")
        return outcomes

    def serve(self) -> None:
        """Commit what waits until told to end."""
        ended = False
        while not ended:
            tasks: list[_Task[Any]] = []
            item: _Item | None = self._next()
            while item is not None and not ended:
                if isinstance(item, _Task):
                    tasks.append(item)
                ended = item is _Word.END
                item = self._waiting() if len(tasks) < TOGETHER else None
            if tasks:
                self._settle(tasks)
            else:
                self._call_back()
        with self._alone_with_it():
            self._drop()
        if self._checkpoints is not None:
            self._checkpoints.close()

    def _waiting(self) -> _Item | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def _settle(self, tasks: list[_Task[Any]]) -> None:
        points = self._checkpoints
        with self._alone_with_it():
            done, alone = self._together(tasks)
            if points is not None:
                points.restarts = False
        if points is not None:
            points.committed(len(tasks))
        # Last, so that this thread waits for its next work, and is out of the way, when they wake up.
        _deliver(done)
        for task in alone:
            _deliver(self._alone(task))

    def _next(self) -> _Item:
        """Wait for a task; when nothing comes for a moment and the log is long, use the time to shorten it."""
        points = self._checkpoints
        while points is not None and points.wanted and self._connection is not None:
            if not points.pressing:
                before = points.commits
                with suppress(Empty):
                    return self._queue.get(timeout=QUIET_SECONDS)
                if points.commits != before:  # the event loop stores by itself, and has no quiet moment
                    with suppress(Empty):
                        return self._queue.get(timeout=LOOK_SECONDS)
                    continue
            with self._alone_with_it():
                points.finish(self._connection)
        return self._queue.get()

    def _together(self, tasks: list[_Task[Any]]) -> tuple[list[_Outcome], list[_Task[Any]]]:
        """Return what came of the tasks in one transaction, and which are to be tried alone because it was undone."""
        try:
            cursor = self._begin(self._sync == "full" and any(task.durable for task in tasks))
        except Exception as error:
            return _all_failed(tasks, self._explain(error)), []
        outcomes: list[_Outcome] = []
        try:
            for task in tasks:
                try:
                    outcomes.append((task, task.operation(cursor), None))
                except GroundworkError as refusal:
                    outcomes.append((task, None, refusal))
            self._cursor.execute("COMMIT")
        except Exception as error:
            explained = self._explain(error)
            self._undo(explained)
            if len(tasks) > 1 and not is_of_the_store(explained):
                return [], tasks
            return _all_failed(tasks, explained), []
        return outcomes, []

    def _alone(self, task: _Task[Any]) -> list[_Outcome]:
        for _ in range(TRIES):
            with self._alone_with_it():
                done, _ = self._together([task])
            # A deadlock that PostgreSQL has broken, or a key that another one has just taken: look again.
            if self._database.dialect == "sqlite" or not isinstance(done[0][2], ConflictError):
                break
        return done

    def _begin(self, durable: bool) -> Cursor:
        if self._database.dialect == "postgresql":
            return self._begin_postgres(durable)
        if self._connection is None:
            self._open()
        if durable != self._syncing:
            self._cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._syncing = durable
        until = 0.0
        pause = 0.0002
        while True:
            try:
                self._cursor.execute("BEGIN IMMEDIATE")
                return Cursor(self._cursor, "sqlite")
            except sqlite3.OperationalError as error:
                # SQLite's own waiting sleeps up to 100 ms at a time; another process's commit takes one.
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                until = until or time.monotonic() + BUSY_SECONDS
                if not busy or time.monotonic() > until:
                    self._drop()
                    raise
            time.sleep(pause)
            pause = min(pause * 1.3, 0.005)

    def _begin_postgres(self, durable: bool) -> Cursor:
        for fresh in (False, True):
            if self._connection is None:
                self._open()
                fresh = True
            try:
                self._cursor.execute(self._begin_postgresql)
                if not durable:
                    self._cursor.execute("SET LOCAL synchronous_commit=off")
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
            cursor.execute("PRAGMA synchronous=NORMAL")
            self._syncing = False
            cursor.execute("PRAGMA wal_autocheckpoint=0")
        self._connection, self._cursor = connection, cursor

    def _undo(self, error: Exception) -> None:
        try:
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
            log.error("an operation of the ledger failed", exc_info=error)
            return error
        return explained


def is_of_the_driver(error: Exception) -> bool:
    """Say whether a database's driver raised it."""
    return isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] == "psycopg"


def is_of_the_store(error: Exception) -> bool:
    """Say whether every other operation would meet the same error."""
    return isinstance(error, GroundworkError) and not isinstance(error, ConflictError)


def _all_failed(tasks: list[_Task[Any]], error: Exception) -> list[_Outcome]:
    # Each gets an error of its own: a shared one would gather the traceback of everybody who raises it.
    if not isinstance(error, GroundworkError):
        return [(task, None, error) for task in tasks]
    return [(task, None, type(error)(error.message, hint=error.hint, **error.details)) for task in tasks]


def _deliver(outcomes: list[_Outcome]) -> None:
    """Tell everybody, each event loop with one wake-up."""
    loops: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        task, result, error = outcome
        if task.loop is not None:
            loops.setdefault(task.loop, []).append(outcome)
        elif isinstance(task.future, Future) and task.future.set_running_or_notify_cancel():
            if error is None:
                task.future.set_result(result)
            else:
                task.future.set_exception(error)
    for loop, theirs in loops.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(outcomes: list[_Outcome]) -> None:
    for task, result, error in outcomes:
        task.end(result, error)
