"""A words file: the inverted index of some rows, written once, named by its digest and read through the page cache.

Layout: 8 bytes of magic, the length of the header, a JSON header naming each array, then the arrays at multiples of 64.
Rows are known by their key, a number that no other row of the dataset ever has, so a words file stays true when rows
move or leave; which of its rows are alive is up to the state that is searched.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import DamagedError

MAGIC = b"GWWORDS1"
SUFFIX = ".words"
ALIGN = 64
HINT = "run `groundwork verify` to see what is damaged, then ingest again"
ARRAYS = ("keys", "lengths", "vocabulary", "vocabulary_ends", "ends", "rows", "counts")


@dataclass(frozen=True)
class Words:
    """The inverted index of n rows with V terms and P (term, row) pairs.

    Attributes:
        keys: key of each row, ascending, shape (n,), int64.
        lengths: number of words of each row, shape (n,), int32.
        vocabulary: the terms in UTF-8, in order of their bytes, one after the other, uint8.
        vocabulary_ends: end of each term in `vocabulary`, shape (V,), int64.
        ends: end of each term's pairs, shape (V,), int64.
        rows: place of the row of each pair in `keys`, ascending within a term, shape (P,), uint32.
        counts: how often the row holds the term, shape (P,), unsigned.
    """

    keys: NDArray[np.int64]
    lengths: NDArray[np.int32]
    vocabulary: NDArray[np.uint8]
    vocabulary_ends: NDArray[np.int64]
    ends: NDArray[np.int64]
    rows: NDArray[np.uint32]
    counts: NDArray[Any]

    def term(self, place: int) -> bytes:
        """Return the term at a place of the vocabulary."""
        start = int(self.vocabulary_ends[place - 1]) if place else 0
        return self.vocabulary[start : int(self.vocabulary_ends[place])].tobytes()

    def find(self, term: str) -> tuple[int, int] | None:
        """Return the range of a term's pairs, or None when no row holds it."""
        wanted = term.encode("utf-8", "surrogatepass")
        low, high = 0, len(self.vocabulary_ends)
        while low < high:
            middle = (low + high) // 2
            if self.term(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == len(self.vocabulary_ends) or self.term(low) != wanted:
            return None
        return (int(self.ends[low - 1]) if low else 0), int(self.ends[low])


def write(directory: Path, words: Words) -> str:
    """Store the file durably and return its name; the same content gets the same name."""
    parts = list(_parts(words))
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    name = digest.hexdigest()[:32]
    path = directory / (name + SUFFIX)
    if path.exists():
        return name
    directory.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    with aside.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_directory(directory)
    return name


def read(directory: Path, name: str) -> Words:
    """Map a file into memory; pages are read when they are touched.

    Raises:
        DamagedError: it is missing, cut short, or no words file.
    """
    path = directory / (name + SUFFIX)
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if mapped[:8] != MAGIC:
            raise ValueError("it does not begin as a words file does")
        start = 16 + int.from_bytes(mapped[8:16], "little")
        header = json.loads(mapped[16:start])
        arrays = {
            entry["name"]: np.frombuffer(
                mapped, dtype=np.dtype(entry["type"]), count=entry["length"], offset=entry["offset"]
            )
            for entry in header["arrays"]
        }
        return Words(**{name: arrays[name] for name in ARRAYS})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"the words file `{path.name}` cannot be read: {error}", hint=HINT) from error


def verify(directory: Path, name: str) -> None:
    """Compare a file's bytes with its name.

    Raises:
        DamagedError: they differ, or the file is missing.
    """
    path = directory / (name + SUFFIX)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise DamagedError(f"the words file `{path.name}` cannot be read: {error}", hint=HINT) from error
    if found != name:
        raise DamagedError(f"the words file `{path.name}` holds other bytes than were written", hint=HINT)


def names(directory: Path) -> list[str]:
    """Return the name of every file that is there."""
    return sorted(path.stem for path in directory.glob("*" + SUFFIX))


def remove(directory: Path, keep: set[str]) -> None:
    """Delete every file that is not in `keep`, and what a crash left half written."""
    for path in [*directory.glob("*" + SUFFIX), *directory.glob("*.part")]:
        if path.suffix != SUFFIX or path.stem not in keep:
            path.unlink(missing_ok=True)
    if directory.is_dir():
        sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parts(words: Words) -> Iterator[bytes]:
    values = {name: np.ascontiguousarray(getattr(words, name)) for name in ARRAYS}
    # The header's length depends on the offsets it names, so they start behind a room that is surely large enough.
    offset = room = 4096
    entries = []
    for name, array in values.items():
        entries.append({"name": name, "type": array.dtype.str, "length": len(array), "offset": offset})
        offset += -(-array.nbytes // ALIGN) * ALIGN
    header = json.dumps({"arrays": entries}, sort_keys=True).encode().ljust(room - 16)
    yield MAGIC + len(header).to_bytes(8, "little") + header
    for array in values.values():
        yield array.tobytes().ljust(-(-array.nbytes // ALIGN) * ALIGN, b"\0")
