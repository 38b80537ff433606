"""Indexes, documents, snapshots and search: `/api/indexes`, `/api/documents`, `/api/search`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Header, Query, UploadFile
from starlette.datastructures import UploadFile as Received
from starlette.responses import PlainTextResponse, Response

from groundwork.core.digest import digest_json
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.server import uploads
from groundwork.server.bodies import (
    DiffBody,
    DocumentBody,
    DocumentDetail,
    IndexBody,
    JobBody,
    Limit,
    Offset,
    Page,
    QuarantineBody,
    RollbackIn,
    SearchBody,
    SearchIn,
    SnapshotBody,
    SnapshotRef,
)
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import DocumentsRead, DocumentsWrite, SnapshotsMove

router = APIRouter(prefix="/api", tags=["knowledge"], responses=PROBLEMS)
VersionRef = Annotated[
    str | None, Query(max_length=100, description="Digest of a document version, as a citation has it.")
]


def _body(media_type: str, schema: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": schema}}}}


BYTES = _body("*/*", {"type": "string", "format": "binary"})
TEXT = _body("text/plain", {"type": "string"})


@router.get("/indexes", response_model=list[IndexBody])
def list_indexes(house: House, principal: DocumentsRead) -> Any:
    """List the indexes of this workspace."""
    return house.indexes(principal)


@router.get("/indexes/{index}", response_model=IndexBody)
def get_index(index: str, house: House, principal: DocumentsRead) -> Any:
    """Return one index."""
    return index_named(house, index, principal)


@router.post("/indexes/{index}/uploads", status_code=202, response_model=JobBody)
def upload_documents(
    index: str,
    house: House,
    principal: DocumentsWrite,
    files: Annotated[
        list[UploadFile], File(description="The files; a name that is there already is a new version.")
    ],
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=200,
            description="The same key with the same files answers the same job; nothing is started twice.",
        ),
    ] = None,
) -> Any:
    """Store files in the workspace and start a job that ingests them."""
    return start_upload(house, index, principal, files, idempotency_key)


@router.get("/indexes/{index}/documents", response_model=Page[DocumentBody])
def list_documents(
    index: str,
    house: House,
    principal: DocumentsRead,
    snapshot: SnapshotRef = None,
    contains: Annotated[str, Query(max_length=500, description="Part of the name or title.")] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    """List the documents of a snapshot, by name."""
    found, total = house.documents(
        index, principal, snapshot=snapshot, contains=contains, limit=limit, offset=offset
    )
    return {"items": found, "total": total, "limit": limit, "offset": offset}


@router.get("/indexes/{index}/snapshots", response_model=list[SnapshotBody])
def list_snapshots(index: str, house: House, principal: DocumentsRead) -> Any:
    """List the snapshots of an index, newest first."""
    return house.snapshots(index, principal)


@router.get("/indexes/{index}/snapshots/{snapshot}", response_model=SnapshotBody)
def get_snapshot(index: str, snapshot: str, house: House, principal: DocumentsRead) -> Any:
    """Return one snapshot by digest, a prefix of at least 4 digits, `head` or `head~1`."""
    return house.snapshot(index, snapshot, principal)


@router.get("/indexes/{index}/diff", response_model=DiffBody)
def diff_snapshots(
    index: str,
    house: House,
    principal: DocumentsRead,
    old: Annotated[str, Query(max_length=100)],
    new: Annotated[str, Query(max_length=100)] = "head",
) -> Any:
    """Say which documents and how many chunks differ between two snapshots."""
    return house.diff(index, old, new, principal)


@router.post("/indexes/{index}/rollback", response_model=SnapshotBody)
def rollback_index(index: str, body: RollbackIn, house: House, principal: SnapshotsMove) -> Any:
    """Make another snapshot the one that readers see; nothing is lost, rolling forward is the same move."""
    return house.rollback(index, body.snapshot, principal, body.reason)


@router.get("/indexes/{index}/quarantine", response_model=list[QuarantineBody])
def list_quarantine(index: str, house: House, principal: DocumentsRead) -> Any:
    """List the files that could not be indexed, and why."""
    return house.quarantine(index, principal)


@router.post("/search", response_model=SearchBody)
def search(body: SearchIn, house: House, principal: DocumentsRead) -> Any:
    """Return the passages that fit a question best."""
    from groundwork.knowledge.filters import parse_filter

    return house.search(
        body.question,
        index=body.index,
        strategy=body.strategy,
        k=body.k,
        snapshot=body.snapshot,
        filter=None if body.filter is None else parse_filter(body.filter),
        principal=principal,
    )


@router.get("/documents/{document_id}", response_model=DocumentDetail)
def get_document(
    document_id: str,
    house: House,
    principal: DocumentsRead,
    snapshot: SnapshotRef = None,
    version: VersionRef = None,
) -> Any:
    """Return a document's facts, structure and chunks."""
    view = house.document(document_id, principal, snapshot=snapshot, version=version)
    return {"info": view.info, "marks": list(view.marks), "chunks": list(view.chunks)}


@router.get("/documents/{document_id}/text", response_class=PlainTextResponse, responses=TEXT)
def get_text(
    document_id: str,
    house: House,
    principal: DocumentsRead,
    snapshot: SnapshotRef = None,
    version: VersionRef = None,
) -> Response:
    """Return a document's stored text, which citations point into."""
    view = house.document(document_id, principal, snapshot=snapshot, version=version)
    return PlainTextResponse(view.text)


@router.get("/documents/{document_id}/original", response_class=Response, responses=BYTES)
def get_original(
    document_id: str, house: House, principal: DocumentsRead, version: VersionRef = None
) -> Response:
    """Return the bytes that were ingested, as a download."""
    content, media_type = house.original(document_id, principal, version=version)
    name = house.document(document_id, principal, version=version).info.document
    return Response(content, headers=attachment(name, media_type))


def start_upload(
    house: House, index: str, principal: Principal, files: Sequence[Received], idempotency_key: str | None
) -> Any:
    """Store uploaded files and start the job that ingests them; answers the job."""
    house.index_spec(index)
    received = [uploads.Upload(f.filename or "", f.file) for f in files]
    limit = house.settings.max_file_mib * 2**20
    stored = uploads.store(house.root, index, received, max_bytes=limit, tenant=principal.tenant)
    # The key holds for these very bytes: other files under the same key are another request, and none is left out.
    key = idempotency_key and digest_json([idempotency_key, [[s.path.name, s.digest] for s in stored]])
    job = house.start_ingest([s.path for s in stored], index=index, principal=principal, idempotency_key=key)
    return house.job(job, principal)


def index_named(house: House, index: str, principal: Principal) -> Any:
    """Return an index at a glance.

    Raises:
        NotFoundError: there is none of that name.
    """
    found = next((i for i in house.indexes(principal) if i.name == index), None)
    if found is None:
        # The workspace's own error names the nearest; an index that exists in the spec alone is always listed.
        house.index_spec(index)
        raise NotFoundError(f"there is no index `{index}`")
    return found


def attachment(name: str, media_type: str) -> dict[str, str]:
    """Return headers that make a browser save a document and never show or run it (RFC 6266)."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1] or "document"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in last)
    encoded = quote(last.encode("utf-8", "replace"), safe="")
    kind = media_type if media_type.isascii() and media_type.isprintable() else "application/octet-stream"
    return {
        "Content-Type": kind or "application/octet-stream",
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
