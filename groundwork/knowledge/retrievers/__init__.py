"""Retrievers (strategies) turn a question into ranked chunks of one snapshot, on any index.

A retriever works on a View: one snapshot seen by one principal. It is deterministic: equal question, view and
parameters give an equal ranking with equal scores; ties are broken by chunk_id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from groundwork.core.shelf import Shelf
from groundwork.knowledge.types import ChunkRow, FloatArray, Leg, LegHit


class View(Protocol):
    """One snapshot as one principal may see it."""

    def terms(self, text: str) -> list[str]:
        """Analyze a text as the index did, in order, with repetitions."""
        ...

    def lexical(self, terms: Mapping[str, float], k: int) -> list[LegHit]: ...

    def dense(self, vector: FloatArray, k: int) -> list[LegHit]: ...

    def embed(self, text: str) -> FloatArray | None:
        """Return the query's vector, or None when the index has no dense leg."""
        ...

    def coverage(self, text: str) -> float:
        """How well the embedder knows the language of the text, 0 to 1."""
        ...

    def fetch(self, chunk_ids: Sequence[str], *, vectors: bool = False) -> list[ChunkRow]: ...

    def neighbours(self, row: ChunkRow, reach: int) -> list[ChunkRow]:
        """Return the chunks of the same document up to `reach` places before and after, in order, with the
        row itself."""
        ...


@dataclass(frozen=True)
class Ranked:
    """One chunk of a ranking, best first. `widened` is the span to show when the retriever grew the
    passage."""

    chunk_id: str
    score: float
    legs: Mapping[str, Leg] = field(default_factory=dict)
    widened: tuple[int, int] | None = None


class Retriever(Protocol):
    """Constructors only remember their parameters; they are part of what an answer pins."""

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k chunks, best first."""
        ...


RETRIEVERS: Shelf[Retriever] = Shelf("retriever", home="groundwork.knowledge.retrievers")
