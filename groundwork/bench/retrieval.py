"""Measure retrieval strategies on judged sets, through the same chunker, analyzer, embedder and index as a
user's."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.bench.judged import Document, Judged, read
from groundwork.bench.ranking import Array, interval, ndcg, recall, reciprocal_rank
from groundwork.core.digest import digest_bytes, digest_json, digest_text
from groundwork.core.ids import derived_id
from groundwork.core.settings import AppSpec, IndexSpec
from groundwork.knowledge.embedders import EMBEDDERS, Embedder
from groundwork.knowledge.indexes import Scope
from groundwork.knowledge.pipeline import DocumentText, IndexVersion, embedded_text, spec_of
from groundwork.knowledge.retrievers import RETRIEVERS, Retriever, View
from groundwork.knowledge.types import Chunk, ChunkRow
from groundwork.knowledge.view import SnapshotView

Progress = Callable[[str, int, int], None]
Spec = str | Mapping[str, Any]
METRICS: Mapping[str, Callable[[Sequence[str], Mapping[str, float]], float]] = {
    "ndcg@10": partial(ndcg, k=10),
    "mrr@10": partial(reciprocal_rank, k=10),
    "recall@10": partial(recall, k=10),
    "recall@100": partial(recall, k=100),
}
BASELINE = "lexical"
CHUNKS = 100
"""Chunks asked for; a document stands where its best chunk stands."""
TIMED_CHUNKS, TIMED_QUERIES = 10, 200
BATCH = 512
TENANT = "bench"


@dataclass
class Measured:
    """What one strategy did on one or more sets: scores by metric, one for each query in order, and times in
    ms."""

    scores: dict[str, Array]
    times_ms: list[float]


def run(
    directory: Path,
    strategies: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    index: IndexSpec | None = None,
    models: str = "",
    threads: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure strategies on the set in a folder, or on each of its languages and all of them together.

    Args:
        directory: in one of the layouts of `groundwork.bench.judged`.
        strategies: names; None takes every one that is installed. `lexical` is always measured, for
        comparison. progress: called with (stage, done, total).
        index: chunker, analyzer, embedder and back end; the defaults of a new workspace when None.
        models, threads: as in the settings.
        seed: of the bootstrap.

    Returns:
        `{data_digest, documents, chunks, embedder, strategies: [{strategy, default, n, <metric>: {value, low,
        high}, p50_ms, p95_ms, versus_lexical}], sets}`: intervals are 95 % bootstrap intervals over queries,
        `versus_lexical` the mean paired difference in nDCG@10, `sets` the same for each language. Times are
        of a search for 10 chunks, embedding of the query included, on up to 200 queries.

    Raises:
        InvalidInputError: the folder holds no judged set.
        NotFoundError: there is no such strategy.
    """
    tell = progress or (lambda *_: None)
    sets = read(directory)
    names = list(dict.fromkeys(strategies or RETRIEVERS.names()))
    made = {name: RETRIEVERS.make(name) for name in dict.fromkeys([*names, BASELINE])}
    spec = index or IndexSpec()
    results: list[tuple[Judged, _Built, dict[str, Measured]]] = []
    for judged in sets:
        with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
            built = _Builder(spec, models, threads, tell).build(judged, folder)
            found = {name: _measure(judged, built, made[name], partial(tell, name)) for name in made}
            results.append((judged, built, found))
    parts = {judged.name: _report(names, [found], seed) for judged, _, found in results}
    return {
        "data_digest": sets[0].digest if len(sets) == 1 else digest_json([s.digest for s in sets]),
        "documents": sum(len(s.documents) for s in sets),
        "chunks": sum(len(built.documents) for _, built, _ in results),
        "embedder": results[0][1].embedder,
        "index": spec.model_dump(mode="json"),
        "strategies": _report(names, [found for _, _, found in results], seed),
        **({"sets": parts} if len(sets) > 1 else {}),
    }


@dataclass(frozen=True)
class _Built:
    """A searchable corpus: the view, the document of every chunk, and the embedder's name."""

    view: View
    documents: Mapping[str, str]
    embedder: str


