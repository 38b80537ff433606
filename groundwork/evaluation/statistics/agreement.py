"""P7: how far two people, or a judge and a person, say the same beyond chance."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import sqrt
from typing import Any, Literal

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, IntArray, proper_level, same_length
from groundwork.evaluation.statistics.rates import t_of, wilson, z_of
from groundwork.evaluation.statistics.types import Interval

Ratings = Sequence[Hashable]
RESAMPLES = 1_000


def percent_agreement(a: Ratings, b: Ratings, level: float = 0.95) -> Interval:
    """Return the share of examples on which both say the same, with its Wilson interval."""
    n = _rated(a, b)
    return wilson(sum(x == y for x, y in zip(a, b, strict=True)), n, level)


def cohen_kappa(
    a: Ratings,
    b: Ratings,
    *,
    labels: Sequence[Hashable] | None = None,
    weights: Literal["linear", "quadratic"] | None = None,
    level: float = 0.95,
) -> Interval:
    """Return Cohen's kappa: agreement beyond what both would reach by chance, 1 is perfect, 0 is chance.

    Args:
        a, b: the label each gave, example by example.
        labels: all labels, in order where `weights` are used; None: those that occur, sorted.
        weights: how much near misses count on ordered labels; None: not at all.

    Returns:
        kappa with the normal interval from its large-sample standard error, cut to -1..1.

    Raises:
        InvalidInputError: nothing was rated, a label is not among `labels`, or both always give the same single label, so
            that chance alone agrees always.

    Source:
        Cohen (1960, 1968); standard error of Fleiss, Cohen and Everitt, Large sample standard errors of kappa and weighted
        kappa, Psychological Bulletin 72 (1969) 323-327.
    """
    value, se = kappa_with_error(a, b, labels=labels, weights=weights)
    half = z_of((1 - proper_level(level)) / 2) * se
    name = f"Cohen's kappa{f', {weights} weights' if weights else ''}, Fleiss-Cohen-Everitt error"
    return Interval(value, max(-1.0, value - half), min(1.0, value + half), level, name)


def kappa_with_error(
    a: Ratings,
    b: Ratings,
    *,
    labels: Sequence[Hashable] | None = None,
    weights: Literal["linear", "quadratic"] | None = None,
) -> tuple[float, float]:
    """Return kappa and its standard error, as `cohen_kappa` uses them."""
    n = _rated(a, b)
    x, y, k = _coded(a, b, labels)
    table = np.zeros((k, k))
    np.add.at(table, (x, y), 1.0)
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(1, k - 1)
    near = np.eye(k) if weights is None else 1 - (apart if weights == "linear" else apart**2)
    observed, chance = float((near * p).sum()), float(rows @ near @ columns)
    if 1 - chance < 1e-12:
        raise InvalidInputError(
            "both gave the same one label to every example, so agreement beyond chance has no meaning",
            hint="label examples of the other kind too, or look at the percent agreement",
        )
    value = (observed - chance) / (1 - chance)
    by_row, by_column = near @ columns, rows @ near
    inner = near - (by_row[:, None] + by_column[None, :]) * (1 - value)
    variance = (float((p * inner**2).sum()) - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    return value, sqrt(max(0.0, variance))


def gwet_ac1(
    a: Ratings, b: Ratings, level: float = 0.95, labels: Sequence[Hashable] | None = None
) -> Interval:
    """Return Gwet's AC1, an agreement that stays meaningful when nearly everything has one label.

    Returns:
        AC1 with the t interval (n - 1 degrees) of its linearised variance, cut to -1..1.

    Source:
        Gwet, Computing inter-rater reliability and its variance in the presence of high agreement, British Journal of
        Mathematical and Statistical Psychology 61 (2008) 29-48.
    """
    n = _rated(a, b)
    x, y, k = _coded(a, b, labels)
    if k == 1:
        return Interval(1.0, 1.0, 1.0, level, "Gwet's AC1; only one label was ever given")
    share = (np.bincount(x, minlength=k) + np.bincount(y, minlength=k)) / (2 * n)
    chance = float((share * (1 - share)).sum()) / (k - 1)
    same = (x == y).astype(np.float64)
    value = (float(same.mean()) - chance) / (1 - chance)
    if n == 1:
        return Interval(value, -1.0, 1.0, level, "Gwet's AC1; one example has no interval")
    own = ((1 - share)[x] + (1 - share)[y]) / 2 / (k - 1)
    linear = (same - chance) / (1 - chance) - 2 * (1 - value) * (own - chance) / (1 - chance)
    se = sqrt(float(((linear - value) ** 2).sum()) / (n * (n - 1)))
    half = t_of((1 - proper_level(level)) / 2, n - 1) * se
    return Interval(
        value, max(-1.0, value - half), min(1.0, value + half), level, "Gwet's AC1, linearised variance"
    )


def krippendorff_alpha(
    ratings: Sequence[Sequence[Any]],
    metric: Literal["nominal", "ordinal", "interval"] = "nominal",
    level: float = 0.95,
    seed: int = 0,
    labels: Sequence[Hashable] | None = None,
) -> Interval:
    """Return Krippendorff's alpha for any number of raters, who may have left examples out.

    Args:
        ratings: one list for each rater, the same examples in the same order; None: not rated.
        metric: how far apart two labels are: any two the same (nominal), by rank (ordinal), by value (interval).
        labels: the labels in their order, for `ordinal`; None: those that occur, sorted.

    Returns:
        alpha (1 perfect, 0 chance) with a percentile interval from 1,000 bootstrap samples of examples, drawn by `seed`.

    Raises:
        InvalidInputError: no example was rated twice, or every rating is the same.

    Source:
        Krippendorff, Computing Krippendorff's alpha-reliability (2011); Content Analysis (2004), chapter 11.
    """
    same_length("raters", *ratings) if ratings else None
    values, known = _units(ratings, metric, labels)
    k = len(known)
    units = [u for u in values if u.size > 1]
    if not units:
        raise InvalidInputError("no example was rated by two", hint="have at least one example rated twice")
    counts = np.zeros((len(units), k))
    for i, unit in enumerate(units):
        np.add.at(counts[i], unit, 1.0)
    scale = np.asarray(known, dtype=np.float64) if metric == "interval" else np.arange(k, dtype=np.float64)
    value = _alpha(counts, np.ones((1, len(units))), metric, scale)[0]
    if not np.isfinite(value):
        raise InvalidInputError(
            "every rating is the same, so agreement beyond chance has no meaning",
            hint="rate examples of another kind too",
        )
    drawn = np.random.default_rng(seed).multinomial(
        len(units), np.full(len(units), 1 / len(units)), size=RESAMPLES
    )
    again = _alpha(counts, drawn.astype(np.float64), metric, scale)
    again = np.where(np.isfinite(again), again, 1.0)
    tail = (1 - proper_level(level)) / 2
    low, high = np.quantile(again, [tail, 1 - tail])
    name = f"Krippendorff's alpha, {metric}, bootstrap over {len(units)} examples"
    return Interval(float(value), min(float(low), float(value)), max(float(high), float(value)), level, name)


def _alpha(counts: FloatArray, times: FloatArray, metric: str, scale: FloatArray) -> FloatArray:
    """Return alpha of each row of `times`, which says how often each unit is taken. NaN where all ratings are the same."""
    raters = counts.sum(axis=1)
    answers = np.empty(times.shape[0])
    for row, often in enumerate(times):
        weight = often / (raters - 1)
        totals = often @ counts
        n = totals.sum()
        far = _distances(totals, metric, scale)
        observed = (
            float((weight * (np.einsum("ui,ij,uj->u", counts, far, counts))).sum()) if far.size else 0.0
        )
        expected = float(totals @ far @ totals)
        answers[row] = np.nan if expected <= 0 else 1 - (n - 1) * observed / expected
    return answers


def _distances(totals: FloatArray, metric: str, scale: FloatArray) -> FloatArray:
    if metric == "nominal":
        return 1.0 - np.eye(totals.size)
    if metric == "interval":
        return np.asarray(np.subtract.outer(scale, scale) ** 2)
    middle = np.cumsum(totals) - totals / 2
    return np.asarray(np.subtract.outer(middle, middle) ** 2)


def _units(
    ratings: Sequence[Sequence[Any]], metric: str, labels: Sequence[Hashable] | None
) -> tuple[list[IntArray], list[Any]]:
    if not ratings:
        raise InvalidInputError("there are no raters")
    known: list[Any] = (
        list(labels) if labels is not None else _sorted({v for r in ratings for v in r if not _absent(v)})
    )
    place = {v: i for i, v in enumerate(known)}
    if metric == "interval":
        for value in known:
            if isinstance(value, str) or not np.isfinite(float(value)):
                raise InvalidInputError(f"`{value}` is no number; the interval metric needs numbers")
    try:
        units = [
            np.asarray([place[v] for v in column if not _absent(v)], dtype=np.int64)
            for column in zip(*ratings, strict=True)
        ]
    except KeyError as error:
        raise InvalidInputError(f"{error} is none of the labels") from error
    return units, known


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _coded(a: Ratings, b: Ratings, labels: Sequence[Hashable] | None) -> tuple[IntArray, IntArray, int]:
    known = list(labels) if labels is not None else _sorted({*a, *b})
    place = {v: i for i, v in enumerate(known)}
    try:
        x, y = ([place[v] for v in side] for side in (a, b))
    except KeyError as error:
        raise InvalidInputError(
            f"{error} is none of the labels", hint=f"labels: {', '.join(map(str, known[:20]))}"
        ) from error
    return np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64), len(known)


def _sorted(values: set[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda v: (type(v).__name__, str(v)))


def _rated(a: Ratings, b: Ratings) -> int:
    n = same_length("the two raters", a, b)
    if n == 0:
        raise InvalidInputError("nothing was rated by both", hint="label at least one example")
    missing = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if _absent(x) or _absent(y)]
    if missing:
        raise InvalidInputError(
            f"example {missing[0]} was not rated by both", hint="leave out what only one has rated"
        )
    return n
