"""Answers in the order of their confidence: what would have gone wrong, had only the surest been given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled

Floats = NDArray[np.float64]


def losses_of(row: Row) -> list[float]:
    """Return how wrong each repeat was, between 0 and 1: as the scorer says, else 1 - score; 1 for a missing one."""
    if row.losses:
        return [min(1.0, max(0.0, x)) for x in row.losses]
    return [1.0 if s is None else min(1.0, max(0.0, 1 - s)) for s in row.scores]


class Selective(Resampled):
    """A number of losses in the order of confidence, surest first; equally sure ones share their mean loss.

    Who declined is put last with loss 1: nobody knows what it would have said. Where nobody states a confidence it is not
    defined; where some do, the others count as the least sure.
    """

    higher_is_better = False

    def number(self, losses: Floats) -> float | None:
        """Return the number of ordered losses; there is at least one."""
        raise NotImplementedError

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        points = [
            (i, -2.0 if silent else -1.0 if c is None else c, 1.0 if silent else loss)
            for i, r in enumerate(rows)
            for c, silent, loss in zip(_padded(r), _silent(r), losses_of(r), strict=False)
        ]
        row = np.array([i for i, *_ in points], dtype=np.int64)
        sure = np.array([s for _, s, _ in points])
        loss = np.array([x for *_, x in points])
        order = np.argsort(-sure, kind="stable")
        row, sure, loss = row[order], sure[order], loss[order]
        states = bool((sure >= 0).any())

        def of(index: Index) -> float | None:
            if not states:
                return None
            times = np.bincount(index, minlength=len(rows))[row]
            drawn = np.repeat(loss, times)
            return self.number(_levelled(np.repeat(sure, times), drawn)) if len(drawn) else None

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        return "no output states a confidence"


def _levelled(sure: Floats, losses: Floats) -> Floats:
    """Return the losses with those of equal confidence replaced by their mean."""
    starts = np.flatnonzero(np.r_[True, np.diff(sure) != 0])
    sizes = np.diff(np.r_[starts, len(sure)])
    return np.repeat(np.add.reduceat(losses, starts) / sizes, sizes)


def _padded(row: Row) -> tuple[float | None, ...]:
    return row.confidences or (None,) * len(row.scores)


def _silent(row: Row) -> tuple[bool, ...]:
    return row.abstained or (False,) * len(row.scores)
