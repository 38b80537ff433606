"""A quantile of the scores, such as the 95th percentile of latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from groundwork.core.errors import SettingsError
from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled


class Quantile(Resampled):
    """The `q` quantile of every repeat of every example, linear between neighbours, in the scorer's units.

    Args:
        q: between 0 and 1; `p95(latency)` is `q = .95`.
    """

    higher_is_better = None

    def __init__(self, q: float = 0.5) -> None:
        if not 0 <= q <= 1:
            raise SettingsError(f"a quantile of {q:g} does not exist", hint="`q` lies between 0 and 1")
        self.q = q

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        pairs = sorted((s, i) for i, r in enumerate(rows) for s in r.scores if s is not None)
        scores = np.array([s for s, _ in pairs])
        row = np.array([i for _, i in pairs], dtype=np.intp)

        def of(index: Index) -> float | None:
            upto = np.cumsum(np.bincount(index, minlength=len(rows))[row]) if len(row) else np.zeros(1)
            if not upto[-1]:
                return None
            place = self.q * (upto[-1] - 1)
            low, high = scores[np.searchsorted(upto, [np.floor(place), np.ceil(place)], side="right")]
            return float(low + (high - low) * (place - np.floor(place)))

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        return "no scores"


plugin = Quantile
