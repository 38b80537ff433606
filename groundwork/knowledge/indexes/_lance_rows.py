"""Chunk rows as Arrow tables and back.

What rows are chosen by stands in columns of its own; the whole row (but words and vector) stands once more as JSON in
the column `body`, as reading a few rows costs by the column: two columns take a third of the time of fourteen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa

from groundwork.core.errors import DamagedError
from groundwork.knowledge.indexes._lance_border import DAMAGED_HINT
from groundwork.knowledge.indexes._score import check_vector
from groundwork.knowledge.indexes._visible import STORED_FIELDS, stored_fields
from groundwork.knowledge.types import ChunkRow

CHOSEN_BY = ("chunk_id", "document_id", "version", "ordinal", "tenant", "access", *STORED_FIELDS)
IN_BODY = (
    "chunk_id",
    "document_id",
    "version",
    "ordinal",
    "start",
    "end",
    "text",
    "context",
    "tenant",
    "access",
)
PLAIN = ("body", "terms")
"""The columns that make a chunk row without its vector."""
KEY = "key"
"""A number that tells each row from every other that the dataset ever held; it does not move when rows do."""
KEY_BITS = 32
CHECK = "vector_check"
"""Column of 56-bit digests of the vectors."""
SEAL = 32
"""Hexadecimal digits at the head of `body`: a digest of the rest of it and of the words."""


def schema(dim: int) -> pa.Schema:
    """Return the columns of an index; without a dense leg there is no vector."""
    text, number = pa.string(), pa.int64()
    kinds = {"ordinal": number, "modified": number, "access": pa.list_(text)}
    columns = [pa.field(name, kinds.get(name, text), nullable=name in STORED_FIELDS) for name in CHOSEN_BY]
    columns += [pa.field(name, text, nullable=False) for name in PLAIN]
    columns.append(pa.field(KEY, number, nullable=False))
    if dim:
        columns.append(pa.field(CHECK, number, nullable=False))
        columns.append(pa.field("vector", pa.list_(pa.float32(), dim), nullable=False))
    return pa.schema(columns)


def table_of(rows: Sequence[ChunkRow], dim: int, version: int) -> pa.Table:
    """Return rows as one table, with keys that follow from the dataset's version before they are added.

    Raises:
        InvalidInputError: a vector is absent, has another length than the index, or is no unit vector.
    """
    fields = [stored_fields(row) for row in rows]
    columns: dict[str, Any] = {
        name: [f.get(name) for f in fields] if name in STORED_FIELDS else [getattr(row, name) for row in rows]
        for name in CHOSEN_BY
    }
    columns["access"] = [list(row.access) for row in rows]
    columns["body"] = [_body(row) for row in rows]
    columns["terms"] = [row.terms for row in rows]
    columns[KEY] = np.arange(len(rows), dtype=np.int64) + (version << KEY_BITS)
    if dim:
        columns[CHECK] = [_check(vector) for vector in _matrix(rows, dim)]
        columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(_matrix(rows, dim).reshape(-1)), dim)
    return pa.table(columns, schema=schema(dim))


def rows_of(table: pa.Table | pa.RecordBatch) -> Iterator[ChunkRow]:
    """Yield the rows of a table in its order; without a vector column their vectors are None.

    Raises:
        DamagedError: a row's text or words are not as they were written.
    """
    vectors = checked_matrix(table) if "vector" in table.schema.names else None
    bodies, terms = table.column("body").to_pylist(), table.column("terms").to_pylist()
    for place, (body, words) in enumerate(zip(bodies, terms, strict=True)):
        if _seal(body[SEAL:], words) != body[:SEAL]:
            raise DamagedError("a row of the index holds other bytes than were written", hint=DAMAGED_HINT)
        values = json.loads(body[SEAL:])
        values["access"] = tuple(values["access"])
        yield ChunkRow(**values, terms=words, vector=None if vectors is None else vectors[place])


def checked_matrix(table: pa.Table | pa.RecordBatch) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the vectors, shape (n, dim), of a table that holds their check sums too.

    Raises:
        DamagedError: a vector is not as it was written.
    """
    vectors = matrix_of(table)
    sums = table.column(CHECK).to_pylist()
    if any(_check(vector) != wanted for vector, wanted in zip(vectors, sums, strict=True)):
        raise DamagedError("a vector of the index holds other bytes than were written", hint=DAMAGED_HINT)
    return vectors


def matrix_of(
    table: pa.Table | pa.RecordBatch, column: str = "vector"
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return a vector column, shape (n, dim)."""
    values = table.column(column)
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    parts = [c.flatten().to_numpy(zero_copy_only=False).reshape(len(c), -1) for c in chunks if len(c)]
    if not parts:
        return np.zeros((0, values.type.list_size), dtype=np.float32)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _body(row: ChunkRow) -> str:
    values = {name: getattr(row, name) for name in IN_BODY}
    text = json.dumps({**values, "fields": stored_fields(row)}, ensure_ascii=False, separators=(",", ":"))
    return _seal(text, row.terms) + text


def _seal(text: str, terms: str) -> str:
    # Lance has no checksums of its own, and a flipped bit would be quoted as if somebody had written it.
    return blake2b(f"{text}\0{terms}".encode("utf-8", "surrogatepass"), digest_size=SEAL // 2).hexdigest()


def _check(vector: np.ndarray[Any, np.dtype[np.float32]]) -> int:
    return int.from_bytes(blake2b(vector.astype("<f4").tobytes(), digest_size=7).digest(), "little")


def _matrix(rows: Sequence[ChunkRow], dim: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    vectors = [check_vector(row.chunk_id, row.vector, dim) for row in rows]
    return np.stack(vectors) if vectors else np.zeros((0, dim), dtype=np.float32)
