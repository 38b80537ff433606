"""One database behind two words, `read` and `write`: SQLite or PostgreSQL, from the same statements."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, TimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from groundwork.core.errors import BusyError, GroundworkError, MissingDependencyError, SettingsError
from groundwork.storage.faults import explain_database_error, explain_os_error, nested_write

if TYPE_CHECKING:
    from groundwork.storage.migrations import ChainName

Dialect = Literal["sqlite", "postgresql"]
BUSY_SECONDS = 30
POOL = 16
Rows = Sequence[Mapping[str, Any]]


class Database:
    """The relational store of a workspace. Making the object connects to nothing; the first use does.

    Many threads may use one object; forked children open connections of their own.

    Args:
        url: a path, `sqlite:///…`, or `postgresql://user@host/name` (the psycopg driver is chosen by itself).

    Raises:
        SettingsError: the URL cannot be read or names another kind of database.
        MissingDependencyError: PostgreSQL is asked for and its driver is not installed.
    """

    def __init__(self, url: str | Path) -> None:
        self._url = _parse(url)
        self.dialect = cast(Dialect, self._url.get_backend_name())
        self.path = Path(self._url.database or "") if self.dialect == "sqlite" else None
        self.name = f"`{self.path}`" if self.path else f"`{self._url.render_as_string(hide_password=True)}`"
        self._engine = self._make_engine()
        self._writing = threading.local()

    @property
    def url(self) -> str:
        """The SQLAlchemy URL, password included: for the job engine, never for display (`name` is)."""
        return self._url.render_as_string(hide_password=False)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database throughout and may not write.

        Raises:
            BusyError, DamagedError, UnavailableError: see `write`.
        """
        with self._translated(), self._engine.connect() as connection:
            yield self._for_reading(connection)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are stored all together at exit, or not at all if the body raises.

        On SQLite writers follow one another (`BEGIN IMMEDIATE`). On PostgreSQL they overlap (READ COMMITTED):
        compare and set within one statement, or take `exclusive` first.

        Raises:
            BusyError: another writer held the database for more than 30 seconds, or PostgreSQL broke a
                deadlock.
            StorageFullError: no space is left; nothing of this transaction is stored.
            ConflictError: a unique or foreign key forbids the change.
            DamagedError: the file is no longer a database.
            UnavailableError: the file or server cannot be reached or written.
        """
        if getattr(self._writing, "now", False):
            raise nested_write()
        self._writing.now = True
        try:
            with self._translated(), self._engine.connect() as connection:
                connection = connection.execution_options(gw_mode="write")
                with connection.begin():
                    yield connection
        finally:
            self._writing.now = False

    def migrate(self, chain: ChainName = "workspace") -> bool:
        """Bring the tables of a chain to this version's state and say whether anything had to be done.

        All pending migrations commit together, so an interrupted one starts again from the old state; of two
        processes the second waits for the first.

        Raises:
            WorkspaceVersionError: the tables are of a newer Groundwork; nothing is changed.
        """
        from groundwork.storage.migrations import CHAINS, is_current, upgrade

        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise explain_os_error(
                    error, f"the folder of the database {self.name} cannot be made"
                ) from error
        history = CHAINS[chain]
        return False if is_current(self, history) else upgrade(self, history)

    def scrub(self) -> None:
        """Remove what deleted rows left behind, so that erased text is in no file of the database.

        SQLite overwrites deleted content at once (`secure_delete`), but its log keeps the pages until it is
        emptied here. PostgreSQL's VACUUM frees deleted rows for reuse; its own log ages out by the server's
        retention.
        """
        with self.unbound() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if self.path else "VACUUM")

    @contextmanager
    def unbound(self) -> Iterator[Connection]:
        """Give a connection outside any transaction, for the few statements that may not stand in one."""
        with self._translated(), self._engine.connect() as connection:
            if self.dialect == "sqlite":
                # Not SQLAlchemy's AUTOCOMMIT: leaving it would hand `BEGIN` back to the driver.
                yield connection.execution_options(gw_mode="unbound")
            else:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def driver_connection(self, *, busy_seconds: float = BUSY_SECONDS) -> Any:
        """Open a connection of the driver itself, for one thread that begins and ends its own transactions.

        It is prepared as all others are and is not pooled: who asks for it closes it. Its errors are the driver's;
        `faults.explain_driver_error` translates them.
        """
        arguments, options = self._engine.dialect.create_connect_args(self._url)
        driver = self._engine.dialect.loaded_dbapi
        if self.dialect == "postgresql":
            return driver.connect(*arguments, **options, autocommit=True)
        connection = driver.connect(
            *arguments, **{**options, "timeout": busy_seconds, "check_same_thread": False}
        )
        _prepare_sqlite(connection, None)
        return connection

    def close(self) -> None:
        """Close every idle connection; the object may be used again."""
        self._engine.dispose()

    def _make_engine(self) -> Engine:
        if self.dialect == "sqlite":
            engine = create_engine(
                self._url,
                pool_size=POOL,
                max_overflow=POOL,
                pool_timeout=BUSY_SECONDS,
                connect_args={"timeout": BUSY_SECONDS},
            )
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = create_engine(
                self._url, pool_size=POOL, max_overflow=POOL, pool_timeout=BUSY_SECONDS, pool_pre_ping=True
            )
        _forget_in_children(engine)
        return engine

    def _for_reading(self, connection: Connection) -> Connection:
        if self.dialect == "sqlite":
            return connection
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except GroundworkError:
            raise
        except DBAPIError as error:
            explained = explain_database_error(error, self.name)
            if explained is None:
                raise
            raise explained from error
        except TimeoutError as error:
            raise BusyError(
                f"all {2 * POOL} connections to the database {self.name} were in use for {BUSY_SECONDS} s",
                hint="try again in a moment",
            ) from error


def exclusive(connection: Connection, name: str) -> None:
    """Wait until no other transaction holds `name`, and hold it until this one ends.

    On SQLite every write holds everything already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def insert_or_ignore(connection: Connection, table: Table, rows: Mapping[str, Any] | Rows) -> int:
    """Insert rows, leaving out those with a key that is taken, and return how many went in."""
    many = _as_rows(rows)
    if not many:
        return 0
    statement = _insert(connection, table).on_conflict_do_nothing()
    return int(connection.execute(statement, many, execution_options={"preserve_rowcount": True}).rowcount)


