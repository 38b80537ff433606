"""The tables in the code, the migrations and what is stored agree."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from groundwork.core.errors import WorkspaceVersionError
from groundwork.storage.database import Database
from groundwork.storage.migrations import CHAINS, ChainName
from groundwork.storage.tables import metadata
from groundwork.storage.telemetry_tables import metadata as telemetry_metadata

METADATA = {"workspace": metadata, "telemetry": telemetry_metadata}


@pytest.mark.parametrize("chain", CHAINS)
def test_the_migrations_make_exactly_the_tables_of_the_code(empty_url: str, chain: ChainName) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = Database(empty_url)
    assert database.migrate(chain)
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "version_table": CHAINS[chain].version_table,
        # The search index is of each database's own kind and not among the tables of the code.
        "include_name": lambda name, kind, _: kind != "table" or not name.startswith("span_words"),
    }
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA[chain]) == []


def test_both_histories_live_in_one_database_and_know_nothing_of_each_other(empty_url: str) -> None:
    database = Database(empty_url)
    assert database.migrate("telemetry")
    assert database.migrate("workspace")
    assert not database.migrate("telemetry")
    assert not database.migrate("workspace")


@pytest.mark.parametrize("chain", CHAINS)
def test_the_known_revisions_are_those_of_the_migration_files(chain: ChainName) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "groundwork.storage:migrations")
    config.set_main_option("version_locations", f"groundwork.storage:migrations/{CHAINS[chain].folder}")
    config.set_main_option("path_separator", "newline")
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(scripts)) == CHAINS[chain].revisions


def test_migrating_twice_does_nothing(empty_url: str) -> None:
    database = Database(empty_url)
    assert database.migrate() is True
    assert database.migrate() is False


def test_opening_a_current_workspace_imports_no_alembic(url: str) -> None:
    code = f"""
import sys
from groundwork.storage.database import Database
assert Database({url!r}).migrate() is False
assert "alembic" not in sys.modules, "alembic was imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WorkspaceVersionError, match="9999") as caught:
        database.migrate()
    assert "pip install -U" in caught.value.hint
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_an_interrupted_migration_leaves_nothing_and_starts_again(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import inspect

    from groundwork.storage import migrations

    complete = migrations._run

    def interrupted(connection: Connection, chain: migrations.Chain) -> None:
        complete(connection, chain)
        raise KeyboardInterrupt

    database = Database(empty_url)
    monkeypatch.setattr(migrations, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        database.migrate()
    with database.read() as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    assert database.migrate() is True


def test_processes_that_migrate_at_once_migrate_once(empty_url: str) -> None:
    code = (
        "import sys; from groundwork.storage.database import Database; print(Database(sys.argv[1]).migrate())"
    )

    def migrate(_: int) -> str:
        run = subprocess.run(
            [sys.executable, "-c", code, empty_url], capture_output=True, text=True, check=False
        )
        return run.stdout.strip() or run.stderr

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(pool.map(migrate, range(3)))
    assert answers == ["False", "False", "True"]


def test_a_workspace_in_a_folder_with_odd_characters_can_be_made(tmp_path: Path) -> None:
    database = Database(tmp_path / "50 % of ünï?codes#" / "groundwork.db")
    assert database.migrate()
    assert not database.migrate()
    assert (tmp_path / "50 % of ünï?codes#" / "groundwork.db").exists()
