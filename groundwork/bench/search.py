"""Measure whole searches over many chunks: embed the question, ask both legs, join them, refine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.bench.index import clustered, made_rows
from groundwork.core.principal import PUBLIC
from groundwork.core.settings import AppSpec, IndexSpec
from groundwork.knowledge.embedders import EMBEDDERS
from groundwork.knowledge.indexes import Scope
from groundwork.knowledge.pipeline import IndexVersion, spec_of
from groundwork.knowledge.retrievers import RETRIEVERS, Retriever, View
from groundwork.knowledge.view import SnapshotView

WARM_UP = 10


def run(rows: int = 100_000, seed: int = 0, *, queries: int = 100, models: str = "") -> dict[str, Any]:
    """Return how long whole searches take over made-up chunks, beside a NumPy scan of all vectors in the same run.

    Words have Zipf's frequencies and vectors are clustered; the vectors of the chunks are made up too, so that 100,000 of
    them need no hour of encoding, while every question is embedded by the real encoder. A question is ten words of one
    chunk. Strategies and the scan are asked in turn, so that what else the machine does weighs on all.

    Args:
        rows: how many chunks, at least 100.
        seed: equal seeds make equal data.
        queries: how many questions.
        models: folder of downloaded weights.

    Returns:
        `{rows, seed, queries, default, strategies: {name: {p50_ms, p95_ms, cpu_p50_ms}}, scan, embed}`.
    """
    random = np.random.default_rng(seed)
    embedder = EMBEDDERS.make({"name": "minilm", "models": models})
    vectors, _ = clustered(rows, 1, embedder.dim, random)
    made = made_rows(vectors, random)
    spec = spec_of(IndexSpec().backend, IndexSpec().chunker, {}, {"name": "minilm"}, embedder.fingerprint)
    parts = IndexVersion(spec, embedder)
    with tempfile.TemporaryDirectory() as folder:
        index = parts.open(str(Path(folder) / "index"))
        keep: dict[str, int] = {}
        for row in made:
            keep[row.version] = keep.get(row.version, 0) + 1
        for start in range(0, rows, 10_000):
            index.append(made[start : start + 10_000])
        view = SnapshotView(parts, index, index.publish(keep), Scope(made[0].tenant, (PUBLIC,)))
        questions = [
            " ".join(random.choice(made[int(random.integers(rows))].text.split(), 10).tolist())
            for _ in range(queries + WARM_UP)
        ]
        default = str(AppSpec().strategy)
        asked = {name: RETRIEVERS.make(name) for name in dict.fromkeys(("lexical", "dense", default))}
        actions: dict[str, Callable[[str], object]] = {
            name: partial(_search, retriever, view) for name, retriever in asked.items()
        }
        actions["scan"] = lambda _: vectors @ vectors[0]
        actions["embed"] = embedder.embed_query
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in actions}
        for number, question in enumerate(questions):
            for name, action in actions.items():
                wall, cpu = time.perf_counter(), time.process_time()
                action(question)
                if number >= WARM_UP:
                    times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    figures = {name: _figures(found) for name, found in times.items()}
    return {
        "rows": rows,
        "seed": seed,
        "queries": queries,
        "default": default,
        "scan": figures.pop("scan"),
        "embed": figures.pop("embed"),
        "strategies": figures,
    }


def _search(retriever: Retriever, view: View, question: str) -> object:
    return retriever.search(view, question, 10)


def _figures(found: list[tuple[float, float]]) -> dict[str, float]:
    wall, cpu = np.array(found).T * 1000
    return {
        "p50_ms": round(float(np.median(wall)), 2),
        "p95_ms": round(float(np.quantile(wall, 0.95)), 2),
        "cpu_p50_ms": round(float(np.median(cpu)), 2),
    }
