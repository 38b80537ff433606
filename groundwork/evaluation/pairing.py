"""Two columns of one metric become pairs: the same examples in the same order, with nothing missing left out.

What is missing speaks against the candidate: its own missing scores count as the worst, missing scores of the baseline as
the best, so that no outage on either side makes a candidate look better than it is. A number that is not finite is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import Example
from groundwork.evaluation.metrics import Metric, Row
from groundwork.evaluation.metrics.measuring import column, metric_of, rows_of
from groundwork.evaluation.metrics.naming import parse_metric
from groundwork.evaluation.scorers import Scorer
from groundwork.evaluation.types import Column, Evaluation, Result

FloatArray = NDArray[np.float64]
Index = NDArray[np.intp]
Statistic = Callable[[Index], float | None]
"""A number of the examples at these places, each as often as its place is named."""


@dataclass(frozen=True)
class Pairs:
    """One metric on both sides, example by example.

    Attributes:
        baseline, candidate: shape (n,), finite, in units of the metric.
        clusters: the cluster of each example. tags: its slices.
        binary: every value is 0 or 1.
        measure: `mean` for what is compared example by example; else the metric's name, such as `p95`.
        weights: shape (n,); None: every example counts the same.
        statistics: the metric of the baseline and the candidate where `measure` is no mean.
        missing_baseline, missing_candidate: ids whose score was missing on that side.
        only_baseline, only_candidate: ids that the metric has on one side only; they are in no pair.
    """

    metric: str
    ids: tuple[str, ...]
    baseline: FloatArray
    candidate: FloatArray
    clusters: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    higher_is_better: bool
    binary: bool
    measure: str = "mean"
    weights: FloatArray | None = None
    statistics: tuple[Statistic, Statistic] | None = None
    missing_baseline: tuple[str, ...] = ()
    missing_candidate: tuple[str, ...] = ()
    only_baseline: tuple[str, ...] = ()
    only_candidate: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return len(self.ids)

    @cached_property
    def oriented(self) -> tuple[FloatArray, FloatArray]:
        """Candidate and baseline turned so that more is better; binary stays 0 and 1."""
        if self.higher_is_better:
            return self.candidate, self.baseline
        if self.binary:
            return 1.0 - self.candidate, 1.0 - self.baseline
        return -self.candidate, -self.baseline

    @property
    def is_mean(self) -> bool:
        """The metric is a mean over examples, so that it is compared example by example."""
        return self.measure == "mean"

    @cached_property
    def functions(self) -> tuple[Statistic, Statistic]:
        """The metric of the baseline and of the candidate, as functions of which examples are counted."""
        if self.statistics is not None:
            return self.statistics
        return self._mean_of(self.baseline), self._mean_of(self.candidate)

    @property
    def values(self) -> tuple[float | None, float | None]:
        """The metric of the baseline and of the candidate; None where it is not defined."""
        if not self.n:
            return None, None
        every = np.arange(self.n)
        before, after = (f(every) for f in self.functions)
        return before, after

    def _mean_of(self, values: FloatArray) -> Statistic:
        weights = self.weights

        def mean(index: Index) -> float | None:
            if weights is None:
                return float(np.mean(values[index])) if len(index) else None
            total = float(weights[index].sum())
            return float(np.dot(values[index], weights[index]) / total) if total > 0 else None

        return mean

    @property
    def same(self) -> bool:
        """Both sides have the same score on every example."""
        return bool(np.array_equal(self.baseline, self.candidate))

    @property
    def constant(self) -> bool:
        """Every score on both sides is one and the same number: the metric tells nothing apart."""
        both = np.concatenate([self.baseline, self.candidate])
        return bool(both.size and np.all(both == both[0]))

    def within(self, keep: Sequence[bool]) -> Pairs:
        """Return the pairs for which `keep` is true."""
        mask = np.asarray(keep, dtype=bool)

        def kept(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(v for v, k in zip(values, mask, strict=True) if k)

        ids = kept(self.ids)
        here = set(ids)
        return replace(
            self,
            ids=ids,
            baseline=self.baseline[mask],
            candidate=self.candidate[mask],
            weights=None if self.weights is None else self.weights[mask],
            statistics=None,
            clusters=kept(self.clusters),
            tags=tuple(t for t, k in zip(self.tags, mask, strict=True) if k),
            missing_baseline=tuple(i for i in self.missing_baseline if i in here),
            missing_candidate=tuple(i for i in self.missing_candidate if i in here),
        )


def pair(
    baseline: Column,
    candidate: Column,
    *,
    measure: str = "mean",
    statistics: Callable[[Sequence[str]], tuple[Statistic, Statistic]] | None = None,
) -> Pairs:
    """Return the pairs of two columns, in the order of the baseline.

    Args:
        measure: see `Pairs`. statistics: makes the functions of a metric that is no mean, for ids in the order given.

    Raises:
        InvalidInputError: the columns measure different things, or one names an example twice.
    """
    if baseline.higher_is_better != candidate.higher_is_better:
        raise InvalidInputError(
            f"`{candidate.metric}` is better when high on one side and when low on the other",
            hint="score both evaluations with the same version of the scorer",
        )
    for side in (baseline, candidate):
        if len(set(side.ids)) != len(side.ids):
            raise InvalidInputError(f"the scores of `{side.metric}` name an example twice")
    place = {identifier: n for n, identifier in enumerate(candidate.ids)}
    there = set(baseline.ids)
    common = [(n, place[i]) for n, i in enumerate(baseline.ids) if i in place]
    before = [_finite(baseline.values[n]) for n, _ in common]
    after = [_finite(candidate.values[m]) for _, m in common]
    ids = tuple(baseline.ids[n] for n, _ in common)
    seen = [v for v in (*before, *after) if v is not None]
    up = candidate.higher_is_better
    binary = baseline.binary and candidate.binary and all(v in (0.0, 1.0) for v in seen)
    weights = _weights(candidate, [m for _, m in common])
    worst = (0.0 if up else 1.0) if binary else _worst(candidate, seen)
    best = (1.0 if up else 0.0) if binary else (max(seen) if up else min(seen)) if seen else worst
    return Pairs(
        metric=candidate.metric,
        ids=ids,
        baseline=np.array([best if v is None else v for v in before], dtype=np.float64),
        candidate=np.array([worst if v is None else v for v in after], dtype=np.float64),
        clusters=tuple(candidate.clusters[m] or candidate.ids[m] for _, m in common),
        tags=tuple(candidate.tags[m] for _, m in common),
        higher_is_better=up,
        binary=binary and weights is None,
        measure=measure,
        weights=weights,
        statistics=None if statistics is None else statistics(ids),
        missing_baseline=tuple(i for i, v in zip(ids, before, strict=True) if v is None),
        missing_candidate=tuple(i for i, v in zip(ids, after, strict=True) if v is None),
        only_baseline=tuple(i for i in baseline.ids if i not in place),
        only_candidate=tuple(i for i in candidate.ids if i not in there),
    )


@dataclass(frozen=True)
class Known:
    """What an evaluation keeps of a scorer: enough to measure what it scored then, whatever version there is now."""

    higher_is_better: bool
    worst: float | None
    binary: bool
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Loaded:
    """An evaluation with its examples and results, read once for all its metrics."""

    evaluation: Evaluation
    examples: Sequence[Example]
    results: Sequence[Result]
    scorers: Mapping[str, Scorer] = field(default_factory=dict)

    @classmethod
    def of(cls, evaluation: Evaluation, examples: Sequence[Example], results: Sequence[Result]) -> Loaded:
        """Put an evaluation together with what was read of it."""
        known = {name: cast("Scorer", _known(spec)) for name, spec in evaluation.scorers.items()}
        return cls(evaluation, examples, results, known)

    @cached_property
    def failed(self) -> int:
        """Examples that brought no output in any of their repeats, or have no result at all."""
        there: dict[str, bool] = {}
        for result in self.results:
            fine = result.state != "failed" and not result.output.failed
            there[result.example_id] = there.get(result.example_id, False) or fine
        return sum(1 for e in self.examples if not there.get(e.id, False))

    def only(self, ids: Sequence[str]) -> Loaded:
        """Return the same with these examples alone."""
        kept = set(ids)
        return replace(
            self,
            examples=[e for e in self.examples if e.id in kept],
            results=[r for r in self.results if r.example_id in kept],
        )


def load_pairs(baseline: Loaded, candidate: Loaded, metric: str) -> Pairs:
    """Return the pairs of two evaluations for a metric as it is written, such as `correct` or `p95(latency)`.

    Raises:
        InvalidInputError: it is no metric. NotFoundError: one of the two scored nothing of that name.
    """
    columns = [column(metric, side.examples, side.results, side.scorers) for side in (baseline, candidate)]
    named = parse_metric(metric)
    scorer = candidate.scorers[named.scorer]
    made = metric_of(named, scorer)
    if made.per_example:
        return pair(columns[0], columns[1])
    word = named.metric or scorer.metrics[0]
    measure = word if isinstance(word, str) else metric.partition("(")[0].strip()

    def statistics(ids: Sequence[str]) -> tuple[Statistic, Statistic]:
        found: list[Statistic] = []
        for side in (baseline, candidate):
            by_id = {
                r.id: r
                for r in rows_of(named.scorer, side.scorers[named.scorer], side.results, side.examples)
            }
            found.append(_statistic(made, [by_id[i] for i in ids]))
        return found[0], found[1]

    return pair(columns[0], columns[1], measure=measure, statistics=statistics)


def scorer_of(metric: str) -> str:
    """Return `latency` of `p95(latency)`, and a bare scorer as it is."""
    return parse_metric(metric).scorer


def _statistic(metric: Metric, rows: Sequence[Row]) -> Statistic:
    """Return a metric as a function of which rows are counted; one that has no quick way is measured each time."""
    prepare = getattr(metric, "prepare", None)
    if prepare is not None:
        return cast("Statistic", prepare(rows))
    return lambda index: metric.measure([rows[int(i)] for i in index]).value


def _known(spec: Mapping[str, Any]) -> Known:
    return Known(
        bool(spec.get("higher_is_better", True)),
        spec.get("worst"),
        bool(spec.get("binary", False)),
        tuple(spec.get("metrics") or ("mean",)),
    )


def _weights(side: Column, places: Sequence[int]) -> FloatArray | None:
    if not side.weights or len(set(side.weights)) <= 1:
        return None
    return np.array([side.weights[m] for m in places], dtype=np.float64)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _worst(column: Column, seen: Sequence[float]) -> float:
    """The worst there can be, else the worst there was."""
    if column.worst is not None and math.isfinite(column.worst):
        return float(column.worst)
    if not seen:
        return 0.0
    return min(seen) if column.higher_is_better else max(seen)
