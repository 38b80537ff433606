"""Pages of the room that keeps documents: indexes, snapshots, documents, differences, rollback, uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import InvalidInputError
from groundwork.server.console import spans
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import DocumentsRead, DocumentsWrite, SnapshotsMove
from groundwork.server.routes.knowledge import index_named, start_upload

if TYPE_CHECKING:
    from groundwork.knowledge.records import DocumentView
    from groundwork.knowledge.types import Span

router = APIRouter(prefix="/knowledge", include_in_schema=False)
PER_PAGE = 50
RECENT_SNAPSHOTS = 5
Ref = Annotated[str | None, Query(max_length=100)]


@router.get("")
def indexes_page(request: Request, house: House, principal: DocumentsRead) -> Response:
    return page(request, "indexes.html", room="knowledge", indexes=house.indexes(principal))


@router.get("/{index}")
def index_page(
    request: Request,
    index: str,
    house: House,
    principal: DocumentsRead,
    contains: Annotated[str, Query(max_length=500)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    moved: Ref = None,
) -> Response:
    name, _, wanted = index.partition("@")
    info = index_named(house, name, principal)
    snapshot = house.snapshot(name, wanted, principal) if wanted else info.head
    found: list[Any] = []
    total = 0
    if snapshot is not None:
        found, total = house.documents(
            name, principal, snapshot=snapshot.id, contains=contains, limit=PER_PAGE, offset=offset
        )
    return page(
        request,
        "index.html",
        room="knowledge",
        index=info,
        snapshot=snapshot,
        pinned=bool(wanted) and snapshot is not None and not snapshot.head,
        documents=found,
        total=total,
        contains=contains,
        offset=offset,
        per_page=PER_PAGE,
        snapshots=house.snapshots(name, principal)[:RECENT_SNAPSHOTS] if info.head else [],
        quarantine=house.quarantine(name, principal),
        moved=moved,
    )


@router.get("/{index}/snapshots")
def snapshots_page(request: Request, index: str, house: House, principal: DocumentsRead) -> Response:
    return page(
        request,
        "snapshots.html",
        room="knowledge",
        index=index_named(house, index, principal),
        snapshots=house.snapshots(index, principal),
    )


@router.get("/{index}/quarantine")
def quarantine_page(request: Request, index: str, house: House, principal: DocumentsRead) -> Response:
    info = index_named(house, index, principal)
    return page(
        request,
        "quarantine.html",
        room="knowledge",
        index=info,
        quarantine=house.quarantine(index, principal),
    )


@router.get("/{index}/diff")
def diff_page(
    request: Request, index: str, house: House, principal: DocumentsRead, old: Ref = None, new: Ref = None
) -> Response:
    info = index_named(house, index, principal)
    ends = [house.snapshot(index, ref, principal) for ref in (old or "head~1", new or "head")]
    return page(
        request,
        "diff.html",
        room="knowledge",
        index=info,
        old=ends[0],
        new=ends[1],
        diff=house.diff(index, ends[0].id, ends[1].id, principal),
    )


@router.get("/{index}/rollback")
def rollback_page(
    request: Request,
    index: str,
    house: House,
    principal: SnapshotsMove,
    to: Annotated[str, Query(max_length=100)],
) -> Response:
    info = index_named(house, index, principal)
    target = house.snapshot(index, to, principal)
    if info.head is None or target.id == info.head.id:
        raise InvalidInputError(
            f"`{target.id[:7]}` is the head of `{index}` already", hint="choose another snapshot"
        )
    diff = house.diff(index, info.head.id, target.id, principal)
    return page(request, "rollback.html", room="knowledge", index=info, target=target, diff=diff)


@router.post("/{index}/rollback")
def rollback(index: str, form: Posted, house: House, principal: SnapshotsMove) -> Response:
    before = house.snapshot(index, "head", principal)
    house.rollback(index, text_of(form, "snapshot"), principal, text_of(form, "reason")[:1000])
    return RedirectResponse(address(f"/knowledge/{index}", moved=before.id), 303)


@router.post("/{index}/uploads")
def upload(index: str, form: Posted, house: House, principal: DocumentsWrite) -> Response:
    files = [f for f in form.getlist("files") if isinstance(f, UploadFile) and f.filename]
    job = start_upload(house, index, principal, files, None)
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.get("/{index}/documents/{document_id}")
def document_page(
    request: Request,
    index: str,
    document_id: str,
    house: House,
    principal: DocumentsRead,
    snapshot: Ref = None,
    version: Ref = None,
    start: Annotated[int | None, Query(ge=0)] = None,
    end: Annotated[int | None, Query(ge=0)] = None,
    part: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    info = index_named(house, index, principal)
    view = house.document(document_id, principal, snapshot=snapshot, version=version)
    quoted = _quoted(view, start, end)
    borders = spans.part_borders(view.text)
    outline = spans.outline(view)
    shown = min(part or spans.part_of(borders, quoted.start if quoted else 0), len(borders) - 1)
    return page(
        request,
        "document.html",
        room="knowledge",
        index=info,
        view=view,
        quoted=quoted,
        place=view.place(quoted) if quoted else None,
        blocks=spans.draw(view, shown, quoted),
        outline=outline,
        heading_starts={h.start for h in outline if h.kind == "heading"},
        part=shown,
        part_count=len(borders) - 1,
        query={"snapshot": snapshot, "version": version, "start": start, "end": end},
    )


def _quoted(view: DocumentView, start: int | None, end: int | None) -> Span | None:
    """Return the span to highlight when it lies in the text; an address that was made for another text shows none."""
    from groundwork.knowledge.types import Span

    if start is None or end is None or not start < end <= len(view.text):
        return None
    return Span(start, end)
