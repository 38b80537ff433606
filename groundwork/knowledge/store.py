"""The knowledge room's rows in the database: sources, document versions, index versions, snapshots, ingests.

Every function takes the connection of a transaction that its caller opened, and the tenant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from groundwork.knowledge.scan import Stamp
from groundwork.storage import tables as t
from groundwork.storage.database import insert_or_ignore, insert_or_update

POINTER = "snapshot"
IN_LIMIT = 500


@dataclass(frozen=True)
class Source:
    """Which file is which document version now; a quarantined one has a reason instead of a version."""

    path: str
    root: str
    document_id: str
    state: str
    version: str
    content: str
    stamp: Stamp
    media_type: str
    reason: str
    message: str
    seen_at: str
    name: str = ""


@dataclass(frozen=True)
class DocumentVersion:
    """One immutable reading of one document."""

    version: str
    document_id: str
    content: str
    text: str
    marks: str
    title: str
    language: str
    media_type: str
    loader: str
    loader_version: int
    meta: Mapping[str, str]
    access: tuple[str, ...]
    warnings: tuple[str, ...]
    chars: int
    size: int
    modified: int
    created_at: str
    erased: bool = False


def sources(connection: Connection, tenant: str, index: str) -> list[Source]:
    """Return every source of an index, ordered by path."""
    s = t.sources
    query = select(s).where(s.c.tenant == tenant, s.c.index_name == index).order_by(s.c.path)
    return [
        Source(
            r.path,
            r.root,
            r.document_id,
            r.state,
            r.version or "",
            r.content or "",
            Stamp(r.size, r.mtime_ns, r.ctime_ns, r.inode),
            r.media_type or "",
            r.reason or "",
            r.message or "",
            r.seen_at,
            r.name or "",
        )
        for r in connection.execute(query)
    ]


def put_sources(connection: Connection, tenant: str, index: str, rows: Sequence[Source]) -> None:
    """Insert or replace sources."""
    values = [
        {
            "tenant": tenant,
            "index_name": index,
            "path": s.path,
            "root": s.root,
            "document_id": s.document_id,
            "state": s.state,
            "version": s.version,
            "content": s.content,
            "size": s.stamp.size,
            "mtime_ns": s.stamp.mtime_ns,
            "ctime_ns": s.stamp.ctime_ns,
            "inode": s.stamp.inode,
            "media_type": s.media_type,
            "reason": s.reason,
            "message": s.message,
            "seen_at": s.seen_at,
            "name": s.name,
        }
        for s in rows
    ]
    if values:
        insert_or_update(connection, t.sources, values)


def leave_sources(connection: Connection, tenant: str, index: str, paths: Iterable[str]) -> None:
    """Mark sources whose file is gone; they are remembered, since a rollback may bring their documents back."""
    s = t.sources
    for batch in _batches(list(paths)):
        where = (s.c.tenant == tenant, s.c.index_name == index, s.c.path.in_(batch))
        connection.execute(update(s).where(*where).values(state="gone"))


def drop_sources_of(connection: Connection, tenant: str, document_ids: Sequence[str]) -> None:
    """Delete the sources of documents, in every index."""
    s = t.sources
    for batch in _batches(document_ids):
        connection.execute(delete(s).where(s.c.tenant == tenant, s.c.document_id.in_(batch)))


def put_versions(connection: Connection, tenant: str, rows: Sequence[DocumentVersion]) -> None:
    """Insert document versions; one that is there already is left as it is."""
    values = [
        {
            "version": v.version,
            "tenant": tenant,
            "document_id": v.document_id,
            "content": v.content,
            "text": v.text,
            "marks": v.marks,
            "title": v.title,
            "language": v.language,
            "media_type": v.media_type,
            "loader": v.loader,
            "loader_version": v.loader_version,
            "meta": dict(v.meta),
            "access": list(v.access),
            "warnings": list(v.warnings),
            "chars": v.chars,
            "size": v.size,
            "modified": v.modified,
            "created_at": v.created_at,
            "erased": False,
        }
        for v in rows
    ]
    if values:
        insert_or_ignore(connection, t.document_versions, values)


def versions(connection: Connection, tenant: str, names: Sequence[str]) -> dict[str, DocumentVersion]:
    """Return document versions by their digest; unknown ones are left out."""
    d = t.document_versions
    found: dict[str, DocumentVersion] = {}
    for batch in _batches(names):
        rows = connection.execute(select(d).where(d.c.tenant == tenant, d.c.version.in_(batch)))
        found.update((r.version, _version(r)) for r in rows)
    return found


def readings(
    connection: Connection, tenant: str, contents: Sequence[str]
) -> dict[tuple[str, str, int], DocumentVersion]:
    """Return one earlier reading for every (content digest, loader, loader version) of these contents."""
    d = t.document_versions
    found: dict[tuple[str, str, int], DocumentVersion] = {}
    for batch in _batches(contents):
        query = select(d).where(d.c.tenant == tenant, d.c.content.in_(batch), d.c.erased.is_(False))
        found.update(
            ((r.content, r.loader, r.loader_version), _version(r)) for r in connection.execute(query)
        )
    return found


def versions_of(connection: Connection, tenant: str, document_id: str) -> list[DocumentVersion]:
    """Return every version of a document, newest first."""
    d = t.document_versions
    query = (
        select(d).where(d.c.tenant == tenant, d.c.document_id == document_id).order_by(d.c.created_at.desc())
    )
    return [_version(r) for r in connection.execute(query)]


def put_index_version(
    connection: Connection, tenant: str, name: str, digest: str, spec: Mapping[str, Any], now: str
) -> None:
    """Remember what an index version is made of."""
    row = {
        "id": digest,
        "tenant": tenant,
        "index_name": name,
        "spec": dict(spec),
        "location": "",
        "created_at": now,
    }
    insert_or_ignore(connection, t.index_versions, [row])


def index_version(connection: Connection, tenant: str, digest: str) -> dict[str, Any] | None:
    """Return the spec of an index version."""
    v = t.index_versions
    row = connection.execute(select(v.c.spec).where(v.c.tenant == tenant, v.c.id == digest)).first()
    return None if row is None else dict(row.spec)


def add_snapshot(connection: Connection, tenant: str, row: Mapping[str, Any]) -> None:
    """Insert a snapshot; one of the same name becomes the newest and the child of the head before it."""
    again = ["seq", "parent"]
    insert_or_update(connection, t.snapshots, [{"tenant": tenant, "redacted": False, **row}], update=again)


def snapshots(connection: Connection, tenant: str, index: str) -> list[Any]:
    """Return the rows of an index's snapshots, newest first."""
    s = t.snapshots
    query = select(s).where(s.c.tenant == tenant, s.c.index_name == index).order_by(s.c.seq.desc())
    return list(connection.execute(query))


