"""The border to Lance: it is imported here, and its exceptions and Rust panics leave as Groundwork's errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from groundwork.core.errors import DamagedError, GroundworkError, StorageFullError, UnavailableError

DAMAGED_HINT = (
    "run `groundwork verify` to see what is damaged; `groundwork ingest PATH --rebuild` makes the index anew"
)


def lance() -> Any:
    """Return the Lance library; importing it takes most of a second and 170 MB, so it waits for the first use."""
    # Lance logs its advice to stderr, where only our own progress belongs; who sets the variable is obeyed.
    os.environ.setdefault("LANCE_LOG", "error")
    import lance as library

    return library


@contextmanager
def border(location: str, doing: str) -> Iterator[None]:
    """Translate whatever Lance raises while `doing` something at `location`.

    Raises:
        StorageFullError: the disk or quota is full.
        UnavailableError: another writer committed at the same time, or storage does not answer.
        DamagedError: files are missing or hold other bytes than were written; a Rust panic counts as such.
    """
    try:
        yield
    except GroundworkError:
        raise
    except BaseException as error:
        # A Rust panic arrives as a BaseException of pyo3, which `except Exception` lets through. Other kinds of error
        # than these are faults of our own and must be seen as such.
        if (
            not isinstance(error, (OSError, ValueError, RuntimeError))
            and type(error).__name__ != "PanicException"
        ):
            raise
        raise _translated(error, location, doing) from error


def _translated(error: BaseException, location: str, doing: str) -> GroundworkError:
    text = str(error)
    low = text.lower()
    if (
        getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        or "no space left" in low
        or "quota" in low
    ):
        return StorageFullError(
            f"the disk is full while {doing}", hint="free some space and repeat; what was published is kept"
        )
    if "commit conflict" in low or "retryable" in low or "concurrent" in low:
        return UnavailableError(
            f"another writer changed the index while {doing}",
            hint="repeat; writers take the lease of the index first",
        )
    if isinstance(error, PermissionError) or "permission denied" in low or "os error 13" in low:
        return UnavailableError(
            f"the index may not be read or written while {doing}",
            hint=f"check the permissions of the directory `{os.path.basename(location.rstrip('/'))}`",
        )
    return DamagedError(
        f"the index cannot be used while {doing}: {_first_line(text)}", hint=DAMAGED_HINT, location=location
    )


def _first_line(text: str, limit: int = 200) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    # Lance appends the place in its own source, which helps nobody here.
    line = line.split(", /")[0].split(" /rustc")[0]
    return line[:limit]
