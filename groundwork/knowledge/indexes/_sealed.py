"""Sealed files: named arrays, written once, named by the digest of their bytes, read through the page cache.

Layout: 8 bytes of magic, the length of the header, a JSON header naming each array, then the arrays at multiples of 64.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import DamagedError

MAGIC = b"GWSEALED"
ALIGN = 64
HEADER_ROOM = 4096
HINT = (
    "run `groundwork verify` to see what is damaged; `groundwork ingest PATH --rebuild` makes the index anew"
)
Arrays = Mapping[str, NDArray[Any]]


def write(directory: Path, kind: str, arrays: Arrays) -> str:
    """Store arrays durably and return the file's name, `<digest>.<kind>`; equal content gets an equal name."""
    digest = hashlib.sha256()
    for part in _parts(arrays):
        digest.update(part)
    path = directory / f"{digest.hexdigest()[:32]}.{kind}"
    if path.exists():
        return path.name
    directory.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    with aside.open("wb") as file:
        for part in _parts(arrays):
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_directory(directory)
    return path.name


def read(directory: Path, name: str) -> dict[str, NDArray[Any]]:
    """Map a file into memory; pages are read when they are touched.

    Raises:
        DamagedError: it is missing, cut short, or no sealed file.
    """
    try:
        with (directory / name).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if mapped[:8] != MAGIC:
            raise ValueError("it does not begin as a sealed file does")
        header = json.loads(mapped[16 : 16 + int.from_bytes(mapped[8:16], "little")])
        return {
            entry["name"]: np.frombuffer(
                mapped, np.dtype(entry["type"]), count=math.prod(entry["shape"]), offset=entry["offset"]
            ).reshape(entry["shape"])
            for entry in header["arrays"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"the file `{name}` of the index cannot be read: {error}", hint=HINT) from error


def verify(directory: Path, name: str) -> None:
    """Compare a file's bytes with its name.

    Raises:
        DamagedError: they differ, or the file is missing.
    """
    try:
        with (directory / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise DamagedError(f"the file `{name}` of the index cannot be read: {error}", hint=HINT) from error
    if found != name.partition(".")[0]:
        raise DamagedError(f"the file `{name}` of the index holds other bytes than were written", hint=HINT)


def remove_others(directory: Path, keep: set[str]) -> None:
    """Delete every file that is not in `keep`, and what a crash left half written."""
    if directory.is_dir():
        for path in directory.iterdir():
            if path.name not in keep:
                path.unlink(missing_ok=True)
        sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parts(arrays: Arrays) -> Iterator[bytes | memoryview]:
    values = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    entries, offset = [], HEADER_ROOM
    for name, array in values.items():
        entries.append({"name": name, "type": array.dtype.str, "shape": array.shape, "offset": offset})
        offset += -(-array.nbytes // ALIGN) * ALIGN
    header = json.dumps({"arrays": entries}, sort_keys=True).encode().ljust(HEADER_ROOM - 16)
    yield MAGIC + len(header).to_bytes(8, "little") + header
    for array in values.values():
        if array.nbytes:
            yield array.reshape(-1).view(np.uint8).data
            yield bytes(-array.nbytes % ALIGN)
