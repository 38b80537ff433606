"""One snapshot as one principal sees it: what retrievers work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundwork.knowledge.indexes import Effort, Index, Scope
from groundwork.knowledge.pipeline import IndexVersion
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit


@dataclass(frozen=True)
class SnapshotView:
    """Binds an index, a ref and a scope, so that no retriever can look beyond them."""

    parts: IndexVersion
    index: Index
    ref: str
    scope: Scope
    effort: Effort = "default"

    def terms(self, text: str) -> list[str]:
        return self.parts.analyzer.terms(text)

    def lexical(self, terms: Mapping[str, float], k: int) -> list[LegHit]:
        return self.index.lexical(self.ref, terms, k, self.scope) if terms else []

    def dense(self, vector: FloatArray, k: int) -> list[LegHit]:
        return self.index.dense(self.ref, vector, k, self.scope, self.effort)

    def embed(self, text: str) -> FloatArray | None:
        return None if self.parts.embedder is None else self.parts.embedder.embed_query(text)

    def coverage(self, text: str) -> float:
        return 0.0 if self.parts.embedder is None else self.parts.embedder.coverage(text)

    def fetch(self, chunk_ids: Sequence[str], *, vectors: bool = False) -> list[ChunkRow]:
        return self.index.fetch(self.ref, chunk_ids, self.scope, vectors=vectors)

    def neighbours(self, row: ChunkRow, reach: int) -> list[ChunkRow]:
        low = max(0, row.ordinal - reach)
        return self.index.neighbours(self.ref, row.version, low, row.ordinal + reach, self.scope)
