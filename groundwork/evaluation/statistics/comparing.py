"""Compare two systems on the same examples: picks the procedure (P1 or P2), tests, bounds, and says what is still needed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from scipy import special

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, codes, numbers, proper_alpha, same_length
from groundwork.evaluation.statistics.clustered import (
    LEAST_CLUSTERS,
    Clustered,
    SignFlips,
    cr1,
    proper_weights,
    t_is_safe,
    t_test,
)
from groundwork.evaluation.statistics.paired_binary import least_discordant, mcnemar, tango, tango_z
from groundwork.evaluation.statistics.power import needed_binary, needed_scores
from groundwork.evaluation.statistics.rates import t_of
from groundwork.evaluation.statistics.statement import error_statement
from groundwork.evaluation.statistics.types import Interval

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Candidate against baseline on the same examples; higher is better on both.

    Attributes:
        difference: candidate minus baseline with its 95 % interval; None where no interval can be had (fewer than 2
            clusters). mean: the difference alone, None without examples.
        lower_bound, upper_bound: one-sided bounds at alpha, None where there are none.
        p_value: of the test against `-margin`; None where none can be made.
        significant: p_value at most alpha, on sufficient data. test: the procedure, in words.
        discordance: share of pairs that differ. sd: of the differences (n - 1).
        design_effect: how many times larger the variance is than without clusters.
        sufficient: the procedure could have decided on so much data; `reason` says why not.
        needed_n: examples, these included, that would find `effect` (or else what was observed) with `power`; None where
            that is not known. statement: what was tested, in sentences.
    """

    difference: Interval | None
    mean: float | None
    lower_bound: float | None
    upper_bound: float | None
    p_value: float | None
    significant: bool
    test: str
    n: int
    clusters: int
    wins: int
    losses: int
    ties: int
    discordance: float
    sd: float
    design_effect: float
    sufficient: bool
    reason: str
    needed_n: int | None
    statement: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_paired(
    candidate: Sequence[float] | FloatArray,
    baseline: Sequence[float] | FloatArray,
    clusters: Sequence[Hashable] | None = None,
    *,
    binary: bool,
    alternative: Literal["greater", "two-sided"] = "greater",
    margin: float = 0.0,
    alpha: float = 0.05,
    strict: bool = False,
    min_n: int = 30,
    weights: Sequence[float] | None = None,
    effect: float | None = None,
    power: float = 0.8,
    seed: int = 0,
) -> PairedComparison:
    """Compare scores of the same examples.

    Binary scores whose clusters all hold one example, with equal weights, are compared by P1 (McNemar; with a margin
    Tango's score test). Everything else by P2 on the differences: the t test with CR1 from 20 clusters of about equal size
    (see `t_is_safe`), otherwise the sign-flip test, from 6 clusters. Average repeats of an example before.

    Args:
        candidate, baseline: shape (n,), the same examples in the same order, higher is better.
        clusters: the cluster of each example; None: each is its own.
        binary: the scores are 0 and 1.
        margin: how much worse is still no worse; 0 tests superiority.
        strict: the exact instead of the mid-p test.
        min_n: fewer examples are not sufficient.
        weights: how much each example counts.
        effect, power: the difference worth finding and how surely, for `needed_n`.

    Raises:
        InvalidInputError: lengths differ, a score is no number (the message names its place), or a binary score is neither 0
            nor 1.
    """
    x, y = numbers(candidate), numbers(baseline)
    n = same_length("candidate and baseline", x, y)
    proper_alpha(alpha)
    if margin < 0 or not np.isfinite(margin):
        raise InvalidInputError(
            f"a margin of {margin}; it is 0 or more", hint="write how much worse is still no worse"
        )
    if margin > 0 and alternative != "greater":
        raise InvalidInputError("a margin goes with the one-sided test", hint='use alternative="greater"')
    if binary:
        _zero_or_one(x, y)
    group, g = codes(clusters, n)
    w = proper_weights(weights, n)
    d = x - y
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    made = _Case(d, group, g, w, alternative, margin, alpha, strict, seed, wins, losses)
    plain = binary and g == n and bool(np.all(w == w[0])) if n else binary
    found = made.pairs() if plain else made.scores()
    spread = float(d.std(ddof=1)) if n > 1 else 0.0
    reason = _too_little(found, n, g, min_n, wins + losses, plain, margin, alternative, alpha)
    psi = (wins + losses) / n if n else 0.0
    needed = _needed(found, d, psi, spread, n, g, plain, alternative, margin, alpha, min_n, effect, power)
    statement = error_statement(
        metric="score", test=found.test, alpha=alpha, alternative=alternative, margin=margin, n=n, clusters=g
    )
    return PairedComparison(
        difference=found.interval,
        mean=float(np.average(d, weights=w)) if n else None,
        lower_bound=found.lower,
        upper_bound=found.upper,
        p_value=found.p,
        significant=not reason and found.p is not None and found.p <= alpha,
        test=found.test,
        n=n,
        clusters=g,
        wins=wins,
        losses=losses,
        ties=n - wins - losses,
        discordance=psi,
        sd=spread,
        design_effect=found.design_effect,
        sufficient=not reason,
        reason=reason,
        needed_n=needed,
        statement=statement,
    )


