"""Answer only when sure: the risk at each coverage, and the area under that curve.

Equal confidences are taken in at once: within them the risk is the mean over every order, so no figure depends on the order
in which examples come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, numbers, same_length


def risks(confidence: Sequence[float] | FloatArray, loss: Sequence[float] | FloatArray) -> FloatArray:
    """Return the mean loss of the k most confident examples for k = 1..n, shape (n,).

    Raises:
        InvalidInputError: there are no examples, or lengths differ, or something is no number.
    """
    c, x = numbers(confidence, "confidence"), numbers(loss, "loss")
    n = same_length("confidences and losses", c, x)
    if n == 0:
        raise InvalidInputError(
            "there are no examples, so there is no risk", hint="score at least one example"
        )
    order = np.argsort(-c, kind="stable")
    c, x = c[order], x[order]
    starts = np.flatnonzero(np.concatenate([[True], c[1:] != c[:-1]]))
    sizes = np.diff(np.concatenate([starts, [n]]))
    means = np.add.reduceat(x, starts) / sizes
    return np.asarray(np.cumsum(np.repeat(means, sizes)) / np.arange(1, n + 1))


def aurc(confidence: Sequence[float] | FloatArray, loss: Sequence[float] | FloatArray) -> float:
    """Return the area under the risk-coverage curve: the mean of the risk over all coverages 1/n..1; lower is better.

    Args:
        confidence: how sure each answer is; only its order matters. loss: 1 wrong, 0 right, or anything between.

    Source:
        Geifman and El-Yaniv, Selective classification for deep neural networks (2017); Geifman, Uziel and El-Yaniv,
        Bias-reduced uncertainty estimation for deep neural classifiers, ICLR 2019.
    """
    return float(risks(confidence, loss).mean())


def risk_at_coverage(
    confidence: Sequence[float] | FloatArray, loss: Sequence[float] | FloatArray, coverage: float = 0.8
) -> float:
    """Return the mean loss of the most confident share `coverage` of the examples, rounded up to whole ones."""
    if not 0 < coverage <= 1:
        raise InvalidInputError(f"a coverage of {coverage}; it is a share above 0, at most 1")
    curve = risks(confidence, loss)
    return float(curve[max(1, int(np.ceil(coverage * curve.size - 1e-9))) - 1])


def oracle_aurc(loss: Sequence[float] | FloatArray) -> float:
    """Return the smallest AURC that any confidence could reach with these losses: right answers before wrong ones."""
    x = numbers(loss, "loss")
    return aurc(-x, x)
