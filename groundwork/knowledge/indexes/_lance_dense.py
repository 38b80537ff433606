"""The dense leg of a state: exact over a matrix in memory when it is small, by its vectors files when it is large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundwork.knowledge.indexes import Effort, _vectors_search
from groundwork.knowledge.indexes import _lance_rows as arrow
from groundwork.knowledge.indexes._lance_mask import Bools
from groundwork.knowledge.indexes._lance_reader import Reader
from groundwork.knowledge.indexes._score import Float64, cosine
from groundwork.knowledge.indexes._vectors_search import ROUNDING
from groundwork.knowledge.types import FloatArray

Found = tuple[NDArray[np.int64], Float64]
EFFORTS: dict[Effort, int] = {"fast": 0, "default": 1, "high": 2}
BATCH = 8192


def search(reader: Reader, vector: FloatArray, k: int, allowed: Bools | None, effort: Effort) -> Found:
    """Return places and cosines of the nearest rows, at least k or all there are, unordered.

    A row whose vector is zero points nowhere and is never answered; neither does a question of zero find anything.
    """
    if not (reader.rows and k > 0 and np.any(vector)):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    if not reader.note.get("vectors"):
        return _in_matrix(reader, vector, k, allowed)
    if effort == "exact":
        return _streamed(reader, vector, k, allowed)
    with reader.locked():
        space = reader.space
    return _vectors_search.search(space, vector, k, allowed, EFFORTS[effort])


def _in_matrix(reader: Reader, vector: FloatArray, k: int, allowed: Bools | None) -> Found:
    with reader.locked():
        matrix, directed = reader.matrix, reader.directed
    open_rows = directed if allowed is None else allowed if directed is None else allowed & directed
    if open_rows is not None and np.count_nonzero(open_rows) * 4 < len(matrix):
        places = np.flatnonzero(open_rows)
        return places, cosine(matrix[places], vector)
    places = _near(matrix @ vector, k, open_rows)
    return places, cosine(matrix[places], vector)


def _streamed(reader: Reader, vector: FloatArray, k: int, allowed: Bools | None) -> Found:
    rough, directed = [], []
    for batch in reader.data.to_batches(columns=["vector"], batch_size=BATCH):
        part = arrow.matrix_of(batch)
        rough.append(part @ vector)
        directed.append(part.any(axis=1))
    open_rows = np.concatenate(directed) if allowed is None else np.concatenate(directed) & allowed
    places = _near(np.concatenate(rough), k, open_rows)
    return places, cosine(arrow.matrix_of(reader.table_at(places, ["vector"])), vector)


def _near(rough: FloatArray, k: int, open_rows: Bools | None) -> NDArray[np.int64]:
    """Return the rows that may be among the k best when the rough scores are off by rounding."""
    places = np.arange(len(rough)) if open_rows is None else np.flatnonzero(open_rows)
    values = rough[places]
    if len(places) <= k:
        return places
    border = np.partition(values, len(values) - k)[len(values) - k]
    return np.asarray(places[values >= border - ROUNDING], dtype=np.int64)
