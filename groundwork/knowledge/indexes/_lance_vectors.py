"""The dense leg: exact over a matrix in memory for small states, Lance's IVF_SQ for large ones.

How many partitions a search probes is measured when the index is trained, on the index's own vectors, so that the
promised recall holds for these data and not for some benchmark's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.knowledge.indexes import Effort
from groundwork.knowledge.indexes import _lance_rows as arrow
from groundwork.knowledge.indexes._lance_mask import Bools
from groundwork.knowledge.indexes._lance_reader import Reader
from groundwork.knowledge.indexes._score import Float64, cosine
from groundwork.knowledge.types import FloatArray

NAME = "vector_idx"
ANN_FROM = 16_384
"""States with fewer rows are searched exactly: reading so few vectors takes no longer than asking an index."""
TAKE_UP_TO = 512
"""So few rows that may be answered are read one by one and compared exactly."""
RETRAIN_AT = 4
"""The partitions are trained anew when the rows are so many times those of the last training, or one in so many."""
MAX_DELTAS = 6
ROUNDING = 1e-4
"""More than what float32 sums may differ from float64 sums over unit vectors of up to some 4,000 numbers."""
SHORTLIST = {"fast": 0, "default": 40, "high": 100}
"""Hits of the quantised index that are compared again by their full vectors, at least."""
GOAL = {"fast": 0.90, "default": 0.98, "high": 0.997}
"""Recall@10 at which the number of probes is set; above what is promised (.95, .99), as questions are not documents."""
SAMPLE = 96


def search(
    reader: Reader, vector: FloatArray, k: int, allowed: Bools | None, effort: Effort
) -> tuple[NDArray[np.int64], Float64]:
    """Return places and cosines of the nearest rows, at least k or all there are, unordered."""
    number = reader.rows if allowed is None else int(np.count_nonzero(allowed))
    if not (number and k > 0 and np.any(vector)):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    if NAME not in reader.indexes:
        return _in_matrix(reader, vector, k, allowed)
    if allowed is not None and number <= TAKE_UP_TO:
        places = np.flatnonzero(allowed)
        return _directed(places, _vectors_at(reader, places), vector)
    if effort == "exact":
        return _streamed(reader, vector, k, allowed)
    places, scores = _probed(reader, vector, k, allowed, number, effort)
    # Fewer than exist: the index gave up early, or some rows have no direction; the slow way tells which.
    return (places, scores) if len(places) >= min(k, number) else _streamed(reader, vector, k, allowed)


def keep_index(data: Any, dim: int, note: dict[str, Any]) -> None:
    """Make every row part of the vector index, training it where that is due; records in `note` how to search it."""
    rows = data.count_rows()
    there = {index.name: index for index in data.describe_indices()}
    if not dim or rows < ANN_FROM:
        if NAME in there:
            data.drop_index(NAME)
        note.pop("vectors", None)
        return
    trained = note.get("vectors", {}).get("trained", 0)
    if NAME not in there or not trained or not trained / RETRAIN_AT < rows < trained * RETRAIN_AT:
        partitions = max(1, round(math.sqrt(rows)))
        data.create_index(
            "vector", "IVF_SQ", name=NAME, metric="cosine", num_partitions=partitions, replace=True
        )
        note["vectors"] = {"trained": rows, "partitions": partitions}
        note["vectors"]["probes"] = _calibrated(data, rows, partitions)
        return
    covered: set[int] = set()
    for segment in there[NAME].segments:
        covered |= set(segment.fragment_ids)
    if set(data.fragment_ids()) - covered:
        merged = len(there[NAME].segments) if len(there[NAME].segments) >= MAX_DELTAS else 0
        data.optimize.optimize_indices(num_indices_to_merge=merged, index_names=[NAME])


def merge_deltas(data: Any) -> None:
    """Make one index of all its deltas."""
    for index in data.describe_indices():
        if index.name == NAME and len(index.segments) > 1:
            data.optimize.optimize_indices(num_indices_to_merge=len(index.segments), index_names=[NAME])


def _in_matrix(
    reader: Reader, vector: FloatArray, k: int, allowed: Bools | None
) -> tuple[NDArray[np.int64], Float64]:
    with reader.locked():
        matrix, directed = reader.matrix, reader.directed
    if allowed is not None:
        places = np.flatnonzero(allowed)
        if len(places) * 4 < len(matrix):
            return _directed(places, matrix[places], vector)
    open_rows = _both(allowed, directed)
    return _refined(matrix @ vector, k, open_rows, lambda places: matrix[places], vector)


def _streamed(
    reader: Reader, vector: FloatArray, k: int, allowed: Bools | None
) -> tuple[NDArray[np.int64], Float64]:
    rough, directed = [], []
    for batch in reader.data.to_batches(columns=["vector"], batch_size=8192):
        part = arrow.matrix_of(batch)
        rough.append(part @ vector)
        directed.append(part.any(axis=1))
    open_rows = _both(allowed, np.concatenate(directed))
    return _refined(np.concatenate(rough), k, open_rows, lambda p: _vectors_at(reader, p), vector)


def _both(one: Bools | None, other: Bools | None) -> Bools | None:
    if one is None or other is None:
        return other if one is None else one
    return np.asarray(one & other)


def _refined(
    rough: FloatArray, k: int, open_rows: Bools | None, vectors_at: Any, vector: FloatArray
) -> tuple[NDArray[np.int64], Float64]:
    """Score exactly those that may be among the k best by their float32 score."""
    places = np.arange(len(rough)) if open_rows is None else np.flatnonzero(open_rows)
    values = rough if open_rows is None else rough[places]
    if len(places) > k:
        border = np.partition(values, len(values) - k)[len(values) - k]
        places = places[values >= border - ROUNDING]
    return _directed(places, vectors_at(places), vector)


def _directed(
    places: NDArray[np.int64], vectors: FloatArray, vector: FloatArray
) -> tuple[NDArray[np.int64], Float64]:
    directed = vectors.any(axis=1)
    return places[directed], cosine(vectors[directed], vector)


def _vectors_at(reader: Reader, places: NDArray[np.int64]) -> FloatArray:
    return arrow.matrix_of(reader.table_at(places, ["vector"]))


def _probed(
    reader: Reader, vector: FloatArray, k: int, allowed: Bools | None, number: int, effort: Effort
) -> tuple[NDArray[np.int64], Float64]:
    vectors = reader.note["vectors"]
    probes = int(vectors["probes"][effort])
    allowlist = None
    if allowed is not None:
        # What may be answered lies thinner, so more partitions have to be looked into for as many of them.
        probes = math.ceil(probes * math.sqrt(reader.rows / number))
        allowlist = reader.allowlist(allowed)
    table = _nearest(reader.data, vector, k, min(probes, vectors["partitions"]), SHORTLIST[effort], allowlist)
    scores = 1.0 - table["_distance"].to_numpy().astype(np.float64)
    return reader.places_of_rows(table["_rowid"].to_numpy()), scores


def _nearest(
    data: Any, vector: FloatArray, k: int, probes: int, shortlist: int, allowlist: bytes | None
) -> Any:
    nearest: dict[str, Any] = {"column": "vector", "q": vector, "k": k, "minimum_nprobes": probes}
    if shortlist:
        nearest["refine_factor"] = max(1, math.ceil(shortlist / k))
    return data.scanner(
        columns=["_rowid", "_distance"],
        nearest=nearest,
        prefilter=True,
        fast_search=True,
        disable_scoring_autoprojection=True,
        row_addr_allowlist=allowlist,
    ).to_table()


def _calibrated(data: Any, rows: int, partitions: int) -> dict[str, int]:
    """Return how many partitions to probe for each effort, measured on disturbed vectors of the index itself.

    A question lies beside the documents, not among them, so each sampled vector is mixed with as much noise as half
    its length before it is asked.
    """
    random = np.random.default_rng(rows)
    chosen = np.sort(random.choice(rows, size=min(SAMPLE, rows), replace=False))
    sampled = arrow.matrix_of(data.take(chosen, columns=["vector"]))
    noise = random.standard_normal(sampled.shape).astype(np.float32)
    noise *= 0.5 / np.linalg.norm(noise, axis=1, keepdims=True)
    asked = sampled + noise
    asked /= np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-9)
    truth = _truth(data, asked, 10)
    probes, chosen_probes, step = {}, 4, 1.5
    while True:
        for effort, goal in GOAL.items():
            if effort not in probes and _recall(data, asked, truth, chosen_probes, SHORTLIST[effort]) >= goal:
                probes[effort] = chosen_probes
        if len(probes) == len(GOAL) or chosen_probes >= partitions:
            return {effort: probes.get(effort, partitions) for effort in GOAL}
        chosen_probes = min(partitions, math.ceil(chosen_probes * step))


def _truth(data: Any, asked: FloatArray, k: int) -> FloatArray:
    """Return the exact cosine of the k-th nearest row of each question."""
    kept = np.full((len(asked), k), -np.inf, dtype=np.float32)
    for batch in data.to_batches(columns=["vector"], batch_size=8192):
        both = np.concatenate([kept, asked @ arrow.matrix_of(batch).T], axis=1)
        kept = np.partition(both, both.shape[1] - k, axis=1)[:, -k:]
    return np.asarray(kept.min(axis=1), dtype=np.float32)


def _recall(data: Any, asked: FloatArray, kth: FloatArray, probes: int, shortlist: int) -> float:
    found = 0
    for question, border in zip(asked, kth, strict=True):
        table = _nearest(data, question, 10, probes, max(shortlist, 10), None)
        found += int(np.count_nonzero(1.0 - table["_distance"].to_numpy() >= border - ROUNDING))
    return found / (10 * len(asked))
