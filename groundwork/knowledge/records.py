"""What the knowledge room tells its callers: reports, snapshots, differences, documents.

All are JSON-compatible through `as_dict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.knowledge.types import Hit, Mark, Span

ChangeKind = Literal["added", "removed", "changed", "renamed"]


@dataclass(frozen=True)
class QuarantineEntry:
    """A file that could not be indexed: its path, a stable reason slug, and what is wrong in words."""

    path: str
    reason: str
    message: str
    media_type: str = ""
    size: int = 0
    digest: str = ""
    seen_at: str = ""


@dataclass(frozen=True)
class DocumentCounts:
    """How many documents one ingest found in each state; `renamed` ones are not counted as added or removed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    renamed: int = 0
    quarantined: int = 0


@dataclass(frozen=True)
class IngestReport:
    """What one ingest did.

    `snapshot` is the one readers see afterwards and `before` the one they saw until then, None where there was
    none; they are the same when nothing changed.
    """

    id: str
    index: str
    snapshot: str | None
    documents: DocumentCounts
    chunks: int
    embedded: int
    seconds: float
    quarantine: tuple[QuarantineEntry, ...] = ()
    warnings: tuple[str, ...] = ()
    before: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class IngestProgress:
    """Where a running ingest stands; `total` is 0 while it is not known."""

    stage: Literal["scanning", "reading", "embedding", "writing", "publishing", "waiting", "done"]
    done: int
    total: int
    current: str = ""


@dataclass(frozen=True)
class SnapshotInfo:
    """One immutable state of an index, named by the digest of its manifest (64 hexadecimal digits)."""

    id: str
    index: str
    created_at: str
    created_by: str
    documents: int
    chunks: int
    head: bool
    parent: str | None
    embedder: str
    counts: Mapping[str, int] = field(default_factory=dict)
    redacted: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class DocumentChange:
    """One document that differs between two snapshots."""

    kind: ChangeKind
    document_id: str
    document: str
    was: str = ""
    chunks_added: int = 0
    chunks_removed: int = 0
    chunks_kept: int = 0


@dataclass(frozen=True)
class SnapshotDiff:
    """What it takes to get from snapshot `old` to snapshot `new`; `chunks` counts by added, removed and kept text."""

    index: str
    old: str
    new: str
    changes: tuple[DocumentChange, ...]
    chunks: Mapping[str, int]
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class DocumentInfo:
    """One document of a snapshot: `document` is its source (a path relative to the ingested root, or a URI)."""

    id: str
    document: str
    title: str
    version: str
    media_type: str
    language: str
    size: int
    chars: int
    chunks: int
    ingested_at: str
    modified_at: str = ""
    access: tuple[str, ...] = ("public",)
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ChunkInfo:
    """A chunk of a document, for drawing over its text."""

    chunk_id: str
    ordinal: int
    start: int
    end: int
    context: str


@dataclass(frozen=True)
class DocumentView:
    """A document with its stored text, structure and chunks."""

    info: DocumentInfo
    text: str
    marks: tuple[Mark, ...]
    chunks: tuple[ChunkInfo, ...]

    def place(self, span: Span) -> dict[str, str]:
        """Return where a span stands: `page` (page, slide or sheet) and `heading` (path of headings), empty when unknown."""
        page = next(
            (
                m
                for m in self.marks
                if m.kind in ("page", "slide", "sheet", "chapter") and m.start <= span.start < m.end
            ),
            None,
        )
        path: list[Mark] = []
        for mark in self.marks:
            if mark.kind == "heading" and mark.start <= span.start:
                path = [m for m in path if m.level < mark.level] + [mark]
        return {
            "page": f"{page.kind} {page.label}" if page else "",
            "heading": " > ".join(m.label for m in path),
        }


@dataclass(frozen=True)
class SearchResult:
    """What a search brought: the snapshot it ran on, the strategy's name, and the hits, best first."""

    index: str
    snapshot: str
    strategy: str
    hits: tuple[Hit, ...]
    took_ms: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "snapshot": self.snapshot,
            "strategy": self.strategy,
            "hits": [h.as_dict() for h in self.hits],
            "took_ms": self.took_ms,
        }
