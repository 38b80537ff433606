"""The default index: a Lance dataset holds the rows, their vectors and every state as a tag; sealed files find them.

Layout below `location`: `rows.lance/`, a Lance dataset whose tags are the refs, and `sealed/`, the immutable words and
vectors files that a state names in its metadata. Scores of the lexical leg, and of the dense leg below 16,384 rows and at
the effort `exact`, are the oracle's to the last bit; otherwise cosines are off by some .00001.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import DamagedError, InvalidInputError
from groundwork.knowledge.indexes import Effort, IndexStats, Scope, _lance_dense, _sealed, _words_search
from groundwork.knowledge.indexes import _lance_rows as arrow
from groundwork.knowledge.indexes import _lance_writing as writing
from groundwork.knowledge.indexes._lance_border import DAMAGED_HINT, border, lance
from groundwork.knowledge.indexes._lance_reader import (
    Reader,
    gone,
    is_kept,
    reader_of,
    reading,
    sealed_directory,
)
from groundwork.knowledge.indexes._lance_sql import any_of
from groundwork.knowledge.indexes._score import best
from groundwork.knowledge.indexes._visible import visible
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit

ROWS_PER_BATCH = 1024


class Lance:
    """Rows in a Lance dataset below `location`, a directory; `dim` 0 means that there are no vectors."""

    def __init__(self, location: str, dim: int) -> None:
        self.location = location
        self.dim = dim
        self._uri = str(Path(location) / "rows.lance")
        self._counted: tuple[int, dict[str, int]] | None = None

    # -- writing ----------------------------------------------------------------------------------------------
    def append(self, rows: Sequence[ChunkRow]) -> None:
        if not rows:
            return
        with border(self.location, "adding rows"):
            data = self._open_or_create()
            staged = dict(self._staged_in(data))
            versions = sorted({row.version for row in rows} & staged.keys())
            if versions:
                writing.delete(data, "version", versions)
                for version in versions:
                    del staged[version]
            before = data.version
            data = lance().write_dataset(arrow.table_of(rows, self.dim, before), data, mode="append")
            for row in rows:
                staged[row.version] = staged.get(row.version, 0) + 1
            if data.version == before + 1:
                self._counted = (data.version, staged)

    def staged(self) -> dict[str, int]:
        with border(self.location, "counting rows"):
            data = self._open()
            return {} if data is None else dict(self._staged_in(data))

    def publish(self, keep: Mapping[str, int]) -> str:
        with border(self.location, "publishing"):
            data = self._open_or_create()
            found = writing.staged_counts(data)
            writing.check_counts(keep, found)
            writing.delete(data, "version", sorted(found.keys() - keep.keys()))
            return writing.publish(self._uri, self.dim)

    def restore(self, ref: str) -> None:
        if not is_kept(self._uri, ref):
            raise gone(ref)
        with border(self.location, "restoring a state"):
            writing.restore(self._uri, ref)

    def drop(self, refs: Iterable[str]) -> None:
        with border(self.location, "forgetting states"):
            data = self._open()
            if data is not None:
                for ref in set(refs).intersection(data.tags.list()):
                    data.tags.delete(ref)

    def maintain(self) -> None:
        with border(self.location, "maintaining the index"):
            if self._open() is not None:
                writing.maintain(self._uri, self.dim)

    def erase(self, document_ids: Sequence[str], refs: Sequence[str]) -> dict[str, str]:
        with border(self.location, "erasing documents"):
            if self._open() is None:
                return {}
            return writing.erase(self._uri, self.dim, document_ids, refs)

    # -- reading ----------------------------------------------------------------------------------------------
    def dense(
        self, ref: str, vector: FloatArray, k: int, scope: Scope, effort: Effort = "default"
    ) -> list[LegHit]:
        asked = np.asarray(vector, dtype=np.float32)
        if self.dim and asked.shape != (self.dim,):
            raise InvalidInputError(
                f"the index holds vectors of {self.dim} numbers, not of shape {asked.shape}"
            )
        with reading(self._uri, ref, "searching vectors"):
            reader = reader_of(self._uri, ref)
            if not self.dim:
                return []
            places, scores = _lance_dense.search(reader, asked, k, reader.mask(scope), effort)
            return best(reader.ids_at(places), scores, k)

    def lexical(self, ref: str, terms: Mapping[str, float], k: int, scope: Scope) -> list[LegHit]:
        with reading(self._uri, ref, "searching words"):
            reader = reader_of(self._uri, ref)
            if not (reader.rows and terms and k > 0):
                return []
            with reader.locked():
                lexicon = reader.lexicon
            places, scores = _words_search.search(lexicon, terms, k, reader.mask(scope))
            return best(reader.ids_at(places), scores, k)

    def fetch(
        self, ref: str, chunk_ids: Sequence[str], scope: Scope, *, vectors: bool = False
    ) -> list[ChunkRow]:
        with reading(self._uri, ref, "fetching rows"):
            reader = reader_of(self._uri, ref)
            places = reader.places_of_ids(chunk_ids)
            mask = reader.mask(scope)
            return self._rows_at(reader, places if mask is None else places[mask[places]], vectors, scope)

    def of_versions(self, ref: str, versions: Sequence[str], *, vectors: bool = True) -> list[ChunkRow]:
        with reading(self._uri, ref, "reading documents"):
            data = reader_of(self._uri, ref).data if ref else self._open()
            rows: list[ChunkRow] = []
            wanted = sorted(set(versions)) if data is not None else []
            for start in range(0, len(wanted), writing.LITERALS):
                condition = any_of("version", wanted[start : start + writing.LITERALS])
                rows += arrow.rows_of(data.to_table(columns=self._columns(vectors), filter=condition))
            return sorted(rows, key=lambda row: (row.version, row.ordinal))

    def neighbours(self, ref: str, version: str, low: int, high: int, scope: Scope) -> list[ChunkRow]:
        with reading(self._uri, ref, "reading neighbours"):
            reader = reader_of(self._uri, ref)
            ordinals = reader.column("ordinal").values
            near = reader.column("version").any_of([version]) & (ordinals >= low) & (ordinals <= high)
            mask = reader.mask(scope)
            places = np.flatnonzero(near if mask is None else near & mask)
            return self._rows_at(reader, places[np.argsort(ordinals[places], kind="stable")], False, scope)

    def scan(self, ref: str, *, vectors: bool = True) -> Iterator[ChunkRow]:
        with reading(self._uri, ref, "reading every row"):
            reader = reader_of(self._uri, ref)
            for name in reader.sealed_names:
                _sealed.verify(sealed_directory(self._uri), name)
            for batch in reader.data.to_batches(columns=self._columns(vectors), batch_size=ROWS_PER_BATCH):
                yield from arrow.rows_of(batch)

    def stats(self) -> IndexStats:
        with border(self.location, "measuring the index"):
            data = self._open()
            if data is None:
                return IndexStats(rows=0, unindexed_rows=0, versions=0, bytes=0)
            return IndexStats(
                rows=data.count_rows(),
                unindexed_rows=writing.unfindable(data),
                versions=len(data.tags.list()),
                bytes=writing.bytes_below([Path(self.location)]),
            )

    # -- the dataset ------------------------------------------------------------------------------------------
    def _open(self) -> Any:
        # A crash inside the very first commit leaves folders without any version: nothing is there yet. States that are
        # kept without a version are damage, which opening tells.
        folder = Path(self._uri)
        begun = any((folder / "_versions").glob("*.manifest")) or any((folder / "_refs" / "tags").glob("*"))
        return lance().dataset(self._uri) if begun else None

    def _open_or_create(self) -> Any:
        data = self._open()
        if data is None:
            # The name tells refs of this dataset from refs of one that stood here before.
            named = arrow.schema(self.dim).with_metadata({"groundwork.name": secrets.token_hex(4)})
            data = lance().write_dataset(named.empty_table(), self._uri)
        return data

    def _staged_in(self, data: Any) -> dict[str, int]:
        # The own last append is remembered: counting reads a column of every row.
        if self._counted is None or self._counted[0] != data.version:
            self._counted = (data.version, writing.staged_counts(data))
        return self._counted[1]

    def _columns(self, vectors: bool) -> list[str]:
        return [*arrow.PLAIN, *(["vector", arrow.CHECK] if vectors and self.dim else [])]

    def _rows_at(
        self, reader: Reader, places: NDArray[np.int64], vectors: bool, scope: Scope
    ) -> list[ChunkRow]:
        if not len(places):
            return []
        rows = list(arrow.rows_of(reader.table_at(places, self._columns(vectors))))
        # The columns that rows are chosen by carry no seal; what the sealed rows say must agree with them.
        if [r.chunk_id for r in rows] != reader.ids_at(places) or not all(visible(r, scope) for r in rows):
            raise DamagedError("the columns of the index contradict its rows", hint=DAMAGED_HINT)
        return rows


plugin = Lance
