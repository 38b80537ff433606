"""Open states of Lance datasets, shared by the threads of a process and bounded in number and bytes.

A reader keeps what every query needs of each row (key, chunk id) and loads the rest on first use. A place is a row's
position in the state's scan order, from 0.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import DamagedError, GoneError
from groundwork.knowledge.indexes import Scope, _sealed
from groundwork.knowledge.indexes import _lance_rows as arrow
from groundwork.knowledge.indexes._lance_border import DAMAGED_HINT, border, lance
from groundwork.knowledge.indexes._lance_mask import Bools, Column, column_of, mask_of
from groundwork.knowledge.indexes._vectors import Vectors
from groundwork.knowledge.indexes._vectors_search import Space, space
from groundwork.knowledge.indexes._words import Words
from groundwork.knowledge.indexes._words_search import Lexicon, lexicon
from groundwork.knowledge.types import FloatArray

READERS = 16
READER_BYTES = 256 << 20
MASKS = 16
INDEX_CACHE_BYTES = 256 << 20
METADATA_CACHE_BYTES = 64 << 20
OPENS_PER_SESSION = 64
"""Lance keeps cache entries of versions nobody reads any more; a new session after so many openings lets them go."""
NOTE = "groundwork"
"""Key of the table's metadata under which a state names its words files and its vectors files."""


