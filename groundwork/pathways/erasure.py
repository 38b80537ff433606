"""Take a person out of pathways, and say which proofs an erased document touches."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.storage import pathway_tables as t
from groundwork.storage.database import Database

PERSONAL = (
    t.path_profiles, t.path_plans, t.lab_runs, t.quiz_results, t.attestations, t.reflections, t.proofs, t.portfolio_exports,
)  # fmt: skip
"""Tables of which every row is about the person in `owner`."""


@dataclass(frozen=True)
class PathwaysEraser:
    """The room's `Erasable`. It keeps ids, digests and numbers of records and never a document's words."""

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Count the proofs that name one of the documents; they are stale from now on, since their record is gone."""
        wanted = set(document_ids)
        p = t.proofs.c
        with self.database.read() as connection:
            records = connection.execute(select(p.record).where(p.tenant == principal.tenant)).scalars()
            touched = sum(_names(record, wanted) for record in records)
        return ErasureReceipt(
            "pathways",
            touched,
            "proofs hold ids, digests and numbers, no text; those that rest on an erased record are stale from now on",
            "portfolios that were exported before are where they were put",
        )

    def erase_person(self, name: str, stands_for: str) -> int:
        """Delete everything that is about a person, in every tenant, and return how many rows that were.

        Their proofs go too: the chain of the workspace says that something is missing there, and no more.

        Args:
            name: of the principal, as records have it, `user:ann`. stands_for: what stands for the name in words that others
                wrote, `user:usr_…`.
        """
        with self.database.write() as connection:
            gone = _below(connection, name)
            for table in PERSONAL:
                gone += max(0, connection.execute(delete(table).where(table.c.owner == name)).rowcount)
            said = update(t.attestations).where(t.attestations.c.by == name).values(by=stands_for)
            gone += max(0, connection.execute(said).rowcount)
        if gone:
            self.database.scrub()
        return gone

    def rows_of(self, name: str) -> int:
        """Return how many rows are about a person."""
        with self.database.read() as connection:
            counted = [select(func.count()).select_from(x).where(x.c.owner == name) for x in PERSONAL]
            return sum(int(connection.execute(c).scalar_one()) for c in counted)


def _below(connection: Connection, name: str) -> int:
    """Delete what hangs on a person's rows: events of their labs, co-signatures of their proofs."""
    runs = select(t.lab_runs.c.id).where(t.lab_runs.c.owner == name)
    proofs = select(t.proofs.c.id).where(t.proofs.c.owner == name)
    events = connection.execute(delete(t.lab_events).where(t.lab_events.c.run_id.in_(runs))).rowcount
    signed = connection.execute(delete(t.cosignatures).where(t.cosignatures.c.proof_id.in_(proofs))).rowcount
    return max(0, events) + max(0, signed)


def _names(record: object, wanted: set[str]) -> bool:
    """Say whether a proof's record names one of the documents."""
    found = record.get("found", []) if isinstance(record, dict) else []
    return any(
        part in wanted
        for one in found
        if isinstance(one, dict)
        for part in (
            *str(one.get("id", "")).split("/"),
            str(dict(one.get("values") or {}).get("document", "")),
        )
    )
