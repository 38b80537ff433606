"""Measure an ingest through the real workspace: its rate beside the bare encoder, and what an unchanged one costs."""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import LOCAL

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.knowledge.embedders import Embedder
    from groundwork.knowledge.records import IngestProgress, IngestReport

DOCUMENTS = 300
SETTLED_SECONDS = 2.1
"""A file looked at sooner after its last change is read again by the next ingest, as it might have changed unseen."""


def run(
    directory: Path | None = None,
    progress: Callable[[IngestProgress], None] | None = None,
    *,
    documents: int = DOCUMENTS,
    words: int = 400,
    seed: int = 0,
    embedder: str = "auto",
) -> dict[str, Any]:
    """Ingest a folder in a temporary workspace, embed the same chunks bare, ingest again, and return the figures.

    Args:
        directory: what to ingest; None makes a corpus.
        progress: called as by an ingest.
        documents: size of the corpus that is made.
        words: mean length of its documents.
        seed: equal seeds make equal corpora.
        embedder: as in `groundwork.toml`.

    Returns:
        `{corpus, documents, chunks, embedder, ingest: {seconds, cpu_seconds, documents_per_second, chunks_per_second,
        publish_seconds, stages}, bare_encoder: {seconds, cpu_seconds, chunks_per_second}, rate_ratio, cpu_ratio, unchanged:
        {seconds, cpu_seconds, embedded, embed_steps}, peak_rss_mib, parser_peak_rss_mib}`. `rate_ratio` is
        the rate of the ingest over the rate of the encoder alone on the same chunks, right after it: 1 when
        everything else were free.
    """
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        corpus = directory or make_corpus(Path(folder) / "corpus", documents, words, seed)
        named = {"folder": directory.name} if directory else {"made": documents, "words": words, "seed": seed}
        with _workspace(Path(folder) / "workspace", embedder) as workspace:
            first, report = _ingest(workspace, corpus, progress)
            if report.chunks == 0:
                raise InvalidInputError(
                    f"nothing in {corpus} could be indexed", hint="name a folder with documents"
                )
            texts, encoder = _embedded(workspace)
            bare = _embed(encoder, texts)
            if encoder is not None and len(texts) != report.embedded:
                raise InvalidInputError(
                    f"{report.embedded} texts were embedded, but the index holds {len(texts)} different ones",
                    hint="measure a folder that nobody changes meanwhile",
                )
            again, unchanged = _ingest(workspace, corpus, progress)
            snapshot = workspace.snapshots()[0]
    return {
        "corpus": {**named, "digest": digest_json([named, snapshot.id])[:16]},
        "documents": snapshot.documents,
        "quarantined": report.documents.quarantined,
        "chunks": snapshot.chunks,
        "embedder": snapshot.embedder,
        "ingest": {
            **first.figures(),
            "documents_per_second": round(snapshot.documents / first.seconds, 1),
            "chunks_per_second": round(snapshot.chunks / first.seconds, 1),
            "publish_seconds": round(first.stages.get("publishing", 0.0), 3),
            "stages": {k: round(v, 3) for k, v in first.stages.items()},
        },
        "bare_encoder": None
        if encoder is None
        else {**bare.figures(), "chunks_per_second": round(len(texts) / max(bare.seconds, 1e-9), 1)},
        "rate_ratio": None if encoder is None else round(bare.seconds / first.seconds, 3),
        "cpu_ratio": None if encoder is None else round(bare.cpu / first.cpu, 3),
        "unchanged": {
            **again.figures(),
            "embedded": unchanged.embedded,
            "embed_steps": again.steps.get("embedding", 0),
            "documents": unchanged.documents.unchanged,
            "same_snapshot": unchanged.snapshot == report.snapshot,
        },
        "peak_rss_mib": _peak(resource.RUSAGE_SELF),
        "parser_peak_rss_mib": _peak(resource.RUSAGE_CHILDREN),
    }


