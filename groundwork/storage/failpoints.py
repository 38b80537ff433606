"""Named places where a test may end the process as a power cut would: `GW_FAILPOINT=ingest.after_append:3`.

The environment is read here, once, against the rule that only `app` reads it: a crash has to reach every
process of a run, the children of the command line among them, and must not be a setting that a person finds
and sets.
"""

from __future__ import annotations

import os
import threading

CRASH_STATUS = 137
"""What a shell reports of a process ended by SIGKILL: 128 + 9."""

_lock = threading.Lock()
_passed: dict[str, int] = {}
_target: tuple[str, int] | None = None
_read = False


def failpoint(name: str) -> None:
    """Do nothing; or end the process on the spot when `GW_FAILPOINT` names this place and this passage of it.

    `GW_FAILPOINT=name:count` ends the process at the `count`-th passage (from 1; `name` alone means the
    first), without flushing, closing or cleaning up anything.
    """
    target = _target if _read else _read_target()
    if target is None or target[0] != name:
        return
    with _lock:
        _passed[name] = _passed.get(name, 0) + 1
        if _passed[name] >= target[1]:
            os._exit(CRASH_STATUS)


def _read_target() -> tuple[str, int] | None:
    global _read, _target
    with _lock:
        if not _read:
            name, _, count = os.environ.get("GW_FAILPOINT", "").partition(":")
            _target = (name, int(count or 1)) if name else None
            _read = True
    return _target
