"""Vectors of some rows, grouped by nearness and rounded to 16 bits: what vectors files hold.

An inverted file: unit vectors are assigned to the nearest of about sqrt(n) centroids and stored group by group, so a
search reads only the groups near the question. A component of a unit vector lies between -1 and 1 and is rounded to a
multiple of 1/32767, which changes a cosine by some .00001; the full vectors stay in the dataset.

Source: Sivic and Zisserman, Video Google (2003), for the inverted file; Dhillon and Modha, Concept decompositions
(2001), for spherical k-means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundwork.knowledge.types import FloatArray

Bools = NDArray[np.bool_]
Codes = NDArray[np.int16]
KIND = "vectors"
SCALE = np.float32(32767)
GROUPS_FROM = 1024
"""Fewer rows than this stay in one group."""
TRAINING_PER_GROUP = 64
ROUNDS = 8
BLOCK = 4096
SAMPLE = 128
GOALS = (0.90, 0.985, 0.999)
"""Share of the true 10 nearest rows that must lie in the probed groups, for the efforts fast, default and high. They are
above what is promised (.95 and .99), as what is measured here are disturbed documents and not questions."""


@dataclass(frozen=True)
class Vectors:
    """The vectors of n rows in g groups.

    Attributes:
        keys: key of each row, shape (n,), int64; rows of a group stand together.
        codes: the components times 32767, rounded, shape (n, dim), int16.
        directed: 1 where the vector is not zero, shape (n,), uint8.
        centroids: unit vectors, shape (g, dim), float32.
        ends: end of each group's rows, shape (g,), int64.
        probes: groups to look into for the efforts fast, default, high, shape (3,), int64.
    """

    keys: NDArray[np.int64]
    codes: Codes
    directed: NDArray[np.uint8]
    centroids: FloatArray
    ends: NDArray[np.int64]
    probes: NDArray[np.int64]


def encode(vectors: FloatArray) -> Codes:
    """Return the codes of vectors whose components lie between -1 and 1."""
    return np.asarray(np.clip(np.rint(vectors * SCALE), -SCALE, SCALE), dtype=np.int16)


def decode(codes: Codes) -> FloatArray:
    """Return the vectors that codes stand for."""
    return codes.astype(np.float32) / SCALE


def rough_cosines(codes: Codes, vector: FloatArray) -> FloatArray:
    """Return the dot product of each coded row with a vector, in float32."""
    return np.asarray(codes.astype(np.float32) @ (vector / SCALE), dtype=np.float32)


def build(keys: NDArray[np.int64], vectors: FloatArray) -> Vectors:
    """Return the file's content for rows in any order."""
    return _grouped(keys, vectors, encode(vectors))


def merge(parts: Sequence[Vectors], alive: Sequence[Bools]) -> Vectors:
    """Return one file's content for the rows of `parts` that are alive, grouped anew."""
    keys = np.concatenate([p.keys[a] for p, a in zip(parts, alive, strict=True)])
    codes = np.concatenate([p.codes[a] for p, a in zip(parts, alive, strict=True)])
    return _grouped(keys, decode(codes), codes)


def _grouped(keys: NDArray[np.int64], vectors: FloatArray, codes: Codes) -> Vectors:
    # Keys decide the order in which rows are seen, so equal rows make an equal file whoever brings them.
    by_key = np.argsort(keys, kind="stable")
    keys, vectors, codes = keys[by_key], vectors[by_key], codes[by_key]
    centroids = _trained(vectors)
    group = _nearest(vectors, centroids)
    order = np.argsort(group, kind="stable")
    return Vectors(
        keys=keys[order].astype(np.int64),
        codes=codes[order],
        directed=np.asarray(vectors[order].any(axis=1), dtype=np.uint8),
        centroids=centroids,
        ends=np.cumsum(np.bincount(group, minlength=len(centroids)), dtype=np.int64),
        probes=_probes(vectors, centroids, group),
    )


def _trained(vectors: FloatArray) -> FloatArray:
    groups = round(math.sqrt(len(vectors))) if len(vectors) >= GROUPS_FROM else 1
    random = np.random.default_rng(len(vectors))
    chosen = np.sort(random.permutation(len(vectors))[: groups * TRAINING_PER_GROUP])
    sample = vectors[chosen]
    centroids = _unit(sample[np.sort(random.permutation(len(sample))[:groups])])
    for _ in range(ROUNDS if groups > 1 else 1):
        group = _nearest(sample, centroids)
        order = np.argsort(group, kind="stable")
        found, first = np.unique(group[order], return_index=True)
        sums = np.add.reduceat(sample[order], first, axis=0)
        # A centroid that lost all its rows starts again at some row.
        centroids = sample[random.integers(0, len(sample), groups)].copy()
        centroids[found] = sums
        centroids = _unit(centroids)
    return centroids


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def _nearest(vectors: FloatArray, centroids: FloatArray) -> NDArray[np.int64]:
    if len(centroids) == 1:
        return np.zeros(len(vectors), dtype=np.int64)
    parts = [(vectors[i : i + BLOCK] @ centroids.T).argmax(axis=1) for i in range(0, len(vectors), BLOCK)]
    return np.asarray(np.concatenate(parts), dtype=np.int64)


def _asked(vectors: FloatArray) -> FloatArray:
    """Return rows with noise of half their length mixed in: a question lies beside the documents, not among them."""
    random = np.random.default_rng(len(vectors))
    sampled = vectors[np.sort(random.permutation(len(vectors))[:SAMPLE])]
    noise = random.standard_normal(sampled.shape).astype(np.float32)
    return _unit(sampled + 0.5 * _unit(noise))


def _probes(vectors: FloatArray, centroids: FloatArray, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many groups to look into so that GOALS of the 10 nearest rows lie in them, measured on these rows."""
    if len(centroids) == 1:
        return np.ones(len(GOALS), dtype=np.int64)
    asked = _asked(vectors)
    nearest = _ten_nearest(asked, vectors)
    ranking = np.argsort(-(asked @ centroids.T), axis=1, kind="stable")
    rank = np.empty_like(ranking)
    np.put_along_axis(rank, ranking, np.arange(len(centroids))[None, :], axis=1)
    ranks = np.take_along_axis(rank, group[nearest], axis=1)
    return np.array([math.ceil(np.quantile(ranks, goal)) + 1 for goal in GOALS], dtype=np.int64)


def _ten_nearest(asked: FloatArray, vectors: FloatArray) -> NDArray[np.int64]:
    k = min(10, len(vectors))
    scores = np.zeros((len(asked), 0), dtype=np.float32)
    places = np.zeros((len(asked), 0), dtype=np.int64)
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        scores = np.concatenate([scores, asked @ block.T], axis=1)
        here = np.broadcast_to(np.arange(start, start + len(block)), (len(asked), len(block)))
        places = np.concatenate([places, here], axis=1)
        kept = np.argpartition(-scores, min(k, scores.shape[1]) - 1, axis=1)[:, :k]
        scores, places = np.take_along_axis(scores, kept, 1), np.take_along_axis(places, kept, 1)
    return places
