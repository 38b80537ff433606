"""P7: does a judge prefer a place, a length, or its own family?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from math import exp, sqrt
from typing import Any

import numpy as np
from scipy import special, stats

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, codes, numbers, proper_level, same_length
from groundwork.evaluation.statistics.paired_binary import mcnemar, tango
from groundwork.evaluation.statistics.rates import t_of, wilson, z_of
from groundwork.evaluation.statistics.types import Interval

CHOICES = ("a", "b", "tie")


@dataclass(frozen=True, slots=True)
class PositionBias:
    """What a judge does when the same two answers change places.

    Attributes:
        n: pairs that were judged in both orders. consistent: share with the same verdict in both, Wilson.
        first, second: pairs where it leans to the first, and to the second, slot, whatever stands there.
        first_share: share of those leaning pairs that lean to the first slot; .5 is no bias; None where none leans.
        p_value: two-sided, exact binomial, of "no slot is preferred".
        bias: (first - second) / n with Tango's interval: in how many more of all pairs the first slot wins.
    """

    n: int
    consistent: Interval
    first: int
    second: int
    first_share: Interval | None
    p_value: float
    bias: Interval

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How a judge's preference goes with length.

    Attributes:
        slope: change of the log odds of being preferred when the length ratio grows by a factor of e; 0 is no bias.
        odds_twice_as_long: odds of being preferred when twice as long, over those at equal length.
        p_value: two-sided score test of "length does not matter", which also holds where length decides everything.
    """

    slope: Interval
    odds_twice_as_long: float
    p_value: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SelfPreference:
    """How much more generous a judge is to its own family than to others, beside human labels.

    Attributes:
        difference: mean(judge - human) on its own family minus the same on others, in units of the score.
        p_value: two-sided, Welch's t. own, others: how many examples.
    """

    difference: Interval
    p_value: float
    own: int
    others: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def position_bias(first: Sequence[str], second: Sequence[str], level: float = 0.95) -> PositionBias:
    """Return whether a pairwise judge prefers a slot.

    Args:
        first: verdicts `a`, `b` or `tie` with answer a shown first. second: the same pairs with answer b shown first, in the
            same words: `a` still means answer a.

    Raises:
        InvalidInputError: there are no pairs, lengths differ, or a verdict is another word.
    """
    n = same_length("verdicts of both orders", first, second)
    if n == 0:
        raise InvalidInputError("no pair was judged in both orders", hint="judge at least one pair twice")
    for verdict in (*first, *second):
        if verdict not in CHOICES:
            raise InvalidInputError(f"`{verdict}` is no verdict of a pair", hint="a, b or tie")
    worth = {"a": 1, "tie": 0, "b": -1}
    lean = np.asarray([worth[x] - worth[y] for x, y in zip(first, second, strict=True)])
    ahead, behind = int((lean > 0).sum()), int((lean < 0).sum())
    return PositionBias(
        n,
        wilson(int((lean == 0).sum()), n, level),
        ahead,
        behind,
        wilson(ahead, ahead + behind, level) if ahead + behind else None,
        mcnemar(ahead, behind, alternative="two-sided", strict=True).p_value,
        tango(ahead, behind, n, level),
    )


def length_bias(
    preferred: Sequence[float] | Sequence[bool], log_ratio: Sequence[float], level: float = 0.95
) -> LengthBias:
    """Return how the preference for an answer goes with its length.

    Args:
        preferred: 1 where the first answer was preferred, 0 where the other was; leave ties out.
        log_ratio: ln(length of the first / length of the other), pair by pair.

    Returns:
        The slope of a logistic regression with intercept, Wald interval. Where length separates the verdicts completely the
        estimate is Firth's, which stays finite.

    Raises:
        InvalidInputError: fewer than 3 pairs, all of one length ratio, or all with one verdict.

    Source:
        Dubois et al., Length-controlled AlpacaEval (2024); Firth, Bias reduction of maximum likelihood estimates,
        Biometrika 80 (1993) 27-38.
    """
    y, x = numbers(np.asarray(preferred, dtype=np.float64), "verdict"), numbers(log_ratio, "length ratio")
    n = same_length("verdicts and length ratios", y, x)
    if n < 3 or float(x.std()) < 1e-12:
        raise InvalidInputError(
            f"{n} pairs whose lengths do not differ enough to tell", hint="judge pairs of several lengths"
        )
    if not np.isin(y, (0.0, 1.0)).all() or y.min() == y.max():
        raise InvalidInputError("verdicts are 0 and 1, and both occur", hint="leave ties out")
    centred = x - x.mean()
    score = float(((y - y.mean()) * centred).sum())
    spread = sqrt(float(y.mean() * (1 - y.mean()) * (centred @ centred)))
    p = float(2 * special.ndtr(-abs(score / spread)))
    separated = _separated(x, y)
    slope, se = _logistic(x, y, firth=separated)
    half = z_of((1 - proper_level(level)) / 2) * se
    name = "logistic regression" + (", Firth" if separated else "")
    return LengthBias(
        Interval(slope, slope - half, slope + half, level, name), exp(min(50.0, slope * np.log(2))), p, n
    )


