"""Chunk rows as Arrow tables and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from groundwork.knowledge.indexes._score import check_vector
from groundwork.knowledge.indexes._visible import STORED_FIELDS, stored_fields
from groundwork.knowledge.types import ChunkRow

PLAIN = (
    *(
        "chunk_id",
        "document_id",
        "version",
        "ordinal",
        "start",
        "end",
        "text",
        "context",
        "terms",
        "tenant",
        "access",
    ),
    *STORED_FIELDS,
)
"""Every column of a chunk row but the vector."""
KEY = "key"
"""A number that tells each row from every other that the dataset ever held; it does not move when rows do."""
KEY_BITS = 32


def schema(dim: int) -> pa.Schema:
    """Return the columns of an index; without a dense leg there is no vector."""
    text, number = pa.string(), pa.int64()
    kinds = {"ordinal": number, "start": number, "end": number, "modified": number, "access": pa.list_(text)}
    columns = [pa.field(name, kinds.get(name, text), nullable=name in STORED_FIELDS) for name in PLAIN]
    columns.append(pa.field(KEY, number, nullable=False))
    if dim:
        columns.append(pa.field("vector", pa.list_(pa.float32(), dim), nullable=False))
    return pa.schema(columns)


def table_of(rows: Sequence[ChunkRow], dim: int, version: int) -> pa.Table:
    """Return rows as one table, with keys that follow from the dataset's version before they are added.

    Raises:
        InvalidInputError: a vector is absent, has another length than the index, or is no unit vector.
    """
    fields = [stored_fields(row) for row in rows]
    columns: dict[str, Any] = {}
    for name in PLAIN:
        if name in STORED_FIELDS:
            columns[name] = [f.get(name) for f in fields]
        else:
            columns[name] = [getattr(row, name) for row in rows]
    columns[KEY] = np.arange(len(rows), dtype=np.int64) + (version << KEY_BITS)
    columns["access"] = [list(row.access) for row in rows]
    if dim:
        columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(_matrix(rows, dim).reshape(-1)), dim)
    return pa.table(columns, schema=schema(dim))


def rows_of(table: pa.Table | pa.RecordBatch) -> Iterator[ChunkRow]:
    """Yield the rows of a table in its order; without a vector column their vectors are None."""
    plain = table.drop_columns(["vector"]) if "vector" in table.column_names else table
    vectors = matrix_of(table) if "vector" in table.column_names else None
    for place, values in enumerate(plain.to_pylist()):
        stored = {name: values.pop(name) for name in STORED_FIELDS}
        values["access"] = tuple(values["access"])
        values["fields"] = {name: value for name, value in stored.items() if value is not None}
        yield ChunkRow(**values, vector=None if vectors is None else vectors[place])


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


def _matrix(rows: Sequence[ChunkRow], dim: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    vectors = [check_vector(row.chunk_id, row.vector, dim) for row in rows]
    return np.stack(vectors) if vectors else np.zeros((0, dim), dtype=np.float32)
