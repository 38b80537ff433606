"""Expected calibration error: how far confidence and share of right outputs are apart.

Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning (2015).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from groundwork.core.errors import SettingsError
from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import Index, Resampled
from groundwork.evaluation.metrics._selective import losses_of


class Ece(Resampled):
    """The mean distance between confidence and rightness over bins, weighted by their size; between 0 and 1.

    It is biased upwards where bins hold few outputs; compare it only at equal n. Outputs without confidence are left out.

    Args:
        bins: how many.
        by: `width`: bins of equal width over 0 to 1, closed to the right; `size`: of equally many outputs.
    """

    higher_is_better = False

    def __init__(self, bins: int = 10, by: Literal["width", "size"] = "width") -> None:
        if bins < 1:
            raise SettingsError(f"{bins} bins cannot be made", hint="`bins` is at least 1")
        self.bins = bins
        self.by = by

    def prepare(self, rows: Sequence[Row]) -> Callable[[Index], float | None]:
        points = [
            (i, c, 1 - loss)
            for i, r in enumerate(rows)
            for c, loss in zip(r.confidences, losses_of(r), strict=False)
            if c is not None
        ]
        row = np.array([i for i, *_ in points], dtype=np.int64)
        sure = np.array([c for _, c, _ in points])
        right = np.array([g for *_, g in points])

        def of(index: Index) -> float | None:
            times = np.bincount(index, minlength=len(rows))[row].astype(float) if len(row) else np.zeros(0)
            if not times.sum():
                return None
            places = self._places(sure, times)
            gaps = np.bincount(places, weights=times * (sure - right), minlength=self.bins)
            return float(np.abs(gaps).sum() / times.sum())

        return of

    def undefined(self, rows: Sequence[Row]) -> str:
        return "no output states a confidence"

    def _places(
        self,
        sure: np.ndarray[tuple[int], np.dtype[np.float64]],
        times: np.ndarray[tuple[int], np.dtype[np.float64]],
    ) -> Index:
        if self.by == "width":
            return np.clip(np.ceil(sure * self.bins).astype(np.intp) - 1, 0, self.bins - 1)
        edges = np.quantile(np.repeat(sure, times.astype(np.int64)), np.linspace(0, 1, self.bins + 1)[1:-1])
        return np.searchsorted(edges, sure, side="left").astype(np.intp)


plugin = Ece
