"""Risk: how much is wrong of what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled
from groundwork.evaluation.metrics._selective import _silent, losses_of


class Risk(Resampled):
    """The mean loss of the answers that were given, between 0 and 1, lower is better; not defined where all declined."""

    higher_is_better = False

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        pairs = [[x for x, silent in zip(losses_of(r), _silent(r), strict=False) if not silent] for r in rows]
        sums, counts = np.array([sum(p) for p in pairs]), np.array([len(p) for p in pairs])

        def of(index: Index) -> float | None:
            answered = counts[index].sum()
            return float(sums[index].sum() / answered) if answered else None

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        return "nothing was answered"


plugin = Risk
