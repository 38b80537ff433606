"""Predicted and expected labels as numbers, so that thousands of resamples stay cheap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled
from groundwork.evaluation.scorers.label import plain

Table = NDArray[np.int64]


def wanted(row: Row) -> str | None:
    """Return the expected label as labels are compared; None where there is none."""
    return None if row.expected is None else plain(row.expected)


@dataclass(frozen=True)
class Coded:
    """Every repeat of every row: `expected` and `predicted` as places in `classes`, and which `row` it is of."""

    classes: tuple[str, ...]
    expected: Table
    predicted: Table
    row: Table

    def confusion(self, index: Index) -> Table:
        """Return how often each class (rows) was predicted as each (columns), with rows counted as `index` says."""
        k = len(self.classes)
        times = np.bincount(index, minlength=int(self.row.max(initial=0)) + 1 if len(self.row) else 1)
        table = np.zeros((k, k), dtype=np.int64)
        np.add.at(table, (self.expected, self.predicted), times[self.row])
        return table


def coded(rows: Sequence[Row]) -> Coded:
    """Return the labels of rows that expect one."""
    triples = [
        (i, expected, plain(label))
        for i, row in enumerate(rows)
        if (expected := wanted(row)) is not None
        for label in row.labels
    ]
    classes = tuple(sorted({e for _, e, _ in triples} | {p for *_, p in triples}))
    place = {c: i for i, c in enumerate(classes)}
    columns = [
        [place[e] for _, e, _ in triples],
        [place[p] for *_, p in triples],
        [i for i, *_ in triples],
    ]
    return Coded(classes, *(np.array(c, dtype=np.int64) for c in columns))


class OfConfusion(Resampled):
    """A number that follows from the table of expected and predicted labels."""

    def number(self, table: Table, classes: Sequence[str]) -> float | None:
        """Return the number of a table; None where it is not defined for it."""
        raise NotImplementedError

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        labels = coded(rows)

        def of(index: Index) -> float | None:
            table = labels.confusion(index)
            return self.number(table, labels.classes) if table.sum() else None

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        labels = coded(rows)
        if not len(labels.row):
            return "no expected labels; use a scorer such as `label`"
        return f"not defined: the labels are {', '.join(c or '(none)' for c in labels.classes[:4])} alone"


def of_class(table: Table, place: int) -> tuple[float, float, float]:
    """Return precision, recall and F1 of one class; 0 where a denominator is 0, as scikit-learn does."""
    hit = float(table[place, place])
    said, there = float(table[:, place].sum()), float(table[place].sum())
    precision, recall = (hit / said if said else 0.0), (hit / there if there else 0.0)
    f1 = 2 * hit / (said + there) if said + there else 0.0
    return precision, recall, f1


class OfClasses(OfConfusion):
    """A number of one class, or its unweighted mean over all classes.

    Args:
        positive: the class that is meant; empty: the mean over classes.
    """

    which = 0

    def __init__(self, positive: str = "") -> None:
        self.positive = positive

    def number(self, table: Table, classes: Sequence[str]) -> float | None:
        if self.positive:
            name = plain(self.positive)
            return of_class(table, classes.index(name))[self.which] if name in classes else None
        seen = [i for i in range(len(classes)) if table[i].sum() + table[:, i].sum()]
        return float(np.mean([of_class(table, i)[self.which] for i in seen])) if seen else None
