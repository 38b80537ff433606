"""The console's own files, held in memory: no part of a request ever becomes a path of the disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from groundwork.core.digest import digest_bytes, short
from groundwork.core.errors import NotFoundError
from groundwork.server.permissions import Anyone

HERE = Path(__file__).parent / "console" / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
YEAR = 31_536_000
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class StaticFile:
    """A file of the console; `version` changes with its content and stands in its address."""

    content: bytes
    media_type: str
    version: str


@cache
def files() -> dict[str, StaticFile]:
    """Return every static file by its name below `static/`, with slashes."""
    found = {}
    for path in sorted(HERE.rglob("*")):
        if path.suffix in MEDIA_TYPES and path.is_file():
            content = path.read_bytes()
            file = StaticFile(content, MEDIA_TYPES[path.suffix], short(digest_bytes(content)))
            found[path.relative_to(HERE).as_posix()] = file
    return found


def address(name: str) -> str:
    """Return the address of a static file, with its version."""
    return f"/static/{name}?v={files()[name].version}"


@router.get("/static/{name:path}")
def static(name: str, request: Request, _: Anyone) -> Response:
    file = files().get(name)
    if file is None:
        raise NotFoundError(f"there is no static file `{name[:200]}`")
    current = request.query_params.get("v") == file.version
    caching = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    headers = {"ETag": f'"{file.version}"', "Cache-Control": caching}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


@router.get("/favicon.ico")
def favicon(request: Request, _: Anyone) -> Response:
    return static("mark.svg", request, _)
