"""A real PostgreSQL for the test run: Debian's server programs, a socket in a temporary folder, one server for all workers.

A package's `conftest.py` imports `postgres_server` and `postgres_url`. The first worker that needs the server starts it
and, at its end, waits for the others before it stops it; should it die, the kernel ends the server with it.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

TEMPLATE = "groundwork_template"
_numbers = itertools.count()


@dataclass(frozen=True)
class Server:
    """A running server: the folder of its socket."""

    socket: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.socket}"

    def run(self, statement: str) -> None:
        """Run one statement outside a transaction, as for creating databases."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: `apt install postgresql`)")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with _shared_server(programs, shared) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a database of this test's own, with the tables of the newest version in it."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    postgres_server.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield postgres_server.url(name)
    postgres_server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def empty_postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a database of this test's own, with nothing in it."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    postgres_server.run(f"CREATE DATABASE {name} TEMPLATE template0")
    yield postgres_server.url(name)
    postgres_server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


_opened: dict[Path, Server] = {}


@contextmanager
def _shared_server(programs: Path, shared: Path) -> Iterator[Server]:
    if shared in _opened:  # another conftest of this process has imported the fixture too
        yield _opened[shared]
        return
    note = shared / "postgres.socket"
    users = os.open(shared / "postgres.users", os.O_RDWR | os.O_CREAT)
    started: tuple[subprocess.Popen[bytes], Path] | None = None
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            started = _start(programs)
            note.write_text(str(started[1]))
            _make_template(Server(started[1]))
        fcntl.flock(users, fcntl.LOCK_SH)
    _opened[shared] = Server(Path(note.read_text()))
    try:
        yield _opened[shared]
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)
        if started is not None:
            fcntl.flock(users, fcntl.LOCK_EX)  # until the other workers are done
            started[0].send_signal(2)  # SIGINT: PostgreSQL's fast shutdown
            started[0].wait(30)
            shutil.rmtree(started[1], ignore_errors=True)
            note.unlink()
        os.close(users)
        del _opened[shared]


def _make_template(server: Server) -> None:
    from groundwork.storage.database import Database

    server.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
    database = Database(server.url(TEMPLATE))
    database.migrate()
    database.close()


def _start(programs: Path) -> tuple[subprocess.Popen[bytes], Path]:
    # The path of a socket may have 107 bytes at most, so it does not lie in pytest's deep folders.
    folder = Path(tempfile.mkdtemp(prefix="gw-pg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    data = str(folder / "data")
    make = [
        str(programs / "initdb"),
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run([*prefix, *make, "--no-sync"], check=True, capture_output=True, cwd=folder)
    run = [
        str(programs / "postgres"),
        "-D",
        data,
        "-k",
        str(folder),
        "-h",
        "",
        "-F",
        "-c",
        "max_connections=200",
    ]
    with (folder / "log").open("wb") as log:
        tied = ["setpriv", "--pdeathsig=INT", *prefix[1:]]
        server = subprocess.Popen([*tied, *run], stdout=log, stderr=log, cwd=folder)
    until = time.monotonic() + 30
    while subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > until:
            pytest.fail(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        time.sleep(0.05)
    return server, folder


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    if not found or shutil.which("setpriv") is None:
        return None
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return None
    return found[-1].parent
