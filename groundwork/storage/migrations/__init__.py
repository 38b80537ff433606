"""The history of the tables. Opening a current workspace reads one row and imports no Alembic."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from groundwork.core.errors import BusyError, WorkspaceVersionError
from groundwork.storage.faults import explain_os_error

if TYPE_CHECKING:
    from groundwork.storage.database import Database

REVISIONS = ("0001",)
"""Every revision this version knows, oldest first; a test compares it with the files in `versions`."""


def is_current(database: Database) -> bool:
    """Say whether the tables are those of this version.

    Raises:
        WorkspaceVersionError: they are of a newer one.
    """
    if database.path is not None and not database.path.exists():
        return False
    with database.read() as connection:
        if database.path is not None and connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
            return False
        return _stored(connection, database) == REVISIONS[-1]


def upgrade(database: Database) -> bool:
    """Run the pending migrations in one transaction and say whether there were any."""
    if database.path is not None:
        _use_wal(database)
    with database.write() as connection:
        if database.path is None:
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended('groundwork.migrate', 0))")
            )
        if _stored(connection, database) == REVISIONS[-1]:
            return False
        _run(connection)
    if database.path is not None:
        _keep_name(database)
    return True


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "groundwork.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _stored(connection: Connection, database: Database) -> str | None:
    """Return the revision of the tables, None when there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision not in REVISIONS:
        raise WorkspaceVersionError(
            f"the database {database.name} is at revision `{revision}`, which this Groundwork does not know "
            f"(its newest is `{REVISIONS[-1]}`)",
            hint="a newer Groundwork wrote it: run `pip install -U groundwork-ai`; nothing was changed",
            revision=revision,
            newest=REVISIONS[-1],
        )
    return revision


def _use_wal(database: Database) -> None:
    # The switch asks for the whole file and does not wait for it by itself when two processes make the same
    # workspace.
    deadline = time.monotonic() + 30
    while True:
        try:
            with database.unbound() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _keep_name(database: Database) -> None:
    # SQLite makes the content of the file durable; the entry of a new file in its folder is ours to make so.
    assert database.path is not None
    try:
        folder = os.open(database.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise explain_os_error(
            error, f"the folder of the database {database.name} cannot be written"
        ) from error
