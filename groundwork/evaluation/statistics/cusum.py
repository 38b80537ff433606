"""P7: notice when a judge agrees with people less than it used to, from re-labelled samples, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import log
from typing import Any

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, proper_alpha

WORLDS = 4_000


@dataclass(frozen=True, slots=True)
class Drift:
    """What the cumulative sum says.

    Attributes:
        alarm: it passed the threshold. at: place of the label where it first did, counted from 0; None where it did not.
        path: the sum after each label. threshold: what it may reach.
        since: from which label on agreement is probably lower, None without an alarm.
        rate: share of agreements seen. expected: the one it should have.
    """

    alarm: bool
    at: int | None
    path: tuple[float, ...]
    threshold: float
    since: int | None
    rate: float | None
    expected: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def agreement_cusum(
    agreements: Sequence[bool] | Sequence[int],
    expected: float,
    drop: float = 0.1,
    alpha: float = 0.05,
    horizon: int = 500,
    threshold: float | None = None,
) -> Drift:
    """Watch whether agreement fell from `expected` by about `drop`.

    Args:
        agreements: 1 where judge and person agreed, in the order of labelling.
        expected: the agreement on the judge's card, between 0 and 1.
        alpha: chance of a false alarm within `horizon` labels, from which the threshold is simulated (seeded; equal
            arguments give equal thresholds). threshold: this one instead.

    Returns:
        S_t = max(0, S_{t-1} + log likelihood ratio of the lower against the expected rate), and where it passed.

    Source:
        Page, Continuous inspection schemes, Biometrika 41 (1954); Reynolds and Stoumbos, A CUSUM chart for monitoring a
        proportion when inspecting continuously, Journal of Quality Technology 31 (1999).
    """
    if not 0 < drop < 1 or not 0 <= expected <= 1:
        raise InvalidInputError(f"an expected agreement of {expected} and a drop of {drop}; both are shares")
    p0 = min(max(expected, 0.01), 0.99)
    p1 = max(p0 - drop, 0.005)
    good, bad = log(p1 / p0), log((1 - p1) / (1 - p0))
    limit = (
        _threshold(round(p0, 6), round(p1, 6), proper_alpha(alpha), horizon)
        if threshold is None
        else float(threshold)
    )
    path: list[float] = []
    level, start, at, since = 0.0, 0, None, None
    for i, same in enumerate(agreements):
        if same not in (0, 1):
            raise InvalidInputError(f"label {i} is {same!r}; agreement is 0 or 1")
        if level == 0:
            start = i
        level = max(0.0, level + (good if same else bad))
        path.append(level)
        if at is None and level >= limit:
            at, since = i, start
    n = len(path)
    rate = sum(int(a) for a in agreements) / n if n else None
    return Drift(at is not None, at, tuple(path), limit, since, rate, expected, n)


@lru_cache(maxsize=256)
def _threshold(p0: float, p1: float, alpha: float, horizon: int) -> float:
    rng = np.random.default_rng(20_540_101)
    good, bad = log(p1 / p0), log((1 - p1) / (1 - p0))
    level, most = np.zeros(WORLDS), np.zeros(WORLDS)
    for _ in range(horizon):
        step: FloatArray = np.where(rng.random(WORLDS) < p0, good, bad)
        level = np.maximum(0.0, level + step)
        most = np.maximum(most, level)
    return float(np.quantile(most, 1 - alpha, method="higher")) + 1e-9
