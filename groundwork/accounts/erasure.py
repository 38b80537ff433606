"""Take a person's name out of the records: what they did stays, under an id that leads to nobody any more."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, MetaData, Table, Text, cast, select, update

from groundwork.accounts.names import principal_name
from groundwork.storage.columns import Json
from groundwork.storage.database import Database

NAMED = ("principal", "created_by", "decided_by", "owner", "seen_by")
"""Columns that hold the name of who acted, in whichever table they stand."""


def forget_name(database: Database, metadata: MetaData, name: str, user_id: str) -> int:
    """Replace `user:<name>` by `user:<id>` in every table, also inside JSON, and return how many rows changed.

    All changes of a database commit together; the pages that held the name are overwritten (`Database.scrub`).

    Args:
        metadata: the tables of the database. name, user_id: of a user who is gone.
    """
    old, new = principal_name(name), principal_name(user_id)
    with database.write() as connection:
        changed = sum(_in_table(connection, table, old, new) for table in metadata.sorted_tables)
    database.scrub()
    return changed


def _in_table(connection: Connection, table: Table, old: str, new: str) -> int:
    changed = 0
    for column in table.c:
        if column.name in NAMED and not isinstance(column.type, Json):
            found = connection.execute(update(table).where(column == old).values({column.name: new}))
            changed += max(0, found.rowcount)
        elif isinstance(column.type, Json):
            changed += _in_json(connection, table, column, old, new)
    return changed


def _in_json(connection: Connection, table: Table, column: Any, old: str, new: str) -> int:
    keys = list(table.primary_key)
    quoted = json.dumps(old, ensure_ascii=False)
    rows = connection.execute(
        select(*keys, column.label("value_")).where(cast(column, Text).contains(quoted, autoescape=True))
    ).all()
    changed = 0
    for row in rows:
        value = _replaced(row.value_, old, new)
        if value == row.value_:
            continue
        where = [key == row._mapping[key.name] for key in keys]
        connection.execute(update(table).where(*where).values({column.name: value}))
        changed += 1
    return changed


def _replaced(value: Any, old: str, new: str) -> Any:
    """Return a JSON value in which every text that is the name, and nothing else, is the new one; keys stay."""
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, list):
        return [_replaced(v, old, new) for v in value]
    if isinstance(value, dict):
        return {k: _replaced(v, old, new) for k, v in value.items()}
    return value