@dataclass(frozen=True)
class _Found:
    interval: Interval | None
    lower: float | None
    upper: float | None
    p: float | None
    test: str
    design_effect: float = 1.0


@dataclass(frozen=True)
class _Case:
    d: FloatArray
    group: Any
    g: int
    w: FloatArray
    alternative: Literal["greater", "two-sided"]
    margin: float
    alpha: float
    strict: bool
    seed: int
    wins: int
    losses: int

    def pairs(self) -> _Found:
        n = self.d.size
        if n == 0:
            return _Found(None, None, None, None, "none: there are no examples")
        b, c = self.wins, self.losses
        bounds = tango(b, c, n, max(1e-9, 1 - 2 * self.alpha))
        interval = tango(b, c, n, LEVEL)
        if self.margin > 0:
            p = float(special.ndtr(-tango_z(b, c, n, max(-self.margin, -1.0))))
            test = "Tango score test of non-inferiority"
        else:
            made = mcnemar(b, c, alternative=self.alternative, strict=self.strict)
            p, test = made.p_value, made.method
        return _Found(interval, bounds.low, bounds.high, p, test)

    def scores(self) -> _Found:
        if self.g < 2:
            return _Found(None, None, None, None, f"none: {self.g} clusters")
        mean = cr1(self.d, self.group, LEVEL, self.w)
        if t_is_safe(np.bincount(self.group, weights=self.w, minlength=self.g).astype(np.float64)):
            return self._by_t(mean)
        flips = SignFlips(self.d, self.group, self.seed, self.w)
        made = flips.test(self.alternative, -self.margin)
        (lower, upper), (low, high) = flips.bounds(self.alpha), flips.bounds((1 - LEVEL) / 2)
        interval = mean.interval
        if low is not None and high is not None:
            interval = Interval(mean.mean, min(low, mean.mean), max(high, mean.mean), LEVEL, made.method)
        return _Found(interval, lower, upper, made.p_value, made.method, mean.design_effect)

    def _by_t(self, mean: Clustered) -> _Found:
        half = t_of(self.alpha, mean.df) * mean.se
        p = t_test(mean.mean, mean.se, mean.df, -self.margin, self.alternative)
        return _Found(mean.interval, mean.mean - half, mean.mean + half, p, mean.method, mean.design_effect)


def _zero_or_one(x: FloatArray, y: FloatArray) -> None:
    for name, values in (("candidate", x), ("baseline", y)):
        odd = np.flatnonzero((values != 0) & (values != 1))
        if odd.size:
            place = int(odd[0])
            raise InvalidInputError(
                f"the score of example {place} of the {name} is {values[place]:g}; a binary score is 0 or 1",
                hint="compare it as a score (binary=False)",
            )


def _too_little(
    found: _Found,
    n: int,
    g: int,
    min_n: int,
    discordant: int,
    plain: bool,
    margin: float,
    alternative: Literal["greater", "two-sided"],
    alpha: float,
) -> str:
    if n == 0:
        return "there are no examples"
    if n < min_n:
        return f"{n} examples are fewer than the {min_n} that the plan asks for"
    least = least_discordant(alpha, alternative)
    clusters = max(LEAST_CLUSTERS, least)
    if not plain and g < clusters:
        return f"{g} cluster{'' if g == 1 else 's'}; fewer than {clusters} show nothing at alpha {alpha:g}"
    if plain and margin == 0 and discordant < least:
        return f"the two differ on {discordant} examples; fewer than {least} show nothing at alpha {alpha:g}"
    if found.p is None:
        return "no test can be made of these examples"
    return ""


def _needed(
    found: _Found,
    d: FloatArray,
    psi: float,
    sd: float,
    n: int,
    g: int,
    plain: bool,
    alternative: str,
    margin: float,
    alpha: float,
    min_n: int,
    effect: float | None,
    power: float,
) -> int | None:
    if n == 0:
        return None
    size = effect if effect is not None and margin == 0 else margin or abs(float(d.mean()))
    two = alternative == "two-sided"
    if size <= 0:
        return None
    if plain:
        needed = needed_binary(max(psi, 1 / n), size, alpha, power, two)
    else:
        if sd == 0:
            return None
        needed = needed_scores(sd, size, alpha, power, max(found.design_effect, 1 / sqrt(n)), two)
        needed = max(needed, int(np.ceil(LEAST_CLUSTERS * n / max(g, 1))) if g < LEAST_CLUSTERS else 0)
    return max(needed, min_n)
