"""Say what a database or file system refused in Groundwork's own errors."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from groundwork.core.errors import (
    BusyError,
    ConflictError,
    DamagedError,
    GroundworkError,
    InternalError,
    StorageFullError,
    UnavailableError,
)

FULL_HINT = "free some space and run it again; what was acknowledged before is kept"
NO_SPACE_BYTES = 64 * 1024
"""SQLite maps its shared memory in pieces of 32 KiB; with less than two of them free nothing can begin."""
_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# SQLSTATE classes and codes of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_BUSY = {"40001", "40P01", "55P03", "57014"}
_POSTGRES_FULL = {"53100"}
_POSTGRES_DAMAGED = {"XX001", "XX002"}


def explain_database_error(error: Any, where: str) -> GroundworkError | None:
    """Return Groundwork's error for a `sqlalchemy.exc.DBAPIError`, or None for a fault of our own statement.

    Args:
        error: what SQLAlchemy raised.
        where: the database as people know it, without password.
    """
    return explain_driver_error(error.orig, where, disconnected=bool(error.connection_invalidated))


def explain_driver_error(cause: Any, where: str, *, disconnected: bool = False) -> GroundworkError | None:
    """Return Groundwork's error for one that `sqlite3` or `psycopg` raised, or None for a fault of our own statement."""
    if isinstance(cause, sqlite3.Error):
        return _explain_sqlite(cause, where)
    return _explain_postgres(cause, where, disconnected)


def explain_os_error(error: OSError, doing: str) -> GroundworkError:
    """Return Groundwork's error for what the file system refused.

    Args:
        doing: what could not be done, as a clause with the path in it.
    """
    if error.errno in _FULL_ERRNOS:
        return StorageFullError(f"{doing}: {error.strerror}", hint=FULL_HINT)
    return UnavailableError(
        f"{doing}: {error.strerror or error}",
        hint="check the disk, its mount and the permissions of the folder",
    )


def _explain_sqlite(cause: sqlite3.Error, where: str) -> GroundworkError | None:
    extended = getattr(cause, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(
            f"the database {where} is locked by another writer ({cause})",
            hint="try again in a moment; another Groundwork process is writing",
        )
    refused = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    limited = extended == sqlite3.SQLITE_IOERR_WRITE and _file_size_is_limited()
    if code == sqlite3.SQLITE_FULL or limited or (refused and _disk_is_full(where)):
        return StorageFullError(f"there is no space left for the database {where} ({cause})", hint=FULL_HINT)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(
            f"the database {where} is damaged ({cause})",
            hint="keep a copy of the file and restore a backup of it; without one, move its folder away and ingest again",
        )
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return UnavailableError(
            f"the database {where} cannot be used ({cause})",
            hint="check the disk, its mount and the permissions of the folder",
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ConflictError(f"the change contradicts what is stored ({cause})")
    return None


def _explain_postgres(cause: Any, where: str, disconnected: bool) -> GroundworkError | None:
    state = getattr(cause, "sqlstate", None) or ""
    said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    if state in _POSTGRES_BUSY:
        return BusyError(f"the database {where} was busy ({said})", hint="try again in a moment")
    if state in _POSTGRES_FULL:
        return StorageFullError(f"there is no space left for the database {where} ({said})", hint=FULL_HINT)
    if state in _POSTGRES_DAMAGED:
        return DamagedError(
            f"the database {where} is damaged ({said})", hint="restore a backup of the database"
        )
    if state.startswith("23"):
        return ConflictError(f"the change contradicts what is stored ({said})")
    lost = not state and type(cause).__name__ in ("OperationalError", "ConnectionTimeout", "InterfaceError")
    if disconnected or lost or state[:2] in ("08", "53", "57", "58", "28", "3D") or state == "25006":
        return UnavailableError(
            f"the database {where} does not answer ({said})",
            hint="check that the server runs and that `database` in the settings names it",
        )
    return None


def _file_size_is_limited() -> bool:
    # A quota on the size of files shows as a failed write, not as a full disk.
    import resource

    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY


def _disk_is_full(where: str) -> bool:
    # Where not even the shared-memory file beside the database fits, SQLite speaks of an I/O error.
    try:
        return shutil.disk_usage(Path(where.strip("`")).parent).free < NO_SPACE_BYTES
    except OSError:
        return False


def nested_write() -> InternalError:
    """Return the error for a write inside a write of the same thread, which would wait for itself."""
    return InternalError(
        "a write transaction was opened inside another one by the same thread",
        hint="hand the open connection down instead of the database",
    )