class Reader:
    """One open state."""

    def __init__(self, uri: str, data: Any) -> None:
        self.uri = uri
        self.data = data
        self.version = int(data.version)
        self.note: dict[str, Any] = json.loads(data.metadata.get(NOTE, "{}"))
        table = data.to_table(columns=["key", "chunk_id"])
        self.rows = int(table.num_rows)
        self.chunk_ids = table["chunk_id"].combine_chunks()
        self.keys = table["key"].to_numpy().astype(np.int64)
        self._columns: dict[str, Column] = {}
        self._masks: OrderedDict[Scope, Bools | None] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def held_bytes(self) -> int:
        """Return about what the reader holds in memory."""
        held = self.rows * 64 + sum(self.rows * 12 for _ in self._columns) + len(self._masks) * self.rows
        if "lexicon" in self.__dict__:
            held += self.lexicon.held_bytes
        if "space" in self.__dict__:
            held += self.space.held_bytes
        if "matrix" in self.__dict__:
            held += int(self.matrix.nbytes)
        return held

    @property
    def sealed_names(self) -> list[str]:
        """Return the names of the sealed files of the state."""
        return [name for names in self.note.values() for name in names]

    def locked(self) -> threading.RLock:
        """Return the lock under which the lazily loaded parts are loaded once."""
        return self._lock

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words of the state."""
        parts = [Words(**arrays) for arrays in self._sealed("words")]
        found = lexicon(parts, *self._keys_ascending)
        self._check_complete(found.total)
        return found

    @cached_property
    def space(self) -> Space:
        """The grouped vectors of the state, if it has vectors files."""
        parts = [Vectors(**arrays) for arrays in self._sealed("vectors")]
        found = space(parts, *self._keys_ascending)
        self._check_complete(found.total)
        return found

    @cached_property
    def matrix(self) -> FloatArray:
        """Every vector, shape (rows, dim); only for states that are searched exactly."""
        return arrow.checked_matrix(self.data.to_table(columns=["vector", arrow.CHECK]))

    @cached_property
    def directed(self) -> Bools | None:
        """Which rows have a vector other than zero; None when all have."""
        directed = np.asarray(self.matrix.any(axis=1), dtype=np.bool_)
        return None if directed.all() else directed

    @property
    def _keys_ascending(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.keys, kind="stable")
        return self.keys[order], order

    def _sealed(self, kind: str) -> list[dict[str, NDArray[Any]]]:
        return [_sealed.read(sealed_directory(self.uri), name) for name in self.note.get(kind, [])]

    def _check_complete(self, found: int) -> None:
        if found != self.rows:
            raise DamagedError(
                f"the index finds {found} of the {self.rows} rows of the state", hint=_sealed.HINT
            )

    @cached_property
    def _by_id(self) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
        names = np.array(
            [i.encode("utf-8", "surrogatepass") for i in self.chunk_ids.to_pylist()], dtype=np.bytes_
        )
        order = np.argsort(names, kind="stable")
        return names[order], order

    def mask(self, scope: Scope) -> Bools | None:
        """Return which places the scope may see; None for all of them."""
        with self._lock:
            if scope not in self._masks:
                self._masks[scope] = mask_of(scope, self.column, self.rows)
                if len(self._masks) > MASKS:
                    self._masks.popitem(last=False)
            self._masks.move_to_end(scope)
            return self._masks[scope]

    def column(self, name: str) -> Any:
        """Return a column for masks."""
        with self._lock:
            if name not in self._columns:
                self._columns[name] = column_of(self.data.to_table(columns=[name])[name])
            return self._columns[name]

    def ids_at(self, places: NDArray[np.int64]) -> list[str]:
        """Return the chunk ids at these places."""
        return list(self.chunk_ids.take(places).to_pylist())

    def places_of_ids(self, chunk_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the place of each chunk that is in the state, in the order asked for."""
        with self._lock:
            names, order = self._by_id
        wanted = np.array([i.encode("utf-8", "surrogatepass") for i in chunk_ids], dtype=np.bytes_)
        if not (len(names) and len(wanted)):
            return np.zeros(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
        return np.asarray(order[at[names[at] == wanted]], dtype=np.int64)

    def table_at(self, places: NDArray[np.int64], columns: Sequence[str]) -> Any:
        """Return rows as a table in the order of `places`."""
        return self.data.take(places, columns=list(columns))


def sealed_directory(uri: str) -> Path:
    """Return where the words and vectors files of a dataset are."""
    return Path(uri).parent / "sealed"


_readers: OrderedDict[tuple[str, str], Reader] = OrderedDict()
_lock = threading.Lock()
_opened = 0
_session: Any = None


def reader_of(uri: str, ref: str) -> Reader:
    """Return the open state `ref`.

    Raises:
        GoneError: the state was dropped or erased, by this process or another.
    """
    if not is_kept(uri, ref):
        with _lock:
            _readers.pop((uri, ref), None)
        raise gone(ref)
    with _lock:
        reader = _readers.get((uri, ref))
        if reader is not None:
            _readers.move_to_end((uri, ref))
            return reader
    reader = Reader(uri, lance().dataset(uri, version=ref, session=_current_session()))
    named = ref.split("-")
    if len(named) == 3 and named[1] != str(reader.version):
        raise DamagedError(f"the state `{ref}` points at version {reader.version}", hint=DAMAGED_HINT)
    with _lock:
        reader = _readers.setdefault((uri, ref), reader)
        held = sum(r.held_bytes for r in _readers.values())
        while len(_readers) > 1 and (len(_readers) > READERS or held > READER_BYTES):
            held -= _readers.popitem(last=False)[1].held_bytes
    return reader


def forget_readers(uri: str) -> None:
    """Close every open state of a dataset in this process, and the caches that belong to them."""
    global _session
    with _lock:
        for key in [key for key in _readers if key[0] == uri]:
            del _readers[key]
        _session = None


@contextmanager
def reading(uri: str, ref: str, doing: str) -> Iterator[None]:
    """Cross the border for a read: a state that was dropped while it was read is gone, not damaged."""
    try:
        with border(uri, doing):
            yield
    except DamagedError as error:
        if ref and not is_kept(uri, ref):
            raise gone(ref) from error
        raise
    except IndexError:
        # Places that point outside of their arrays: either a sealed file is damaged, which this tells, or we are wrong.
        for name in _readers[uri, ref].sealed_names if (uri, ref) in _readers else ():
            _sealed.verify(sealed_directory(uri), name)
        raise


def is_kept(uri: str, ref: str) -> bool:
    """Say whether a ref is there; asked before every query, so that an erased state is gone for all processes."""
    return ref.startswith("s-") and "/" not in ref and (Path(uri) / "_refs" / "tags" / f"{ref}.json").exists()


def gone(ref: str) -> GoneError:
    """Return the error for a state that is not there."""
    return GoneError(
        f"the state `{ref}` of the index is not kept any more",
        hint="list the snapshots that are kept with `groundwork knowledge snapshots`",
    )


def _current_session() -> Any:
    global _opened, _session
    with _lock:
        if _session is None or _opened % OPENS_PER_SESSION == 0:
            _session = lance().Session(
                index_cache_size_bytes=INDEX_CACHE_BYTES, metadata_cache_size_bytes=METADATA_CACHE_BYTES
            )
        _opened += 1
        return _session
