"""Moving among snapshots: roll back by moving the pointer, and let old ones go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from groundwork.core.errors import ConflictError
from groundwork.core.principal import Principal
from groundwork.knowledge import store
from groundwork.knowledge.catalogue import Catalogue
from groundwork.knowledge.records import SnapshotInfo
from groundwork.storage import pointers
from groundwork.storage.database import Database
from groundwork.storage.leases import Leases


@dataclass(frozen=True)
class History:
    """Changes which snapshots there are and which one is the head; takes the index's lease.

    Args:
        held: returns digests of snapshots that others need and that are never dropped: (connection, tenant, index).
    """

    database: Database
    leases: Leases
    catalogue: Catalogue
    wait_seconds: float
    held: Callable[[Connection, str, str], frozenset[str]] = lambda connection, tenant, index: frozenset()

    def rollback(self, principal: Principal, index: str, snapshot: str, reason: str) -> SnapshotInfo:
        """Make an earlier (or later) snapshot the head; documents on disk are not touched, and nothing is lost.

        Raises:
            NotFoundError: no such snapshot.
            ConflictError: it is the head already.
        """
        with self.leases.acquire(
            f"index:{principal.tenant}:{index}", principal.name, wait=self.wait_seconds
        ) as lease:
            with self.database.write() as connection:
                lease.check(connection)
                row = self.catalogue.resolve(connection, principal, index, snapshot)
                head = self.catalogue.head(connection, principal, index)
                if row.id == head:
                    raise ConflictError(
                        f"`{row.id[:7]}` is the head of `{index}` already", hint="nothing was changed"
                    )
                pointers.move(
                    connection,
                    principal,
                    store.POINTER,
                    index,
                    row.id,
                    expected=head,
                    reason=reason or "rollback",
                )
            return self.catalogue.info(row, row.id)

    def prune(self, principal: Principal, index: str, keep: int) -> list[str]:
        """Drop all but the `keep` newest snapshots, the head, and those that are held; return what was dropped.

        Answers that were made from a dropped snapshot can no longer be replayed; their records stay.
        """
        with self.leases.acquire(
            f"index:{principal.tenant}:{index}", principal.name, wait=self.wait_seconds
        ) as lease:
            with self.database.read() as connection:
                rows = store.snapshots(connection, principal.tenant, index)
                head = self.catalogue.head(connection, principal, index)
                held = self.held(connection, principal.tenant, index)
                old = [r for r in rows[max(keep, 1) :] if r.id != head and r.id not in held]
                kept = [r for r in rows if r not in old]
                parts = {
                    r.index_version: self.catalogue.parts(connection, principal.tenant, r.index_version)
                    for r in rows
                }
            if not old:
                return []
            with self.database.write() as connection:
                lease.check(connection)
                store.drop_snapshots(connection, principal.tenant, index, [r.id for r in old])
            in_use = {(r.index_version, r.ref) for r in kept}
            for version, made in parts.items():
                if version not in {r.index_version for r in kept}:
                    self.catalogue.forget(principal.tenant, index, made)
                    continue
                back_end = self.catalogue.index(principal.tenant, index, made)
                back_end.drop(
                    [r.ref for r in old if r.index_version == version and (version, r.ref) not in in_use]
                )
                back_end.maintain()
            return [str(r.id) for r in old]

    def maintain(self, principal: Principal, index: str) -> None:
        """Merge and compact the files behind the head; answers at no snapshot change."""
        with self.leases.acquire(f"index:{principal.tenant}:{index}", principal.name, wait=self.wait_seconds):
            with self.database.read() as connection:
                row = self.catalogue.resolve(connection, principal, index, None)
                parts = self.catalogue.parts(connection, principal.tenant, row.index_version)
            self.catalogue.index(principal.tenant, index, parts).maintain()
