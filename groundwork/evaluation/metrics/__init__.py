"""Metrics make one number, with its interval, of many scores.

A metric takes rows, one for each example (repeats within it), and answers a `Measured`. Intervals respect clusters: with
`statistics.paired` and friends for means, by cluster bootstrap where there is no formula. Fewer than two clusters have no
interval, and the method says so. Deterministic: resampling is seeded.

The file name is the name used in the spec: `p95(latency)`, `aurc(abstention)`, `pass_3(reward)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from groundwork.core.shelf import Shelf
from groundwork.evaluation.types import Measured


@dataclass(frozen=True, slots=True)
class Row:
    """One example: the scores of its repeats (None: missing), its cluster, and what some metrics need beside them.

    Attributes:
        confidences: between 0 and 1, as the subject said, one for each repeat; None where it said none.
        labels: what was predicted, and `expected` what is right, for classification metrics.
        losses: how wrong each repeat's answer was, 0 to 1, where the scorer tells it apart from its score; else 1 - score.
        bounded: no score can be below 0 or above 1, so that zeros and ones are a rate; False for times and costs.
    """

    id: str
    cluster: str
    scores: tuple[float | None, ...]
    confidences: tuple[float | None, ...] = ()
    abstained: tuple[bool, ...] = ()
    labels: tuple[str, ...] = ()
    expected: str | float | None = None
    weight: float = 1.0
    losses: tuple[float, ...] = ()
    bounded: bool = True


class Metric(Protocol):
    """Makes a number of rows.

    `per_example` says that it is a mean over examples, so that two evaluations can be compared example by example;
    others are compared by a paired cluster bootstrap.
    """

    version: ClassVar[int]
    higher_is_better: ClassVar[bool | None]
    """None: as the scorer says."""
    per_example: ClassVar[bool]

    def measure(self, rows: Sequence[Row], *, level: float = 0.95, seed: int = 0) -> Measured: ...


METRICS = Shelf[Metric](
    "metric", home="groundwork.evaluation.metrics", aside=frozenset({"measuring", "naming"})
)
