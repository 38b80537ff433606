"""Thresholds of a domain from 60 or more labels of its own, with what they are worth.

Ranking carries over from one domain to another, thresholds do not. Beside the threshold, one of three ways to rank whole
texts is chosen: the bundled one, how much of the passages' wording is kept, or both alike. Fitting more than that to so few
labels made ranking worse (FaithBench, halves of its sources: .598 with all weights, .606 with none). Groups (a passage with
all its answers) are never split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.groundedness.model import RESPONSE, Linear, Model, sigmoid

LEAST = 60
"""Fewer labels choose no threshold."""
FOLDS = 5
REPEATS = 5
MARGIN = 0.01
"""What another ranking must gain in AUROC before it replaces the bundled one."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """What was learned from the labels of a domain.

    Attributes:
        response, sentence: least probability that counts as supported, of a whole text and of one sentence.
        response_model: weights of the ranking that was chosen; None: the bundled ones.
        n, supported, clusters: the labels it was chosen from.
        balanced_accuracy, low, high: on texts left out (grouped resampling), with a 95 % interval by bootstrap of clusters.
        model: digest of the weights they hold for.
    """

    response: float
    sentence: float
    response_model: Linear | None
    n: int
    supported: int
    clusters: int
    balanced_accuracy: float
    low: float
    high: float
    domain: str = ""
    model: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads."""
        plain = asdict(self)
        plain["response_model"] = self.response_model.as_dict() if self.response_model else None
        return plain

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Thresholds:
        """Raises KeyError or TypeError for what `as_dict` did not write."""
        weights = stored["response_model"]
        linear = (
            Linear(tuple(weights["weights"]), tuple(weights["weights"].values()), weights["constant"])
            if weights
            else None
        )
        return cls(**{**stored, "response_model": linear})


@dataclass(frozen=True)
class Labelled:
    """The figures of one labelled text, by `RESPONSE`; texts of one cluster stay together."""

    figures: Mapping[str, float]
    supported: bool
    cluster: str
    contradicted: bool = False


def calibrate(
    rows: Sequence[Labelled], model: Model, *, seed: int = 0, domain: str = "", adapt: bool = True
) -> Thresholds:
    """Choose the thresholds of a domain; equal arguments give equal thresholds.

    Args:
        adapt: choose the ranking, too.

    Raises:
        InvalidInputError: fewer than 60 labels, labels of one kind alone, or fewer than 6 clusters.
    """
    right = np.array([r.supported for r in rows], dtype=bool)
    clusters = [r.cluster for r in rows]
    _check(right, clusters)
    figures = np.array([[r.figures[n] for n in RESPONSE] for r in rows])
    bundled = np.array([*(_weight(model.response, n) for n in RESPONSE), model.response.constant])
    weights = _chosen(figures, right, bundled) if adapt else bundled
    better = weights is not bundled
    cut = best_cut(figures @ weights[:-1] + weights[-1], right)
    value, low, high = _interval(
        _left_out(figures, right, clusters, bundled, seed, adapt), right, clusters, seed
    )
    linear = Linear(RESPONSE, tuple(float(w) for w in weights[:-1]), float(weights[-1])) if better else None
    moved = model.thresholds["default"] if better else sigmoid(cut)
    return Thresholds(
        response=sigmoid(cut),
        sentence=moved,
        response_model=linear,
        n=len(rows),
        supported=int(right.sum()),
        clusters=len(set(clusters)),
        balanced_accuracy=value,
        low=low,
        high=high,
        domain=domain,
        model=model.digest,
    )


def _weight(linear: Linear, name: str) -> float:
    return linear.weights[linear.names.index(name)] if name in linear.names else 0.0


def _check(right: NDArray[np.bool_], clusters: Sequence[str]) -> None:
    if len(right) < LEAST:
        raise InvalidInputError(
            f"{len(right)} labels are too few to choose a threshold from",
            hint=f"label at least {LEAST} texts",
        )
    if right.all() or not right.any():
        raise InvalidInputError(
            f"all {len(right)} labels say {'supported' if right.all() else 'not supported'}",
            hint="label texts of both kinds, drawn at random",
        )
    if len(set(clusters)) < FOLDS + 1:
        raise InvalidInputError(
            f"the labels come from {len(set(clusters))} passages",
            hint=f"label texts about at least {FOLDS + 1} different passages",
        )


