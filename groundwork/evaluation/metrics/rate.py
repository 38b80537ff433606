"""The share of examples that reach a threshold: of a score that is 0 or 1, how many are 1."""

from __future__ import annotations

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import PerExample


class Rate(PerExample):
    """The share of repeats whose score is at least `at_least`, averaged over examples; between 0 and 1.

    Args:
        at_least: what counts; 1 for scores that are 0 or 1.
    """

    def __init__(self, at_least: float = 1.0) -> None:
        self.at_least = at_least

    def value(self, row: Row) -> float | None:
        scores = [s for s in row.scores if s is not None]
        if not scores or len(scores) < len(row.scores):
            return None
        return sum(s >= self.at_least for s in scores) / len(scores)


plugin = Rate
