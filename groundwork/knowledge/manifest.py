"""The manifest of a snapshot: which documents it holds, in which version, with which chunks.

Its digest is the snapshot's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from groundwork.core.digest import canonical_json, digest_bytes, digest_json, digest_text
from groundwork.knowledge.types import ChunkRow

FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One document of a snapshot: its shown name, ids, access list, and the digest over its chunks."""

    document: str
    document_id: str
    version: str
    access: tuple[str, ...]
    chunks: int
    chunks_digest: str


@dataclass(frozen=True)
class Manifest:
    """Everything a snapshot is; equal content gives equal bytes and so an equal name in every process."""

    index: str
    index_version: str
    entries: tuple[Entry, ...] = field(default=())

    @cached_property
    def by_document(self) -> Mapping[str, Entry]:
        return {e.document_id: e for e in self.entries}

    @cached_property
    def by_version(self) -> Mapping[str, Entry]:
        return {e.version: e for e in self.entries}

    @property
    def chunks(self) -> int:
        return sum(e.chunks for e in self.entries)

    def as_bytes(self) -> bytes:
        """Return the canonical bytes that the snapshot's digest is taken over."""
        rows = [
            [e.document, e.document_id, e.version, list(e.access), e.chunks, e.chunks_digest]
            for e in self.entries
        ]
        return canonical_json(
            {"format": FORMAT, "index": self.index, "index_version": self.index_version, "documents": rows}
        )

    @property
    def id(self) -> str:
        return digest_bytes(self.as_bytes())


def make_manifest(index: str, index_version: str, entries: Iterable[Entry]) -> Manifest:
    """Return the manifest with its entries in their one order."""
    return Manifest(index, index_version, tuple(sorted(entries, key=lambda e: (e.document, e.document_id))))


def read_manifest(data: bytes) -> Manifest:
    """Read what `as_bytes` wrote."""
    value: dict[str, Any] = json.loads(data)
    entries = tuple(Entry(d, i, v, tuple(a), n, c) for d, i, v, a, n, c in value["documents"])
    return Manifest(value["index"], value["index_version"], entries)


def chunks_digest(rows: Sequence[ChunkRow]) -> str:
    """Return the digest over a document's rows: ids, places, text, context, terms and the bytes of every vector."""
    return digest_json(
        [
            [
                row.chunk_id,
                row.ordinal,
                row.start,
                row.end,
                digest_text(row.text),
                digest_text(row.context),
                digest_text(row.terms),
                "" if row.vector is None else digest_bytes(row.vector.astype("<f4").tobytes()),
            ]
            for row in rows
        ]
    )
