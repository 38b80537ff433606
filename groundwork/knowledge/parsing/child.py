"""One child process as its parent sees it: start, ask under a deadline, and tell what it died of."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from groundwork.core.errors import InternalError
from groundwork.knowledge.parsing import frames
from groundwork.knowledge.parsing.outcome import Limits, Quarantine

START_S = 60.0
"""Seconds a child may take to start on a loaded machine."""
_CHUNK = 1 << 18
_LOOK_S = 0.05
"""Seconds between looks at the memory of a working child: what it had is not known any more when it is dead."""


class Died(Exception):
    """The child is gone; `quarantine` says why, `peak_mib` what memory it had at most."""

    def __init__(self, quarantine: Quarantine, peak_mib: float) -> None:
        super().__init__(quarantine.message)
        self.quarantine = quarantine
        self.peak_mib = peak_mib


class Child:
    """A running worker. To be used from one thread, the one that made it: the child dies with that thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.documents = 0
        self._peak_mib, self._inherited_mib = 0.0, float("inf")
        self._process = _start(limits)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        try:
            ready, _ = self._exchange(b"", START_S)
        except Died as error:
            raise InternalError(
                f"the parsing process does not start: {error}",
                hint="run `groundwork doctor`; a limit on memory below 256 MiB is too small",
            ) from error
        self._inherited_mib = float(ready.get("max_rss_mib", 0.0))
        self.network_namespace = bool(ready.get("network_namespace"))

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._process.pid

    def ask(self, facts: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """Send one document and return the reply.

        Raises:
            Died: the child died or was killed, with the reason.
        """
        self.documents += 1
        return self._exchange(frames.pack(facts, data), self._limits.wall_s)

    def close(self) -> None:
        """End the child and reap it."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            deadline = time.monotonic() + 0.5
            while self._process.returncode is None and time.monotonic() < deadline:
                self._reap(os.WNOHANG)
                time.sleep(0.005)
        self._kill()

    def _exchange(self, message: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + seconds
        view, sent, got = memoryview(message), 0, bytearray()
        wanted = frames.PREFIX.size
        with selectors.DefaultSelector() as ready:
            ready.register(self._from, selectors.EVENT_READ)
            if message:
                ready.register(self._to, selectors.EVENT_WRITE)
            while len(got) < wanted:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._end(Quarantine("timeout", f"reading it took longer than {seconds:g} s"))
                events = ready.select(min(left, _LOOK_S))
                if not events:
                    self._look()
                for key, _ in events:
                    if key.fd == self._to:
                        sent += self._write(view[sent : sent + _CHUNK])
                        if sent == len(view):
                            ready.unregister(self._to)
                        continue
                    piece = self._read(wanted - len(got))
                    if not piece:
                        self._end(None)
                    got += piece
                    if wanted == frames.PREFIX.size and len(got) == wanted:
                        wanted += self._announced(got)
        head, _ = frames.PREFIX.unpack_from(got)
        start = frames.PREFIX.size
        try:
            facts = json.loads(got[start : start + head])
        except ValueError:
            self._end(Quarantine("crashed", "the parsing process sent an answer that makes no sense"))
        return facts, bytes(memoryview(got)[start + head :])

    def _announced(self, got: bytearray) -> int:
        head, body = frames.PREFIX.unpack_from(got)
        if head + body > self._limits.max_reply_bytes:
            self._end(
                Quarantine(
                    "too_large", f"what was read takes more than {self._limits.max_reply_bytes:,} bytes"
                )
            )
        return int(head + body)

    def _write(self, piece: memoryview) -> int:
        try:
            return os.write(self._to, piece)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            self._end(None)

    def _read(self, most: int) -> bytes:
        return os.read(self._from, min(most, 1 << 20))

    def _end(self, why: Quarantine | None) -> NoReturn:
        """Kill the child and raise what it died of; `why` is None when it died by itself."""
        if why is None:
            self._reap(0)
        self._kill()
        raise Died(why or self._verdict(), self._peak_mib)

    def _verdict(self) -> Quarantine:
        code = self._process.returncode or 0
        if -code == signal.SIGXCPU:
            return Quarantine(
                "timeout", f"reading it took more than {self._limits.cpu_s} s of processor time"
            )
        # Native code that cannot get memory aborts; how much the child had by then tells that from a crash.
        if self._peak_mib > 0.75 * self._limits.memory_mib:
            return Quarantine("memory", f"reading it takes more than {self._limits.memory_mib} MiB of memory")
        if -code == signal.SIGABRT:
            # PDFium and C++ abort when they get no memory for one large piece, long before the process is large.
            limit = f"as it does when {self._limits.memory_mib} MiB of memory are not enough"
            return Quarantine("memory", f"the program that reads this format gave up on it, {limit}")
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Quarantine("crashed", f"the program that reads this format crashed on it ({how})")

    def _kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._reap(0)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _look(self) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            self._peak_mib = max(self._peak_mib, int(status.split("VmHWM:")[1].split()[0]) / 1024)

    def _reap(self, options: int) -> None:
        if self._process.returncode is not None:
            return
        try:
            pid, status, usage = os.wait4(self._process.pid, options)
        except ChildProcessError:
            self._process.returncode = -signal.SIGKILL
            return
        if pid:
            # Until it outgrows them, a process counts the pages of the one that started it as its own peak.
            if usage.ru_maxrss / 1024 > self._inherited_mib:
                self._peak_mib = max(self._peak_mib, usage.ru_maxrss / 1024)
            self._process.returncode = os.waitstatus_to_exitcode(status)


def _start(limits: Limits) -> subprocess.Popen[bytes]:
    worker = ["-P", "-m", "groundwork.knowledge.parsing.worker", str(os.getpid()), json.dumps(asdict(limits))]
    try:
        return subprocess.Popen(
            [sys.executable, *worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise InternalError(
            f"the parsing process does not start: {error}", hint="run `groundwork doctor`"
        ) from error


def _environment() -> dict[str, str]:
    """Return all the child knows of its surroundings: where modules and Tesseract are, and to use one thread."""
    path = "/usr/local/bin:/usr/bin:/bin"
    program = shutil.which("tesseract")
    if program:
        path = f"{Path(program).resolve().parent}:{path}"
    environment = {
        "PATH": path,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p and os.path.isabs(p)),
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
        "MALLOC_ARENA_MAX": "1",
    }
    data = os.environ.get("TESSDATA_PREFIX")
    return {**environment, "TESSDATA_PREFIX": data} if data else environment