def best_cut(scores: Array, right: NDArray[np.bool_]) -> float:
    """Return the score from which on texts count as supported so that balanced accuracy is greatest.

    The accuracy is smoothed over neighbouring cuts, a tenth of the texts wide, since the single best one is mostly luck.
    """
    order = np.argsort(scores, kind="stable")
    ranked, truth = scores[order], right[order]
    below = np.concatenate(([0], np.cumsum(~truth))) / max(1, int((~right).sum()))
    above = 1.0 - np.concatenate(([0], np.cumsum(truth))) / max(1, int(right.sum()))
    accuracy = (below + above) / 2
    width = max(1, len(scores) // 10) | 1
    padded = np.pad(accuracy, width // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    at = int(np.argmax(smooth))
    if at == 0:
        return float(ranked[0])
    if at == len(ranked):
        return float(ranked[-1]) + 1e-9
    return float((ranked[at - 1] + ranked[at]) / 2)


def _chosen(figures: Array, right: NDArray[np.bool_], bundled: Array) -> Array:
    """Return the weights of the ranking that suits the labels, in log odds; `bundled` itself unless another is better."""
    kept = np.zeros(len(bundled))
    kept[RESPONSE.index("kept")] = 1.0
    spreads = [float((figures @ w[:-1]).std()) + 1e-9 for w in (bundled, kept)]
    ways = (kept / spreads[1], bundled / spreads[0] + kept / spreads[1])
    area = auroc(figures @ bundled[:-1], right)
    best = max(ways, key=lambda w: auroc(figures @ w[:-1], right))
    if auroc(figures @ best[:-1], right) <= area + MARGIN:
        return bundled
    return _scaled(figures, right, best)


def _scaled(figures: Array, right: NDArray[np.bool_], way: Array) -> Array:
    """Return the weights with the slope and constant of a logistic calibration (Platt, 1999)."""
    from scipy.optimize import minimize

    scores, target = figures @ way[:-1], right.astype(float)

    def loss(w: Array) -> tuple[float, Array]:
        z = w[0] * scores + w[1]
        off = 1 / (1 + np.exp(-z)) - target
        value = float((np.logaddexp(0, z) - target * z).sum()) + 0.05 * w[0] ** 2
        return value, np.array([off @ scores + 0.1 * w[0], off.sum()])

    found = minimize(
        loss, np.array([1.0, -float(scores.mean())]), jac=True, bounds=[(1e-3, None), (None, None)]
    )
    return np.append(way[:-1] * found.x[0], found.x[1])


def _left_out(
    figures: Array,
    right: NDArray[np.bool_],
    clusters: Sequence[str],
    bundled: Array,
    seed: int,
    adapt: bool,
) -> Array:
    """Return, for each text, the share of repeats that call it supported when its cluster is left out of all choices."""
    rng = np.random.default_rng(seed)
    names = sorted(set(clusters))
    called, times = np.zeros(len(right)), np.zeros(len(right))
    for _ in range(REPEATS):
        fold = dict(zip(names, rng.permutation(len(names)) % FOLDS, strict=True))
        folds = np.array([fold[c] for c in clusters])
        for k in range(FOLDS):
            train, test = folds != k, folds == k
            if right[train].all() or not right[train].any():
                continue
            weights = _chosen(figures[train], right[train], bundled) if adapt else bundled
            scores = figures @ weights[:-1] + weights[-1]
            called[test] += scores[test] >= best_cut(scores[train], right[train])
            times[test] += 1
    return called / np.maximum(times, 1)


def auroc(scores: Array, right: NDArray[np.bool_]) -> float:
    """Return the chance that a supported text scores above one that is not; ties count half.

    Source: Mann and Whitney (1947).
    """
    from scipy.stats import rankdata

    n = int(right.sum())
    ranks = rankdata(scores)
    return float((ranks[right].sum() - n * (n + 1) / 2) / (n * (len(right) - n)))


def _interval(
    called: Array, right: NDArray[np.bool_], clusters: Sequence[str], seed: int
) -> tuple[float, float, float]:
    names = {name: at for at, name in enumerate(sorted(set(clusters)))}
    groups = np.array([names[c] for c in clusters])

    def accuracy(weights: Array) -> float:
        w = weights[groups]
        yes, no = float((w * right).sum()), float((w * ~right).sum())
        if yes == 0 or no == 0:
            return math.nan
        return float(((w * called * right).sum() / yes + (w * (1 - called) * ~right).sum() / no) / 2)

    rng = np.random.default_rng(seed)
    drawn = [
        accuracy(np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)).astype(float))
        for _ in range(1_000)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return accuracy(np.ones(len(names))), float(low), float(high)