def snapshot(connection: Connection, tenant: str, index: str, digest: str) -> Any | None:
    """Return the row of one snapshot."""
    s = t.snapshots
    return connection.execute(
        select(s).where(s.c.tenant == tenant, s.c.index_name == index, s.c.id == digest)
    ).first()


def next_seq(connection: Connection, tenant: str, index: str) -> int:
    """Return the number the next snapshot of an index gets."""
    s = t.snapshots
    highest = connection.execute(
        select(func.max(s.c.seq)).where(s.c.tenant == tenant, s.c.index_name == index)
    ).scalar()
    return int(highest or 0) + 1


def drop_snapshots(connection: Connection, tenant: str, index: str, ids: Sequence[str]) -> None:
    """Delete snapshots by name."""
    s = t.snapshots
    connection.execute(delete(s).where(s.c.tenant == tenant, s.c.index_name == index, s.c.id.in_(list(ids))))


def redact_snapshot(connection: Connection, tenant: str, index: str, digest: str, ref: str) -> None:
    """Point a snapshot at the state without the erased documents and mark it so."""
    s = t.snapshots
    where = (s.c.tenant == tenant, s.c.index_name == index, s.c.id == digest)
    connection.execute(update(s).where(*where).values(ref=ref, redacted=True))


def move_ref(connection: Connection, tenant: str, index: str, digest: str, ref: str) -> None:
    """Point a snapshot at another ref of the same content."""
    s = t.snapshots
    connection.execute(
        update(s).where(s.c.tenant == tenant, s.c.index_name == index, s.c.id == digest).values(ref=ref)
    )


def put_ingest(connection: Connection, tenant: str, row: Mapping[str, Any]) -> None:
    """Record an ingest."""
    connection.execute(insert(t.ingests).values(tenant=tenant, **row))


def index_names(connection: Connection, tenant: str) -> list[str]:
    """Return the names of indexes that hold anything."""
    s = t.snapshots
    return [
        r.index_name
        for r in connection.execute(select(s.c.index_name).where(s.c.tenant == tenant).distinct())
    ]


def erase_version_rows(connection: Connection, tenant: str, names: Sequence[str]) -> None:
    """Blank what document versions say about erased text; the digest stays, so manifests remain readable."""
    d = t.document_versions
    blank = {"title": "", "meta": {}, "warnings": [], "erased": True}
    for batch in _batches(names):
        connection.execute(update(d).where(d.c.tenant == tenant, d.c.version.in_(batch)).values(**blank))


def all_version_blobs(connection: Connection) -> set[str]:
    """Return every blob that a document version that is not erased refers to, in all tenants."""
    d = t.document_versions
    query = select(d.c.content, d.c.text, d.c.marks).where(d.c.erased.is_(False))
    return {digest for row in connection.execute(query) for digest in row if digest}


def all_other_blobs(connection: Connection) -> set[str]:
    """Return every other blob in use, in all tenants: manifests of snapshots and artefacts of fitted embedders."""
    manifests = {row.manifest for row in connection.execute(select(t.snapshots.c.manifest))}
    specs = [row.spec for row in connection.execute(select(t.index_versions.c.spec))]
    return manifests | {
        s["embedder"]["artefact"] for s in specs if s["embedder"] and "artefact" in s["embedder"]
    }


def _version(row: Any) -> DocumentVersion:
    return DocumentVersion(
        row.version,
        row.document_id,
        row.content,
        row.text,
        row.marks,
        row.title or "",
        row.language or "",
        row.media_type or "",
        row.loader,
        row.loader_version,
        row.meta,
        tuple(row.access),
        tuple(row.warnings),
        row.chars,
        row.size,
        row.modified or 0,
        row.created_at,
        bool(row.erased),
    )


def _batches(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[i : i + IN_LIMIT] for i in range(0, len(values), IN_LIMIT)]
