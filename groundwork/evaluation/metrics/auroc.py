"""AUROC: how well confidence ranks one class above the other, or right outputs above wrong ones.

Source: Hanley and McNeil, The meaning and use of the area under a receiver operating characteristic (ROC) curve (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled
from groundwork.evaluation.metrics._labels import wanted
from groundwork.evaluation.metrics._selective import losses_of
from groundwork.evaluation.scorers.label import plain


class Auroc(Resampled):
    """The chance that one of the positive class has the greater confidence than one of the other; .5 is chance, ties half.

    Over `label` with two classes, the positive one is `positive`, else the last in alphabetical order, and the confidence in
    it is 1 - the stated one where the other was predicted. Over any other scorer: are right outputs (score at least .5)
    surer than wrong ones? Outputs without confidence are left out. Not defined where only one class occurs.

    Args:
        positive: the class whose confidence counts.
    """

    def __init__(self, positive: str = "") -> None:
        self.positive = positive

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        points = self._points(rows)
        row = np.array([i for i, *_ in points], dtype=np.int64)
        sure = np.array([c for _, c, _ in points])
        good = np.array([g for *_, g in points], dtype=bool)
        order = np.argsort(sure, kind="stable")
        row, sure, good = row[order], sure[order], good[order]
        first = np.flatnonzero(np.r_[True, np.diff(sure) != 0]) if len(sure) else np.zeros(0, dtype=np.int64)

        def of(index: Index) -> float | None:
            if not len(sure):
                return None
            times = np.bincount(index, minlength=len(rows))[row].astype(float)
            up = np.add.reduceat(times * good, first)
            down = np.add.reduceat(times * ~good, first)
            total = up.sum() * down.sum()
            below = np.cumsum(down) - down
            return float((up * (below + down / 2)).sum() / total) if total else None

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        points = self._points(rows)
        if not points:
            return "no confidences, or more than two classes"
        return "not defined: only one class occurs"

    def _points(self, rows: Sequence[Row]) -> list[tuple[int, float, bool]]:
        """Return row, confidence and whether it is of the positive class, for each repeat that states a confidence."""
        named = [wanted(r) if any(r.labels) and r.expected is not None else None for r in rows]
        classes = sorted({n for n in named if n is not None})
        if not classes:
            return [
                (i, c, loss <= 0.5)
                for i, r in enumerate(rows)
                for c, loss in zip(r.confidences, losses_of(r), strict=False)
                if c is not None
            ]
        positive = plain(self.positive) if self.positive else classes[-1]
        if len(classes) > 2:
            return []
        return [
            (i, c if plain(label) == positive else 1 - c, name == positive)
            for i, (r, name) in enumerate(zip(rows, named, strict=True))
            if name is not None
            for c, label in zip(r.confidences, r.labels, strict=False)
            if c is not None
        ]


plugin = Auroc
