"""Put an export into a folder: each file whole, files of an earlier export replaced, what is not ours left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from groundwork.core.digest import digest_bytes
from groundwork.core.errors import ConflictError, InvalidInputError
from groundwork.storage.faults import explain_os_error

LISTED = "export.json"
"""Names every other file of an export with its digest, so that a later one knows what is its own."""


def write_all(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write the files and return their paths, sorted.

    Raises:
        ConflictError: a file that would be written is there and is not of an earlier export; nothing is written.
        InvalidInputError, StorageFullError: the folder cannot be written.
    """
    listed = json.dumps({path: digest_bytes(data) for path, data in sorted(files.items())}, indent=1) + "\n"
    whole = {**files, LISTED: listed.encode()}
    try:
        if folder.exists() and not folder.is_dir():
            raise InvalidInputError(f"{folder} is a file", hint="name a folder to write the portfolio into")
        ours = _earlier(folder)
        for path in sorted(whole):
            there = folder / path
            if (there.exists() or there.is_symlink()) and path not in ours:
                raise ConflictError(
                    f"{there} is there already and is not of an earlier export",
                    hint="choose another folder, or move it away",
                )
        for path in sorted(whole, key=lambda p: (p == LISTED, p)):
            _write(folder / path, whole[path])
        for path in sorted(set(ours) - set(whole)):
            stale = folder / path
            if stale.is_file() and not stale.is_symlink() and digest_bytes(stale.read_bytes()) == ours[path]:
                stale.unlink()
    except OSError as error:
        raise explain_os_error(error, f"the portfolio cannot be written to {folder}") from error
    return tuple(sorted(whole))


def _earlier(folder: Path) -> dict[str, str]:
    """Return the files of an earlier export by path, with their digests; empty where there was none."""
    file = folder / LISTED
    if not file.is_file() or file.is_symlink():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        kept = {str(path): str(digest) for path, digest in found.items() if _inside(str(path))}
    except (ValueError, AttributeError, RecursionError):
        return {}
    return {**kept, LISTED: ""}


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(data)
    os.replace(aside, path)
