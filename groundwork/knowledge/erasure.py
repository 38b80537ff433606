"""Take documents away for good: rows of every snapshot, blobs, titles, and the way back in."""

from __future__ import annotations

from dataclasses import dataclass

from groundwork.core.clock import Clock
from groundwork.core.erasure import ErasureReceipt
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.knowledge import store
from groundwork.knowledge.catalogue import Catalogue
from groundwork.knowledge.manifest import make_manifest
from groundwork.knowledge.publish import Publisher
from groundwork.knowledge.records import DocumentCounts
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database
from groundwork.storage.leases import Lease, Leases
from groundwork.storage.tombstones import Tombstones


@dataclass(frozen=True)
class KnowledgeEraser:
    """The knowledge room's `Erasable`; safe to run again after a crash, since each step is idempotent."""

    database: Database
    blobs: Blobs
    leases: Leases
    catalogue: Catalogue
    tombstones: Tombstones
    clock: Clock
    wait_seconds: float

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Remove the documents from every snapshot and from the disk; the same bytes are refused from now on.

        Raises:
            NotFoundError: none of the documents was ever here.
        """
        wanted = set(document_ids)
        with self.database.read() as connection:
            names = store.index_names(connection, principal.tenant)
            readings = [v for d in sorted(wanted) for v in store.versions_of(connection, principal.tenant, d)]
        if not readings:
            raise NotFoundError(
                f"there is no document {', '.join(sorted(wanted))}",
                hint="list them with `groundwork knowledge documents`",
            )
        self.tombstones.add(principal.tenant, [v.content for v in readings])
        removed = 0
        for name in names:
            with self.leases.acquire(
                f"index:{principal.tenant}:{name}", principal.name, wait=self.wait_seconds
            ) as lease:
                self._leave_head(principal, name, wanted, lease)
                removed += self._from_snapshots(principal, name, wanted, lease)
        with self.database.write() as connection:
            store.erase_version_rows(connection, principal.tenant, [v.version for v in readings])
            store.drop_sources_of(connection, principal.tenant, sorted(wanted))
        with self.database.read() as connection:
            in_use = store.all_version_blobs(connection)
        for digest in {d for v in readings for d in (v.content, v.text, v.marks)} - in_use:
            self.blobs.delete(digest)
        self.database.scrub()
        return ErasureReceipt(
            "knowledge",
            removed,
            "rows deleted from every snapshot and files rewritten without them; blobs deleted; content refused from now on",
            "vector centroids of the index are means over many rows and are kept; backups made by others are out of reach",
        )

    def _leave_head(self, principal: Principal, name: str, wanted: set[str], lease: Lease) -> None:
        with self.database.read() as connection:
            head = self.catalogue.head(connection, principal, name)
            row = store.snapshot(connection, principal.tenant, name, head) if head else None
            parts = (
                self.catalogue.parts(connection, principal.tenant, row.index_version)
                if row is not None
                else None
            )
        if row is None or parts is None:
            return
        manifest = self.catalogue.manifest(row.id)
        rest = make_manifest(
            name, manifest.index_version, [e for e in manifest.entries if e.document_id not in wanted]
        )
        gone = len(manifest.entries) - len(rest.entries)
        if not gone:
            return
        back_end = self.catalogue.index(principal.tenant, name, parts)
        staged = back_end.staged()
        if any(e.chunks and staged.get(e.version) != e.chunks for e in rest.entries):
            back_end.restore(row.ref)
        Publisher(self.database, self.blobs, self.catalogue, self.clock).publish(
            rest, parts, back_end, row.id, lease, principal, DocumentCounts(removed=gone), [], []
        )

    def _from_snapshots(self, principal: Principal, name: str, wanted: set[str], lease: Lease) -> int:
        with self.database.read() as connection:
            rows = store.snapshots(connection, principal.tenant, name)
            parts = {
                r.index_version: self.catalogue.parts(connection, principal.tenant, r.index_version)
                for r in rows
            }
        removed = 0
        for version, made in parts.items():
            mine = [r for r in rows if r.index_version == version]
            held = [r for r in mine if wanted & self.catalogue.manifest(r.id).by_document.keys()]
            if not held:
                continue
            refs = list(dict.fromkeys(r.ref for r in reversed(mine)))
            moved = self.catalogue.index(principal.tenant, name, made).erase(sorted(wanted), refs)
            with self.database.write() as connection:
                lease.check(connection)
                for row in mine:
                    if row in held:
                        store.redact_snapshot(connection, principal.tenant, name, row.id, moved[row.ref])
                    else:
                        store.move_ref(connection, principal.tenant, name, row.id, moved[row.ref])
            removed += len(held)
        return removed
