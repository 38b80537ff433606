"""Columns and gates that tests are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundwork.core.improvement import GateSpec
from groundwork.evaluation.gates.deciding import Evidence
from groundwork.evaluation.pairing import Pairs, pair
from groundwork.evaluation.types import Column


def column(
    values: Sequence[float | None],
    metric: str = "correct",
    *,
    clusters: Sequence[str] | None = None,
    tags: Sequence[tuple[str, ...]] | None = None,
    up: bool = True,
    worst: float | None = 0.0,
    binary: bool | None = None,
    ids: Sequence[str] | None = None,
) -> Column:
    """Return a column; each example stands alone unless clusters are given."""
    names = tuple(ids) if ids is not None else tuple(f"exm_{n}" for n in range(len(values)))
    zero_or_one = all(v in (0, 1) for v in values if v is not None)
    return Column(
        metric,
        names,
        tuple(None if v is None else float(v) for v in values),
        tuple(clusters) if clusters is not None else names,
        tuple(tags) if tags is not None else ((),) * len(names),
        up,
        worst,
        zero_or_one if binary is None else binary,
    )


def pairs(
    candidate: Sequence[float | None], baseline: Sequence[float | None], metric: str = "correct", **more: Any
) -> Pairs:
    """Return the pairs of two lists of scores."""
    return pair(column(baseline, metric, **more), column(candidate, metric, **more))


def evidence(*found: Pairs, **more: Any) -> Evidence:
    """Return what was measured, by metric."""
    return Evidence({p.metric: p for p in found}, max((p.n for p in found), default=0), **more)


def gate(**more: Any) -> GateSpec:
    """Return a gate on `correct`."""
    return GateSpec.model_validate({"primary": {"metric": "correct"}, **more})


def binary(n: int, both: float, wins: float, losses: float, seed: int = 0) -> tuple[list[float], list[float]]:
    """Return candidate and baseline with exactly these shares of examples (the order is shuffled)."""
    counts = [round(n * both), round(n * wins), round(n * losses)]
    kinds = np.repeat([0, 1, 2, 3], [*counts, n - sum(counts)])
    np.random.default_rng(seed).shuffle(kinds)
    candidate = [1.0 if k in (0, 1) else 0.0 for k in kinds]
    baseline = [1.0 if k in (0, 2) else 0.0 for k in kinds]
    return candidate, baseline
