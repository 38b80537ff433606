"""Second half of an ingest: document versions become rows of an index, reusing every vector that is already there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from groundwork.knowledge import store
from groundwork.knowledge.indexes import Index
from groundwork.knowledge.manifest import chunks_digest
from groundwork.knowledge.pipeline import DocumentText, IndexVersion, embedded_text
from groundwork.knowledge.store import DocumentVersion
from groundwork.knowledge.types import Chunk, ChunkRow, FloatArray, Mark
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database
from groundwork.storage.failpoints import failpoint

BATCH_CHUNKS = 512
BATCH_DOCUMENTS = 256
LOAD_DOCUMENTS = 256
CHARS_A_CHUNK = 700
"""A guess for the progress bar only."""


@dataclass
class Built:
    """Chunks and chunk digest by document version, and how many chunks were embedded anew."""

    entries: dict[str, tuple[int, str]] = field(default_factory=dict)
    embedded: int = 0


@dataclass
class Builder:
    """Makes the rows of document versions that an index does not hold yet.

    Args:
        progress: called with (chunks done, chunks expected, name of the document).
        check: called between batches; raises to stop.
    """

    database: Database
    blobs: Blobs
    parts: IndexVersion
    index: Index
    tenant: str
    progress: Callable[[int, int, str], None]
    check: Callable[[], None]

    def build(
        self, versions: Sequence[str], names: Mapping[str, str], donors: Mapping[str, tuple[str, str]]
    ) -> Built:
        """Append the rows of `versions` (in this order) that are not staged yet; return the chunks of all of them.

        Args:
            names: how people see each version's document.
            donors: where a version's vectors may already be: (index ref, version to look into).
        """
        built = Built()
        staged = self.index.staged()
        ready = [v for v in versions if v in staged]
        for batch in _pieces(ready, LOAD_DOCUMENTS):
            for version, rows in _grouped(self.index.of_versions("", batch)).items():
                built.entries[version] = (len(rows), chunks_digest(rows))
        missing = [v for v in versions if v not in built.entries]
        batch_documents: list[tuple[DocumentText, list[Chunk]]] = []
        waiting = 0
        expected = self._expected(missing)
        done = 0
        for piece in _pieces(missing, LOAD_DOCUMENTS):
            for document in self._load(piece):
                chunks = self.parts.chunks(document)
                batch_documents.append((document, chunks))
                waiting += len(chunks)
                if waiting >= BATCH_CHUNKS or len(batch_documents) >= BATCH_DOCUMENTS:
                    done = self._flush(batch_documents, donors, built, names, done, expected)
                    batch_documents, waiting = [], 0
        if batch_documents:
            self._flush(batch_documents, donors, built, names, done, expected)
        return built

    def _flush(
        self,
        batch: Sequence[tuple[DocumentText, list[Chunk]]],
        donors: Mapping[str, tuple[str, str]],
        built: Built,
        names: Mapping[str, str],
        done: int,
        expected: int,
    ) -> int:
        self.check()
        name = names.get(batch[-1][0].version, "")
        texts = [embedded_text(c) for _, chunks in batch for c in chunks]
        vectors = self._vectors(
            texts,
            self._known(batch, donors),
            built,
            lambda n: self.progress(done + n, max(expected, done + n), name),
        )
        rows: list[ChunkRow] = []
        at = 0
        for document, chunks in batch:
            own = None if vectors is None else vectors[at : at + len(chunks)]
            at += len(chunks)
            made = [_owned(r, self.tenant) for r in self.parts.rows(document, chunks, own)]
            built.entries[document.version] = (len(made), chunks_digest(made))
            rows += made
        failpoint("ingest.before_append")
        self.index.append(rows)
        failpoint("ingest.after_append")
        done += len(texts)
        self.progress(done, max(expected, done), name)
        return done

    def _known(
        self, batch: Sequence[tuple[DocumentText, list[Chunk]]], donors: Mapping[str, tuple[str, str]]
    ) -> dict[str, FloatArray]:
        """Return the vectors that are already somewhere, by the text they stand for."""
        if self.parts.embedder is None:
            return {}
        wanted: dict[str, list[str]] = {}
        for document, _ in batch:
            if document.version in donors:
                ref, donor = donors[document.version]
                wanted.setdefault(ref, []).append(donor)
        known: dict[str, FloatArray] = {}
        for ref, versions in wanted.items():
            for row in self.index.of_versions(ref, versions):
                if row.vector is not None:
                    known[f"{row.context}\n{row.text}" if row.context else row.text] = row.vector
        return known

    def _vectors(
        self,
        texts: Sequence[str],
        known: dict[str, FloatArray],
        built: Built,
        progress: Callable[[int], None],
    ) -> FloatArray | None:
        if self.parts.embedder is None:
            return None
        fresh = list(dict.fromkeys(t for t in texts if t not in known))
        if fresh:
            done = 0

            def step(n: int) -> None:
                nonlocal done
                done += n
                progress(done)

            made = self.parts.embed(fresh, step)
            assert made is not None
            built.embedded += len(fresh)
            known.update(zip(fresh, made, strict=True))
        dim = self.parts.embedder.dim
        return np.stack([known[t] for t in texts]) if texts else np.zeros((0, dim), np.float32)

    def _load(self, versions: Sequence[str]) -> list[DocumentText]:
        with self.database.read() as connection:
            found = store.versions(connection, self.tenant, versions)
        return [self.document(found[v]) for v in versions]

    def document(self, version: DocumentVersion) -> DocumentText:
        """Return a document version with its text."""
        text = self.blobs.get(version.text).decode()
        marks = tuple(Mark(*m) for m in json.loads(self.blobs.get(version.marks)))
        return DocumentText(
            version.document_id, version.version, text, marks, version.title, version.language,
            version.media_type, version.modified, version.access,
        )  # fmt: skip

    def _expected(self, versions: Sequence[str]) -> int:
        with self.database.read() as connection:
            found = store.versions(connection, self.tenant, versions)
        return sum(-(-v.chars // CHARS_A_CHUNK) for v in found.values())


def _owned(row: ChunkRow, tenant: str) -> ChunkRow:
    from dataclasses import replace

    return replace(row, tenant=tenant)


def _grouped(rows: Sequence[ChunkRow]) -> dict[str, list[ChunkRow]]:
    groups: dict[str, list[ChunkRow]] = {}
    for row in rows:
        groups.setdefault(row.version, []).append(row)
    return groups


def _pieces(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[i : i + size] for i in range(0, len(values), size)]
