"""One server per workspace: a file lock that dies with its process, and says who holds it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.errors import BusyError

FILE = "server.lock"


@dataclass
class ServerLock:
    """The lock of a workspace's server; the system frees it when the process ends, however it ends."""

    path: Path
    _handle: int

    @classmethod
    def take(cls, folder: Path) -> ServerLock:
        """Take the lock in `folder`, the workspace's data folder.

        Raises:
            BusyError: another process serves this workspace; the message names its process and address.
        """
        import fcntl

        path = folder / FILE
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            raise _busy(holder) from None
        return cls(path, handle)

    def note(self, url: str) -> None:
        """Write down which process serves and where."""
        text = json.dumps({"pid": os.getpid(), "url": url}).encode()
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text, 0)

    def free(self) -> None:
        """Give the lock back; the file stays, since removing it would race with the next server."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def _holder(handle: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(handle, 4096, 0))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _busy(holder: dict[str, Any]) -> BusyError:
    pid, url = holder.get("pid"), holder.get("url")
    if not pid or not url:
        return BusyError(
            "another server on this workspace is starting or going down", hint="try again in a moment"
        )
    return BusyError(
        f"another server (process {pid}) already serves this workspace at {url}",
        hint=f"open {url}, or stop that server with `kill {pid}`",
        pid=pid,
        url=url,
    )
