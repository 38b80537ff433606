"""Measure chunkers: how much of the evidence the first passages hold, and how much else they bring.

Token-wise recall, precision and intersection over union after Smith and Troynikov, Evaluating Chunking
Strategies for Retrieval (Chroma, 2024), counted in characters.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.digest import digest_bytes

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

TOP = 5
CHUNKERS: tuple[Mapping[str, Any], ...] = (
    {"name": "structure"},
    {"name": "sentences"},
    {"name": "fixed_tokens"},
    {"name": "fixed_tokens", "overlap_tokens": 0},
)
Mask = NDArray[np.bool_]
MEASURES = ("recall", "precision", "iou")


@dataclass(frozen=True)
class Question:
    """A question and the passages that hold its evidence."""

    corpus: str
    question: str
    evidence: tuple[str, ...]


def run(
    directory: Path,
    chunkers: Sequence[Mapping[str, Any]] = CHUNKERS,
    *,
    embedder: str = "none",
    strategy: str = "lexical",
    top: int = TOP,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Ingest the texts of a set with each chunker, search every question, and compare the hits with its evidence.

    Args:
        directory: `NAME.md` texts and `questions.jsonl` (`corpus_id`, `question`, `references: [{content}]`).
        chunkers: specs as in `groundwork.toml`.
        embedder, strategy: as in `groundwork.toml`; without an embedder the strategy must be lexical.
        top: how many hits count.

    Returns:
        `{data_digest, n, top, strategy, chunkers: [{chunker, chunks, mean_chars, recall, precision,
        iou}]}`, each measure with its 95 % bootstrap interval over questions.
    """
    source = directory / "questions.jsonl"
    questions = read_questions(source)
    rows = []
    for done, chunker in enumerate(chunkers):
        progress(done, len(chunkers))
        rows.append(
            {"chunker": dict(chunker), **_measure(directory, questions, chunker, embedder, strategy, top)}
        )
    digest = digest_bytes(source.read_bytes())
    return {"data_digest": digest, "n": len(questions), "top": top, "strategy": strategy, "chunkers": rows}


def read_questions(source: Path) -> list[Question]:
    """Read a file of questions; ones without evidence are left out."""
    values = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = [
        Question(v["corpus_id"], v["question"], tuple(r["content"] for r in v["references"])) for v in values
    ]
    return [q for q in found if q.evidence]


def overlap(evidence: Mask, retrieved: Mask) -> tuple[float, float, float]:
    """Return recall, precision and intersection over union of two sets of characters, given as masks of one text."""
    both = int(np.count_nonzero(evidence & retrieved))
    wanted, brought = int(np.count_nonzero(evidence)), int(np.count_nonzero(retrieved))
    return both / max(wanted, 1), both / max(brought, 1), both / max(wanted + brought - both, 1)


def _measure(
    directory: Path,
    questions: Sequence[Question],
    chunker: Mapping[str, Any],
    embedder: str,
    strategy: str,
    top: int,
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder:
        from groundwork.app.workspace import Workspace

        root = Path(folder)
        table = ", ".join(f"{k} = {json.dumps(v)}" for k, v in chunker.items())
        (root / "groundwork.toml").write_text(
            f'[indexes.default]\nembedder = "{embedder}"\nchunker = {{ {table} }}\n'
        )
        with Workspace.init(root) as workspace:
            workspace.ingest([directory / f"{name}.md" for name in sorted({q.corpus for q in questions})])
            texts = {
                d.document.rpartition("/")[2]: workspace.document(d.id).text for d in workspace.documents()[0]
            }
            scores = np.array([_score(workspace, texts, q, strategy, top) for q in questions])
            head = workspace.snapshots()[0]
    chars = sum(len(t) for t in texts.values())
    measured = {name: _interval(scores[:, i]) for i, name in enumerate(MEASURES)}
    return {"chunks": head.chunks, "mean_chars": round(chars / head.chunks), **measured}


def _score(
    workspace: Workspace, texts: Mapping[str, str], question: Question, strategy: str, top: int
) -> tuple[float, float, float]:
    marked = {name: np.zeros((2, len(text)), bool) for name, text in texts.items()}
    name = f"{question.corpus}.md"
    for passage in question.evidence:
        at = texts[name].find(passage)
        if at >= 0:
            marked[name][0, at : at + len(passage)] = True
    for hit in workspace.search(question.question, strategy=strategy, k=top).hits:
        marked[hit.document.rpartition("/")[2]][1, hit.start : hit.end] = True
    return overlap(
        np.concatenate([m[0] for m in marked.values()]), np.concatenate([m[1] for m in marked.values()])
    )


def _interval(values: NDArray[np.float64], resamples: int = 2000) -> dict[str, float]:
    draw = np.random.default_rng(0)
    means = values[draw.integers(0, len(values), (resamples, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "value": round(float(values.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }
