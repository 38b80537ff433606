"""Accuracy: the share of labels that are right."""

from __future__ import annotations

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import PerExample
from groundwork.evaluation.metrics._labels import wanted


class Accuracy(PerExample):
    """The share of repeats whose label is the expected one, averaged over examples; examples without one are left out."""

    higher_is_better = True

    def value(self, row: Row) -> float | None:
        expected = wanted(row)
        if expected is None or not row.labels:
            return None
        return sum(label == expected for label in row.labels) / len(row.labels)


plugin = Accuracy
