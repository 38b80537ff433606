"""The oracle: rows in plain files, both legs by exact arithmetic over every row.

Every state is one file, written aside and renamed, so a crash leaves the old or the new one. It is meant for tests and
for small collections (some 20,000 rows): each append rewrites the newest state whole.
"""

from __future__ import annotations

import io
import json
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.core.digest import digest_bytes, digest_json
from groundwork.core.errors import DamagedError, GoneError
from groundwork.knowledge.indexes import Effort, IndexStats, Scope
from groundwork.knowledge.indexes._score import best, bm25, check_vector, cosine, in_order, length_norm, words
from groundwork.knowledge.indexes._visible import stored_fields, visible
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit

STATES_IN_MEMORY = 4


@dataclass(frozen=True)
class State:
    """The rows of one state, ordered by (version, ordinal)."""

    rows: tuple[ChunkRow, ...]

    @cached_property
    def counts(self) -> list[Counter[str]]:
        return [Counter(words(row.terms)) for row in self.rows]

    @cached_property
    def by_id(self) -> dict[str, ChunkRow]:
        return {row.chunk_id: row for row in self.rows}

    def versions(self) -> dict[str, int]:
        return dict(Counter(row.version for row in self.rows))


class Memory:
    """Exact search over rows kept in `location`, a directory; `dim` 0 means that there are no vectors."""

    def __init__(self, location: str, dim: int) -> None:
        self.location = location
        self.dim = dim
        self._states: OrderedDict[str, State] = OrderedDict()
        self._lock = threading.Lock()

    # -- writing ----------------------------------------------------------------------------------------------
    def append(self, rows: Sequence[ChunkRow]) -> None:
        new = {row.version for row in rows}
        kept = [row for row in self._newest().rows if row.version not in new]
        self._write("newest", [*kept, *(self._checked(row) for row in rows)])

    def staged(self) -> dict[str, int]:
        return self._newest().versions()

    def publish(self, keep: Mapping[str, int]) -> str:
        rows = [row for row in self._newest().rows if row.version in keep]
        found = State(tuple(rows)).versions()
        wrong = sorted(v for v, number in keep.items() if found.get(v, 0) != number)
        if wrong:
            first = wrong[0]
            raise DamagedError(
                f"{len(wrong)} of {len(keep)} document versions are not whole: `{first[:12]}` has "
                f"{found.get(first, 0)} of {keep[first]} rows",
                hint="ingest the documents again; they are read from their originals",
                versions=wrong[:100],
            )
        self._write("newest", rows)
        ref = self._ref_of(rows)
        if not self._path(ref).exists():
            self._write(ref, rows)
        return ref

    def restore(self, ref: str) -> None:
        self._write("newest", self._load(ref).rows)

    def drop(self, refs: Iterable[str]) -> None:
        for ref in refs:
            if _is_ref(ref):
                self._path(ref).unlink(missing_ok=True)

    def maintain(self) -> None:
        for leftover in Path(self.location).glob("*.part"):
            leftover.unlink(missing_ok=True)

    def erase(self, document_ids: Sequence[str], refs: Sequence[str]) -> dict[str, str]:
        gone = set(document_ids)
        done = Path(self.location) / f"erased-{digest_json([sorted(gone), sorted(refs)])[:16]}.json"
        if done.exists():
            renamed: dict[str, str] = json.loads(done.read_text())
        else:
            renamed = {}
            for ref in refs:
                rows = [row for row in self._load(ref).rows if row.document_id not in gone]
                renamed[ref] = self._ref_of(rows)
                self._write(renamed[ref], rows)
            self._write("newest", [row for row in self._newest().rows if row.document_id not in gone])
            _write_durably(done, json.dumps(renamed).encode())
        self.drop(p.stem for p in Path(self.location).glob("m-*.npz") if p.stem not in renamed.values())
        self.maintain()
        with self._lock:
            self._states.clear()
        return renamed

    # -- reading ----------------------------------------------------------------------------------------------
    def dense(
        self, ref: str, vector: FloatArray, k: int, scope: Scope, effort: Effort = "default"
    ) -> list[LegHit]:
        directed = [
            (r.chunk_id, r.vector) for r in self._load(ref).rows if visible(r, scope) and _has_direction(r)
        ]
        if not (directed and np.any(vector)):
            return []
        matrix = np.stack([v for _, v in directed if v is not None])
        return best([chunk_id for chunk_id, _ in directed], cosine(matrix, vector), k)

    def lexical(self, ref: str, terms: Mapping[str, float], k: int, scope: Scope) -> list[LegHit]:
        state = self._load(ref)
        lengths = np.array([c.total() for c in state.counts], dtype=np.int64)
        norms = length_norm(lengths, float(lengths.mean()) if len(lengths) else 1.0)
        scores = np.zeros(len(state.rows), dtype=np.float64)
        found = {t: np.array([c[t] for c in state.counts], dtype=np.int64) for t in terms}
        holders = {t: int(np.count_nonzero(counts)) for t, counts in found.items()}
        for term, weighted in in_order(terms, holders, len(state.rows)):
            scores += bm25(weighted, found[term], norms)
        hits = [i for i in np.flatnonzero(scores > 0) if visible(state.rows[i], scope)]
        return best([state.rows[i].chunk_id for i in hits], scores[hits], k)

    def fetch(
        self, ref: str, chunk_ids: Sequence[str], scope: Scope, *, vectors: bool = False
    ) -> list[ChunkRow]:
        by_id = self._load(ref).by_id
        rows = [by_id[i] for i in chunk_ids if i in by_id and visible(by_id[i], scope)]
        return rows if vectors else [replace(row, vector=None) for row in rows]

    def of_versions(self, ref: str, versions: Sequence[str], *, vectors: bool = True) -> list[ChunkRow]:
        wanted = set(versions)
        state = self._load(ref) if ref else self._newest()
        rows = [row for row in state.rows if row.version in wanted]
        return rows if vectors else [replace(row, vector=None) for row in rows]

    def neighbours(self, ref: str, version: str, low: int, high: int, scope: Scope) -> list[ChunkRow]:
        rows = self.of_versions(ref, [version], vectors=False)
        return [row for row in rows if low <= row.ordinal <= high and visible(row, scope)]

    def scan(self, ref: str, *, vectors: bool = True) -> Iterator[ChunkRow]:
        for row in self._load(ref).rows:
            yield row if vectors else replace(row, vector=None)

    def stats(self) -> IndexStats:
        files = [p for p in Path(self.location).glob("*") if p.is_file()]
        refs = [p for p in files if p.suffix == ".npz" and _is_ref(p.stem)]
        rows = len(self._newest().rows)
        return IndexStats(
            rows=rows, unindexed_rows=0, versions=len(refs), bytes=sum(p.stat().st_size for p in files)
        )

    # -- files ------------------------------------------------------------------------------------------------
    def _checked(self, row: ChunkRow) -> ChunkRow:
        copy = check_vector(row.chunk_id, row.vector, self.dim) if self.dim else None
        return replace(row, vector=copy, fields=stored_fields(row), access=tuple(row.access))

    def _newest(self) -> State:
        return self._read("newest") if self._path("newest").exists() else State(())

    def _load(self, ref: str) -> State:
        if not (_is_ref(ref) and self._path(ref).exists()):
            raise GoneError(
                f"the state `{ref}` of the index is not kept any more",
                hint="list the snapshots that are kept with `groundwork knowledge snapshots`",
            )
        with self._lock:
            if ref in self._states:
                self._states.move_to_end(ref)
                return self._states[ref]
        state = self._read(ref)
        with self._lock:
            self._states[ref] = state
            while len(self._states) > STATES_IN_MEMORY:
                self._states.popitem(last=False)
        return state

    def _path(self, name: str) -> Path:
        return Path(self.location) / f"{name}.npz"

    def _ref_of(self, rows: Sequence[ChunkRow]) -> str:
        payload, vectors = _encode(rows, self.dim)
        return f"m-{digest_json([self.dim, digest_bytes(payload), digest_bytes(vectors.tobytes())])[:32]}"

    def _write(self, name: str, rows: Sequence[ChunkRow]) -> None:
        payload, vectors = _encode(rows, self.dim)
        stream = io.BytesIO()
        np.savez(stream, rows=np.frombuffer(payload, dtype=np.uint8), vectors=vectors)
        _write_durably(self._path(name), stream.getvalue())

    def _read(self, name: str) -> State:
        path = self._path(name)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                lines = arrays["rows"].tobytes().decode("utf-8", "surrogatepass").splitlines()
                vectors = arrays["vectors"]
            return State(tuple(_decode(json.loads(line), vectors) for line in lines))
        except FileNotFoundError as error:
            raise GoneError(f"the state `{name}` of the index is not kept any more") from error
        except Exception as error:
            raise DamagedError(
                f"the index file `{path.name}` cannot be read: {error}",
                hint="run `groundwork verify` to see what is damaged; "
                "`groundwork ingest PATH --rebuild` makes the index anew",
            ) from error


def _has_direction(row: ChunkRow) -> bool:
    return row.vector is not None and bool(row.vector.any())


def _is_ref(name: str) -> bool:
    return name.startswith("m-") and name[2:].isalnum()


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _encode(rows: Sequence[ChunkRow], dim: int) -> tuple[bytes, FloatArray]:
    ordered = sorted(rows, key=lambda row: (row.version, row.ordinal, row.chunk_id))
    lines = []
    for place, row in enumerate(ordered):
        values: dict[str, Any] = {**row.__dict__, "access": list(row.access), "fields": dict(row.fields)}
        values["vector"] = None if row.vector is None else place
        lines.append(json.dumps(values, sort_keys=True))
    vectors = np.zeros((len(ordered), dim), dtype=np.float32)
    for place, row in enumerate(ordered):
        if row.vector is not None:
            vectors[place] = row.vector
    return "\n".join(lines).encode(), vectors


def _decode(values: dict[str, Any], vectors: FloatArray) -> ChunkRow:
    place = values.pop("vector")
    access = tuple(values.pop("access"))
    return ChunkRow(**values, access=access, vector=None if place is None else vectors[place])


plugin = Memory
