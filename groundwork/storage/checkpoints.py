"""Keep SQLite's log short and on the disk from the side, so that no request waits for either."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from groundwork.storage.database import Database

FRAMES = 4000
"""Pages of the log, 16 MiB, after which they are copied into the database; each time costs the disk two waits."""
LONG = 6000
TOO_LONG = 12_000
SYNC_SECONDS = 1.0
"""How long a commit that did not wait for the disk may be in memory alone."""
_FEWEST, _MOST = 50, 20_000


class Checkpoints:
    """Copies the log's pages into the database in a thread of its own, while commits go on.

    A log is written from its start again only when all of it has been copied and nobody reads it. Under constant writing the
    side alone would never get there, since commits go on behind its back; when the log is long the writer is asked to
    copy the few pages that are left itself (`finish`): when nothing waits for it, or, when the log is too long, at once.

    Args:
        look: tells the writer, from this thread, that `wanted` has become true.

    Attributes:
        restarts: all of the log is in the database, so that the next commit begins it anew, and waits for the disk.
        commits: how many there were.
    """

    def __init__(self, database: Database, look: Callable[[], object]) -> None:
        self._database = database
        self._look = look
        self._wake = threading.Event()
        self._ended = False
        self._dirty = False
        self._synced_at = 0.0
        self._thread: threading.Thread | None = None
        self._since = 0
        self._every = FRAMES // 20
        self._logged = 0
        self.wanted = False
        self.pressing = False
        self.restarts = False
        self.commits = 0

    def committed(self, operations: int) -> None:
        """Count what was committed; called by whoever committed."""
        self._since += operations
        self.commits += 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="ledger checkpoints", daemon=True)
            self._thread.start()
        if not self._dirty:
            self._dirty = True
            self._wake.set()
        elif self._since >= self._every and not self._wake.is_set():
            self._wake.set()

    def finish(self, connection: Any) -> None:
        """Copy what is left, on the writer's own connection."""
        self.wanted = self.pressing = False
        with suppress(sqlite3.Error):
            _, logged, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self.restarts = logged == copied

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        connection = None
        while True:
            self._wake.wait(SYNC_SECONDS if self._dirty else None)
            self._wake.clear()
            if self._ended:
                break
            self._sync()
            if self._since < self._every:
                continue
            try:
                connection = connection or self._database.driver_connection(busy_seconds=0)
                self._copy(connection)
            except sqlite3.Error:
                # Full or busy: the log stays, the next commits ask again.
                self._since = 0
        if connection is not None:
            connection.close()

    def _sync(self) -> None:
        """Have the log written to the disk once a second while there is something new in it."""
        if not self._dirty or time.monotonic() - self._synced_at < SYNC_SECONDS:
            return
        self._dirty = False
        try:
            log = os.open(f"{self._database.path}-wal", os.O_RDONLY)
            try:
                os.fdatasync(log)
            finally:
                os.close(log)
        except OSError:
            self._dirty = True  # gone or refused: tried again in a second
        self._synced_at = time.monotonic()

    def _copy(self, connection: Any) -> None:
        counted, self._since = self._since, 0
        _, logged, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        grown = logged - self._logged if logged >= self._logged else logged
        self._logged = logged
        if grown > 0:
            self._every = min(_MOST, max(_FEWEST, counted * FRAMES // grown))
        self.restarts = logged == copied
        self.pressing = logged >= TOO_LONG
        self.wanted = logged >= LONG and not self.restarts
        if self.wanted:
            self._look()
