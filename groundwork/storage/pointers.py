"""Pointers: a name for a version. Moving one is the only way anything changes, and every move is a record."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from groundwork.core.errors import ConflictError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.storage.database import insert_or_ignore
from groundwork.storage.tables import pointer_moves, pointers


class Pointer(NamedTuple):
    """Where a name points: the version, and how often the pointer has moved."""

    version: str
    seq: int
    moved_at: str


class Move(NamedTuple):
    """One move of a pointer; `old` is None for the first. Later moves have a greater `seq`."""

    seq: int
    id: str
    old: str | None
    new: str
    principal: str
    reason: str
    at: str


class _Anything(Enum):
    ANYTHING = "anything"


ANYTHING = _Anything.ANYTHING
"""The pointer is moved wherever it stands."""


def get(connection: Connection, tenant: str, kind: str, name: str) -> Pointer | None:
    """Return where `name` points, None when it has never been moved."""
    where = (pointers.c.tenant == tenant, pointers.c.kind == kind, pointers.c.name == name)
    row = connection.execute(
        select(pointers.c.version, pointers.c.seq, pointers.c.moved_at).where(*where)
    ).one_or_none()
    return None if row is None else Pointer(*row)


def move(
    connection: Connection,
    principal: Principal,
    kind: str,
    name: str,
    version: str,
    *,
    expected: str | _Anything | None = ANYTHING,
    reason: str = "",
    at: str = "",
) -> Move:
    """Point `name` at `version` within the open transaction and record the move.

    Args:
        connection: of `Database.write`.
        principal: who moves it, and in whose tenant.
        kind: what is pointed at, such as `snapshot`.
        name: the pointer's name within tenant and kind.
        version: digest or id of the version.
        expected: the version it must stand at; None: it must not exist yet; `ANYTHING`: no condition.
        reason: for the record.
        at: timestamp of the record; default: now.

    Raises:
        ConflictError: it stands elsewhere; `details["current"]` says where. Nothing is changed.
    """
    at = at or datetime.now(UTC).isoformat(timespec="milliseconds")
    current = get(connection, principal.tenant, kind, name)
    standing = current.version if current else None
    if expected is not ANYTHING and expected != standing:
        raise _moved(kind, name, expected, standing)
    if current is None:
        row = {"version": version, "seq": 1, "moved_at": at}
        done = insert_or_ignore(
            connection, pointers, {"tenant": principal.tenant, "kind": kind, "name": name, **row}
        )
    else:
        # On PostgreSQL another transaction may have moved it since; `seq` tells, also when it came back to
        # its place.
        statement = update(pointers).where(
            pointers.c.tenant == principal.tenant,
            pointers.c.kind == kind,
            pointers.c.name == name,
            pointers.c.seq == current.seq,
        )
        done = connection.execute(
            statement.values(version=version, seq=current.seq + 1, moved_at=at)
        ).rowcount
    if not done:
        now = get(connection, principal.tenant, kind, name)
        raise _moved(kind, name, standing, now.version if now else None)
    record = {
        "id": new_id("mov"),
        "old": standing,
        "new": version,
        "principal": principal.name,
        "reason": reason,
        "at": at,
    }
    values = {"tenant": principal.tenant, "kind": kind, "name": name, **record}
    key = connection.execute(insert(pointer_moves).values(values)).inserted_primary_key
    assert key is not None
    return Move(int(key[0]), **record)  # type: ignore[arg-type]


def history(connection: Connection, tenant: str, kind: str, name: str, limit: int = 100) -> list[Move]:
    """Return the moves of a pointer, newest first."""
    c = pointer_moves.c
    rows = connection.execute(
        select(c.seq, c.id, c.old, c.new, c.principal, c.reason, c.at)
        .where(c.tenant == tenant, c.kind == kind, c.name == name)
        .order_by(c.seq.desc())
        .limit(limit)
    )
    return [Move(*row) for row in rows]


def _moved(kind: str, name: str, expected: str | _Anything | None, current: str | None) -> ConflictError:
    wanted = "does not exist" if expected is None else f"stands at `{expected}`"
    stands = "it does not exist" if current is None else f"it stands at `{current}`"
    return ConflictError(
        f"the {kind} pointer `{name}` was expected where it {wanted}, but {stands}",
        hint="somebody else moved it: look at what changed and try again",
        kind=kind,
        name=name,
        current=current,
    )
