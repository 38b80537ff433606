"""Take a tenant away with everything in it: documents and their indexes, records, spans, uploads, and who may come in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, Table, delete, func, inspect, select

from groundwork.core.errors import ConflictError
from groundwork.core.principal import DEFAULT_TENANT, Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.storage.database import Database

BATCH = 500


def erase_tenant(workspace: Workspace, name: str) -> dict[str, int]:
    """Remove a tenant and every row and file that belongs to it, and return how many rows of which tables were removed.

    Interrupted, it is run again and goes on: the tenant itself goes last.

    Raises:
        ConflictError: it is `default`. NotFoundError: there is none.
    """
    from groundwork.accounts.tenants import end
    from groundwork.accounts.users import moment
    from groundwork.storage import tables as t
    from groundwork.storage import telemetry_tables
    from groundwork.telemetry.deletion import Deletions
    from groundwork.telemetry.types import Query

    if name == DEFAULT_TENANT:
        raise ConflictError("the workspace `default` is always there", hint="remove another one")
    rooms = workspace.rooms
    principal = workspace.accounts.principal_in(name)
    telemetry = workspace.telemetry
    telemetry.projector.catch_up()  # so that no span is made of a record later
    _documents(workspace, principal)
    with rooms.database.write() as connection:
        now = moment(rooms.clock.now())
        end(connection, name, now)
    removed = _rows(rooms.database, t.metadata, name, keep=(t.tombstones.name,))
    removed["spans"] = Deletions(telemetry.store).query(principal, Query()).spans
    telemetry.archive.drop_tenant(name)
    for table, count in _rows(telemetry.database, telemetry_tables.metadata, name).items():
        removed[table] = removed.get(table, 0) + count
    for folder in (_knowledge(workspace) / name, workspace.root / "uploads" / f"@{name}"):
        if folder.is_dir():
            shutil.rmtree(folder)
    rooms.database.scrub()
    telemetry.database.scrub()
    return {table: count for table, count in removed.items() if count}


def _documents(workspace: Workspace, principal: Principal) -> None:
    """Erase every document with the rooms' own means: blobs that other tenants share stay theirs."""
    from groundwork.storage import tables as t

    name = principal.tenant
    versions, sources = t.document_versions.c, t.sources.c
    with workspace.rooms.database.read() as connection:
        found = set(
            connection.execute(
                select(versions.document_id).distinct().where(versions.tenant == name)
            ).scalars()
        )
        found |= set(
            connection.execute(select(sources.document_id).distinct().where(sources.tenant == name)).scalars()
        )
    ids = sorted(found)
    for at in range(0, len(ids), BATCH):
        workspace.erase(ids[at : at + BATCH], principal)


def _rows(database: Database, metadata: MetaData, tenant: str, keep: tuple[str, ...] = ()) -> dict[str, int]:
    """Delete a tenant's rows, those that point at others first."""
    removed: dict[str, int] = {}
    with database.unbound() as connection:
        there = set(inspect(connection).get_table_names())
    tables: list[Table] = [
        t for t in reversed(metadata.sorted_tables) if t.name in there and t.name not in keep
    ]
    with database.write() as connection:
        for table in tables:
            if "tenant" not in table.c:
                continue
            where = table.c.tenant == tenant
            count = int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())
            if count:
                connection.execute(delete(table).where(where))
                removed[table.name] = count
    return removed


def _knowledge(workspace: Workspace) -> Path:
    return Path(workspace.settings.knowledge or workspace.rooms.data / "knowledge")
