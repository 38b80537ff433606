"""P6: few human labels and many judge scores. The judge makes the interval narrower; the labels keep it honest.

The labelled examples must be a random sample of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, count, numbers, proper_level, same_length
from groundwork.evaluation.statistics.rates import t_of, wilson, z_of
from groundwork.evaluation.statistics.types import Interval

LEAST_LABELS = 100
"""With fewer human labels the prediction-powered interval misses the truth too often; the labels alone are binding."""
LEAST_OF_EITHER = 10
"""So many labels 0 and so many labels 1 are needed for the same reason."""


@dataclass(frozen=True, slots=True)
class Powered:
    """A mean estimated from labels and judge scores together.

    Attributes:
        estimate: prediction-powered, with its interval. lam: how much the judge counts, 0 (not at all) to 1.
        human_only: from the labels alone (Wilson for 0/1 labels, otherwise the t interval).
        score: for 0/1 labels the same estimate with a score interval: Wilson's at the effective number of labels
            p (1 - p) / se^2. It holds near 0 and 1, where `estimate` misses to one side. None for other labels.
        binding: which counts: `human` below 100 labels or with fewer than 10 of either kind, else `ppi`.
        n_judged: judged examples without a label. se: standard error of the estimate.
    """

    estimate: Interval
    lam: float
    n_human: int
    n_judged: int
    human_only: Interval
    binding: Literal["human", "ppi"]
    se: float = 0.0
    score: Interval | None = None

    @property
    def bound(self) -> Interval:
        """The interval that counts: that of the labels alone, or the prediction-powered one (`score` where there is one)."""
        return self.human_only if self.binding == "human" else self.score or self.estimate

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def ppi(
    labels: Sequence[float] | FloatArray,
    judged_labelled: Sequence[float] | FloatArray,
    judged_unlabelled: Sequence[float] | FloatArray,
    level: float = 0.95,
    *,
    lam: float | None = None,
    quantile: Literal["t", "normal"] = "t",
    ddof: Literal[0, 1] = 1,
    bounds: tuple[float, float] | None = None,
) -> Powered:
    """Estimate the mean human label from labels on a random sample and judge scores on everything.

    Args:
        labels: human labels y, shape (n,), n >= 2. judged_labelled: the judge's scores f of the same examples.
        judged_unlabelled: the judge's scores of all other examples, shape (N,); may be empty.
        lam: how much the judge counts; None: clip(cov(y, f) / ((1 + n/N) var f), 0, 1), which is best.
        quantile: Student's t with n - 1 degrees of freedom, or the normal one, as in the paper, which covers too little.
        ddof: variances over n - 1 (1), so that lam = 0 gives the usual t interval, or over n (0), as ppi-python 0.2 does.
        bounds: where the mean must lie, such as (0, 1) for a rate; None: (0, 1) when all labels are 0 or 1.

    Returns:
        theta = lam mean(f unlabelled) + mean(y - lam f), with variance var(y - lam f)/n + lam^2 var(f unlabelled)/N.

    Raises:
        InvalidInputError: fewer than 2 labels, lengths differ, or something is no number.

    Source:
        Angelopoulos, Duchi and Zrnic, PPI++: efficient prediction-powered inference (2023), arXiv 2311.01453, section 6.
    """
    y, f, u = (
        numbers(labels, "label"),
        numbers(judged_labelled, "judged score"),
        numbers(judged_unlabelled, "judged score"),
    )
    n, big = same_length("labels and the judge's scores of them", y, f), int(u.size)
    if n < 2:
        raise InvalidInputError(
            f"{n} human label{'' if n == 1 else 's'}; an interval needs at least 2", hint="label more"
        )
    tail = (1 - proper_level(level)) / 2
    rate = bool(np.isin(y, (0.0, 1.0)).all())
    human = _human(y, rate, level)
    lam = _best_lam(y, f, u, ddof) if lam is None else float(lam)
    if big == 0:
        lam = 0.0
    rest = y - lam * f
    value = float(rest.mean()) + (lam * float(u.mean()) if big else 0.0)
    variance = float(rest.var(ddof=ddof)) / n
    if big > ddof:
        variance += lam * lam * float(u.var(ddof=ddof)) / big
    critical = t_of(tail, n - 1) if quantile == "t" else z_of(tail)
    half = critical * sqrt(variance)
    score = _score(value, variance, critical, level) if rate else None
    low, high = value - half, value + half
    edge = bounds or ((0.0, 1.0) if rate else None)
    if edge:
        value, low, high = (min(max(v, edge[0]), edge[1]) for v in (value, low, high))
    name = "prediction-powered (PPI++), " + (f"t({n - 1})" if quantile == "t" else "normal")
    enough = n >= LEAST_LABELS and big > 0
    enough = enough and (not rate or min(float(y.sum()), n - float(y.sum())) >= LEAST_OF_EITHER)
    binding: Literal["human", "ppi"] = "ppi" if enough else "human"
    return Powered(
        Interval(value, low, high, level, name), lam, n, big, human, binding, sqrt(variance), score
    )


def ppi_difference(
    labels_candidate: Sequence[float],
    labels_baseline: Sequence[float],
    judged_candidate: Sequence[float],
    judged_baseline: Sequence[float],
    unlabelled_candidate: Sequence[float],
    unlabelled_baseline: Sequence[float],
    level: float = 0.95,
) -> Powered:
    """Estimate how much better the candidate is, from labels and judge scores of both on the same examples.

    The method of `ppi` on the paired differences candidate minus baseline. Both systems are labelled on the same examples.
    """
    pairs = (
        (labels_candidate, labels_baseline, "label"),
        (judged_candidate, judged_baseline, "judged score"),
        (unlabelled_candidate, unlabelled_baseline, "judged score"),
    )
    y, f, u = (_minus(a, b, what) for a, b, what in pairs)
    n = y.size
    made = ppi(y, f, u, level, bounds=(float("-inf"), float("inf")))
    return Powered(made.estimate, made.lam, n, made.n_judged, _human(y, False, level), made.binding, made.se)


def rogan_gladen(
    rate: float,
    n: int,
    sensitivity: float,
    n_positive: int,
    specificity: float,
    n_negative: int,
    level: float = 0.95,
) -> Interval:
    """Correct a rate for the errors of a binary judge: (rate + specificity - 1) / (sensitivity + specificity - 1).

    Args:
        rate: share that the judge calls positive, of `n`.
        sensitivity, specificity: of the judge, estimated on n_positive and n_negative labelled examples.

    Returns:
        The true rate with its delta-method interval, cut to 0..1.

    Raises:
        InvalidInputError: sensitivity + specificity is 1 or less (the judge knows nothing), or nothing was counted.

    Source:
        Rogan and Gladen, Estimating prevalence from the results of a screening test, American Journal of Epidemiology 107
        (1978) 71-76.
    """
    for what, value in (("rate", rate), ("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0 <= value <= 1:
            raise InvalidInputError(f"a {what} of {value}; it lies between 0 and 1")
    counts = [count(v, w) for v, w in ((n, "n"), (n_positive, "n_positive"), (n_negative, "n_negative"))]
    if min(counts) == 0:
        raise InvalidInputError(
            "the rate, the sensitivity and the specificity each need at least one example"
        )
    youden = sensitivity + specificity - 1
    if youden <= 1e-9:
        raise InvalidInputError(
            f"sensitivity {sensitivity:g} and specificity {specificity:g} add up to 1 or less: the judge tells nothing",
            hint="use another judge, or the human labels alone",
        )
    value = (rate + specificity - 1) / youden
    variance = rate * (1 - rate) / n
    variance += value**2 * sensitivity * (1 - sensitivity) / n_positive
    variance += (1 - value) ** 2 * specificity * (1 - specificity) / n_negative
    half = z_of((1 - proper_level(level)) / 2) * sqrt(variance) / youden
    value, low, high = (min(max(v, 0.0), 1.0) for v in (value, value - half, value + half))
    return Interval(value, low, high, level, "Rogan-Gladen, delta method")


def _score(value: float, variance: float, critical: float, level: float) -> Interval | None:
    """Return Wilson's interval at the number of labels that would give this variance alone."""
    if not 0 < value < 1 or variance <= 0:
        return None
    n, z2 = value * (1 - value) / variance, critical * critical
    centre = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = critical / (1 + z2 / n) * sqrt(variance + z2 / (4 * n * n))
    name = "prediction-powered (PPI++), score interval"
    return Interval(value, max(0.0, centre - half), min(1.0, centre + half), level, name)


def _best_lam(y: FloatArray, f: FloatArray, u: FloatArray, ddof: int) -> float:
    n, big = y.size, u.size
    if big == 0:
        return 0.0
    spread = float(np.concatenate([f, u]).var(ddof=1))
    if spread <= 1e-15:
        return 0.0
    together = float(((y - y.mean()) * (f - f.mean())).sum()) / (n - ddof)
    return float(np.clip(together / ((1 + n / big) * spread), 0.0, 1.0))


def _human(y: FloatArray, rate: bool, level: float) -> Interval:
    if rate:
        return wilson(int(y.sum()), int(y.size), level)
    half = t_of((1 - level) / 2, y.size - 1) * float(y.std(ddof=1)) / sqrt(y.size)
    mean = float(y.mean())
    return Interval(mean, mean - half, mean + half, level, f"t({y.size - 1})")


def _minus(candidate: Sequence[float], baseline: Sequence[float], what: str) -> FloatArray:
    a, b = numbers(candidate, what), numbers(baseline, what)
    same_length("candidate and baseline", a, b)
    return a - b
