"""Commands that change something carry a key; the second delivery of a key gets the first result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select

from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError
from groundwork.core.principal import Principal
from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.tables import idempotency


class Remembered(NamedTuple):
    """The result of a command that was done before; a tuple, so that a result of None is told from none."""

    result: Any
    at: str


def recall(
    connection: Connection, principal: Principal, command: str, key: str, request: Any = None
) -> Remembered | None:
    """Return the first result of this key, None when it is new.

    Raises:
        ConflictError: the key was used for another request.
    """
    c = idempotency.c
    row = connection.execute(
        select(c.result, c.at, c.request).where(
            c.tenant == principal.tenant, c.command == command, c.key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request != digest_json(request):
        raise ConflictError(
            f"the idempotency key `{key}` was used at {row.at} for another `{command}`",
            hint="use a new key for a new request",
        )
    return Remembered(row.result, row.at)


def remember(
    connection: Connection, principal: Principal, command: str, key: str, result: Any, request: Any = None
) -> None:
    """Keep the result of a command, in the transaction that does it.

    Args:
        result: any JSON value.
        request: any JSON value that tells requests apart; only its digest is kept.

    Raises:
        ConflictError: the same key was delivered twice at once; the other delivery won, so roll back and
            `recall`.
    """
    row = {
        "tenant": principal.tenant,
        "command": command,
        "key": key,
        "request": digest_json(request),
        "result": result,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    if not insert_or_ignore(connection, idempotency, row):
        raise ConflictError(
            f"the `{command}` with the idempotency key `{key}` has just been done",
            hint="ask for its result again",
        )


def once(
    database: Database,
    principal: Principal,
    command: str,
    key: str | None,
    action: Callable[[Connection], Any],
    request: Any = None,
) -> Any:
    """Run `action` in a write transaction, at most once per key, and return its first result.

    Without a key it simply runs.
    """
    for last in (False, True):
        try:
            with database.write() as connection:
                if key is None:
                    return action(connection)
                known = recall(connection, principal, command, key, request)
                if known is not None:
                    return known.result
                result = action(connection)
                remember(connection, principal, command, key, result, request)
                return result
        except ConflictError:
            # Two deliveries at once on PostgreSQL: ours was rolled back, the other's result is there now.
            if last or key is None or database.dialect == "sqlite":
                raise
    raise AssertionError("unreachable")


def forget(connection: Connection, before: str) -> int:
    """Drop keys remembered before this timestamp and return how many."""
    return int(connection.execute(delete(idempotency).where(idempotency.c.at < before)).rowcount)
