"""Embedders turn texts into unit vectors.

The fingerprint names everything the vectors depend on; an index is built with one fingerprint and refuses
another. The vector of a text depends on the text alone, never on what else is in the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from groundwork.core.shelf import Shelf
from groundwork.knowledge.types import FloatArray


class Embedder(Protocol):
    """Constructors only remember parameters; weights are opened on first use (MissingModelError when
    absent)."""

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str:
        """Digest of name, weights, precision, pooling, length limit and library recipe."""
        ...

    def embed_documents(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        """Return unit vectors, shape (len(texts), dim), in order; `progress` is called with how many are
        newly done."""
        ...

    def embed_query(self, text: str) -> FloatArray:
        """Return one unit vector, shape (dim,)."""
        ...

    def coverage(self, text: str) -> float:
        """Return between 0 and 1 how well the embedder knows the language of `text` (1: as in training)."""
        ...


EMBEDDERS: Shelf[Embedder] = Shelf("embedder", home="groundwork.knowledge.embedders")
