"""Take cached completions away: those made from erased documents, or all of a tenant or model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, select

from groundwork.core.erasure import ErasureReceipt
from groundwork.core.principal import Principal
from groundwork.storage import tables as t
from groundwork.storage.database import Database

_AT_ONCE = 500


@dataclass(frozen=True)
class CachedRow:
    """Cached completions of one model, by the name it was asked for; `size` in bytes, `hits` calls answered from them."""

    model: str
    completions: int
    size: int
    hits: int


@dataclass(frozen=True)
class GatewayEraser:
    """The gateway's `Erasable`. Calls stay: their rows hold counts and names, never text.

    It comes after the knowledge room's: what a model says of a document that is marked as erased is not cached any more.
    """

    database: Database

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Remove every cached completion whose prompt held one of the documents."""
        removed = 0
        with self.database.write() as connection:
            d = t.cached_documents.c
            keys: set[str] = set()
            for start in range(0, len(document_ids), _AT_ONCE):
                some = document_ids[start : start + _AT_ONCE]
                query = select(d.key).where(d.tenant == principal.tenant, d.document_id.in_(some))
                keys.update(connection.execute(query).scalars())
            removed = _forget(connection, principal.tenant, sorted(keys))
        self.database.scrub()
        return ErasureReceipt(
            "gateway",
            removed,
            "cached completions made from the documents deleted and overwritten in the database",
            "what a provider keeps of a prompt that it was sent is the provider's, by its own terms",
        )

    def cached(self, principal: Principal, model: str | None = None) -> list[CachedRow]:
        """Return what is cached for the tenant by model, in their order; `model`: only what was asked for as this."""
        c = t.cached_completions.c
        size = func.sum(func.length(cast(c.completion, Text)))
        query = select(c.model, func.count(), size, func.sum(c.hits)).where(c.tenant == principal.tenant)
        if model is not None:
            query = query.where(c.model == model)
        with self.database.read() as connection:
            rows = connection.execute(query.group_by(c.model).order_by(c.model))
            return [CachedRow(name, int(n), int(held), int(hits)) for name, n, held, hits in rows]

    def clear(self, principal: Principal, model: str | None = None) -> int:
        """Remove all cached completions of the tenant, or those asked for as `model`, and return how many."""
        c = t.cached_completions.c
        with self.database.write() as connection:
            query = select(c.key).where(c.tenant == principal.tenant)
            if model is not None:
                query = query.where(c.model == model)
            removed = _forget(connection, principal.tenant, list(connection.execute(query).scalars()))
        self.database.scrub()
        return removed


def _forget(connection: Connection, tenant: str, keys: list[str]) -> int:
    removed = 0
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        for table in (t.cached_documents, t.cached_completions):
            columns: Any = table.c
            done = connection.execute(delete(table).where(columns.tenant == tenant, columns.key.in_(some)))
        removed += int(done.rowcount)
    return removed