def self_preference(
    judged: Sequence[float], human: Sequence[float], own: Sequence[bool], level: float = 0.95
) -> SelfPreference:
    """Return how much more a judge gives to outputs of its own family than people do, compared with other families.

    Args:
        judged, human: scores of the same outputs on one scale. own: whether the output comes from the judge's family.

    Raises:
        InvalidInputError: fewer than 2 outputs on either side.

    Source:
        Welch (1947); Panickssery, Bowman and Feng, LLM evaluators recognize and favor their own generations (2024).
    """
    j, h = numbers(judged, "judged score"), numbers(human, "human score")
    n = same_length("scores", j, h, own)
    mine = np.asarray(own, dtype=bool)
    gap = j - h
    a, b = gap[mine], gap[~mine]
    if min(a.size, b.size) < 2:
        raise InvalidInputError(
            f"{a.size} outputs of its own family and {n - a.size} of others; 2 of each are needed",
            hint="label more of them",
        )
    difference = float(a.mean() - b.mean())
    va, vb = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    tail = (1 - proper_level(level)) / 2
    if va + vb < 1e-15:
        p = 1.0 if abs(difference) < 1e-12 else 2.0 / float(special.comb(n, min(a.size, b.size)))
        return SelfPreference(
            Interval(difference, difference, difference, level, "Welch"), min(1.0, p), a.size, b.size
        )
    df = (va + vb) ** 2 / (va**2 / (a.size - 1) + vb**2 / (b.size - 1))
    half = t_of(tail, df) * sqrt(va + vb)
    p = float(2 * stats.t.sf(abs(difference) / sqrt(va + vb), df))
    return SelfPreference(
        Interval(difference, difference - half, difference + half, level, "Welch"), p, a.size, b.size
    )


def _separated(x: FloatArray, y: FloatArray) -> bool:
    low, high = x[y == 1], x[y == 0]
    return bool(low.min() >= high.max() or high.min() >= low.max())


def _logistic(x: FloatArray, y: FloatArray, *, firth: bool) -> tuple[float, float]:
    """Return slope and standard error by Newton's method."""
    centre, scale = float(x.mean()), float(x.std())
    design = np.column_stack([np.ones_like(x), (x - centre) / scale])
    beta = np.zeros(2)
    information = np.eye(2)
    for _ in range(200):
        p = special.expit(design @ beta)
        w = p * (1 - p)
        information = design.T @ (design * w[:, None])
        residual = y - p
        if firth:
            inverse = np.linalg.inv(information)
            leverage = np.einsum("ij,jk,ik->i", design, inverse, design) * w
            residual = residual + leverage * (0.5 - p)
        step = np.linalg.solve(information, design.T @ residual)
        step *= min(1.0, 5.0 / max(1e-300, float(np.abs(step).max())))
        beta = beta + step
        if float(np.abs(step).max()) < 1e-12:
            break
    se = sqrt(float(np.linalg.inv(information)[1, 1]))
    return float(beta[1]) / scale, se / scale


def grouped(values: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """Return the mean of each group, in order of appearance."""
    x = numbers(values)
    group, g = codes(groups, x.size)
    sums = np.bincount(group, weights=x, minlength=g) / np.maximum(1, np.bincount(group, minlength=g))
    return {key: float(sums[i]) for i, key in enumerate(dict.fromkeys(groups))}
