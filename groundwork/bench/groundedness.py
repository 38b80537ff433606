"""Measure the groundedness detector on texts that people judged: how well it decides and ranks, how honest its
probabilities are, and how many texts it judges in a second of one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.bench.grounded_rows import Judged, Row, read
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.groundedness.detector import Detector, Response
from groundwork.evaluation.groundedness.thresholds import LEAST, Labelled, Thresholds, calibrate

RESAMPLES = 2_000
BINS = 10
Array = NDArray[np.float64]


def run(
    path: Path,
    *,
    given: Path | None = None,
    labels: int = 0,
    adapt: bool = True,
    encoder: bool = False,
    chunks: bool = False,
    seed: int = 0,
    models: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return `{balanced_accuracy, auroc, ece, per_second, n, …}`, each with its 95 % interval over clusters drawn anew.

    Args:
        path: a folder or a file of rows, see `grounded_rows`.
        given: another such folder: all its labels choose the threshold (and, with `adapt`, the weights of a whole text).
        labels: choose the threshold from so many rows of `path` itself, drawn by cluster; the figures are those of the rest.
        encoder: MiniLM beside the words.
        seed: of the draw and of the intervals; equal arguments give equal figures, but for the speed.

    Raises:
        InvalidInputError: see `grounded_rows.read` and `calibrate`; both `given` and `labels`; no rows are left.
    """
    if given is not None and labels:
        raise InvalidInputError(
            "the threshold is chosen either from another folder or from rows of this one",
            hint="leave out `--given` or `--calibrate`",
        )
    judged = read(path, chunks=chunks)
    detector = Detector(domain=judged.domain, embed=_encoder(models) if encoder else None)
    rows = list(judged.rows)
    thresholds: Thresholds | None = None
    chosen = f"bundled with the weights, for `{_known(detector, judged.domain)}`"
    if given is not None:
        other = read(given, chunks=chunks)
        responses, _ = _judge(detector, other.rows, None)
        thresholds = calibrate(
            _labelled(other.rows, responses), detector.model, seed=seed, domain=other.name, adapt=adapt
        )
        chosen = f"from {len(other.rows)} labels of {given}"
    elif labels:
        drawn, rows = draw(judged, labels, seed)
        responses, _ = _judge(detector, drawn, None)
        thresholds = calibrate(
            _labelled(drawn, responses), detector.model, seed=seed, domain=judged.name, adapt=adapt
        )
        chosen = f"from {len(drawn)} labels drawn with seed {seed}; the figures are those of the other rows"
    if not rows:
        raise InvalidInputError(
            f"no row of {path} is left to measure on", hint="take fewer labels for the threshold"
        )
    fitted = replace(detector, thresholds=thresholds) if thresholds else detector
    responses, seconds = _judge(fitted, rows, progress)
    figures = measure(
        np.array([r.probability for r in responses]),
        np.array([row.supported for row in rows]),
        [row.cluster for row in rows],
        fitted.threshold,
        seed,
    )
    words = [sum(len(p.split()) for p in row.passages) for row in rows]
    return {
        "set": judged.name,
        "n": len(rows),
        "clusters": len({row.cluster for row in rows}),
        "supported": sum(row.supported for row in rows),
        **figures,
        "threshold": fitted.threshold,
        "threshold_chosen": chosen,
        "adapted": bool(thresholds and thresholds.response_model),
        "calibration": thresholds.as_dict() if thresholds else None,
        "per_second": _speed(seconds, seed),
        "context_words": float(np.mean(words)),
        "variant": "minilm" if encoder else "words",
        "weights": fitted.model.digest,
        "data_digest": judged.digest,
        "seed": seed,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "interval": f"95 %, {RESAMPLES} bootstrap draws of clusters",
    }


