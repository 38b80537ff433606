"""Measure a reader with the paragraph given: does its first quote hold the answer, and does it know when there is none."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.answers.readers import READERS, Reader
from groundwork.answers.types import Draft, Passage
from groundwork.core.digest import digest_bytes, digest_json
from groundwork.core.errors import InvalidInputError, NotFoundError

Array = NDArray[np.float64]
COVERAGES = (0.1, 0.2, 0.5)
RESAMPLES = 1_000


@dataclass(frozen=True)
class Read:
    """What became of one question.

    Attributes:
        cluster: the passage it was asked about.
        right: whether the first quote holds a gold answer; never for an unanswerable question.
    """

    cluster: str
    confidence: float
    answerable: bool
    right: bool


def run(
    directory: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    reader: str | Mapping[str, Any] = "extractive",
    seed: int = 0,
) -> dict[str, Any]:
    """Read every question of a set with its own passage.

    Args:
        directory: holds `passages.jsonl` (`doc_id`, `text`, perhaps `title`) and `questions.jsonl` (`doc_id`, `question`,
            `is_impossible`, `answers: [{text}]`), each perhaps with `.gz`.
        progress: hears how many questions are done, and of how many.
        reader: its spec on the shelf of readers.
        seed: of the bootstrap; equal seeds give equal intervals.

    Returns:
        `{sentence_accuracy, answerability_auroc, aurc, risk_at_coverage: {"0.1": …}, n, n_answerable, …}`. A figure is
        `{value, low, high}` with a 95 % percentile interval of a bootstrap over passages. Risk counts an answer to an
        unanswerable question as an error; `aurc` is its mean over all coverages, in order of confidence.

    Raises:
        NotFoundError: a file is missing.
        InvalidInputError: a question names a passage that is not there, or all questions are of one kind.
    """
    passages = {str(p["doc_id"]): p for p in _rows(directory, "passages.jsonl")}
    questions = list(_rows(directory, "questions.jsonl"))
    made = READERS.make(reader)
    if questions and passages:
        _read(made, questions[0], passages)  # opens the encoder, so that its loading is not timed
    began, cpu = time.perf_counter(), time.process_time()
    reads = []
    for number, question in enumerate(questions, 1):
        reads.append(_read(made, question, passages))
        if progress:
            progress(number, len(questions))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    if len({r.answerable for r in reads}) < 2:
        raise InvalidInputError(
            f"the {len(reads)} questions of {directory} are not of both kinds, answerable and not",
            hint="each needs `is_impossible`, and some of it must be true",
        )
    return {
        **figures(reads, seed),
        "n": len(reads),
        "n_answerable": sum(r.answerable for r in reads),
        "n_passages": len({r.cluster for r in reads}),
        "reader": made.fingerprint,
        "data_digest": digest_json([digest_bytes(_file(directory, f).read_bytes()) for f in _FILES]),
        "seed": seed,
        "resamples": RESAMPLES,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "questions_per_second": round(len(reads) / seconds, 1),
    }


def figures(reads: Sequence[Read], seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Return the figures of questions that were read, each with its interval; both kinds of question must be there."""
    order = np.argsort([-r.confidence for r in reads], kind="stable")
    sorted_reads = [reads[i] for i in order]
    names = sorted({r.cluster for r in reads})
    cluster = np.searchsorted(names, [r.cluster for r in sorted_reads])
    subject = _subject(sorted_reads)
    random = np.random.default_rng(seed)
    points = subject.measure(np.ones(len(reads)))
    draws = []
    for _ in range(resamples):
        counts = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))
        draws.append(subject.measure(counts[cluster].astype(np.float64)))
    low, high = np.nanpercentile(draws, [2.5, 97.5], axis=0)
    found = [
        {"value": round(float(v), 4), "low": round(float(a), 4), "high": round(float(b), 4)}
        for v, a, b in zip(points, low, high, strict=True)
    ]
    return {
        "sentence_accuracy": found[0],
        "answerability_auroc": found[1],
        "aurc": found[2],
        "risk_at_coverage": dict(zip(map(str, COVERAGES), found[3:], strict=True)),
    }


@dataclass(frozen=True)
class _Subject:
    """Questions sorted by confidence, highest first."""

    confidence: Array
    answerable: NDArray[np.bool_]
    right: NDArray[np.bool_]

    def measure(self, weight: Array) -> Array:
        """Return accuracy, AUROC, AURC and the risks at `COVERAGES`; ties count as if in random order."""
        yes = weight * self.answerable
        no = weight - yes
        if not yes.sum() or not no.sum():
            return np.full(3 + len(COVERAGES), np.nan)
        tie = np.concatenate([[0], np.cumsum(self.confidence[1:] != self.confidence[:-1])])
        above = np.cumsum(np.bincount(tie, no))[tie] - 0.5 * np.bincount(tie, no)[tie]
        auroc = 1.0 - float(yes @ above) / (yes.sum() * no.sum())
        mass = np.bincount(tie, weight)
        wrong = np.bincount(tie, weight * ~self.right)
        error = np.divide(wrong, mass, out=np.zeros_like(wrong), where=mass > 0)[tie]
        covered = np.cumsum(weight)
        risk = np.cumsum(weight * error) / np.maximum(covered, 1e-12)
        at = [risk[np.searchsorted(covered, c * covered[-1])] for c in COVERAGES]
        return np.array([float(yes @ self.right) / yes.sum(), auroc, float(weight @ risk) / covered[-1], *at])


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the share of pairs in which the positive is higher; ties count half."""
    reads = [*(Read("", c, True, False) for c in positive), *(Read("", c, False, False) for c in negative)]
    return float(_subject(sorted(reads, key=lambda r: -r.confidence)).measure(np.ones(len(reads)))[1])


def _subject(reads: Sequence[Read]) -> _Subject:
    return _Subject(
        np.array([r.confidence for r in reads]),
        np.array([r.answerable for r in reads]),
        np.array([r.right for r in reads]),
    )


def _read(reader: Reader, question: Mapping[str, Any], passages: Mapping[str, Mapping[str, Any]]) -> Read:
    name = str(question["doc_id"])
    if name not in passages:
        raise InvalidInputError(
            f"question `{question.get('id', '')}` is about passage `{name}`, which is not in passages.jsonl",
            hint="every question's `doc_id` must be one of a passage",
        )
    text, title = str(passages[name]["text"]), str(passages[name].get("title", "")).replace("_", " ")
    passage = Passage(1, 1.0, name, name, name, 0, len(text), text, title)
    draft = reader.read(str(question["question"]), [passage])
    answers = [str(a["text"]) for a in question.get("answers", [])]
    impossible = bool(question.get("is_impossible", not answers))
    return Read(name, draft.confidence, not impossible, not impossible and holds(draft, text, answers))


def holds(draft: Draft, text: str, answers: Sequence[str]) -> bool:
    """Whether the first quote holds one of the answers, letter by letter."""
    if not draft.quotes:
        return False
    quoted = text[draft.quotes[0].start : draft.quotes[0].end]
    return any(answer and answer in quoted for answer in answers)


_FILES = ("passages.jsonl", "questions.jsonl")


def _rows(directory: Path, name: str) -> Iterator[dict[str, Any]]:
    path = _file(directory, name)
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as stream
    ):
        for line in stream:
            if line.strip():
                yield json.loads(line)


def _file(directory: Path, name: str) -> Path:
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            return path
    raise NotFoundError(
        f"there is no {name} or {name}.gz in {directory}",
        hint="`groundwork bench extract --help` says what a set holds",
    )
