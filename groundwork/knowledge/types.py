"""The values that travel through the knowledge room; all immutable.

bytes -> Parsed (text + Marks) -> Span -> Chunk -> ChunkRow (with vector and terms) -> Hit
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
else:
    FloatArray = Any  # parsers in child processes use these values and start sooner without numpy
MarkKind = Literal[
    "heading",
    "page",
    "slide",
    "sheet",
    "table",
    "code",
    "list",
    "row",
    "attachment",
    "chapter",
    "section",
    "note",
]


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range `[start, end)` of characters (Unicode code points) of a document's stored text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the slice of `text`."""
        return text[self.start : self.end]


@dataclass(frozen=True)
class Mark:
    """Something known about a range of the stored text.

    Attributes:
        kind: what it is. A `heading` covers the heading's own characters; `page`, `slide`, `sheet`, `chapter` and
            `attachment` cover everything on them; `table`, `code` and `list` cover the block.
        start, end: character range in the stored text.
        label: the heading's text, the page number, the sheet's name, the language of the code.
        level: depth of a heading from 1; 0 otherwise.
    """

    kind: MarkKind
    start: int
    end: int
    label: str = ""
    level: int = 0


@dataclass(frozen=True)
class Parsed:
    """What a loader made of bytes.

    Attributes:
        text: the document's text, normalised to `\\n` line ends, with no NUL and no lone surrogate; citations point into it.
        marks: structure over the text, ordered by start, then by -end.
        title: the title the content itself declares; empty when it declares none (never the file's name).
        language: BCP 47 primary subtag when the content declares it, else empty.
        meta: declared facts (author, created, subject, …), values are short strings.
        warnings: what could not be read, in words; the document is still indexed.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    title: str = ""
    language: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """A span of a document with the context that travels with it: the title and the headings above it."""

    span: Span
    text: str
    context: str = ""


@dataclass(frozen=True)
class ChunkRow:
    """One row of an index.

    Attributes:
        chunk_id: `chk_…`, derived from the document version and the ordinal.
        document_id: `doc_…`.
        version: digest of the document version.
        ordinal: place of the chunk in its document, from 0.
        start, end: character range in the stored text.
        text: the slice of the stored text.
        context: title and heading path, `Title > Section`; may be empty.
        terms: what the lexical leg indexes: the analyzer's terms of context and text joined by single blanks.
        vector: unit-norm float32, shape (dim,), or None for an index without a dense leg.
        tenant: whose it is.
        access: access list of the document, never empty.
        fields: values that filters may use; the keys are `FILTER_FIELDS`.
    """

    chunk_id: str
    document_id: str
    version: str
    ordinal: int
    start: int
    end: int
    text: str
    context: str
    terms: str
    vector: FloatArray | None
    tenant: str
    access: tuple[str, ...] = ("public",)
    fields: Mapping[str, str | int] = field(default_factory=dict)


FILTER_FIELDS: Mapping[str, type] = {
    "document_id": str,
    "media_type": str,
    "language": str,
    "modified": int,
    "ordinal": int,
}
"""Fields of a row that a filter may name; `modified` is seconds since 1970 in UTC."""


@dataclass(frozen=True)
class LegHit:
    """One hit of one leg: higher scores are better; ties are broken by chunk_id ascending."""

    chunk_id: str
    score: float


@dataclass(frozen=True)
class Leg:
    """Where one leg put a chunk: rank from 1, raw score of the leg, and what it added to the fused score."""

    rank: int
    score: float
    weight: float = 0.0


@dataclass(frozen=True)
class Hit:
    """One passage that retrieval brought, best first; `text` is the slice `start:end` of the document's stored text."""

    rank: int
    score: float
    document: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    text: str
    context: str = ""
    legs: Mapping[str, Leg] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the hit as JSON-compatible values."""
        return {
            "rank": self.rank,
            "score": self.score,
            "document": self.document,
            "document_id": self.document_id,
            "chunk_id": self.chunk_id,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "context": self.context,
            "legs": {n: {"rank": g.rank, "score": g.score, "weight": g.weight} for n, g in self.legs.items()},
        }
