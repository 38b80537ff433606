"""What is there to read: heads, snapshots, manifests, documents, and the open index behind each."""

from __future__ import annotations

import json
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from groundwork.core.errors import DamagedError, GoneError, InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.knowledge import store
from groundwork.knowledge.filters import Filter
from groundwork.knowledge.indexes import Effort, Index, Scope
from groundwork.knowledge.manifest import Manifest, read_manifest
from groundwork.knowledge.pipeline import IndexVersion
from groundwork.knowledge.records import ChunkInfo, DocumentInfo, DocumentView, QuarantineEntry, SnapshotInfo
from groundwork.knowledge.types import Mark
from groundwork.knowledge.view import SnapshotView
from groundwork.storage import pointers
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database

MANIFESTS_KEPT = 16


@dataclass
class Catalogue:
    """Reads the knowledge of one workspace.

    Args:
        locate: the place of an index version's files, from (tenant, index name, index version id).
        build: makes the parts of an index version from its stored spec.
    """

    database: Database
    blobs: Blobs
    locate: Callable[[str, str, str], str]
    build: Callable[[Mapping[str, Any]], IndexVersion]
    _manifests: OrderedDict[str, Manifest] = field(default_factory=OrderedDict)
    _parts: dict[tuple[str, str], IndexVersion] = field(default_factory=dict)
    _open: dict[tuple[str, str, str], Index] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # -- snapshots --------------------------------------------------------------------------------------------
    def head(self, connection: Connection, principal: Principal, index: str) -> str | None:
        """Return the digest of the snapshot that readers of the index see, or None before the first."""
        pointer = pointers.get(connection, principal.tenant, store.POINTER, index)
        return None if pointer is None else pointer.version

    def resolve(self, connection: Connection, principal: Principal, index: str, name: str | None) -> Any:
        """Return the row of a snapshot named by digest, by a prefix of at least 4 digits, `head`, or `head~N`.

        Raises:
            NotFoundError: the index has no snapshot yet, or none of that name.
            InvalidInputError: the prefix fits several.
        """
        rows = store.snapshots(connection, principal.tenant, index)
        if not rows:
            raise NotFoundError(
                f"the index `{index}` has no snapshot yet",
                hint=f"put documents in: `groundwork ingest PATH --index {index}`",
            )
        head = self.head(connection, principal, index)
        name = name or "head"
        if name == "head" or name.startswith("head~"):
            back = int(name[5:] or 0) if name[5:].isdecimal() or (name == "head" and not name[5:]) else -1
            row = next((r for r in rows if r.id == head), None)
            for _ in range(max(back, 0)):
                row = next((r for r in rows if row is not None and r.id == row.parent), None)
            fits = [] if row is None or back < 0 else [row]
        else:
            fits = [r for r in rows if r.id == name or (len(name) >= 4 and r.id.startswith(name))]
        if len(fits) > 1:
            raise InvalidInputError(
                f"`{name}` fits {len(fits)} snapshots of the index `{index}`", hint="give more digits"
            )
        if not fits:
            raise NotFoundError(
                f"the index `{index}` has no snapshot `{name}`",
                hint=f"the newest is `{rows[0].id[:7]}`; list them with `groundwork knowledge snapshots {index}`",
            )
        return fits[0]

    def info(self, row: Any, head: str | None) -> SnapshotInfo:
        """Return what people are told of a snapshot."""
        return SnapshotInfo(
            id=row.id,
            index=row.index_name,
            created_at=row.created_at,
            created_by=row.created_by,
            documents=row.documents,
            chunks=row.chunks,
            head=row.id == head,
            parent=row.parent,
            embedder=row.embedder or "",
            counts=row.counts,
            redacted=bool(row.redacted),
        )

    def manifest(self, digest: str) -> Manifest:
        """Return the manifest of a snapshot; its bytes are checked against its name."""
        with self._lock:
            if digest in self._manifests:
                self._manifests.move_to_end(digest)
                return self._manifests[digest]
        manifest = read_manifest(self.blobs.get(digest))
        with self._lock:
            self._manifests[digest] = manifest
            while len(self._manifests) > MANIFESTS_KEPT:
                self._manifests.popitem(last=False)
        return manifest

    # -- the index behind a snapshot --------------------------------------------------------------------------
    def parts(self, connection: Connection, tenant: str, version: str) -> IndexVersion:
        """Return the parts an index version is made with."""
        with self._lock:
            if (tenant, version) not in self._parts:
                spec = store.index_version(connection, tenant, version)
                if spec is None:
                    raise DamagedError(
                        f"the index version `{version[:7]}` is not in the catalogue",
                        hint="run `groundwork verify`",
                    )
                self._parts[tenant, version] = self.build(spec)
            return self._parts[tenant, version]

    def index(self, tenant: str, name: str, parts: IndexVersion) -> Index:
        """Return the open back end of an index version."""
        with self._lock:
            key = (tenant, name, parts.id)
            if key not in self._open:
                self._open[key] = parts.open(self.locate(tenant, name, parts.id))
            return self._open[key]

    def forget(self, tenant: str, name: str, parts: IndexVersion) -> None:
        """Delete the files of an index version that no snapshot needs; they are derived and need not be whole."""
        with self._lock:
            self._open.pop((tenant, name, parts.id), None)
        shutil.rmtree(self.locate(tenant, name, parts.id), ignore_errors=True)

    def view(
        self,
        principal: Principal,
        index: str,
        snapshot: str | None = None,
        condition: Filter | None = None,
        effort: Effort = "default",
    ) -> tuple[SnapshotView, str]:
        """Return a snapshot as the principal sees it, and its digest."""
        with self.database.read() as connection:
            row = self.resolve(connection, principal, index, snapshot)
            parts = self.parts(connection, principal.tenant, row.index_version)
        scope = Scope(principal.tenant, principal.readable(), condition)
        return SnapshotView(parts, self.index(principal.tenant, index, parts), row.ref, scope, effort), row.id

    # -- documents --------------------------------------------------------------------------------------------
    def documents(
        self, principal: Principal, index: str, snapshot: str | None, contains: str, limit: int, offset: int
    ) -> tuple[list[DocumentInfo], int]:
        """Return one page of the documents of a snapshot that the principal may read, by name, and how many there are."""
        with self.database.read() as connection:
            row = self.resolve(connection, principal, index, snapshot)
            manifest = self.manifest(row.id)
            needle = contains.casefold()
            fits = [
                e
                for e in manifest.entries
                if principal.may_read(e.access) and needle in e.document.casefold()
            ]
            page = fits[offset : offset + limit]
            versions = store.versions(connection, principal.tenant, [e.version for e in page])
        return [_info(versions[e.version], e.document, e.chunks) for e in page if e.version in versions], len(
            fits
        )

    def document(
        self,
        principal: Principal,
        document_id: str,
        snapshot: str | None = None,
        version: str | None = None,
        *,
        chunks: bool = True,
    ) -> DocumentView:
        """Return a document with its text and chunks: of a snapshot, of a version, or the one in use.

        Raises:
            NotFoundError: no such document, or the principal may not read it.
            GoneError: it was erased.
        """
        with self.database.read() as connection:
            found = self._find(connection, principal, document_id, snapshot, version)
            if found is None:
                raise NotFoundError(
                    f"there is no document `{document_id}`",
                    hint="list them with `groundwork knowledge documents`",
                )
            reading, name, index, row, entry_chunks = found
            if reading.erased:
                raise GoneError(
                    f"the document `{document_id}` was erased", hint="its text cannot be brought back"
                )
            parts = (
                self.parts(connection, principal.tenant, row.index_version)
                if row is not None and chunks
                else None
            )
        shown: tuple[ChunkInfo, ...] = ()
        if parts is not None and row is not None:
            back_end = self.index(principal.tenant, index, parts)
            rows = back_end.of_versions(row.ref, [reading.version], vectors=False)
            shown = tuple(ChunkInfo(r.chunk_id, r.ordinal, r.start, r.end, r.context) for r in rows)
        text = self.blobs.get(reading.text).decode()
        marks = tuple(Mark(*m) for m in json.loads(self.blobs.get(reading.marks)))
        return DocumentView(_info(reading, name, entry_chunks), text, marks, shown)

    def text(self, digest: str) -> str:
        """Return a stored text."""
        return self.blobs.get(digest).decode()

    def original(
        self, principal: Principal, document_id: str, version: str | None = None
    ) -> tuple[bytes, str]:
        """Return the bytes that were ingested, and their media type."""
        with self.database.read() as connection:
            found = self._find(connection, principal, document_id, None, version)
        if found is None:
            raise NotFoundError(f"there is no document `{document_id}`")
        if found[0].erased:
            raise GoneError(
                f"the document `{document_id}` was erased", hint="its bytes cannot be brought back"
            )
        return self.blobs.get(found[0].content), found[0].media_type

    def quarantine(self, principal: Principal, index: str) -> list[QuarantineEntry]:
        """Return the files that could not be indexed, by path; only an owner sees them, since they carry no access list."""
        if not principal.owner:
            return []
        with self.database.read() as connection:
            rows = store.sources(connection, principal.tenant, index)
        return [
            QuarantineEntry(
                s.name or s.path, s.reason, s.message, s.media_type, s.stamp.size, s.content, s.seen_at
            )
            for s in rows
            if s.state == "quarantined"
        ]

    def _find(
        self,
        connection: Connection,
        principal: Principal,
        document_id: str,
        snapshot: str | None,
        version: str | None,
    ) -> tuple[store.DocumentVersion, str, str, Any, int] | None:
        for index in store.index_names(connection, principal.tenant):
            rows = store.snapshots(connection, principal.tenant, index)
            head = self.head(connection, principal, index)
            rows.sort(key=lambda r: r.id != head)
            for row in rows:
                if (
                    snapshot is not None
                    and not row.id.startswith(snapshot)
                    and not (snapshot == "head" and row.id == head)
                ):
                    continue
                entry = self.manifest(row.id).by_document.get(document_id)
                if entry is None or (version is not None and not entry.version.startswith(version)):
                    continue
                if not principal.may_read(entry.access):
                    return None
                reading = store.versions(connection, principal.tenant, [entry.version]).get(entry.version)
                return None if reading is None else (reading, entry.document, index, row, entry.chunks)
        return None


def _info(reading: store.DocumentVersion, name: str, chunks: int) -> DocumentInfo:
    from datetime import UTC, datetime

    modified = datetime.fromtimestamp(reading.modified, UTC).isoformat() if reading.modified else ""
    return DocumentInfo(
        id=reading.document_id,
        document=name,
        title=reading.title or name.rpartition("/")[2].rpartition(".")[0] or name,
        version=reading.version,
        media_type=reading.media_type,
        language=reading.language,
        size=reading.size,
        chars=reading.chars,
        chunks=chunks,
        ingested_at=reading.created_at,
        modified_at=modified,
        access=reading.access,
        warnings=reading.warnings,
    )