@dataclass(frozen=True)
class _Builder:
    """Ingests a corpus into an index in a temporary folder."""

    spec: IndexSpec
    models: str
    threads: int
    tell: Progress

    def build(self, judged: Judged, folder: str) -> _Built:
        name, embedder, described = self._embedder(judged)
        fingerprint = embedder.fingerprint if embedder else ""
        spec = spec_of(self.spec.backend, self.spec.chunker, self.spec.analyzer, described, fingerprint)
        parts = IndexVersion(spec, embedder)
        opened = parts.open(str(Path(folder) / "index"))
        keep: dict[str, int] = {}
        owners: dict[str, str] = {}
        for rows, done in self._rows(parts, judged):
            opened.append(rows)
            for row in rows:
                keep[row.version] = keep.get(row.version, 0) + 1
                owners[row.chunk_id] = row.document_id
            self.tell("embedding", done, len(judged.documents))
        ref = opened.publish(keep)
        view = SnapshotView(parts, opened, ref, Scope(TENANT, None))
        ids = {derived_id("doc", TENANT, d.id): d.id for d in judged.documents}
        return _Built(view, {chunk: ids[document] for chunk, document in owners.items()}, name)

    def _rows(self, parts: IndexVersion, judged: Judged) -> Iterator[tuple[list[ChunkRow], int]]:
        batch: list[tuple[DocumentText, list[Chunk]]] = []
        for done, document in enumerate(judged.documents, 1):
            text = _as_text(document)
            batch.append((text, parts.chunks(text)))
            if sum(len(chunks) for _, chunks in batch) >= BATCH or done == len(judged.documents):
                yield self._embedded(parts, batch), done
                batch = []

    def _embedded(
        self, parts: IndexVersion, batch: Sequence[tuple[DocumentText, list[Chunk]]]
    ) -> list[ChunkRow]:
        from dataclasses import replace

        vectors = parts.embed([embedded_text(chunk) for _, chunks in batch for chunk in chunks])
        rows: list[ChunkRow] = []
        for document, chunks in batch:
            own = None if vectors is None else vectors[len(rows) : len(rows) + len(chunks)]
            rows += [replace(row, tenant=TENANT) for row in parts.rows(document, chunks, own)]
        return rows

    def _embedder(self, judged: Judged) -> tuple[str, Embedder | None, dict[str, Any] | None]:
        from groundwork.models.weights import MINILM, is_present

        wanted = self.spec.embedder
        spec: dict[str, Any] = {"name": wanted} if isinstance(wanted, str) else dict(wanted)
        if spec["name"] == "auto":
            spec["name"] = "minilm" if is_present(MINILM, self.models) else "lsa"
        if spec["name"] == "none":
            return "none", None, None
        given: dict[str, Any] = {}
        if spec["name"] == "minilm":
            given = {"models": self.models, "threads": self.threads}
        elif spec["name"] == "lsa":
            from groundwork.knowledge.embedders.lsa import fit

            options = {key: value for key, value in spec.items() if key != "name"}
            artefact = fit([f"{d.title}\n{d.text}" for d in judged.documents], **options)
            given = {"artefact": digest_bytes(artefact), "read": lambda _: artefact}
        return spec["name"], EMBEDDERS.make({**spec, **given}), spec


def _as_text(document: Document) -> DocumentText:
    return DocumentText(
        document_id=derived_id("doc", TENANT, document.id),
        version=digest_json([document.id, document.title, digest_text(document.text)]),
        text=document.text,
        marks=(),
        title=document.title,
        language="",
        media_type="text/plain",
        modified=0,
        access=("public",),
    )


def _measure(
    judged: Judged, built: _Built, retriever: Retriever, tell: Callable[[int, int], None]
) -> Measured:
    scores: dict[str, list[float]] = {metric: [] for metric in METRICS}
    times: list[float] = []
    stride = max(1, len(judged.queries) // TIMED_QUERIES)
    for number, query in enumerate(judged.queries):
        if number % stride == 0:
            begun = time.perf_counter()
            retriever.search(built.view, query.text, TIMED_CHUNKS)
            times.append(1000 * (time.perf_counter() - begun))
        found = retriever.search(built.view, query.text, CHUNKS)
        ranking = list(dict.fromkeys(built.documents[ranked.chunk_id] for ranked in found))
        for metric, measure in METRICS.items():
            scores[metric].append(measure(ranking, query.relevant))
        tell(number + 1, len(judged.queries))
    return Measured({metric: np.array(values) for metric, values in scores.items()}, times)


def _report(names: Sequence[str], found: Sequence[Mapping[str, Measured]], seed: int) -> list[dict[str, Any]]:
    """Return one row for each strategy over the queries of all sets in `found`."""

    def scores(name: str, metric: str) -> Array:
        return np.concatenate([by_name[name].scores[metric] for by_name in found])

    def row(name: str) -> dict[str, Any]:
        times = [t for by_name in found for t in by_name[name].times_ms]
        against = scores(name, "ndcg@10") - scores(BASELINE, "ndcg@10")
        return {
            "strategy": name,
            "default": name == AppSpec().strategy,
            "n": len(against),
            **{metric: interval(scores(name, metric), seed=seed) for metric in METRICS},
            "p50_ms": float(np.percentile(times, 50)),
            "p95_ms": float(np.percentile(times, 95)),
            "versus_lexical": {"ndcg@10": interval(against, seed=seed)},
        }

    return [row(name) for name in names]