def draw(judged: Judged, labels: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Return about `labels` rows of whole clusters drawn at random, at least so many, and the rows of other clusters.

    Raises:
        InvalidInputError: fewer than 60 labels, or no more rows than labels.
    """
    if labels < LEAST:
        raise InvalidInputError(f"{labels} labels are too few", hint=f"take at least {LEAST}")
    if labels >= len(judged.rows):
        raise InvalidInputError(
            f"{labels} labels of {len(judged.rows)} rows leave nothing to measure on",
            hint="take fewer labels",
        )
    names = sorted({row.cluster for row in judged.rows})
    order = np.random.default_rng(seed).permutation(len(names))
    taken: set[str] = set()
    count = 0
    sizes: dict[str, int] = {}
    for row in judged.rows:
        sizes[row.cluster] = sizes.get(row.cluster, 0) + 1
    for at in order:
        if count >= labels:
            break
        taken.add(names[at])
        count += sizes[names[at]]
    return [r for r in judged.rows if r.cluster in taken], [r for r in judged.rows if r.cluster not in taken]


def measure(
    values: Array, right: NDArray[np.bool_], clusters: Sequence[str], threshold: float, seed: int
) -> dict[str, Any]:
    """Return balanced accuracy, AUROC and expected calibration error with intervals; None where one label is missing."""
    names = {name: at for at, name in enumerate(sorted(set(clusters)))}
    groups = np.array([names[c] for c in clusters])
    order = np.argsort(values, kind="stable")
    values, right, groups = values[order], right[order], groups[order]
    called = values >= threshold
    _, ties = np.unique(values, return_inverse=True)
    bins = np.minimum(np.arange(len(values)) * BINS // len(values), BINS - 1)

    def figures(weights: Array) -> tuple[float, float, float]:
        w = weights[groups]
        yes, no = w * right, w * ~right
        p, q = yes.sum(), no.sum()
        gap = np.abs(np.bincount(bins, w * (values - right), minlength=BINS)).sum()
        if p == 0 or q == 0:
            return np.nan, np.nan, float(gap / max(w.sum(), 1e-12))
        accuracy = ((yes * called).sum() / p + (no * ~called).sum() / q) / 2
        at_yes, at_no = np.bincount(ties, yes), np.bincount(ties, no)
        below = np.concatenate(([0.0], np.cumsum(at_no)[:-1]))
        area = (at_yes * (below + at_no / 2)).sum() / (p * q)
        return float(accuracy), float(area), float(gap / w.sum())

    rng = np.random.default_rng(seed)
    count = len(names)
    drawn = np.array(
        [
            figures(np.bincount(rng.integers(0, count, count), minlength=count).astype(float))
            for _ in range(RESAMPLES)
        ]
    )
    value = figures(np.ones(count))
    found: dict[str, Any] = {}
    for at, name in enumerate(("balanced_accuracy", "auroc", "ece")):
        column = drawn[:, at][~np.isnan(drawn[:, at])]
        if np.isnan(value[at]) or not len(column):
            found[name] = None
            continue
        low, high = np.percentile(column, [2.5, 97.5])
        found[name] = {"value": value[at], "low": float(low), "high": float(high)}
    return found


def _judge(
    detector: Detector, rows: Sequence[Row], progress: Callable[[int, int], None] | None
) -> tuple[list[Response], Array]:
    responses: list[Response] = []
    seconds = np.zeros(len(rows))
    for at, row in enumerate(rows):
        begin = time.thread_time()
        responses.append(detector.respond(row.text, row.passages))
        seconds[at] = time.thread_time() - begin
        if progress and (at % 20 == 19 or at + 1 == len(rows)):
            progress(at + 1, len(rows))
    return responses, seconds


def _labelled(rows: Sequence[Row], responses: Sequence[Response]) -> list[Labelled]:
    return [
        Labelled(response.figures, row.supported, row.cluster)
        for row, response in zip(rows, responses, strict=True)
    ]


def _speed(seconds: Array, seed: int) -> dict[str, float]:
    """Return texts a second of processor time, one after the other, every text with passages of its own, read anew."""
    rng = np.random.default_rng(seed)
    drawn = [1.0 / seconds[rng.integers(0, len(seconds), len(seconds))].mean() for _ in range(500)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": float(1.0 / seconds.mean()), "low": float(low), "high": float(high)}


def _known(detector: Detector, domain: str) -> str:
    return domain if domain in detector.model.thresholds else "default"


def _encoder(models: str) -> Any:
    from groundwork.models.encoder import MiniLmEncoder

    return MiniLmEncoder(threads=1, models=models).encode
