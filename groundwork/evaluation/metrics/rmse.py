"""Root mean squared error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled, mean_of


class Rmse(Resampled):
    """The root of the mean squared error over examples, in units of the number; lower is better."""

    higher_is_better = False

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        squares = np.array([np.nan if (m := squared(r)) is None else m for r in rows])

        def of(index: Index) -> float | None:
            drawn = squares[index]
            drawn = drawn[~np.isnan(drawn)]
            return float(np.sqrt(drawn.mean())) if len(drawn) else None

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        return "no errors"


def squared(row: Row) -> float | None:
    """Return the mean of an example's squared errors; None where there is none, or it is out of all range."""
    found = mean_of([None if s is None or abs(s) > 1e150 else s * s for s in row.scores])
    return found


plugin = Rmse
