"""What differs between two evaluations in one metric: size, interval, test, who won where, slices, and what n would decide.

Means are compared example by example (P1 for binary scores of independent examples, P2 for all others), quantiles and sums
by a bootstrap that draws clusters and keeps pairs together. Everything here is pure and deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from groundwork.evaluation.gates.types import MetricDifference, SliceDifference
from groundwork.evaluation.gates.wording import difference_sentence, percent
from groundwork.evaluation.metrics._base import mean_measured, resampled_interval
from groundwork.evaluation.pairing import Index, Pairs
from groundwork.evaluation.statistics.clustered import cr1
from groundwork.evaluation.statistics.comparing import PairedComparison, compare_paired
from groundwork.evaluation.statistics.multiplicity import benjamini_hochberg, holm
from groundwork.evaluation.statistics.power import needed_binary, needed_scores
from groundwork.evaluation.types import Measured

LEAST_OF_A_SLICE = 30
SLICE_WARNING = 0.10
"""The share of false warnings among the warnings, after Benjamini and Hochberg."""
MOST_NAMED = 50
LEAST_CLUSTERS = 6
"""Fewer clusters say nothing of how much clusters differ."""
LEAST_OF_A_BOOTSTRAP = 20
RESAMPLES = 2000
Alternative = Literal["greater", "two-sided"]


def compare_means(
    pairs: Pairs,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    alternative: Alternative = "greater",
    strict: bool = False,
    min_n: int = 2,
    turned: bool = False,
) -> PairedComparison:
    """Return the comparison of two means in the direction "more is better".

    Args:
        margin: of non-inferiority; the null hypothesis is "worse by at least that much".
        turned: ask whether the baseline is the better one.
    """
    candidate, baseline = pairs.oriented
    if turned:
        candidate, baseline = baseline, candidate
    return compare_paired(
        candidate,
        baseline,
        pairs.clusters,
        binary=pairs.binary,
        alternative=alternative,
        margin=margin,
        alpha=alpha,
        strict=strict,
        min_n=min_n,
        weights=None if pairs.weights is None else pairs.weights.tolist(),
    )


def difference(
    pairs: Pairs, *, alpha: float = 0.05, power: float = 0.8, slices: Sequence[str] = (), strict: bool = False
) -> MetricDifference:
    """Return everything there is to say of one metric on both sides.

    Args:
        alpha: of the two-sided test and the interval. slices: tags, or beginnings that end in `:`, to look at apart.
    """
    sides = measured(pairs, 0), measured(pairs, 1)
    apart = pairs.oriented[0] - pairs.oriented[1]
    wins, losses = int(np.sum(apart > 0)), int(np.sum(apart < 0))
    order = np.argsort(-np.abs(apart), kind="stable")
    needed: int | None = None
    between, p_value, test, reason, discordance, sd, design = _nothing(pairs), None, "", "", None, None, None
    sufficient = False
    if pairs.n < 2:
        reason = "there is no example on both sides" if not pairs.n else "one example tells nothing of others"
    elif pairs.is_mean:
        found = compare_means(pairs, alpha=alpha, alternative="two-sided", strict=strict)
        between = _turned_back(pairs, found)
        p_value, test = finite(found.p_value), found.test
        sufficient, reason = found.sufficient, found.reason
        discordance, sd, design = finite(found.discordance), finite(found.sd), finite(found.design_effect)
        needed = needed_for(pairs, abs(found.mean or 0.0), alpha, power, two_sided=True)
    else:
        between, test, reason = _bootstrapped(pairs, alpha)
        sufficient = not reason
    if pairs.constant and not reason:
        reason = "every score on both sides is the same number"
    made = MetricDifference(
        metric=pairs.metric,
        higher_is_better=pairs.higher_is_better,
        binary=pairs.binary,
        baseline=sides[0],
        candidate=sides[1],
        difference=between,
        p_value=p_value,
        test=test,
        better=_better(pairs, between, sufficient),
        n=pairs.n,
        clusters=len(set(pairs.clusters)),
        wins=wins,
        losses=losses,
        ties=pairs.n - wins - losses,
        won=tuple(pairs.ids[i] for i in order if apart[i] > 0)[:MOST_NAMED],
        lost=tuple(pairs.ids[i] for i in order if apart[i] < 0)[:MOST_NAMED],
        missing_baseline=len(pairs.missing_baseline),
        missing_candidate=len(pairs.missing_candidate),
        discordance=discordance,
        sd=sd,
        design_effect=design,
        needed_n=needed,
        power="",
        sufficient=sufficient,
        reason=reason,
        sentence="",
        slices=tuple(slice_differences(pairs, slices)) if pairs.is_mean else (),
    )
    made = replace(made, power=_power_words(made, alpha, power))
    return replace(made, sentence=difference_sentence(made))


def slice_differences(
    pairs: Pairs, slices: Sequence[str], *, margin: float = 0.0, alpha: float = 0.05
) -> list[SliceDifference]:
    """Return the difference within each slice, by name; only slices of 30 examples and more are tested.

    A warning is a regression at a false discovery rate of 10 % (Benjamini and Hochberg); one blocks that is worse than
    `margin` at the family-wise level `alpha` (Holm).
    """
    tags = expand(slices, pairs.tags)
    parts = [pairs.within([tag in of for of in pairs.tags]) for tag in tags]
    warned: dict[int, float] = {}
    blocked: dict[int, float] = {}
    why: dict[int, str] = {}
    for i, part in enumerate(parts):
        if part.n < LEAST_OF_A_SLICE:
            why[i] = f"{part.n} examples; a slice is tested from {LEAST_OF_A_SLICE}"
            continue
        worse = compare_means(part, turned=True)
        beyond = compare_means(_shifted(part, margin), turned=True) if margin else worse
        p, q = finite(worse.p_value), finite(beyond.p_value)
        if p is None or q is None:
            why[i] = worse.reason or "it cannot be tested"
            continue
        # Where there are too few differing pairs or clusters for the test, it cannot find anything either.
        warned[i], blocked[i] = (p, q) if worse.sufficient else (1.0, 1.0)
        if not worse.sufficient:
            why[i] = worse.reason
    bh = dict(zip(warned, benjamini_hochberg(list(warned.values())), strict=True)) if warned else {}
    fwer = dict(zip(blocked, holm(list(blocked.values())), strict=True)) if blocked else {}
    found = []
    for i, (tag, part) in enumerate(zip(tags, parts, strict=True)):
        value = _difference_alone(part)
        low_bh, low_holm = bh.get(i), fwer.get(i)
        found.append(
            SliceDifference(
                tag,
                part.n,
                value,
                warned.get(i),
                None if low_bh is None else float(low_bh),
                None if low_holm is None else float(low_holm),
                warning=low_bh is not None and low_bh <= SLICE_WARNING,
                blocks=low_holm is not None and low_holm <= alpha,
                reason=why.get(i, ""),
            )
        )
    return found


def expand(slices: Sequence[str], tags: Sequence[Sequence[str]]) -> list[str]:
    """Return the tags that are meant, sorted: `language:` means every tag that begins so; a tag that nothing has stays."""
    there = {t for of in tags for t in of}
    found: set[str] = set()
    for wanted in slices:
        if wanted.endswith((":", "*")):
            found |= {t for t in there if t.startswith(wanted.rstrip("*"))}
        else:
            found.add(wanted)
    return sorted(found)


def measured(pairs: Pairs, side: Literal[0, 1], level: float = 0.95) -> Measured:
    """Return the metric of the baseline (0) or the candidate (1) over the pairs, with its interval."""
    n, clusters = pairs.n, len(set(pairs.clusters))
    if not n:
        return Measured(None, None, None, 0, 0, "there is no example")
    if pairs.is_mean:
        values = pairs.candidate if side else pairs.baseline
        weights = [] if pairs.weights is None else pairs.weights.tolist()
        return mean_measured(values.tolist(), pairs.clusters, weights, level=level)
    of = pairs.functions[side]
    value = finite(of(np.arange(n)))
    if value is None:
        return Measured(None, None, None, n, clusters, f"`{pairs.metric}` is not defined for these scores")
    low, high, method = resampled_interval(of, pairs.clusters, level=level, resamples=RESAMPLES)
    return Measured(value, low, high, n, clusters, method)


def needed_for(
    pairs: Pairs, effect: float, alpha: float, power: float, *, two_sided: bool = False
) -> int | None:
    """Return how many examples would probably show a difference of `effect`, from how much these differ; None: unknown."""
    if effect <= 0 or pairs.n < 2:
        return None
    apart = pairs.oriented[0] - pairs.oriented[1]
    if pairs.binary and len(set(pairs.clusters)) == pairs.n:
        share = float(np.mean(apart != 0))
        # An effect takes at least as many differing pairs as itself.
        return int(needed_binary(max(share, effect), effect, alpha, power, two_sided))
    sd = float(np.std(apart, ddof=1))
    if sd <= 0:
        return None
    design = 1.0
    if len(set(pairs.clusters)) >= 2:
        design = finite(cr1(apart, pairs.clusters).design_effect) or 1.0
    return int(needed_scores(sd, effect, alpha, power, max(design, 1.0), two_sided))


def bounds(
    pairs: Pairs, *, scale: float = 1.0, alpha: float = 0.05
) -> tuple[float | None, float | None, str]:
    """Return the one-sided bounds of a difference by a bootstrap that draws clusters and keeps pairs together.

    The difference is turned so that more is better; `scale` multiplies the baseline first, so that with `1 + margin` a
    lower bound greater than 0 says "no worse than the margin allows" where less is better. None: not defined.
    """
    before, after = pairs.functions
    sign = 1.0 if pairs.higher_is_better else -1.0

    def apart(index: Index) -> float | None:
        one, other = after(index), before(index)
        return None if one is None or other is None else sign * (one - scale * other)

    low, high, method = resampled_interval(apart, pairs.clusters, level=1 - 2 * alpha, resamples=RESAMPLES)
    return low, high, f"paired {method}"


def finite(value: float | None) -> float | None:
    """Return a number, or None for what is none."""
    return float(value) if value is not None and math.isfinite(value) else None


def _shifted(pairs: Pairs, margin: float) -> Pairs:
    """Give the candidate the margin, so that a test of "worse" is one of "worse by more than the margin"."""
    given = margin if pairs.higher_is_better else -margin
    return replace(pairs, candidate=pairs.candidate + given, binary=False)


def _nothing(pairs: Pairs) -> Measured:
    return Measured(None, None, None, pairs.n, len(set(pairs.clusters)), "")


def _turned_back(pairs: Pairs, found: PairedComparison) -> Measured:
    """Return a difference of "more is better" as candidate minus baseline."""
    at = found.difference
    if at is None:
        return turned_back(pairs, found.mean, None, None, "no interval")
    return turned_back(pairs, at.value, at.low, at.high, at.method)


def turned_back(
    pairs: Pairs, value: float | None, low: float | None, high: float | None, method: str
) -> Measured:
    """Return a number and its interval, which say "more is better", in units of the metric."""
    ends = finite(value), finite(low), finite(high)
    if not pairs.higher_is_better:
        ends = _minus(ends[0]), _minus(ends[2]), _minus(ends[1])
    return Measured(*ends, pairs.n, len(set(pairs.clusters)), method)


def _minus(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def _bootstrapped(pairs: Pairs, alpha: float) -> tuple[Measured, str, str]:
    clusters = len(set(pairs.clusters))
    before, after = pairs.values
    if before is None or after is None:
        return _nothing(pairs), "", f"`{pairs.metric}` is not defined for these scores"
    value = after - before
    if clusters < LEAST_OF_A_BOOTSTRAP:
        reason = f"{clusters} clusters; a bootstrap takes {LEAST_OF_A_BOOTSTRAP}"
        return (
            Measured(value, None, None, pairs.n, clusters, "no interval"),
            "paired cluster bootstrap",
            reason,
        )
    low, high, method = bounds(pairs, alpha=alpha / 2)
    turned = turned_back(pairs, value if pairs.higher_is_better else -value, low, high, method)
    return turned, method, "" if low is not None else method


def _difference_alone(part: Pairs) -> Measured:
    if part.n < 2:
        value = float(part.candidate[0] - part.baseline[0]) if part.n else None
        return Measured(value, None, None, part.n, len(set(part.clusters)), "")
    return _turned_back(part, compare_means(part, alternative="two-sided"))


def _better(pairs: Pairs, found: Measured, sufficient: bool) -> Literal["candidate", "baseline", "neither"]:
    if not sufficient or found.low is None or found.high is None or found.low <= 0 <= found.high:
        return "neither"
    return "candidate" if (found.low > 0) == pairs.higher_is_better else "baseline"


def _power_words(made: MetricDifference, alpha: float, power: float) -> str:
    if made.needed_n is None:
        return ""
    if made.better != "neither":
        return f"{made.n:,} examples were enough; about {made.needed_n:,} find this difference with {percent(power)}."
    return (
        f"If the difference is truly this large, about {made.needed_n:,} examples find it with {percent(power)} "
        f"at a level of {percent(alpha)}; there were {made.n:,}."
    )
