"""Tell what bytes are: by their content first, by the file's name second. Cheap and bounded, so it is safe anywhere."""

from __future__ import annotations

import json
import re
import struct

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._decode import decode, looks_like_text
from groundwork.knowledge.loaders.code import LANGUAGES

HEAD_BYTES = 1 << 16
UNKNOWN = "application/octet-stream"
_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%!PS", "application/postscript"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ\x90\x00", "application/x-msdownload"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"AT&TFORM", "image/vnd.djvu"),
)
_ZIP_MEMBERS = (
    ("word/", _OOXML + "wordprocessingml.document"),
    ("ppt/", _OOXML + "presentationml.presentation"),
    ("xl/", _OOXML + "spreadsheetml.sheet"),
)
_OLE_STREAMS = (
    ("EncryptedPackage", "application/x-encrypted-ooxml"),
    ("WordDocument", "application/msword"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("Workbook", "application/vnd.ms-excel"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("Book", "application/vnd.ms-excel"),
)
_BY_ENDING: dict[str, str] = {
    **dict.fromkeys(("md", "markdown", "mkd", "mdx", "qmd"), "text/markdown"),
    **dict.fromkeys(("rst", "rest"), "text/x-rst"),
    **dict.fromkeys(("html", "htm", "xhtml", "shtml"), "text/html"),
    **dict.fromkeys(("txt", "text", "log", "asc", "org", "adoc", "tex", "srt", "vtt", "me"), "text/plain"),
    **dict.fromkeys(LANGUAGES, "text/x-source"),
    "xml": "application/xml",
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "tab": "text/tab-separated-values",
    "json": "application/json",
    "ipynb": "application/x-ipynb+json",
    "jsonl": "application/x-ndjson",
    "ndjson": "application/x-ndjson",
    "eml": "message/rfc822",
    "mht": "message/rfc822",
    "mhtml": "message/rfc822",
}
_BINARY_BY_ENDING: dict[str, str] = {
    "pdf": "application/pdf",
    "docx": _OOXML + "wordprocessingml.document",
    "pptx": _OOXML + "presentationml.presentation",
    "xlsx": _OOXML + "spreadsheetml.sheet",
    "odt": _ODF + "text",
    "ods": _ODF + "spreadsheet",
    "odp": _ODF + "presentation",
    "epub": "application/epub+zip",
    "rtf": "application/rtf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "zip": "application/zip",
}
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_MAIL_HEADER = re.compile(
    r"^(received|return-path|message-id|mime-version|from|to|subject|date|delivered-to|dkim-signature|content-type|"
    r"x-[\w-]+|reply-to|cc|sender)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_ONLY = frozenset(
    {"received", "return-path", "message-id", "mime-version", "delivered-to", "dkim-signature"}
)
_ANY_HEADER = re.compile(r"^[\x21-\x39\x3b-\x7e]+[ \t]*:|^[ \t]|^From ")


def media_type(data: bytes, name: str = "") -> str:
    """Return the media type of `data`; `application/octet-stream` when nothing is known, `application/x-empty` for none.

    Args:
        data: all the bytes of the file (a few KiB of them are looked at).
        name: the file's name; its ending decides only between kinds of text, and for bytes that fit nothing.
    """
    if not data:
        return "application/x-empty"
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    head = data[:HEAD_BYTES]
    found = _by_magic(head, data, ending)
    if found:
        return found
    if looks_like_text(head):
        found = _by_words(head, data, ending)
        if found:
            return found
    return _BINARY_BY_ENDING.get(ending, UNKNOWN)


def _by_magic(head: bytes, data: bytes, ending: str) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n") if head[:1] in b"\xef \t\r\n" else head
    if (
        start.startswith(b"%PDF-")
        or (b"%PDF-" in head[:1024] and not looks_like_text(head[:256]))
        or (ending == "pdf" and b"%PDF-" in head)
    ):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_type(data, ending)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_type(data, ending)
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    if head.startswith(b"RIFF"):
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(
            head[8:12], UNKNOWN
        )
    if head[4:8] == b"ftyp":
        return "image/heic" if head[8:12] in (b"heic", b"heix", b"mif1") else "video/mp4"
    if head.startswith(b"BM") and len(head) > 26 and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    return ""


def zip_names(data: bytes, limit: int = 4096) -> list[str]:
    """Return the names in a zip's directory, at most `limit`; of a broken zip, the names of its members' own headers."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 66_000))
    names: list[str] = []
    if end >= 0 and end + 22 <= len(data):
        place = struct.unpack_from("<I", data, end + 16)[0]
        while len(names) < limit and data[place : place + 4] == b"PK\x01\x02" and place + 46 <= len(data):
            length, extra, comment = struct.unpack_from("<HHH", data, place + 28)
            names.append(data[place + 46 : place + 46 + length].decode("utf-8", "replace").replace("\\", "/"))
            place += 46 + length + extra + comment
    place = -1
    while not names or place >= 0:
        place = data.find(b"PK\x03\x04", place + 1)
        if place < 0 or place + 30 > len(data) or len(names) >= limit:
            break
        length = struct.unpack_from("<H", data, place + 26)[0]
        names.append(data[place + 30 : place + 30 + length].decode("utf-8", "replace").replace("\\", "/"))
    return names


def _zip_type(data: bytes, ending: str) -> str:
    head = data[:256]
    if head[30:38] == b"mimetype":
        declared = head[38:120].split(b"PK")[0].decode("ascii", "ignore")
        if declared.startswith("application/epub+zip"):
            return "application/epub+zip"
        found = re.match(re.escape(_ODF) + r"(text|spreadsheet|presentation)", declared)
        if found:
            return found[0]
    names = zip_names(data)
    lowered = [n.lower().lstrip("/") for n in names]
    for folder, kind in _ZIP_MEMBERS:
        if any(n.startswith(folder) for n in lowered):
            return kind
    if "meta-inf/container.xml" in lowered:
        return "application/epub+zip"
    if "content.xml" in lowered:
        return (
            _BINARY_BY_ENDING.get(ending, _ODF + "text") if ending in ("odt", "ods", "odp") else _ODF + "text"
        )
    return (
        _BINARY_BY_ENDING[ending]
        if ending in ("docx", "pptx", "xlsx", "epub", "odt", "ods", "odp")
        else "application/zip"
    )


def _ole_type(data: bytes, ending: str) -> str:
    for stream, kind in _OLE_STREAMS:
        if (stream + "\x00").encode("utf-16-le") in data:
            return kind
    return _BINARY_BY_ENDING.get(ending, "application/x-ole-storage")


def _by_words(head: bytes, data: bytes, ending: str) -> str:
    try:
        text = decode(head).text.lstrip("\ufeff \t\r\n")
    except Unreadable:
        return ""
    by_name = _BY_ENDING.get(ending, "")
    if _is_html(text) and by_name not in (
        "text/markdown",
        "text/x-rst",
        "message/rfc822",
        "text/x-source",
    ):
        return "text/html"
    if text.startswith("<?xml") and by_name in ("", "text/plain", "text/html", "application/xml"):
        return _xml_type(text)
    if by_name == "message/rfc822" or (by_name in ("", "text/plain") and _is_mail(text)):
        return "message/rfc822"
    if by_name in ("", "text/plain") and text[:1] in ("{", "["):
        return _json_type(data, len(data) <= HEAD_BYTES * 16) or by_name or "text/plain"
    return by_name or "text/plain"


def _is_html(text: str) -> bool:
    """Return whether a text begins as HTML, comments before that not counted; each character is looked at once."""
    at = 0
    while text.startswith("<!--", at):
        end = text.find("-->", at + 4)
        if end < 0:
            return False
        at = end + 3
        while at < len(text) and text[at].isspace():
            at += 1
    return _HTML.match(text, at) is not None


def _xml_type(text: str) -> str:
    start = text[:2000].lower()
    if "<html" in start:
        return "text/html"
    return "image/svg+xml" if "<svg" in start else "application/xml"


def _is_mail(text: str) -> bool:
    """Return whether a text begins as an e-mail: only header lines up to a blank one, one of them known to mail alone."""
    head = re.split(r"\r?\n\r?\n", text[:20_000], maxsplit=1)[0]
    lines = head.splitlines()[:200]
    if len(lines) < 3 or not all(_ANY_HEADER.match(line) for line in lines):
        return False
    names = {n.lower() for n in _MAIL_HEADER.findall(head)}
    return len(names) >= 3 and bool(names & _MAIL_ONLY)


def _json_type(data: bytes, whole: bool) -> str:
    """Return the JSON type of bytes that begin with a bracket and parse, else an empty string."""
    lines = data[: HEAD_BYTES * 16].split(b"\n")
    if len(lines) > 1 and _parses(lines[0]) and _parses(lines[1] or b"0"):
        return "application/x-ndjson"
    return "application/json" if whole and _parses(data) else ""


def _parses(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
