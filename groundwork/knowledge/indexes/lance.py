"""The default index: one Lance dataset holds rows, both legs' search structures and every state as a tag."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import lance
import numpy as np
from lance.query import BooleanQuery, MatchQuery, Occur

from groundwork.core.errors import DamagedError
from groundwork.knowledge.indexes import Effort, IndexStats, Scope
from groundwork.knowledge.indexes import _lance_rows as arrow
from groundwork.knowledge.indexes._lance_border import border
from groundwork.knowledge.indexes._lance_reader import reader_of
from groundwork.knowledge.indexes._lance_sql import any_of, where
from groundwork.knowledge.indexes._score import best, cosine
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit

ANN_FROM = 4096
"""Below this many rows the dense leg reads every vector, which is faster than an index and exact."""
LITERALS = 1000
FTS = {
    "base_tokenizer": "whitespace",
    "lower_case": False,
    "stem": False,
    "remove_stop_words": False,
    "ascii_folding": False,
    "with_position": False,
    "max_token_length": None,
}


class Lance:
    """Rows in a Lance dataset below `location`; `dim` 0 means that there are no vectors."""

    def __init__(self, location: str, dim: int) -> None:
        self.location = location
        self.dim = dim
        self._uri = location.rstrip("/") + "/rows.lance"

    # -- writing ----------------------------------------------------------------------------------------------
    def append(self, rows: Sequence[ChunkRow]) -> None:
        if not rows:
            return
        table = arrow.table_of(rows, self.dim)
        with border(self.location, "adding rows"):
            data = self._open_or_create()
            versions = sorted({row.version for row in rows})
            if not self._staged_in(data).keys().isdisjoint(versions):
                self._delete_versions(data, versions)
            lance.write_dataset(table, data, mode="append")

    def staged(self) -> dict[str, int]:
        with border(self.location, "counting rows"):
            data = self._open()
            return {} if data is None else self._staged_in(data)

    def publish(self, keep: Mapping[str, int]) -> str:
        with border(self.location, "publishing"):
            data = self._open_or_create()
            found = self._staged_in(data)
            _check_counts(keep, found)
            self._delete_versions(data, sorted(found.keys() - keep.keys()))
            self._index(data)
            return self._tag(data)

    def restore(self, ref: str) -> None:
        with border(self.location, "restoring a state"):
            version = reader_of(self._uri, ref).version
            data = lance.dataset(self._uri)
            if data.version != version:
                lance.dataset(self._uri, version=version).restore()

    def drop(self, refs: Iterable[str]) -> None:
        with border(self.location, "forgetting states"):
            data = self._open()
            if data is None:
                return
            kept = data.tags.list()
            for ref in refs:
                if ref in kept:
                    data.tags.delete(ref)

    def maintain(self) -> None:
        with border(self.location, "maintaining the index"):
            data = self._open()
            if data is None:
                return
            data.optimize.compact_files()
            data.optimize.optimize_indices()
            lance.dataset(self._uri).cleanup_old_versions(
                timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False
            )

    def erase(self, document_ids: Sequence[str], refs: Sequence[str]) -> dict[str, str]:
        renamed: dict[str, str] = {}
        with border(self.location, "erasing documents"):
            data = self._open()
            if data is None:
                return renamed
            newest = data.version
            for ref in refs:
                lance.dataset(self._uri, version=reader_of(self._uri, ref).version).restore()
                renamed[ref] = self._without(document_ids)
            lance.dataset(self._uri, version=newest).restore()
            self._without(document_ids)
            data = lance.dataset(self._uri)
            for tag in data.tags.list():
                if tag not in renamed.values():
                    data.tags.delete(tag)
            data.cleanup_old_versions(
                timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False
            )
        return renamed

    # -- reading ----------------------------------------------------------------------------------------------
    def dense(
        self, ref: str, vector: FloatArray, k: int, scope: Scope, effort: Effort = "default"
    ) -> list[LegHit]:
        with border(self.location, "searching vectors"):
            reader = reader_of(self._uri, ref)
            if not (self.dim and reader.rows and k > 0):
                return []
            condition = where(scope)
            if effort == "exact" or "vector_idx" not in reader.indexes:
                table = reader.data.to_table(columns=["chunk_id", "vector"], filter=condition)
                return best(table["chunk_id"].to_pylist(), cosine(arrow.matrix_of(table), vector), k)
            nearest = {
                "column": "vector",
                "q": np.asarray(vector, dtype=np.float32),
                "k": k,
                "minimum_nprobes": {"fast": 2, "default": 8, "high": 32}[effort],
                "refine_factor": 2,
            }
            table = reader.data.to_table(
                columns=["chunk_id", "_distance"], nearest=nearest, filter=condition, prefilter=True
            )
            return best(
                table["chunk_id"].to_pylist(), 1.0 - table["_distance"].to_numpy().astype(np.float64), k
            )

    def lexical(self, ref: str, terms: Mapping[str, float], k: int, scope: Scope) -> list[LegHit]:
        with border(self.location, "searching words"):
            reader = reader_of(self._uri, ref)
            weighted = [(t, w) for t, w in sorted(terms.items()) if w > 0 and t]
            if not (reader.rows and weighted and k > 0):
                return []
            query = BooleanQuery([(Occur.SHOULD, MatchQuery(t, "terms", boost=w)) for t, w in weighted])
            table = reader.data.to_table(
                columns=["chunk_id", "_score"],
                full_text_query=query,
                filter=where(scope),
                prefilter=True,
                limit=k,
            )
            return best(table["chunk_id"].to_pylist(), table["_score"].to_numpy().astype(np.float64), k)

    def fetch(
        self, ref: str, chunk_ids: Sequence[str], scope: Scope, *, vectors: bool = False
    ) -> list[ChunkRow]:
        if not chunk_ids:
            return []
        with border(self.location, "fetching rows"):
            reader = reader_of(self._uri, ref)
            condition = f"{any_of('chunk_id', chunk_ids)} AND {where(scope)}"
            found = {row.chunk_id: row for row in self._rows(reader.data, condition, vectors)}
            return [found[i] for i in chunk_ids if i in found]

    def of_versions(self, ref: str, versions: Sequence[str], *, vectors: bool = True) -> list[ChunkRow]:
        with border(self.location, "reading documents"):
            data = reader_of(self._uri, ref).data if ref else self._open()
            if data is None:
                return []
            rows: list[ChunkRow] = []
            for start in range(0, len(versions), LITERALS):
                rows += self._rows(data, any_of("version", versions[start : start + LITERALS]), vectors)
            return sorted(rows, key=lambda row: (row.version, row.ordinal))

    def neighbours(self, ref: str, version: str, low: int, high: int, scope: Scope) -> list[ChunkRow]:
        with border(self.location, "reading neighbours"):
            reader = reader_of(self._uri, ref)
            condition = (
                f"{any_of('version', [version])} AND ordinal >= {int(low)} AND ordinal <= {int(high)} "
                f"AND {where(scope)}"
            )
            return sorted(self._rows(reader.data, condition, False), key=lambda row: row.ordinal)

    def scan(self, ref: str, *, vectors: bool = True) -> Iterator[ChunkRow]:
        with border(self.location, "reading every row"):
            reader = reader_of(self._uri, ref)
            columns = [*arrow.PLAIN, *(["vector"] if vectors and self.dim else [])]
            for batch in reader.data.to_batches(columns=columns, batch_size=1024):
                yield from arrow.rows_of(batch)

    def stats(self) -> IndexStats:
        with border(self.location, "measuring the index"):
            data = self._open()
            if data is None:
                return IndexStats(0, 0, 0, 0)
            size = sum(p.stat().st_size for p in Path(self.location).rglob("*") if p.is_file())
            unindexed = 0
            for index in data.describe_indices():
                unindexed = max(unindexed, data.index_statistics(index.name)["num_unindexed_rows"])
            return IndexStats(data.count_rows(), unindexed, len(data.tags.list()), size)

    # -- the dataset ------------------------------------------------------------------------------------------
    def _open(self) -> Any:
        return lance.dataset(self._uri) if (Path(self._uri) / "_versions").is_dir() else None

    def _open_or_create(self) -> Any:
        data = self._open()
        if data is None:
            columns = arrow.schema(self.dim)
            # The name tells refs of this dataset from refs of one that stood here before.
            named = columns.with_metadata({"groundwork.name": secrets.token_hex(4)})
            data = lance.write_dataset(named.empty_table(), self._uri)
        return data

    def _staged_in(self, data: Any) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for batch in data.to_batches(columns=["version"]):
            for entry in batch.column("version").value_counts().to_pylist():
                counts[entry["values"]] += entry["counts"]
        return dict(counts)

    def _delete_versions(self, data: Any, versions: Sequence[str]) -> None:
        for start in range(0, len(versions), LITERALS):
            data.delete(any_of("version", versions[start : start + LITERALS]))

    def _index(self, data: Any) -> None:
        rows = data.count_rows()
        if not rows:
            return
        there = {index.name for index in data.describe_indices()}
        if "terms_idx" not in there:
            data.create_scalar_index("terms", "INVERTED", **FTS)
        if self.dim and rows >= ANN_FROM and "vector_idx" not in there:
            data.create_index("vector", "IVF_SQ", metric="cosine", num_partitions=max(1, int(rows**0.5)))
        if any(data.index_statistics(name)["num_unindexed_rows"] for name in there):
            data.optimize.optimize_indices(num_indices_to_merge=0)

    def _tag(self, data: Any) -> str:
        data = lance.dataset(self._uri)
        name = (data.schema.metadata or {}).get(b"groundwork.name", b"0").decode()
        tag = f"s-{data.version}-{name}"
        if tag not in data.tags.list():
            data.tags.create(tag, data.version)
        return tag

    def _without(self, document_ids: Sequence[str]) -> str:
        data = lance.dataset(self._uri)
        for start in range(0, len(document_ids), LITERALS):
            data.delete(any_of("document_id", document_ids[start : start + LITERALS]))
        for index in data.describe_indices():
            data.drop_index(index.name)
        data = lance.dataset(self._uri)
        data.optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
        self._index(lance.dataset(self._uri))
        return self._tag(data)

    def _rows(self, data: Any, condition: str, vectors: bool) -> list[ChunkRow]:
        columns = [*arrow.PLAIN, *(["vector"] if vectors and self.dim else [])]
        return list(arrow.rows_of(data.to_table(columns=columns, filter=condition)))


def _check_counts(keep: Mapping[str, int], found: Mapping[str, int]) -> None:
    wrong = sorted(v for v, number in keep.items() if found.get(v, 0) != number)
    if wrong:
        first = wrong[0]
        raise DamagedError(
            f"{len(wrong)} of {len(keep)} document versions are not whole: `{first[:12]}` has "
            f"{found.get(first, 0)} of {keep[first]} rows",
            hint="ingest the documents again; they are read from their originals",
            versions=wrong[:100],
        )


plugin = Lance
