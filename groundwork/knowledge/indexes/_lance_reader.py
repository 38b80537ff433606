"""Open states of Lance datasets, shared by the threads of a process and bounded in number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lance

from groundwork.core.errors import GoneError

READERS = 16


@dataclass(frozen=True)
class Reader:
    """One open state."""

    data: Any
    version: int
    rows: int
    indexes: frozenset[str]


_readers: OrderedDict[tuple[str, str], Reader] = OrderedDict()
_lock = threading.Lock()


def reader_of(uri: str, ref: str) -> Reader:
    """Return the open state `ref`.

    Raises:
        GoneError: the state was dropped or erased, by this process or another.
    """
    tag = Path(uri) / "_refs" / "tags" / f"{ref}.json"
    if not ref.startswith("s-") or "/" in ref or not tag.exists():
        raise GoneError(
            f"the state `{ref}` of the index is not kept any more",
            hint="list the snapshots that are kept with `groundwork knowledge snapshots`",
        )
    with _lock:
        reader = _readers.get((uri, ref))
        if reader is not None:
            _readers.move_to_end((uri, ref))
            return reader
    data = lance.dataset(uri, version=ref)
    reader = Reader(data, data.version, data.count_rows(), frozenset(i.name for i in data.describe_indices()))
    with _lock:
        _readers[uri, ref] = reader
        while len(_readers) > READERS:
            _readers.popitem(last=False)
    return reader
