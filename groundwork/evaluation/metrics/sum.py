"""The sum over all examples and repeats, such as what a run cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled


class Sum(Resampled):
    """The sum of every score there is, in the scorer's units; its interval is that of another draw of as many clusters."""

    higher_is_better = None

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        sums = np.array([math.fsum(s for s in r.scores if s is not None) for r in rows])
        return lambda index: float(sums[index].sum())


plugin = Sum