@dataclass
class Watch:
    """Wall and processor time of one act, children included, and the time between the stages it reports."""

    seconds: float = 0.0
    cpu: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    _last: tuple[str, float] = ("", 0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the block."""
        begun, cpu = time.monotonic(), _cpu()
        self._last = ("preparing", begun)
        yield
        self._turn("")
        self.seconds, self.cpu = time.monotonic() - begun, _cpu() - cpu

    def note(self, step: IngestProgress) -> None:
        """Take a progress report."""
        self.steps[step.stage] = self.steps.get(step.stage, 0) + 1
        if step.stage != self._last[0]:
            self._turn(step.stage)

    def figures(self) -> dict[str, float]:
        """Return the totals."""
        return {"seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu, 3)}

    def _turn(self, stage: str) -> None:
        now = time.monotonic()
        self.stages[self._last[0]] = self.stages.get(self._last[0], 0.0) + now - self._last[1]
        self._last = (stage, now)


def make_corpus(folder: Path, documents: int, words: int, seed: int) -> Path:
    """Write Markdown files with headings and made-up prose, a hundred to a folder; equal arguments give equal files."""
    draw = random.Random(seed)  # noqa: S311 - not a secret
    vocabulary = [_word(draw) for _ in range(20_000)]
    for number in range(documents):
        place = folder / f"{number // 100:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06}.md").write_text(_document(draw, vocabulary, number, words), encoding="utf-8")
    time.sleep(SETTLED_SECONDS)
    return folder


def _document(draw: random.Random, vocabulary: list[str], number: int, words: int) -> str:
    parts = [f"# Document {number} {draw.choice(vocabulary)}\n"]
    left = draw.randint(max(8, words // 2), max(9, words * 3 // 2))
    while left > 0:
        if left < words - 100 and draw.random() < 0.3:
            parts.append(f"## On {draw.choice(vocabulary)} {draw.choice(vocabulary)}\n")
        size = min(left, draw.randint(30, 120))
        parts.append(_paragraph(draw, vocabulary, size))
        left -= size
    return "\n".join(parts)


def _paragraph(draw: random.Random, vocabulary: list[str], words: int) -> str:
    # Frequencies fall like Zipf's, so that postings are as uneven as in prose.
    chosen = [vocabulary[min(len(vocabulary) - 1, int(draw.paretovariate(0.6)) - 1)] for _ in range(words)]
    sentences = [" ".join(chosen[i : i + 14]).capitalize() + "." for i in range(0, words, 14)]
    return " ".join(sentences) + "\n"


def _word(draw: random.Random) -> str:
    return "".join(draw.choice("bcdfglmnprstv") + draw.choice("aeiou") for _ in range(draw.randint(1, 4)))


@contextmanager
def _workspace(root: Path, embedder: str) -> Iterator[Workspace]:
    from groundwork.app import config
    from groundwork.app.workspace import Workspace

    root.mkdir(parents=True)
    (root / config.SPEC_FILE).write_text(f'[indexes.default]\nembedder = "{embedder}"\n')
    with Workspace.init(root) as workspace:
        yield workspace


def _ingest(
    workspace: Workspace, corpus: Path, progress: Callable[[IngestProgress], None] | None
) -> tuple[Watch, IngestReport]:
    watch = Watch()

    def note(step: IngestProgress) -> None:
        watch.note(step)
        if progress is not None:
            progress(step)

    with watch.running():
        report = workspace.ingest([corpus], progress=note)
    return watch, report


def _embedded(workspace: Workspace) -> tuple[list[str], Embedder | None]:
    """Return the different texts that the index holds vectors of, in the order of their documents, and its embedder."""
    catalogue = workspace.rooms.catalogue
    with workspace.rooms.database.read() as connection:
        snapshot = catalogue.resolve(connection, LOCAL, "default", None)
        parts = catalogue.parts(connection, LOCAL.tenant, snapshot.index_version)
    rows = catalogue.index(LOCAL.tenant, "default", parts).scan(snapshot.ref, vectors=False)
    return list(
        dict.fromkeys(f"{r.context}\n{r.text}" if r.context else r.text for r in rows)
    ), parts.embedder


def _embed(encoder: Embedder | None, texts: list[str]) -> Watch:
    watch = Watch()
    with watch.running():
        if encoder is not None:
            encoder.embed_documents(texts)
    return watch


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _peak(who: int) -> int:
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return int(resource.getrusage(who).ru_maxrss // scale)


def summary(result: Mapping[str, Any]) -> str:
    """Return the figures that are held to, in one line."""
    return (
        f"{result['documents']} documents, {result['chunks']} chunks: rate ratio {result['rate_ratio']}, "
        f"unchanged {result['unchanged']['seconds']} s with {result['unchanged']['embedded']} embedded"
    )
