"""The one place where both legs' scores are computed, so that every index answers the same numbers.

Scores are float64 and depend on the row and the query alone, never on which other rows are scored with it: a row scored
in a batch of ten and in a batch of ten thousand gets the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import InvalidInputError
from groundwork.knowledge.types import FloatArray, LegHit

K1 = 1.2
B = 0.75
UNIT = 1e-2
"""How far the length of a vector may be from 1."""

Float64 = NDArray[np.float64]


def cosine(vectors: FloatArray, query: FloatArray) -> Float64:
    """Return the dot product of each row with `query` (cosine similarity, as all are unit vectors), shape (n,).

    The sum runs along each row by itself in float64; a matrix product would sum in an order that depends on the
    number of rows and of threads.
    """
    products = vectors.astype(np.float64) * query.astype(np.float64)
    return np.asarray(products.sum(axis=1), dtype=np.float64)


def check_vector(chunk_id: str, vector: FloatArray | None, dim: int) -> FloatArray:
    """Return the vector of a row as float32.

    Raises:
        InvalidInputError: it is absent, has another length, or is neither a unit vector nor zero.
    """
    if vector is None or vector.shape != (dim,):
        found = "none" if vector is None else f"one of shape {vector.shape}"
        raise InvalidInputError(
            f"the chunk `{chunk_id}` needs a vector of {dim} numbers, not {found}",
            hint="rebuild the index when the embedder has changed",
        )
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not (length == 0 or abs(length - 1) < UNIT):
        raise InvalidInputError(f"the vector of the chunk `{chunk_id}` has the length {length:.4g}, not 1")
    return np.array(vector, dtype=np.float32)


def words(terms: str) -> list[str]:
    """Return the terms of a row: what stands between blanks, and nothing else splits."""
    return [word for word in terms.split(" ") if word]


def idf(rows: int, rows_with_term: int) -> float:
    """Return how rare a term is: ln(1 + (N - n + .5) / (n + .5)), never negative.

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with Lucene's 1 + inside the logarithm.
    """
    return math.log1p((rows - rows_with_term + 0.5) / (rows_with_term + 0.5))


def length_norm(lengths: NDArray[np.integer], mean_length: float) -> Float64:
    """Return k1 (1 - b + b length / mean) of each row; the mean of no words at all counts as 1."""
    return np.asarray(K1 * (1 - B + B * lengths.astype(np.float64) / (mean_length or 1.0)), dtype=np.float64)


def bm25(weighted_idf: float, counts: NDArray[np.integer], norms: Float64) -> Float64:
    """Return what one term adds to rows that hold it `counts` times: weight idf (k1 + 1) f / (f + norm)."""
    frequency = counts.astype(np.float64)
    return np.asarray(weighted_idf * (K1 + 1) * frequency / (frequency + norms), dtype=np.float64)


def in_order(terms: Mapping[str, float], holders: Mapping[str, int], rows: int) -> list[tuple[str, float]]:
    """Return the terms that some row holds with weight times idf, the largest first, then by name.

    Scores are summed in this order everywhere, so that equal states answer equal bits.
    """
    weighted = [(t, terms[t] * idf(rows, n)) for t, n in holders.items() if n and terms[t] > 0]
    return sorted(weighted, key=lambda entry: (-entry[1], entry[0]))


def best(ids: Sequence[str], scores: Float64, k: int) -> list[LegHit]:
    """Return the k best of these rows, ties by id ascending; `ids` and `scores` stand in the same order."""
    ranked = sorted(zip((-scores).tolist(), ids, strict=True))[: max(k, 0)]
    return [LegHit(chunk_id, -negative) for negative, chunk_id in ranked]


def top(scores: Float64, k: int) -> NDArray[np.int64]:
    """Return the places of the k highest scores and of all that tie with the k-th, unordered."""
    if not 0 < k < len(scores):
        return np.arange(len(scores) if k > 0 else 0)
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
