"""Measure an index: recall and speed of the dense leg beside a NumPy scan, the lexical leg settled and after a publish."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.core.digest import digest_json
from groundwork.core.errors import InternalError
from groundwork.core.ids import derived_id
from groundwork.knowledge.indexes import INDEXES, Index, Scope
from groundwork.knowledge.types import ChunkRow, FloatArray

TENANT = "bench"
WORDS_PER_CHUNK = (40, 160)
VOCABULARY = 60_000
CHUNKS_PER_DOCUMENT = 20


def run(
    rows: int = 100_000,
    dim: int = 384,
    seed: int = 0,
    *,
    index: str = "lance",
    queries: int = 100,
    directory: Path | None = None,
) -> dict[str, Any]:
    """Return figures of one index over made-up rows: clustered unit vectors, words with Zipf's frequencies.

    Every dense query is followed by the same query as a NumPy scan over all vectors in memory on one thread, so that
    what else the machine does weighs on both; `ratio` is the quotient of their medians. 10 % of the rows are
    published last; right after that the lexical leg is asked at the state before (settled) and at the new one in turn.

    Args:
        rows: how many rows, at least 100.
        dim: length of the vectors.
        seed: equal seeds make equal data.
        index: name on the shelf of indexes.
        queries: how many queries each figure is the median of.
        directory: where to build the index; a temporary directory by default.

    Returns:
        `{rows, dim, seed, index, dense, dense_k100, filtered, lexical, publish, disk}`; times in milliseconds or
        seconds as the names say.
    """
    asked = {"rows": rows, "dim": dim, "seed": seed, "index": index, "queries": queries}
    # NumPy reads the number of its threads when it is loaded, so the measuring is done by a process of its own.
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "groundwork.bench.index",
            json.dumps({**asked, "directory": str(directory or "")}),
        ],
        env={
            **os.environ,
            **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        },
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise InternalError(
            f"the measuring process ended with {done.returncode}", hint="its reason stands above"
        )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(rows: int, dim: int, seed: int, index: str, queries: int, directory: str) -> dict[str, Any]:
    """Do the work of `run` in this process, on as many threads as NumPy happens to have."""
    with tempfile.TemporaryDirectory(dir=directory or None) as folder:
        random = np.random.default_rng(seed)
        vectors, asked = clustered(rows, queries, dim, random)
        made = made_rows(vectors, random)
        subject = INDEXES.get(index)(str(Path(folder) / "index"), dim)
        cut = rows - rows // 10 - (rows - rows // 10) % CHUNKS_PER_DOCUMENT
        first = _publish(subject, made[:cut], made[:cut])
        questions = _questions(made, queries, random)
        scope = Scope(TENANT, ("public",))
        second = _publish(subject, made[cut:], made)
        settled, fresh = _lexical(subject, (first["ref"], second["ref"]), questions, scope)
        dense = _dense(subject, second["ref"], vectors, asked, made, scope, 10)
        deep = _dense(subject, second["ref"], vectors, asked, made, scope, 100)
        subject.drop([first["ref"]])
        started = time.perf_counter()
        subject.maintain()
        maintain_s = time.perf_counter() - started
        size = subject.stats().bytes
        text = sum(len(r.text) + len(r.terms) for r in made)
        return {
            "rows": rows,
            "dim": dim,
            "seed": seed,
            "index": index,
            "dense": dense,
            "dense_k100": deep,
            "lexical": {
                "terms": round(statistics.mean(len(q) for q in questions), 1),
                "settled_p50_ms": _median_ms(settled),
                "settled_p95_ms": _quantile_ms(settled, 0.95),
                "after_publish_p50_ms": _median_ms(fresh),
                "after_publish_over_settled": round(statistics.median(fresh) / statistics.median(settled), 3),
            },
            "publish": {
                "append_s": round(first["append_s"] + second["append_s"], 2),
                "first_s": round(first["publish_s"], 2),
                "tenth_s": round(second["publish_s"], 2),
                "maintain_s": round(maintain_s, 2),
            },
            "disk": {
                "bytes": size,
                "over_raw": round(size / (vectors.nbytes + text), 3),
                "raw_vector_bytes": int(vectors.nbytes),
                "raw_text_bytes": text,
            },
        }


def clustered(
    rows: int, queries: int, dim: int, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return rows and queries of one draw: unit vectors in clusters within clusters, of sizes by Pareto.

    There is a cluster for every 100 rows; within it vectors vary along 24 directions, and a little in all.
    """
    clusters = max(rows // 100, 4)
    coarse = random.standard_normal((max(clusters // 25, 2), dim))
    centres = coarse[random.integers(0, len(coarse), clusters)] + 0.6 * random.standard_normal(
        (clusters, dim)
    )
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    bases = random.standard_normal((50, 24, dim))
    bases /= np.linalg.norm(bases, axis=2, keepdims=True)
    sizes = random.pareto(1.5, clusters) + 0.2
    parts = []
    for start in range(0, rows + queries, 5000):
        number = min(5000, rows + queries - start)
        own = random.choice(clusters, number, p=sizes / sizes.sum())
        local = np.einsum("nr,nrd->nd", random.standard_normal((number, 24)), bases[own % 50]) / np.sqrt(24)
        drawn = centres[own] + 0.5 * local + 0.02 * random.standard_normal((number, dim))
        parts.append((drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32))
    drawn = np.concatenate(parts)
    return drawn[:rows], drawn[rows:]


def made_rows(vectors: FloatArray, random: np.random.Generator) -> list[ChunkRow]:
    """Return a chunk for every vector, twenty to a document, of words with Zipf's frequencies."""
    chances = 1 / (np.arange(1, VOCABULARY + 1) + 20) ** 1.05
    names = np.array([f"w{number}" for number in range(VOCABULARY)])
    lengths = random.integers(*WORDS_PER_CHUNK, size=len(vectors))
    drawn = names[random.choice(VOCABULARY, int(lengths.sum()), p=chances / chances.sum())]
    ends = np.cumsum(lengths)
    made = []
    for place, (vector, end, length) in enumerate(zip(vectors, ends, lengths, strict=True)):
        document, ordinal = divmod(place, CHUNKS_PER_DOCUMENT)
        version = digest_json(["bench", document])
        words = " ".join(drawn[end - length : end].tolist())
        made.append(
            ChunkRow(
                chunk_id=derived_id("chk", version, ordinal),
                document_id=derived_id("doc", document),
                version=version,
                ordinal=ordinal,
                start=0,
                end=len(words),
                text=words,
                context="",
                terms=words,
                vector=vector,
                tenant=TENANT,
                fields={"media_type": "text/plain", "language": "en", "modified": document},
            )
        )
    return made


def _publish(subject: Index, new: Sequence[ChunkRow], all_rows: Sequence[ChunkRow]) -> dict[str, Any]:
    keep: dict[str, int] = {}
    for row in all_rows:
        keep[row.version] = keep.get(row.version, 0) + 1
    batch = 500 * CHUNKS_PER_DOCUMENT
    started = time.perf_counter()
    for start in range(0, len(new), batch):
        subject.append(new[start : start + batch])
    appended = time.perf_counter()
    ref = subject.publish(keep)
    return {"ref": ref, "append_s": appended - started, "publish_s": time.perf_counter() - appended}


def _questions(made: Sequence[ChunkRow], number: int, random: np.random.Generator) -> list[dict[str, float]]:
    questions = []
    for size in random.integers(10, 26, number):
        words = made[int(random.integers(len(made)))].terms.split()
        terms = sorted(set(random.choice(words, size=int(size))))
        questions.append(
            {
                term: float(weight)
                for term, weight in zip(terms, random.uniform(0.2, 2, len(terms)), strict=True)
            }
        )
    return questions


def _dense(
    subject: Index,
    ref: str,
    vectors: FloatArray,
    asked: FloatArray,
    made: Sequence[ChunkRow],
    scope: Scope,
    k: int,
) -> dict[str, Any]:
    ours, scans, found = [], [], 0
    subject.dense(ref, asked[0], k, scope)
    for question in asked:
        started = time.perf_counter()
        hits = subject.dense(ref, question, k, scope)
        between = time.perf_counter()
        scores = vectors @ question
        nearest = np.argpartition(-scores, k)[:k]
        scans.append(time.perf_counter() - between)
        ours.append(between - started)
        found += len({made[i].chunk_id for i in nearest} & {hit.chunk_id for hit in hits})
    return {
        f"recall@{k}": round(found / (k * len(asked)), 4),
        "p50_ms": _median_ms(ours),
        "p95_ms": _quantile_ms(ours, 0.95),
        "scan_p50_ms": _median_ms(scans),
        "ratio": round(statistics.median(ours) / statistics.median(scans), 3),
    }


def _lexical(
    subject: Index, refs: Sequence[str], questions: Sequence[dict[str, float]], scope: Scope
) -> list[list[float]]:
    """Return the seconds of every question at each ref; the refs take turns, so that the machine's load weighs on all."""
    times: list[list[float]] = [[] for _ in refs]
    for ref in refs:
        subject.lexical(ref, questions[0], 100, scope)
    for question in questions:
        for ref, own in zip(refs, times, strict=True):
            started = time.perf_counter()
            subject.lexical(ref, question, 100, scope)
            own.append(time.perf_counter() - started)
    return times


def _median_ms(seconds: Sequence[float]) -> float:
    return round(1000 * statistics.median(seconds), 3)


def _quantile_ms(seconds: Sequence[float], quantile: float) -> float:
    return round(1000 * float(np.quantile(seconds, quantile)), 3)


if __name__ == "__main__":
    json.dump(measure(**json.loads(sys.argv[1])), sys.stdout)
