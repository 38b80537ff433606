"""The last step of every change to an index: a new state, its snapshot, and the pointer, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from groundwork.core.clock import Clock
from groundwork.core.principal import Principal
from groundwork.knowledge import store
from groundwork.knowledge.catalogue import Catalogue
from groundwork.knowledge.indexes import Index
from groundwork.knowledge.manifest import Manifest
from groundwork.knowledge.pipeline import IndexVersion
from groundwork.knowledge.records import DocumentCounts, IngestReport
from groundwork.knowledge.store import Source
from groundwork.storage import pointers
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database
from groundwork.storage.failpoints import failpoint
from groundwork.storage.leases import Lease
from groundwork.telemetry.current import current


@dataclass
class Publisher:
    """Publishes manifests; the caller holds the lease."""

    database: Database
    blobs: Blobs
    catalogue: Catalogue
    clock: Clock

    def publish(
        self,
        manifest: Manifest,
        parts: IndexVersion,
        back_end: Index,
        head: str | None,
        lease: Lease,
        principal: Principal,
        counts: DocumentCounts,
        sources: Sequence[Source],
        gone: Sequence[str],
    ) -> str | None:
        """Make `manifest` the head and store the sources; return the head's digest afterwards.

        A manifest that is the head already changes nothing but the sources. A manifest that was published before (after a
        rollback, say) becomes the head again as it was then, with its first ref, so that old answers stay replayable.
        """
        index, tenant = manifest.index, principal.tenant
        digest = manifest.id
        if digest == head or (head is None and not manifest.entries):
            self._sources(tenant, index, sources, gone, lease)
            return head
        with self.database.read() as connection:
            before = store.snapshot(connection, tenant, index, digest)
        self.blobs.put(manifest.as_bytes())
        failpoint("publish.after_manifest")
        ref = (
            before.ref
            if before is not None
            else back_end.publish({e.version: e.chunks for e in manifest.entries if e.chunks})
        )
        failpoint("publish.after_index")
        now = self.clock.now().isoformat()
        with self.database.write() as connection:
            lease.check(connection)
            store.put_index_version(connection, tenant, index, parts.id, parts.spec, now)
            store.add_snapshot(
                connection,
                tenant,
                {
                    "id": digest,
                    "index_name": index,
                    "index_version": parts.id,
                    "parent": head,
                    "seq": store.next_seq(connection, tenant, index),
                    "ref": ref,
                    "manifest": digest,
                    "documents": len(manifest.entries),
                    "chunks": manifest.chunks,
                    "counts": asdict(counts),
                    "embedder": (parts.spec["embedder"] or {}).get("name", "none"),
                    "created_at": now,
                    "created_by": principal.name,
                },
            )
            pointers.move(connection, principal, store.POINTER, index, digest, expected=head, reason="ingest")
            store.put_sources(connection, tenant, index, sources)
            store.leave_sources(connection, tenant, index, gone)
        failpoint("publish.after_commit")
        return digest

    def record(self, report: IngestReport, principal: Principal) -> None:
        """Keep what an ingest did."""
        now = self.clock.now().isoformat()
        work = current()
        traced = {"trace_id": work.trace_id, "span_id": work.span_id} if work.trace_id else {}
        row = {
            "id": report.id,
            "index_name": report.index,
            "state": "done",
            "report": {**report.as_dict(), **traced},
            "started_at": now,
            "finished_at": now,
            "principal": principal.name,
        }
        with self.database.write() as connection:
            store.put_ingest(connection, principal.tenant, row)

    def _sources(
        self, tenant: str, index: str, sources: Sequence[Source], gone: Sequence[str], lease: Lease
    ) -> None:
        if sources or gone:
            with self.database.write() as connection:
                lease.check(connection)
                store.put_sources(connection, tenant, index, sources)
                store.leave_sources(connection, tenant, index, gone)
