"""Take erased documents out of datasets: examples and candidates made of what they said, in every version."""

from __future__ import annotations

from dataclasses import dataclass

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.datasets import records
from groundwork.storage.database import Database


@dataclass(frozen=True)
class DatasetsEraser:
    """The room's `Erasable`. Versions keep number and digest, are marked, and give the erased examples to nobody."""

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Overwrite each example and candidate that came from an answer or trace in which one of the documents stood."""
        with self.database.write() as connection:
            held = records.held_of(connection, principal.tenant, document_ids)
            examples, candidates = records.erase(connection, principal.tenant, held)
        if examples or candidates:
            self.database.scrub()
        return ErasureReceipt(
            "datasets",
            examples + candidates,
            "examples and candidates made from the documents overwritten in the database, in every version",
            "examples that people wrote or imported by themselves name no document; exported files are where they were put",
        )
