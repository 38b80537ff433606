"""The process that answers SQL, from the side of who asks: started when needed, ended when it is late or idle."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from groundwork.core.errors import BusyError, UnavailableError

IDLE_SECONDS = 60.0
START_SECONDS = 20.0
GRACE_SECONDS = 2.0
"""How long after the time of a statement its process may take to say that it was stopped."""
PIECE = 1 << 16


class Late(Exception):
    """No answer came in time; the process was ended."""


class Died(Exception):
    """The process ended by itself, as where memory was not enough."""


class SqlProcess:
    """Asks one question after another. Safe to use from several threads, which wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def ask(
        self, question: Mapping[str, Any], tables: Mapping[str, bytes], timeout_s: float, wait_s: float
    ) -> dict[str, Any]:
        """Return what the process answers.

        Args:
            tables: Arrow streams by name.
            wait_s: how long to wait for questions that came before.

        Raises:
            BusyError: they took longer.
            Late: it did not answer in time. Died: it ended.
        """
        if not self._lock.acquire(timeout=wait_s):
            raise BusyError(
                "another question in SQL is being answered", hint="try again in a moment", retry_after_s=2
            )
        try:
            self._stay()
            head = {**question, "sizes": {name: len(data) for name, data in tables.items()}}
            fresh = self._running is None or self._running.poll() is not None
            deadline = time.monotonic() + timeout_s + GRACE_SECONDS + (START_SECONDS if fresh else 0)
            running = self._start() if fresh or self._running is None else self._running
            try:
                self._send(running, [json.dumps(head).encode() + b"\n", *tables.values()])
                return self._receive(running, deadline)
            except (Late, Died):
                self._end()
                raise
        finally:
            self._leave()
            self._lock.release()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._stay()
            self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        self._end()
        # No more of the environment than a remote place of archived spans needs, and nothing of ours.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GROUNDWORK_", "GW_"))}
        try:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "groundwork.telemetry.sql_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**kept, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"},
            )
        except OSError as error:
            raise UnavailableError(
                f"the process that answers SQL cannot be started: {error.strerror}", hint="free some memory"
            ) from error
        return self._running

    @staticmethod
    def _send(running: subprocess.Popen[bytes], parts: list[bytes]) -> None:
        assert running.stdin is not None
        try:
            for part in parts:
                running.stdin.write(part)
            running.stdin.flush()
        except (BrokenPipeError, OSError) as error:
            raise Died from error

    @staticmethod
    def _receive(running: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        assert running.stdout is not None
        handle = running.stdout.fileno()
        pieces: list[bytes] = []
        while not pieces or not pieces[-1].endswith(b"\n"):
            left = deadline - time.monotonic()
            ready = select.select([handle], [], [], max(0.0, left))[0] if left > 0 else []
            if not ready:
                raise Late
            piece = os.read(handle, PIECE)
            if not piece:
                raise Died
            pieces.append(piece)
        found: dict[str, Any] = json.loads(b"".join(pieces))
        return found

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        with suppress(OSError):
            running.kill()
        running.wait()
        for pipe in (running.stdin, running.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave(self) -> None:
        """End the process after a while in which nobody asked."""
        if self._running is None:
            return
        self._idle = threading.Timer(IDLE_SECONDS, self._end_idle)
        self._idle.daemon = True
        self._idle.start()

    def _end_idle(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()
