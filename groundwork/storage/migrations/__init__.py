"""The history of the tables, in chains that know nothing of each other. A current one reads one row and imports no Alembic.

The workspace and its spans have a chain each, with a version table of its own, since they lie in two files on SQLite and in
one database on PostgreSQL.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import ColumnClause, Connection, inspect, select, table, text
from sqlalchemy import column as sql_column

from groundwork.core.errors import BusyError, WorkspaceVersionError
from groundwork.storage.faults import explain_os_error

if TYPE_CHECKING:
    from groundwork.storage.database import Database

ChainName = Literal["workspace", "telemetry"]
REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision of the workspace this version knows, oldest first; a test compares it with the files in `versions`."""


@dataclass(frozen=True)
class Chain:
    """One history: the folder of its migrations, the table that says how far it came, its revisions, oldest first."""

    folder: str
    version_table: str
    revisions: tuple[str, ...]


CHAINS: dict[ChainName, Chain] = {
    "workspace": Chain("versions", "alembic_version", REVISIONS),
    "telemetry": Chain("telemetry", "telemetry_version", ("0001", "0002", "0003")),
}


def is_current(database: Database, chain: Chain) -> bool:
    """Say whether the tables are those of this version.

    Raises:
        WorkspaceVersionError: they are of a newer one.
    """
    if database.path is not None and not database.path.exists():
        return False
    with database.read() as connection:
        if database.path is not None and connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
            return False
        return _stored(connection, database, chain) == chain.revisions[-1]


def upgrade(database: Database, chain: Chain) -> bool:
    """Run the pending migrations in one transaction and say whether there were any."""
    if database.path is not None:
        _use_wal(database)
    with database.write() as connection:
        if database.path is None:
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended('groundwork.migrate', 0))")
            )
        if _stored(connection, database, chain) == chain.revisions[-1]:
            return False
        _run(connection, chain)
    if database.path is not None:
        _keep_name(database)
    return True


def _run(connection: Connection, chain: Chain) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "groundwork.storage:migrations")
    config.set_main_option("version_locations", f"groundwork.storage:migrations/{chain.folder}")
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = chain.version_table
    command.upgrade(config, "head")


def _stored(connection: Connection, database: Database, chain: Chain) -> str | None:
    """Return the revision of the tables, None when there are none."""
    if not inspect(connection).has_table(chain.version_table):
        return None
    column: ColumnClause[str] = sql_column("version_num")
    revision = connection.execute(select(column).select_from(table(chain.version_table))).scalar()
    if revision is not None and revision not in chain.revisions:
        raise WorkspaceVersionError(
            f"the database {database.name} is at revision `{revision}`, which this Groundwork does not know "
            f"(its newest is `{chain.revisions[-1]}`)",
            hint="a newer Groundwork wrote it: run `pip install -U groundwork-ai`; nothing was changed",
            revision=revision,
            newest=chain.revisions[-1],
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
