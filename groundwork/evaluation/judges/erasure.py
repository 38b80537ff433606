"""What people remarked on outputs goes with the documents those outputs were made from; labels and cards hold no text."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.evaluation.judges import records
from groundwork.evaluation.judges.sampling import item_name
from groundwork.storage.database import Database
from groundwork.storage.improvement_tables import evaluation_documents as documents
from groundwork.storage.improvement_tables import evaluation_results as results

_AT_ONCE = 200
_EVERY = 1_000_000


@dataclass(frozen=True)
class JudgesEraser:
    """The room's `Erasable` for judges; it runs before that of evaluations, which forgets what was made from what."""

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Blank what was remarked on outputs that one of the documents was part of."""
        removed = 0
        with self.database.write() as connection:
            touched: dict[str, set[str]] = {}
            for start in range(0, len(document_ids), _AT_ONCE):
                part = document_ids[start : start + _AT_ONCE]
                query = (
                    select(results.c.evaluation_id, results.c.example_id, results.c.repeat)
                    .join(
                        documents,
                        (documents.c.tenant == results.c.tenant)
                        & (documents.c.evaluation_id == results.c.evaluation_id)
                        & (documents.c.seq == results.c.seq)
                        & (documents.c.repeat == results.c.repeat),
                    )
                    .where(documents.c.tenant == principal.tenant, documents.c.document_id.in_(part))
                )
                for evaluation, example, repeat in connection.execute(query):
                    touched.setdefault(str(evaluation), set()).add(item_name(str(example), int(repeat)))
            for evaluation, items in touched.items():
                every = records.samples_of(connection, principal.tenant, limit=_EVERY)
                for sample in (s for s in every if evaluation in (s.evaluation_id, s.against)):
                    removed += records.blank_comments(
                        connection, principal.tenant, sample.id, sorted(items & set(sample.items))
                    )
        return ErasureReceipt("judges", removed, "remarks on outputs overwritten in the database")
