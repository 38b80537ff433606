"""Chunkers cut a document into passages that fit an embedder.

A chunker answers spans, not strings, so every chunk can be traced back to its place in the document.
The spans stand in order, leave no gap, begin at 0 and end at the text's length; they overlap only where the
chunker says so (`overlaps = True` on its class). A text without a visible character gives no span. The same
input gives the same spans in every process. A chunker with a `max_chars` gives no longer span, and none
tears a character. `groundwork.testing.chunker` holds the contract as tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from groundwork.core.shelf import Shelf
from groundwork.knowledge.types import Mark, Span


class Chunker(Protocol):
    """Cuts one document; constructors only remember their parameters."""

    def split(self, text: str, marks: Sequence[Mark] = ()) -> list[Span]: ...


CHUNKERS: Shelf[Chunker] = Shelf("chunker", home="groundwork.knowledge.chunkers")
