"""Take erased documents out of the traces: spans that show them, archived files, feedback on them, texts in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.telemetry.redacting import redact, traces_with
from groundwork.telemetry.store import SpanStore


class Files(Protocol):
    """Archived spans."""

    def erase(self, tenant: str, trace_ids: Sequence[str]) -> int:
        """Remove traces from every file and return how many spans went."""
        ...


class Written(Protocol):
    """What people wrote about answers and traces."""

    def erase(self, tenant: str, answer_ids: Sequence[str], trace_ids: Sequence[str]) -> int:
        """Blank it and return how much there was."""
        ...


@dataclass(frozen=True)
class TelemetryEraser:
    """The room's `Erasable`. It comes after the answers room's, so that spans made anew are made of redacted answers.

    Args:
        database: that of the workspace, in which feedback stands. answers: ids of the answers that showed documents, each
            with its trace: `(tenant, document ids) -> [(answer id, trace id)]`.
        forget: drops the texts in this process's memory that hold a document; returns how many calls those were of.
    """

    store: SpanStore
    files: Callable[[], Files]
    feedback: Written
    database: Database
    answers: Callable[[str, Sequence[str]], Sequence[tuple[str, str]]]
    forget: Callable[[Sequence[str]], int]

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Blank every span of every trace in which one of the documents was shown, and what was written about it."""
        tenant = principal.tenant
        self.forget(document_ids)
        known = self.answers(tenant, document_ids)
        path = self.store.database.path
        spans = archived = 0
        traces = sorted({trace for _, trace in known})
        if path is None or path.exists():
            self.store.migrate()
            traces = sorted({*traces, *traces_with(self.store, tenant, document_ids)})
            spans = redact(self.store, tenant, traces)
            archived = self.files().erase(tenant, traces) if traces else 0
            self.store.database.scrub()
        written = self.feedback.erase(tenant, [answer for answer, _ in known], traces)
        if written:
            self.database.scrub()
        return ErasureReceipt(
            "telemetry",
            spans + archived + written,
            "texts of spans and feedback overwritten in the database, archived traces taken out of their files",
            "exported spans are where they were sent; what clients put into calls of their own names no document",
        )
