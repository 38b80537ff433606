"""Read a bundle that a stranger gave: into memory, within limits, and nothing is written or unpacked."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError, NotFoundError, TooLargeError
from groundwork.storage.faults import explain_os_error

MANIFEST = "manifest.json"
NAMES = (
    MANIFEST, "README.txt", "cosignatures.json", "credentials.json", "keys.json", "proofs.json", "records.json",
)  # fmt: skip
"""Everything that a bundle may hold; all of it lies flat."""
ARCHIVE = "bundle.zip"
LARGEST = 8 * 2**20
"""Bytes of one file."""
LARGEST_IN_ALL = 16 * 2**20
"""Bytes of the archive, and of all files together once unpacked."""
MOST_ENTRIES = 64
DEEPEST = 64
"""Brackets of JSON within each other."""
_AGAIN = "ask whoever made it to export it again"


def read_bundle(path: Path) -> dict[str, bytes]:
    """Return the files of a bundle by name.

    Args:
        path: the archive, a folder with the files, or the folder of an export that holds the archive.

    Raises:
        NotFoundError: nothing is there. InvalidInputError, TooLargeError: it is no bundle, or a hostile one.
    """
    try:
        if not path.exists():
            raise NotFoundError(
                f"there is no bundle at {path}", hint="`groundwork path export DIR` writes one"
            )
        if path.is_dir():
            inside = path / ARCHIVE
            if not (path / MANIFEST).exists() and inside.is_file() and not inside.is_symlink():
                return _archive(inside)
            return _folder(path)
        return _archive(path)
    except OSError as error:
        raise explain_os_error(error, f"the bundle {path} cannot be read") from error


def read_json(data: bytes, name: str) -> Any:
    """Return the JSON in a file of a bundle: no key twice, no NaN, not too deep.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        if _depth(data) > DEEPEST:
            raise ValueError("too deep")
        return json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"`{name}` of the bundle is no JSON that can be read", hint=_AGAIN) from None


def _archive(path: Path) -> dict[str, bytes]:
    if not path.is_file() or path.stat().st_size > LARGEST_IN_ALL:
        raise TooLargeError(
            f"the bundle {path} is no file of at most {LARGEST_IN_ALL // 2**20} MB", hint=_AGAIN
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_entries(entries)
            left, files = LARGEST_IN_ALL, {}
            for entry in entries:
                # What an entry says of its size is not believed: so many bytes are unpacked and no more.
                with archive.open(entry) as stream:
                    data = stream.read(min(LARGEST, left) + 1)
                left -= len(data)
                if len(data) > LARGEST or left < 0:
                    raise TooLargeError(
                        f"`{entry.filename}` of the bundle is larger than {LARGEST // 2**20} MB unpacked",
                        hint=_AGAIN,
                    )
                files[entry.filename] = data
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise InvalidInputError(f"{path} is no archive of a bundle, or it is damaged", hint=_AGAIN) from None
    return _whole(files, path)


def _refuse_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise InvalidInputError(f"the bundle holds {len(entries):,} files, which none does", hint=_AGAIN)
    seen: set[str] = set()
    for entry in entries:
        shown = entry.filename[:80]
        if entry.filename not in NAMES:
            raise InvalidInputError(f"the bundle holds `{shown}`, which belongs to no bundle", hint=_AGAIN)
        if entry.filename in seen:
            raise InvalidInputError(f"the bundle holds `{shown}` twice", hint=_AGAIN)
        mode = entry.external_attr >> 16
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise InvalidInputError(f"`{shown}` of the bundle is a link or a device, no file", hint=_AGAIN)
        if entry.flag_bits & 0x1:
            raise InvalidInputError(f"`{shown}` of the bundle is encrypted", hint=_AGAIN)
        if entry.file_size > LARGEST:
            raise TooLargeError(f"`{shown}` of the bundle is larger than {LARGEST // 2**20} MB", hint=_AGAIN)
        seen.add(entry.filename)


def _folder(path: Path) -> dict[str, bytes]:
    files, left = {}, LARGEST_IN_ALL
    for name in NAMES:
        file = path / name
        if file.is_symlink() or (file.exists() and not file.is_file()):
            raise InvalidInputError(f"`{name}` of the bundle is a link or a folder, no file", hint=_AGAIN)
        if not file.exists():
            continue
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        left -= len(data)
        if len(data) > LARGEST or left < 0:
            raise TooLargeError(f"`{name}` of the bundle is larger than {LARGEST // 2**20} MB", hint=_AGAIN)
        files[name] = data
    return _whole(files, path)


def _whole(files: dict[str, bytes], path: Path) -> dict[str, bytes]:
    if MANIFEST not in files:
        raise InvalidInputError(
            f"{path} is no bundle of a portfolio: it has no `{MANIFEST}`",
            hint="`groundwork path export DIR` writes one",
        )
    return files


def _depth(data: bytes) -> int:
    """Return how deep brackets stand within each other; those in texts are counted too, which only errs to the safe side."""
    depth = deepest = 0
    for byte in data.translate(None, _OTHERS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


_OTHERS = bytes(b for b in range(256) if b not in b"[]{}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice")
    return made


def _refused(word: str) -> Any:
    raise ValueError(word)
