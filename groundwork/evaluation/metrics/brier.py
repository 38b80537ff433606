"""Brier score: the squared distance between confidence and outcome.

Source: Brier, Verification of forecasts expressed in terms of probability (1950).
"""

from __future__ import annotations

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import PerExample, mean_of
from groundwork.evaluation.metrics._selective import losses_of


class Brier(PerExample):
    """The mean of (confidence - rightness)², between 0 and 1, lower is better; examples without confidence are left out."""

    higher_is_better = False

    def value(self, row: Row) -> float | None:
        pairs = zip(row.confidences, losses_of(row), strict=False)
        return mean_of([(c - (1 - loss)) ** 2 for c, loss in pairs if c is not None])


plugin = Brier
