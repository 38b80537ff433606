"""Measure prediction-powered intervals: how often they hold the truth, and how much narrower the judge makes them.

A set with a human label and judges' scores on every item stands in for the world: each simulated study draws its labelled
and its unlabelled items from it, with replacement, so the mean of all labels is the truth.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.core.digest import digest_json
from groundwork.core.errors import InternalError, InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray
from groundwork.evaluation.statistics.prediction_powered import ppi
from groundwork.evaluation.statistics.rates import t_of, wilson, z_of

Progress = Callable[[int, int, str], object]
COVERED = (0.935, 0.965)
SIZES = (100, 150, 200)
CHECKED = 5
FRANK = "human_and_metrics.jsonl"
XSTEST = "completions_judged.jsonl"
JUDGES = ("FactCC", "FEQA", "BertScore P Art")
LEVEL = 0.95
TAIL = 0.025


def run(
    directories: Sequence[Path],
    worlds: int = 2000,
    labels: Sequence[int] = SIZES,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Simulate studies on each set, and on made-up ones where the truth is set.

    Args:
        directories: folders with `human_and_metrics.jsonl[.gz]` (`human.Factuality`, `metrics`) or
            `completions_judged.jsonl[.gz]` (`final_label`, `gpt4_label`, `strmatch_label`).

    Returns:
        `{rows: [{set, judge, labels, items, truth, correlation, coverage, coverage_low, coverage_high, width, width_human,
        narrower, coverage_t, coverage_normal, holds}], worlds, seed, holds}`. `coverage` is that of the interval that counts
        (for 0/1 labels the score interval), `coverage_t` and `coverage_normal` those of PPI++ with either quantile.
        `holds` is None below 100 labels, where labels alone are binding.
    """
    if worlds < 20:
        raise InvalidInputError(f"{worlds} studies tell nothing", hint="simulate at least 20, or leave 2000")
    sets = [pair for directory in directories for pair in _read(directory)] + list(_made_up())
    rows = []
    for i, (name, judge, y, f) in enumerate(sets):
        for n in labels:
            if 2 <= n < y.size:
                rng = np.random.default_rng([seed, i, n])
                rows += [_study(name, judge, y, f, n, worlds, rng)]
        if progress is not None:
            progress(i + 1, len(sets), name)
    return {
        "rows": rows,
        "worlds": worlds,
        "seed": seed,
        "digest": digest_json([[name, judge, y.tolist(), f.tolist()] for name, judge, y, f in sets]),
        "holds": all(r["holds"] is not False for r in rows),
    }


def _study(
    name: str, judge: str, y: FloatArray, f: FloatArray, n: int, worlds: int, rng: np.random.Generator
) -> dict[str, Any]:
    truth, big = float(y.mean()), y.size - n
    value, se, lam = np.empty(worlds), np.empty(worlds), np.empty(worlds)
    human, human_se = np.empty(worlds), np.empty(worlds)
    for at in range(0, worlds, 200):
        part = slice(at, min(at + 200, worlds))
        rows = part.stop - part.start
        few, many = rng.integers(0, y.size, (rows, n)), rng.integers(0, y.size, (rows, big))
        made = _estimate(y[few], f[few], f[many])
        value[part], se[part], lam[part] = made
        human[part], human_se[part] = y[few].mean(axis=1), y[few].std(axis=1, ddof=1) / np.sqrt(n)
        if at == 0:
            _same_as_product(y[few][:CHECKED], f[few][:CHECKED], f[many][:CHECKED], value, se)
    t, z = t_of(TAIL, n - 1), z_of(TAIL)
    rate = bool(np.isin(y, (0.0, 1.0)).all())
    low, high = _scores(value, se, t) if rate else (value - t * se, value + t * se)
    covered = wilson(int(((low <= truth) & (truth <= high)).sum()), worlds)
    width, width_human = float((high - low).mean()), float((2 * t * human_se).mean())
    if rate:
        width_human = float(np.mean([wilson(round(m * n), n, LEVEL).width for m in human]))
    good = COVERED[0] <= covered.value <= COVERED[1] and width < width_human
    return {
        "set": name,
        "judge": judge,
        "labels": n,
        "items": int(y.size),
        "truth": truth,
        "correlation": float(np.corrcoef(y, f)[0, 1]),
        "lam": float(lam.mean()),
        "coverage": covered.value,
        "coverage_low": covered.low,
        "coverage_high": covered.high,
        "width": width,
        "width_human": width_human,
        "narrower": 1 - width / width_human,
        "coverage_t": float((np.abs(value - truth) <= t * se).mean()),
        "coverage_normal": float((np.abs(value - truth) <= z * se).mean()),
        "coverage_human": float((np.abs(human - truth) <= t * human_se).mean()),
        "holds": good if n >= 100 else None,
    }


