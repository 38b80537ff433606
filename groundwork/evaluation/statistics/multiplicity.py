"""Several tests at once: Holm for "none of them by chance", Benjamini and Hochberg for "few of them", e-BH for e-values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, numbers, proper_alpha


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that rejecting those at most alpha keeps the family-wise error at alpha.

    Args:
        ps: p-values in any order; they may depend on each other in any way.

    Returns:
        Adjusted p-values in the order of `ps`.

    Source:
        Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    p = _p_values(ps)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (p.size - np.arange(p.size)))
    return _back(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that rejecting those at most q keeps the expected share of false ones at q.

    It holds for independent tests and for those that depend positively.

    Source:
        Benjamini and Hochberg, Controlling the false discovery rate, JRSS B 57 (1995) 289-300.
    """
    p = _p_values(ps)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size / (np.arange(p.size) + 1)
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def e_bh(es: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Return which hypotheses are rejected so that the expected share of false ones is at most alpha.

    Args:
        es: e-values, 0 and up, which may depend on each other in any way.

    Source:
        Wang and Ramdas, False discovery rate control with e-values, JRSS B 84 (2022) 822-852.
    """
    e = numbers(es, "e-value")
    if (e < 0).any():
        raise InvalidInputError(f"an e-value of {float(e.min())}; it is 0 or more")
    proper_alpha(alpha)
    order = np.argsort(-e, kind="stable")
    enough = e[order] * (np.arange(e.size) + 1) * alpha >= e.size
    last = int(np.flatnonzero(enough).max()) + 1 if enough.any() else 0
    rejected = np.zeros(e.size, dtype=bool)
    rejected[order[:last]] = True
    return [bool(r) for r in rejected]


def _p_values(ps: Sequence[float]) -> FloatArray:
    p = numbers(ps, "p-value")
    if ((p < 0) | (p > 1)).any():
        raise InvalidInputError("a p-value lies between 0 and 1")
    return p


def _back(values: FloatArray, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[float]:
    answer = np.empty_like(values)
    answer[order] = values
    return [float(v) for v in answer]
