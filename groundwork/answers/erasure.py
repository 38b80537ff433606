"""Redact the answers for which an erased document was retrieved; what was asked and quoted goes, the record stays."""

from __future__ import annotations

from dataclasses import dataclass, replace

from groundwork.answers import store
from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.storage.database import Database


@dataclass(frozen=True)
class AnswersEraser:
    """The answers room's `Erasable`."""

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Blank everything that was asked, said and quoted in the answers that one of the documents was retrieved for."""
        with self.database.write() as connection:
            touched = [
                a for a in store.answers_with(connection, principal.tenant, document_ids) if not a.redacted
            ]
            for answer in touched:
                blank = replace(
                    answer,
                    question="",
                    text="",
                    reason="an erased document was part of this answer",
                    citations=(),
                    retrieved=tuple(
                        {"document_id": h["document_id"], "chunk_id": h["chunk_id"]} for h in answer.retrieved
                    ),
                    signals={},
                    sentences=(),
                    removed=(),
                    exchanges=tuple(replace(e, text="", message="") for e in answer.exchanges),
                    standalone="",
                    notes=(),
                    redacted=True,
                )
                store.replace_answer(connection, principal.tenant, blank)
        return ErasureReceipt(
            "answers",
            len(touched),
            "question, text, quotes, passages and model outputs overwritten in the database",
        )
