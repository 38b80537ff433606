"""After an erasure: releases whose snapshot it touched are marked, since they answer otherwise from then on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from groundwork.storage.improvement_tables import releases

r = releases.c


@dataclass(frozen=True)
class ReleasesEraser:
    """The releases room's `Erasable`; it comes after the room that redacts snapshots. It holds no text itself."""

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Mark the releases whose snapshot has lost a document; they are not promoted any more."""
        s = t.snapshots.c
        tenant = principal.tenant
        with self.database.write() as connection:
            redacted = select(s.id).where(s.tenant == tenant, s.redacted.is_(True))
            lost = set(connection.execute(redacted).scalars())
            stored = select(r.id, r.manifest).where(r.tenant == tenant, r.redacted.is_(False))
            touched = [row.id for row in connection.execute(stored) if row.manifest["snapshot"] in lost]
            if touched:
                connection.execute(
                    update(releases).where(r.tenant == tenant, r.id.in_(touched)).values(redacted=True)
                )
        return ErasureReceipt("releases", len(touched), "releases whose snapshot lost a document are marked")