def insert_or_update(
    connection: Connection,
    table: Table,
    rows: Mapping[str, Any] | Rows,
    *,
    update: Sequence[str] | None = None,
) -> None:
    """Insert rows; where the primary key is taken, overwrite the columns in `update`.

    All rows name the same columns; by default all of them are overwritten.
    """
    many = _as_rows(rows)
    if not many:
        return
    keys = [column.name for column in table.primary_key]
    columns = list(update) if update is not None else [name for name in many[0] if name not in keys]
    statement = _insert(connection, table)
    if columns:
        changes = {name: statement.excluded[name] for name in columns}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing()
    connection.execute(statement, many)


def _as_rows(rows: Mapping[str, Any] | Rows) -> list[dict[str, Any]]:
    return [dict(rows)] if isinstance(rows, Mapping) else [dict(row) for row in rows]


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)


def _parse(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=os.path.abspath(url))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError(
            "the setting `database` is not a database URL", hint="such as `postgresql://user@host/name`"
        ) from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return URL.create("sqlite", database=os.path.abspath(str(parsed.database)))
    if backend in ("postgresql", "postgres"):
        _need_psycopg()
        return parsed.set(drivername="postgresql+psycopg")
    raise SettingsError(
        f"`{parsed.render_as_string(hide_password=True)}` is neither a SQLite file nor PostgreSQL",
        hint="leave `database` empty for SQLite in the workspace, or give `postgresql://user@host/name`",
    )


def _need_psycopg() -> None:
    from importlib.util import find_spec

    if find_spec("psycopg") is None:
        raise MissingDependencyError(
            "PostgreSQL needs the library `psycopg`, which is not installed",
            hint="install it with `pip install 'groundwork-ai[postgres]'`",
        )


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry | None) -> None:
    # The driver must not begin transactions by itself: `_begin_sqlite` says which kind it is.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "trusted_schema=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("gw_mode", "read")
    # `query_only` makes a write in a read fail as PostgreSQL's READ ONLY does, instead of at times
    # dead-locking.
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if mode == 'read' else 'OFF'}")
    if mode != "unbound":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")


def _forget_in_children(engine: Engine) -> None:
    # A connection used on both sides of a fork corrupts SQLite's locks and PostgreSQL's stream.
    alive = weakref.ref(engine)

    def forget() -> None:
        inherited = alive()
        if inherited is not None:
            inherited.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)
