"""Which process on which run of which machine this is, and whether another one still lives."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path


@cache
def boot_id() -> str:
    """Return an id that no other machine and no earlier run of this one has; empty when unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def boot_seconds() -> float:
    """Return the seconds since the machine was started, sleep included, the same for every process of it."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def this_process() -> dict[str, str | int]:
    """Return what tells this process from every other: run of the machine, namespace, id, start."""
    return {"boot": boot_id(), "space": _space(), "pid": os.getpid(), "start": _start_of(os.getpid())}


def is_dead(process: dict[str, str | int]) -> bool:
    """Say whether a process is known to have ended; of other machines and containers nothing is known."""
    if not process.get("boot") or process["boot"] != boot_id() or process.get("space") != _space():
        return False
    return _start_of(int(process["pid"])) != process.get("start")


def _space() -> str:
    # Containers of one machine share its run and count their processes each from 1.
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """Return when a process was started, in ticks since boot; empty when it has ended.

    It tells a reused process id. A process not yet collected by its parent (a zombie) counts as ended.
    """
    try:
        # The name in brackets may hold anything, also blanks and brackets: fields are counted after the last
        # one.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
