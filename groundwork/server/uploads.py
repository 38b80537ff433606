"""Uploaded files: stored below the workspace under names that can do no harm, then handed to ingest.

No name that a browser sends becomes a path. It is cut down to its last part and to letters, digits and a few marks; where
that loses something, a piece of the digest of the original name is added, so that two names never meet in one file.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from groundwork.core.digest import digest_text
from groundwork.core.errors import InvalidInputError, StorageFullError, TooLargeError
from groundwork.core.principal import DEFAULT_TENANT

FOLDER = "uploads"
MAX_NAME_BYTES = 150
PIECE = 1024 * 1024
KEPT_MARKS = frozenset(" ._-()+,&'=@")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Names that are devices on Windows, where the folder may be copied to."""


@dataclass(frozen=True)
class Upload:
    """A file as it came: the name the browser sent, and its bytes."""

    name: str
    file: BinaryIO


def safe_name(name: str) -> str:
    """Return a file name for `name`: one path part, at most 150 bytes, never hidden, never a device.

    Equal names give equal results, different names different ones (composed and decomposed letters are equal); a harmless
    name stays as it is.
    """
    whole = unicodedata.normalize("NFC", name)
    last = re.split(r"[/\\]", whole)[-1]
    kept = "".join(c if _harmless(c) else "_" for c in last)
    cut = _fitted(kept.strip(" ."))
    if RESERVED.match(cut):
        cut = "_" + cut
    if cut and cut == whole:
        return cut
    stem, dot, ending = cut.rpartition(".")
    if not dot or len(ending) > 12:
        stem, dot, ending = cut, "", ""
    mark = digest_text(whole)[:8]
    stem = _cut_bytes(stem, MAX_NAME_BYTES - len(f"~{mark}{dot}{ending}".encode()))
    return f"{stem.rstrip(' .') or 'file'}~{mark}{dot}{ending}"


@dataclass(frozen=True, order=True)
class Stored:
    """A file as it was stored: its path and the SHA-256 of its content."""

    path: Path
    digest: str


def store(
    root: Path, index: str, uploads: Iterable[Upload], *, max_bytes: int, tenant: str = DEFAULT_TENANT
) -> list[Stored]:
    """Store files durably under `uploads/<index>/` and return them sorted by path, each path once.

    A file of a name that is there already takes its place: a new version of the same document.

    Args:
        root: the workspace.
        index: name of an index that exists; the caller has looked it up.
        uploads: files, read once each.
        max_bytes: the largest file accepted.
        tenant: whose file it is; those of other tenants than `default` lie below `uploads/@<tenant>/`.

    Raises:
        InvalidInputError: no file was sent, or the name of the index is not one.
        TooLargeError: a file is larger than `max_bytes`; nothing of this call is kept then.
        StorageFullError: the disk is full; nothing of this call is kept then.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", index):
        raise InvalidInputError(f"`{index[:80]}` is no name of an index")
    mine = root / FOLDER if tenant == DEFAULT_TENANT else root / FOLDER / f"@{tenant}"
    folder = mine / index
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Path, Stored] = {}
    try:
        for upload in uploads:
            target = folder / safe_name(upload.name)
            earlier = written.pop(target, None)
            if earlier is not None:
                earlier.path.unlink()
            written[target] = _write_aside(folder, upload, max_bytes)
    except BaseException:
        _drop(written.values())
        raise
    if not written:
        raise InvalidInputError("no file was sent", hint="choose at least one file")
    for target, aside in written.items():
        os.replace(aside.path, target)
    _sync_folder(folder)
    return sorted(Stored(target, aside.digest) for target, aside in written.items())


def _harmless(character: str) -> bool:
    return character in KEPT_MARKS or unicodedata.category(character)[0] in "LMN"


def _fitted(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 12:
        return _cut_bytes(name, MAX_NAME_BYTES)
    return _cut_bytes(stem, MAX_NAME_BYTES - len(f".{ending}".encode())) + f".{ending}"


def _cut_bytes(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def _write_aside(folder: Path, upload: Upload, max_bytes: int) -> Stored:
    """Write a file under a hidden name beside its place, synced; ingest does not see hidden files."""
    handle, name = tempfile.mkstemp(prefix=".upload-", dir=folder)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            size, digest = 0, hashlib.sha256()
            while piece := upload.file.read(PIECE):
                size += len(piece)
                if size > max_bytes:
                    raise TooLargeError(
                        f"`{safe_name(upload.name)}` is larger than {max_bytes // 2**20} MiB",
                        hint="raise `max_file_mib` in groundwork.toml",
                    )
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StorageFullError(
            f"an upload could not be stored: {error.strerror}", hint="free some space and send it again"
        ) from error
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return Stored(aside, digest.hexdigest())


def _drop(files: Iterable[Stored]) -> None:
    for file in files:
        file.path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
