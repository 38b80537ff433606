"""R²: how much of the variation of the expected numbers is foretold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled
from groundwork.evaluation.metrics.rmse import squared
from groundwork.evaluation.scorers.numeric import number


class R2(Resampled):
    """1 - squared errors over squared distances from the mean; 1 is perfect, 0 no better than the mean, and it may be less.

    Not defined where the expected numbers are all equal.
    """

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        pairs = [(number(r.expected), squared(r)) for r in rows]
        known = np.array([e is not None and s is not None for e, s in pairs], dtype=bool)
        expected = np.array([e if e is not None else 0.0 for e, _ in pairs])
        squares = np.array([s if s is not None else 0.0 for _, s in pairs])

        def of(index: Index) -> float | None:
            used = index[known[index]]
            if len(used) < 2:
                return None
            spread = float(((expected[used] - expected[used].mean()) ** 2).sum())
            return 1 - float(squares[used].sum()) / spread if spread > 0 else None

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        return "not defined: the expected numbers do not vary"


plugin = R2
