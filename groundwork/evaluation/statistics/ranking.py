"""P8: rank many variants from pairwise comparisons."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy import special
from scipy.sparse import csgraph

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, codes, proper_level
from groundwork.evaluation.statistics.rates import z_of
from groundwork.evaluation.statistics.types import Interval

Match = tuple[str, str, float]
"""(first, second, share of the first: 1 won, 0 lost, .5 tie)."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One variant: its strength (log odds, mean over all variants 0) and its place from 1; matches it took part in."""

    name: str
    strength: Interval
    rank: int
    matches: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Variants, strongest first. `chance(a, b)` is the estimated probability that a beats b."""

    variants: tuple[Ranked, ...]
    n: int
    method: str

    def chance(self, a: str, b: str) -> float:
        by = {v.name: v.strength.value for v in self.variants}
        if a not in by or b not in by:
            raise InvalidInputError(f"`{a if a not in by else b}` is none of the ranked variants")
        return float(special.expit(by[a] - by[b]))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def bradley_terry(
    comparisons: Sequence[Match], clusters: Sequence[Hashable] | None = None, level: float = 0.95
) -> Ranking:
    """Estimate the strengths of variants from who beat whom.

    Args:
        comparisons: (first, second, outcome): 1 where the first won, 0 where the second did, .5 for a tie, which counts half
            for either.
        clusters: the example or document each comparison came from; None: comparisons are independent.

    Returns:
        Maximum-likelihood strengths with mean 0; errors from the Hessian, or, with clusters, the clustered sandwich.

    Raises:
        InvalidInputError: nothing was compared, a variant meets itself, an outcome lies outside 0..1, or some variants never
            lost to (or never met) the others, so that their distance is not bounded; the message names them.

    Source:
        Bradley and Terry, Biometrika 39 (1952) 324-345; Ford (1957) for the condition; Hunter, MM algorithms for generalized
        Bradley-Terry models, Annals of Statistics 32 (2004).
    """
    names = sorted({name for first, second, _ in comparisons for name in (first, second)})
    if len(names) < 2:
        raise InvalidInputError("fewer than two variants were compared", hint="compare at least two")
    place = {name: i for i, name in enumerate(names)}
    i = np.asarray([place[c[0]] for c in comparisons])
    j = np.asarray([place[c[1]] for c in comparisons])
    y = np.asarray([float(c[2]) for c in comparisons])
    if (i == j).any():
        raise InvalidInputError(f"`{names[int(i[np.argmax(i == j)])]}` was compared with itself")
    if not (np.isfinite(y) & (y >= 0) & (y <= 1)).all():
        raise InvalidInputError("an outcome lies outside 0..1", hint="1 won, 0 lost, .5 tie")
    _connected(names, i, j, y)
    k = len(names)
    theta, information = _fit(i, j, y, k)
    covariance = np.linalg.pinv(information)
    name = "Bradley-Terry, Hessian"
    if clusters is not None:
        group, g = codes(clusters, len(y))
        score = np.zeros((g, k))
        gap = y - special.expit(theta[i] - theta[j])
        np.add.at(score, (group, i), gap)
        np.add.at(score, (group, j), -gap)
        covariance = covariance @ (score.T @ score) @ covariance * (g / max(1, g - 1))
        name = f"Bradley-Terry, sandwich over {g} clusters"
    half = z_of((1 - proper_level(level)) / 2)
    matches = np.bincount(np.concatenate([i, j]), minlength=k)
    order = sorted(range(k), key=lambda v: (-theta[v], names[v]))
    ranked = [
        Ranked(
            names[v],
            Interval(
                float(theta[v]),
                float(theta[v]) - half * sqrt(max(0.0, covariance[v, v])),
                float(theta[v]) + half * sqrt(max(0.0, covariance[v, v])),
                level,
                name,
            ),
            rank + 1,
            int(matches[v]),
        )
        for rank, v in enumerate(order)
    ]
    return Ranking(tuple(ranked), len(y), name)


def _fit(i: Any, j: Any, y: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    theta = np.zeros(k)
    for _ in range(500):
        information, gradient = _derivatives(theta, i, j, y, k)
        step = np.linalg.pinv(information) @ gradient
        step *= min(1.0, 2.0 / max(1e-300, float(np.abs(step).max())))
        theta = theta + step
        theta -= theta.mean()
        if float(np.abs(step).max()) < 1e-12:
            break
    return theta, _derivatives(theta, i, j, y, k)[0]


def _derivatives(theta: FloatArray, i: Any, j: Any, y: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    p = special.expit(theta[i] - theta[j])
    w = p * (1 - p)
    information = np.zeros((k, k))
    for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
        np.add.at(information, (a, b), sign * w)
    gradient = np.bincount(i, weights=y - p, minlength=k) - np.bincount(j, weights=y - p, minlength=k)
    return information, np.asarray(gradient)


def _connected(names: list[str], i: Any, j: Any, y: FloatArray) -> None:
    beat = np.zeros((len(names), len(names)))
    np.add.at(beat, (i, j), y)
    np.add.at(beat, (j, i), 1 - y)
    parts, label = csgraph.connected_components(beat > 0, directed=True, connection="strong")
    if parts > 1:
        groups = [
            ", ".join(f"`{n}`" for n, part in zip(names, label, strict=True) if part == p)
            for p in range(parts)
        ]
        raise InvalidInputError(
            f"the comparisons do not tie all variants together: {'; '.join(groups[:8])}",
            hint="between such groups all wins go one way, or nobody met; compare more, or take ties in",
        )
