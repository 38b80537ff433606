"""The nearest rows by the vectors files of one state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundwork.knowledge.indexes._score import Float64, cosine
from groundwork.knowledge.indexes._sealed_rows import places_of
from groundwork.knowledge.indexes._vectors import Vectors, decode, rough_cosines
from groundwork.knowledge.types import FloatArray

Bools = NDArray[np.bool_]
LOOK_AT = 4096
"""With a filter, groups are probed until so many rows that may be answered were compared, or all there are."""
ROUNDING = 1e-4
"""More than float32 sums of unit vectors of up to some 4,000 numbers differ from float64 sums."""


@dataclass(frozen=True)
class Space:
    """The vectors files of one state.

    Attributes:
        parts: the files.
        rows: place in the state of each row of each file, -1 when it is not in the state or has no direction.
        whole: whether every row of the file is in the state and has a direction.
        total: number of rows of the state that the files hold, with or without direction.
    """

    parts: tuple[Vectors, ...]
    rows: tuple[NDArray[np.int64], ...]
    whole: tuple[bool, ...]
    total: int

    @property
    def held_bytes(self) -> int:
        """Return what this holds in memory, without the mapped files."""
        return sum(rows.nbytes for rows in self.rows)


def space(parts: Sequence[Vectors], keys: NDArray[np.int64], places: NDArray[np.int64]) -> Space:
    """Join vectors files with the rows of a state: their keys, ascending, and the place of each in the state."""
    rows, whole, total = [], [], 0
    for part in parts:
        found = places_of(part.keys, keys, places)
        total += int(np.count_nonzero(found >= 0))
        found = np.where(part.directed > 0, found, -1)
        rows.append(found)
        whole.append(bool((found >= 0).all()))
    return Space(tuple(parts), tuple(rows), tuple(whole), total)


def search(
    where: Space, vector: FloatArray, k: int, allowed: Bools | None, effort: int
) -> tuple[NDArray[np.int64], Float64]:
    """Return places and cosines of about the k nearest rows (more where they tie within rounding), unordered.

    Args:
        where: the state's vectors.
        vector: the question, float32, shape (dim,).
        k: how many are wanted; as many come, or all that may be answered.
        allowed: which rows of the state may be answered; None when all may.
        effort: 0 fast, 1 default, 2 high.
    """
    found_places, found_rough, found_codes = [], [], []
    for part, rows, whole in zip(where.parts, where.rows, where.whole, strict=True):
        open_rows = None if whole and allowed is None else _open(rows, allowed)
        groups = _groups(part, vector, k, open_rows, int(part.probes[effort]))
        if not len(groups):
            continue
        chosen, rough = _compared(part, vector, groups, open_rows)
        best = _shortlist(rough, k)
        found_places.append(rows[chosen[best]])
        found_rough.append(rough[best])
        found_codes.append(part.codes[chosen[best]])
    if not found_places:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    best = _shortlist(np.concatenate(found_rough), k)
    codes = np.concatenate(found_codes)[best]
    return np.concatenate(found_places)[best], cosine(decode(codes), vector)


def _open(rows: NDArray[np.int64], allowed: Bools | None) -> Bools:
    # A row that may not be answered anyway has the place -1, which is what was appended.
    return rows >= 0 if allowed is None else np.asarray(np.append(allowed, False)[rows])


def _groups(
    part: Vectors, vector: FloatArray, k: int, open_rows: Bools | None, probes: int
) -> NDArray[np.int64]:
    """Return the nearest groups of the file that together hold enough rows that may be answered, ascending."""
    sizes = np.diff(part.ends, prepend=0)
    if open_rows is not None:
        sizes = np.diff(np.concatenate([[0], np.cumsum(open_rows)])[part.ends], prepend=0)
    total = int(sizes.sum())
    if not total:
        return np.zeros(0, dtype=np.int64)
    near = np.argsort(-(part.centroids @ vector), kind="stable")
    if open_rows is not None:
        # What may be answered lies thinner, so more groups have to be looked into for as many of them.
        probes = math.ceil(probes * math.sqrt(len(open_rows) / total))
    enough = min(total, max(2 * k, LOOK_AT if open_rows is not None else 0))
    least = int(np.searchsorted(np.cumsum(sizes[near]), enough)) + 1
    return np.sort(near[: max(probes, least)])


def _compared(
    part: Vectors, vector: FloatArray, groups: NDArray[np.int64], open_rows: Bools | None
) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the rows of the groups that may be answered, with their rough scores."""
    spans = [(int(part.ends[g - 1]) if g else 0, int(part.ends[g])) for g in groups.tolist()]
    rows = np.concatenate([np.arange(start, end) for start, end in spans])
    if open_rows is None:
        # Groups are read where they lie; gathering their rows first would copy them once more.
        return rows, np.concatenate([rough_cosines(part.codes[start:end], vector) for start, end in spans])
    rows = rows[open_rows[rows]]
    return rows, rough_cosines(part.codes[rows], vector)


def _shortlist(rough: FloatArray, k: int) -> NDArray[np.int64]:
    if len(rough) <= k:
        return np.arange(len(rough))
    border = np.partition(rough, len(rough) - k)[len(rough) - k]
    return np.flatnonzero(rough >= border - ROUNDING)
