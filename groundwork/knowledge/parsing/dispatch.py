"""Choose the loader for some bytes and run it; the only way into a loader, at the top and for what is embedded."""

from __future__ import annotations

from functools import cache

from groundwork.knowledge.loaders import LOADERS, Loader, Unreadable
from groundwork.knowledge.loaders._text import MAX_CHARS
from groundwork.knowledge.parsing.sniff import media_type as sniffed
from groundwork.knowledge.types import Parsed

_NAMES = {
    "application/msword": ("Word 97-2003 (.doc)", "save it as .docx"),
    "application/vnd.ms-excel": ("Excel 97-2003 (.xls)", "save it as .xlsx"),
    "application/vnd.ms-powerpoint": ("PowerPoint 97-2003 (.ppt)", "save it as .pptx"),
    "application/x-ole-storage": ("OLE storage", "save it in a current format"),
    "application/zip": ("zip archive", "unpack it and ingest its files"),
    "application/gzip": ("gzip archive", "unpack it and ingest its files"),
    "application/octet-stream": ("unknown binary", "convert it to a format that is read"),
}


@cache
def _by_type() -> dict[str, str]:
    """Return the loader's name for each media type; names in order, the first that claims a type has it."""
    table: dict[str, str] = {}
    for name in LOADERS.names():
        for kind in LOADERS.get(name).media_types:
            table.setdefault(kind, name)
    return table


@cache
def _loader(name: str) -> Loader:
    """Return the loader of a name; looking among installed packages takes longer than reading a small document."""
    return LOADERS.make(name)


def loader_for(media_type: str) -> tuple[str, int] | None:
    """Return the name and version of the loader that reads `media_type`, or None when nothing does."""
    name = _by_type().get(media_type)
    if name is None and media_type.startswith("text/"):
        name = "text"
    return (name, _loader(name).version) if name else None


def read(data: bytes, name: str, media_type: str | None = None) -> Parsed:
    """Read `data` with the loader of its media type (sniffed when None).

    Raises:
        Unreadable: nothing can be read; the reason is true.
    """
    if not data:
        raise Unreadable("empty", "the file holds no bytes")
    if len(data) < 65_536 and not data.strip(b" \t\r\n\v\f\x00"):
        raise Unreadable("empty", "the file holds only white space")
    kind = media_type or sniffed(data, name)
    chosen = loader_for(kind)
    if chosen is None:
        raise unsupported(kind)
    document = _loader(chosen[0]).load(data, name)
    if not document.text.strip():
        raise Unreadable("no_text", f"the file was read as {kind} and holds no text")
    if len(document.text) > 2 * MAX_CHARS:
        raise Unreadable("too_large", f"the text is longer than {2 * MAX_CHARS:,} characters")
    return document


def unsupported(kind: str) -> Unreadable:
    """Return the error for a media type that no loader reads, saying what to do."""
    what, advice = _NAMES.get(kind, (kind, "convert it to a format that is read"))
    return Unreadable("unsupported", f"no loader reads this format: {what}; {advice}")
