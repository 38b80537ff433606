"""Take the text of erased documents out of evaluations: outputs and reasons go, scores stay, and the evaluation says so."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.evaluation import rows as r
from groundwork.storage.database import Database
from groundwork.storage.improvement_tables import evaluation_documents as documents
from groundwork.storage.improvement_tables import evaluation_results as results
from groundwork.storage.improvement_tables import evaluations

AT_ONCE = 400


@dataclass(frozen=True)
class EvaluationsEraser:
    """The evaluation room's `Erasable`."""

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Blank every output that one of the documents was shown for, and the reasons that scorers gave for it."""
        tenant, touched = principal.tenant, 0
        with self.database.write() as connection:
            held = sorted(_held(connection, tenant, document_ids))
            for evaluation_id, seq, repeat in held:
                touched += _blank(connection, tenant, evaluation_id, seq, repeat)
            for evaluation_id in sorted({key[0] for key in held}):
                connection.execute(
                    update(evaluations)
                    .where(evaluations.c.tenant == tenant, evaluations.c.id == evaluation_id)
                    .values(redacted=True)
                )
        self.database.scrub()
        return ErasureReceipt(
            "evaluations",
            touched,
            "outputs and reasons of scorers overwritten in the database; the scores stay",
        )


def _held(connection: Connection, tenant: str, document_ids: list[str]) -> set[tuple[str, int, int]]:
    found: set[tuple[str, int, int]] = set()
    d = documents.c
    for start in range(0, len(document_ids), AT_ONCE):
        some = document_ids[start : start + AT_ONCE]
        query = select(d.evaluation_id, d.seq, d.repeat).where(d.tenant == tenant, d.document_id.in_(some))
        found |= {(str(row[0]), int(row[1]), int(row[2])) for row in connection.execute(query)}
    return found


def _blank(connection: Connection, tenant: str, evaluation_id: str, seq: int, repeat: int) -> int:
    c = results.c
    mine = (c.tenant == tenant, c.evaluation_id == evaluation_id, c.seq == seq, c.repeat == repeat)
    row = connection.execute(select(results).where(*mine)).one_or_none()
    if row is None:
        return 0
    blank = r.result_row(tenant, evaluation_id, r.without_texts(r.result(row), r.ERASED), row.created_at)
    connection.execute(update(results).where(*mine).values(output=blank["output"], scores=blank["scores"]))
    return 1