def _estimate(y: FloatArray, f: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return value, standard error and lam of each row, as `ppi` does for one."""
    n, big = y.shape[1], u.shape[1]
    spread = np.concatenate([f, u], axis=1).var(axis=1, ddof=1)
    together = ((y - y.mean(axis=1, keepdims=True)) * (f - f.mean(axis=1, keepdims=True))).sum(axis=1) / (
        n - 1
    )
    lam = np.where(spread > 1e-15, together / np.maximum((1 + n / big) * spread, 1e-300), 0.0).clip(0, 1)
    rest = y - lam[:, None] * f
    value = rest.mean(axis=1) + lam * u.mean(axis=1)
    variance = rest.var(axis=1, ddof=1) / n + lam**2 * u.var(axis=1, ddof=1) / big
    return value, np.sqrt(variance), lam


def _scores(value: FloatArray, se: FloatArray, critical: float) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the score interval of each row, as `ppi` does for one."""
    p = value.clip(1e-9, 1 - 1e-9)
    n, z2 = p * (1 - p) / np.maximum(se, 1e-12) ** 2, critical * critical
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = critical / (1 + z2 / n) * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return np.asarray(centre - half), np.asarray(centre + half)


def _same_as_product(y: FloatArray, f: FloatArray, u: FloatArray, value: FloatArray, se: FloatArray) -> None:
    for i in range(len(y)):
        made = ppi(y[i], f[i], u[i], LEVEL, bounds=(-np.inf, np.inf))
        if abs(made.estimate.value - value[i]) > 1e-9 or abs(made.se - se[i]) > 1e-9:
            raise InternalError(
                f"the simulation estimates {value[i]} where the platform estimates {made.estimate.value}"
            )


Column = tuple[str, str, FloatArray, FloatArray]


def _made_up() -> list[Column]:
    """Return large populations with rates that are hard for intervals, and a judge that is right nine times of ten."""
    found = []
    for rate in (0.5, 0.7, 0.85):
        rng = np.random.default_rng(round(rate * 100))
        y = (np.arange(2000) < rate * 2000).astype(float)
        f = np.where(rng.random(2000) < 0.9, y, 1 - y)
        found.append((f"made up, rate {rate}", "right in 90 %", y, f))
    rng = np.random.default_rng(3)
    y = rng.beta(2, 1, 2000)
    found.append(("made up, scores", "correlation .8", y, y + rng.normal(0, 0.18, 2000)))
    return found


def _read(directory: Path) -> list[Column]:
    for name, reader in ((FRANK, _frank), (XSTEST, _xstest)):
        for path in (directory / name, directory / f"{name}.gz"):
            if path.is_file():
                opener: Any = gzip.open if path.suffix == ".gz" else open
                with opener(path, "rt", encoding="utf-8") as stream:
                    return reader(directory.name, [json.loads(line) for line in stream])
    raise InvalidInputError(
        f"{directory} holds neither {FRANK} nor {XSTEST}", hint="give the folder of `frank` or of `xstest`"
    )


def _frank(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    found = []
    for judge in JUDGES:
        kept = [(r["human"]["Factuality"], r["metrics"].get(judge)) for r in rows]
        pairs = np.asarray([(a, b) for a, b in kept if a is not None and b is not None], dtype=float)
        found.append((name, judge, pairs[:, 0], pairs[:, 1]))
    return found


def _xstest(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    found = []
    for judge in ("gpt4_label", "strmatch_label"):
        kept = [r for r in rows if r["final_label"] and r[judge]]
        y = np.asarray([_refuses(r["final_label"]) for r in kept], dtype=float)
        f = np.asarray([_refuses(r[judge]) for r in kept], dtype=float)
        found.append((f"{name}, refusals", judge, y, f))
    return found


def _refuses(label: str) -> bool:
    return "refusal" in label
