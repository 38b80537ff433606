"""Do probabilities come true? Expected calibration error and Brier score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, numbers, same_length


def ece(
    probabilities: Sequence[float] | FloatArray,
    outcomes: Sequence[float] | FloatArray,
    bins: int = 10,
    strategy: Literal["width", "mass"] = "width",
) -> float:
    """Return how far predicted probabilities lie from what happened, as the mean over bins weighted by their size.

    Args:
        probabilities: between 0 and 1, shape (n,). outcomes: 1 where it came true, 0 where not.
        strategy: bins of equal width (right-closed: (0, .1], …, 0 goes into the first), or of equal mass (never between
            equal probabilities).

    Source:
        Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    p, y = _pairs(probabilities, outcomes)
    if bins < 1:
        raise InvalidInputError(f"{bins} bins; at least 1 is needed")
    if strategy == "width":
        edges = np.linspace(0, 1, bins + 1)[1:-1]
    else:
        edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    at = np.searchsorted(edges, p, side="left")
    size = np.bincount(at)
    gap = np.abs(np.bincount(at, weights=p) - np.bincount(at, weights=y))
    return float(gap[size > 0].sum() / p.size)


def brier(probabilities: Sequence[float] | FloatArray, outcomes: Sequence[float] | FloatArray) -> float:
    """Return the mean squared distance between probability and outcome: 0 is perfect, .25 is always saying one half.

    Source:
        Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78 (1950).
    """
    p, y = _pairs(probabilities, outcomes)
    return float(((p - y) ** 2).mean())


def _pairs(
    probabilities: Sequence[float] | FloatArray, outcomes: Sequence[float] | FloatArray
) -> tuple[FloatArray, FloatArray]:
    p, y = numbers(probabilities, "probability"), numbers(outcomes, "outcome")
    if same_length("probabilities and outcomes", p, y) == 0:
        raise InvalidInputError(
            "there are no examples, so there is no calibration", hint="score at least one example"
        )
    if ((p < 0) | (p > 1)).any():
        raise InvalidInputError("a probability lies outside 0..1")
    if ((y < 0) | (y > 1)).any():
        raise InvalidInputError("an outcome lies outside 0..1", hint="1 where it came true, 0 where not")
    return p, y
