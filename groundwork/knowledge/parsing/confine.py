"""Take from this process what a reader of hostile bytes does not need: memory, time, files, network, a living orphan's life.

Linux gives all of it. Elsewhere the limits that exist are set and the audit hook still refuses sockets, programs and writes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import tempfile
from typing import Any

from groundwork.knowledge.parsing.outcome import MIB, Limits

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
MAX_WRITE_BYTES = 2 * MIB
"""The largest file the child can write; it may write compiled modules only."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROGRAMS = frozenset({"tesseract"})


def die_with(parent: int) -> None:
    """Let the kernel kill this process when the thread that started it dies; leave at once if that has happened."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def confine(limits: Limits) -> bool:
    """Set every limit that does not depend on the document; return whether the network is out of reach by namespace."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _enter_empty_directory()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, MAX_WRITE_BYTES)
    _limit(resource.RLIMIT_NOFILE, limits.max_open_files)
    _limit(resource.RLIMIT_AS, limits.memory_mib * MIB)
    cut_off = _leave_network()
    sys.addaudithook(_refuse)
    return cut_off


def allow_cpu(seconds: int) -> None:
    """Let this process use `seconds` more of processor time; at the end SIGXCPU kills it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or soft <= hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


_children_cpu_s = 0.0


def start_counting() -> None:
    """Let `peak_rss_mib` count from here on, where the system can."""
    global _children_cpu_s
    _children_cpu_s = _cpu_of_children()[0]
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as stream:
        stream.write("5")


def peak_rss_mib() -> float:
    """Return the peak resident memory since `start_counting`, in MiB; programs started since then are added."""
    try:
        own = _status_mib("VmHWM:")
    except OSError:
        own = max_rss_mib()
    cpu_s, largest = _cpu_of_children()
    return own + (largest if cpu_s > _children_cpu_s else 0.0)


def max_rss_mib() -> float:
    """Return the peak resident memory of this process's whole life, with what it had of its parent's, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_of_children() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def rss_mib() -> float:
    """Return the resident memory of this process in MiB; 0 where the system does not say."""
    try:
        return _status_mib("VmRSS:")
    except OSError:
        return 0.0


def _status_mib(field: str) -> float:
    with open("/proc/self/status") as stream:
        for line in stream:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _enter_empty_directory() -> None:
    """Stand in a directory that is empty and already deleted: nothing is in it and nothing can be put there."""
    directory = tempfile.mkdtemp(prefix="groundwork-parse-")
    os.chdir(directory)
    os.rmdir(directory)


def _leave_network() -> bool:
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return any(int(libc.unshare(flags)) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: no sockets, no programs but the known ones, no writing but of compiled modules."""
    if event.startswith("socket."):
        raise PermissionError(f"a document may not use the network ({event})")
    if event in (
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.startfile",
        "pty.spawn",
        "os.remove",
        "os.rename",
        "os.mkdir",
    ):
        compiled = any("__pycache__" in str(a) for a in arguments)
        if not compiled:
            raise PermissionError(f"a document may not do this ({event})")
    if event == "subprocess.Popen" and os.path.basename(str(arguments[0])) not in _PROGRAMS:
        raise PermissionError(f"a document may not start a program ({arguments[0]})")
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        writes = (
            bool(flags & _WRITING) if isinstance(flags, int) else bool(mode and set(str(mode)) & set("wax+"))
        )
        text = os.fsdecode(path)
        if writes and "__pycache__" not in text and text not in ("/dev/null", "/proc/self/clear_refs"):
            raise PermissionError(f"a document may not write files ({text})")
