"""The one place where both legs' scores are computed, so that every index answers the same numbers.

Scores are float64 and depend on the row and the query alone, never on which other rows are scored with it: a row scored
in a batch of ten and in a batch of ten thousand gets the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundwork.knowledge.types import FloatArray, LegHit

K1 = 1.2
B = 0.75

Float64 = NDArray[np.float64]


def cosine(vectors: FloatArray, query: FloatArray) -> Float64:
    """Return the dot product of each row with `query` (cosine similarity, as all are unit vectors), shape (n,).

    The sum runs along each row by itself in float64; a matrix product would sum in an order that depends on the
    number of rows and of threads.
    """
    products = vectors.astype(np.float64) * query.astype(np.float64)
    return np.asarray(products.sum(axis=1), dtype=np.float64)


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


def best(ids: Sequence[str], scores: Float64, k: int) -> list[LegHit]:
    """Return the k best of these rows, ties by id ascending; `ids` and `scores` stand in the same order."""
    if len(ids) > k > 0:
        # Everything that reaches the k-th score stays, so that ties at the border are decided by id.
        border = np.partition(scores, len(scores) - k)[len(scores) - k]
        chosen = np.flatnonzero(scores >= border)
    else:
        chosen = np.arange(len(ids))
    ranked = sorted((-float(scores[i]), ids[i]) for i in chosen)[: max(k, 0)]
    return [LegHit(chunk_id, -negative) for negative, chunk_id in ranked]
