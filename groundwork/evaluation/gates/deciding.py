"""Decide by a gate's spec from pairs of scores: what was shown, what was not, and what would be needed. Pure.

The rule is P3: superiority (or declared non-inferiority) of the primary metric, non-inferiority of every guard, limits on
the candidate, and no slice that is worse beyond the margin. All of it has to hold, so each part keeps the level `alpha`
(intersection-union) and a candidate that is no better passes at most that often.

`reject` is evidence too: the candidate was shown to be worse, the effect worth finding is ruled out, or there were enough
examples to find it and it was not found. Everything else is `insufficient`, and says how many examples would decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from groundwork.core.improvement import GateSpec, GuardSpec, LimitSpec
from groundwork.evaluation.differences import (
    LEAST_CLUSTERS,
    LEAST_OF_A_BOOTSTRAP,
    bounds,
    compare_means,
    finite,
    measured,
    needed_for,
    slice_differences,
    turned_back,
)
from groundwork.evaluation.gates.types import Check, CheckKind, CheckState, Outcome, SliceDifference
from groundwork.evaluation.gates.wording import count, figure, p_words, percent, signed, slice_sentence
from groundwork.evaluation.pairing import Pairs
from groundwork.evaluation.statistics.power import needed_binary

MOST_FAILED_BASELINE = 0.10
"""Share of the baseline's examples that may fail: comparing with a broken baseline shows nothing."""
LEAST_OF_A_TAIL = 5
SHOWN = 0.025
"""Intervals are shown two-sided at 95 %, whatever level decides."""
ASSUMED_DISCORDANCE = 0.20
"""Share of differing pairs that sample sizes assume before anything was run."""


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    Attributes:
        pairs: by metric, as the spec writes it; a metric that is not there counts as not shown.
        n: examples of the split; failed_*: how many of them brought no output.
        untrusted: metric to why its judge may not decide.
    """

    pairs: Mapping[str, Pairs]
    n: int
    failed_baseline: int = 0
    failed_candidate: int = 0
    untrusted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What follows from the evidence; the parts of a verdict that do not depend on who asked and when."""

    outcome: Outcome
    headline: str
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    slices: tuple[SliceDifference, ...]
    warnings: tuple[str, ...]
    n: int
    clusters: int
    needed_n: int | None
    still_needed: int | None


def decide(spec: GateSpec, evidence: Evidence) -> Decision:
    """Return what the gate decides; a function of its arguments alone."""
    primary = _primary(spec, evidence)
    guards = [_guard(spec, g, evidence) for g in spec.guards]
    limits = [_limit(spec, limit, evidence) for limit in spec.limits]
    checks = (primary, *guards, *limits)
    pairs = evidence.pairs.get(spec.primary.metric)
    margin = spec.primary.margin if spec.primary.test == "non_inferiority" else 0.0
    slices: tuple[SliceDifference, ...] = ()
    if pairs is not None and pairs.n >= 2 and spec.slices and pairs.is_mean:
        slices = tuple(slice_differences(pairs, spec.slices, margin=margin, alpha=spec.alpha))
    rejects = _failed_arm(evidence) + [c.sentence for c in checks if c.required and c.state == "fail"]
    rejects += [f"The slice {slice_sentence(s)}." for s in slices if s.blocks]
    lacks = _lacking(spec, evidence) + [c.sentence for c in checks if c.required and c.state == "undecided"]
    n, clusters = (pairs.n, len(set(pairs.clusters))) if pairs is not None else (0, 0)
    outcome: Outcome = "reject" if rejects else "insufficient" if lacks else "promote"
    needed, still = _needed(spec, checks, n) if outcome == "insufficient" else (None, None)
    reasons = rejects + lacks + [c.sentence for c in checks if c.state == "pass"]
    return Decision(
        outcome,
        _headline(outcome, reasons, checks, still, n),
        tuple(dict.fromkeys(reasons)),
        checks,
        slices,
        tuple(_warnings(spec, evidence, checks, slices)),
        n,
        clusters,
        needed,
        still,
    )


def assumed_needed(spec: GateSpec) -> int:
    """Return how many examples the primary metric needs when a fifth of the pairs differ; before anything ran."""
    effect = spec.primary.margin if spec.primary.test == "non_inferiority" else spec.primary.effect
    share = max(ASSUMED_DISCORDANCE, min(effect, 1.0))
    return max(spec.min_n, int(needed_binary(share, min(effect, share), spec.alpha, spec.power)))


# -- the primary metric ------------------------------------------------------------------------------------------


def _primary(spec: GateSpec, evidence: Evidence) -> Check:
    aim = spec.primary
    pairs = evidence.pairs.get(aim.metric)
    if pairs is None or pairs.n == 0:
        why = "there is no example on both sides that it applies to"
        return _absent("primary", aim.metric, True, f"`{aim.metric}` could not be compared: {why}.",
                       needed=assumed_needed(spec))  # fmt: skip
    if not pairs.is_mean:
        return _bounded(
            "primary",
            aim.metric,
            pairs,
            spec,
            evidence,
            aim.margin,
            False,
            True,
            better=aim.test == "superiority",
        )
    margin = aim.margin if aim.test == "non_inferiority" else 0.0
    goal = aim.effect if aim.test == "superiority" else None
    return _compared("primary", pairs, spec, evidence, margin, goal, True)


def _compared(
    kind: CheckKind,
    pairs: Pairs,
    spec: GateSpec,
    evidence: Evidence,
    margin: float,
    goal: float | None,
    required: bool,
) -> Check:
    """Check a mean: better when `goal` is given, else no worse than `margin`."""
    made = _blank(kind, pairs, required)
    wanted = goal if goal is not None else margin
    needed = needed_for(pairs, wanted, spec.alpha, spec.power)
    if fault := _too_little(pairs, spec, evidence, LEAST_CLUSTERS):
        return replace(made, threshold=-margin, needed_n=_at_least(pairs, spec, needed),
                       sentence=f"`{pairs.metric}`: {fault}.")  # fmt: skip
    found = compare_means(pairs, margin=margin, alpha=spec.alpha, strict=spec.strict, min_n=spec.min_n)
    low, high, p = finite(found.lower_bound), finite(found.upper_bound), finite(found.p_value)
    at = found.difference
    interval = turned_back(pairs, found.mean, at.low if at else None, at.high if at else None, "")
    sign = 1.0 if pairs.higher_is_better else -1.0
    made = replace(
        made,
        low=interval.low,
        high=interval.high,
        bound=None if low is None else sign * low,
        threshold=0.0 - sign * margin,
        p_value=p,
        test=found.test,
    )
    say = _Saying(spec, made, goal, margin, needed)
    if found.significant and low is not None and low > -margin:
        return say.passed()
    if goal is None and pairs.same and not pairs.binary:
        # As good on every example; that it may measure nothing is said as a warning.
        return replace(
            made, state="pass", sentence=f"{say.name} is the same on every example ({figure(made.baseline)})."
        )
    if high is not None and high < -margin:
        return say.worse()
    if goal is not None and pairs.constant:
        return replace(made, sentence=f"{say.name} is {figure(made.baseline)} for every example on both sides: "
                                      "it tells nothing apart.")  # fmt: skip
    if goal is not None and high is not None and high < goal:
        return say.ruled_out()
    if needed is not None and pairs.n >= needed:
        return say.not_found()
    why = found.reason if not found.sufficient else ""
    return say.open(_at_least(pairs, spec, needed), why)


@dataclass(frozen=True)
class _Saying:
    """The ends a check of a mean can have, with their sentences."""

    spec: GateSpec
    made: Check
    goal: float | None
    margin: float
    needed: int | None

    @property
    def name(self) -> str:
        return f"`{self.made.metric}`"

    @property
    def change(self) -> str:
        m = self.made
        return f"{signed(m.difference)} (from {figure(m.baseline)} to {figure(m.candidate)})"

    @property
    def sure(self) -> str:
        return f"{percent(1 - self.spec.alpha)} sure"

    def passed(self) -> Check:
        word = "at least" if self.made.higher_is_better else "at most"
        aim = "better" if self.goal is not None else f"not worse by more than {figure(self.margin)}"
        said = f"{self.name} is {aim}: {self.change}, {word} {signed(self.made.bound)}, {self.sure}."
        return replace(self.made, state="pass", sentence=said)

    def worse(self) -> Check:
        beyond = f" by more than {figure(self.margin)}" if self.margin else ""
        return replace(
            self.made, state="fail", sentence=f"{self.name} is worse{beyond}: {self.change}, {self.sure}."
        )

    def ruled_out(self) -> Check:
        said = f"{self.name} is not better by {figure(self.goal)}, the difference worth finding: {self.change}, {self.sure}."
        return replace(self.made, state="fail", sentence=said)

    def not_found(self) -> Check:
        looked_for = (
            f"an improvement of {figure(self.goal)}"
            if self.goal is not None
            else f"no worse by {figure(self.margin)}"
        )
        said = (
            f"{self.name} did not show {looked_for}: {self.change}, p {p_words(self.made.p_value)}, although "
            f"{self.needed:,} examples show it with {percent(self.spec.power)} and there were {self.made.n:,}."
        )
        return replace(self.made, state="fail", sentence=said)

    def open(self, needed: int, why: str) -> Check:
        aim = "better" if self.goal is not None else f"no worse by {figure(self.margin)}"
        because = f" ({why})" if why else ""
        said = (
            f"{self.name} is not shown to be {aim}: {self.change}, p {p_words(self.made.p_value)}{because}."
        )
        return replace(self.made, needed_n=needed, sentence=said)


# -- guards and limits -------------------------------------------------------------------------------------------


def _guard(spec: GateSpec, guard: GuardSpec, evidence: Evidence) -> Check:
    pairs = evidence.pairs.get(guard.metric)
    if pairs is None or pairs.n == 0:
        return _absent("guard", guard.metric, guard.required,
                       f"`{guard.metric}` could not be compared: it applies to no example on both sides.")  # fmt: skip
    if pairs.is_mean and not guard.relative:
        return _compared("guard", pairs, spec, evidence, guard.margin, None, guard.required)
    return _bounded(
        "guard", guard.metric, pairs, spec, evidence, guard.margin, guard.relative, guard.required
    )


def _bounded(
    kind: CheckKind,
    metric: str,
    pairs: Pairs,
    spec: GateSpec,
    evidence: Evidence,
    margin: float,
    relative: bool,
    required: bool,
    *,
    better: bool = False,
) -> Check:
    """Check a quantile, a sum or a relative margin by the bounds of a paired cluster bootstrap."""
    made = _blank(kind, pairs, required)
    up = pairs.higher_is_better
    margin = 0.0 if better else margin
    allowed = abs(made.baseline or 0.0) * margin if relative else margin
    made = replace(made, threshold=(-allowed if up else allowed) + 0.0, test="paired cluster bootstrap")
    if made.difference is None:
        return replace(made, sentence=f"`{metric}` is not defined for these scores on both sides.")
    if fault := _too_little(pairs, spec, evidence, LEAST_OF_A_BOOTSTRAP):
        return replace(
            made,
            needed_n=_at_least(pairs, spec, None, LEAST_OF_A_BOOTSTRAP),
            sentence=f"`{metric}`: {fault}.",
        )
    if pairs.n < (least := _least_for_tail(pairs)):
        fault = f"{count(pairs.n, 'example')}; `{pairs.measure}` is compared from {least}"
        return replace(made, needed_n=max(least, spec.min_n), sentence=f"`{metric}`: {fault}.")
    if pairs.same and not better:
        return replace(made, state="pass", low=0.0, high=0.0, bound=0.0,
                       sentence=f"`{metric}` is the same on every example ({figure(made.baseline)}).")  # fmt: skip
    plain_low, plain_high, method = bounds(pairs, alpha=spec.alpha)
    if plain_low is None or plain_high is None:
        return replace(made, sentence=f"`{metric}`: {method}.")
    shown = bounds(pairs, alpha=SHOWN)
    around = turned_back(pairs, None, shown[0], shown[1], method)
    made = replace(made, test=method, low=around.low, high=around.high, bound=plain_low if up else -plain_low)
    low, high = plain_low + margin, plain_high + margin
    if relative:
        scaled = bounds(pairs, scale=1 - margin if up else 1 + margin, alpha=spec.alpha)
        low, high = scaled[0] or 0.0, scaled[1] or 0.0
    share = f" ({percent(margin)} of {figure(made.baseline)})" if relative else ""
    change = f"{signed(made.difference)} (from {figure(made.baseline)} to {figure(made.candidate)})"
    level = f"{percent(1 - spec.alpha)} sure"
    aim = "better" if better else f"no worse by {figure(allowed)}{share}"
    if low > 0:
        word = "at least" if up else "at most"
        return replace(
            made,
            state="pass",
            sentence=f"`{metric}` is {aim}: {change}, {word} {signed(made.bound)}, {level}.",
        )
    if high < 0:
        beyond = "" if better else f" by more than {figure(allowed)}{share}"
        return replace(made, state="fail", sentence=f"`{metric}` is worse{beyond}: {change}, {level}.")
    # Bounds shrink with the root of n: how many examples would bring the bound from where it is over the threshold?
    centre = (low + high) / 2
    needed = math.ceil(pairs.n * ((centre - low) / centre) ** 2) if centre > 0 else None
    return replace(made, needed_n=needed, sentence=f"`{metric}` is not shown to be {aim}: {change}; {level} only of "
                   f"{signed(made.bound)} or better.")  # fmt: skip


def _limit(spec: GateSpec, limit: LimitSpec, evidence: Evidence) -> Check:
    pairs = evidence.pairs.get(limit.metric)
    if pairs is None or pairs.n == 0:
        return _absent(
            "limit",
            limit.metric,
            True,
            f"`{limit.metric}` was not measured, so its limit is not kept for sure.",
        )
    found = measured(pairs, 1)
    value = found.value if found.value is not None else math.nan
    over = limit.at_most is not None and not value <= limit.at_most
    under = limit.at_least is not None and not value >= limit.at_least
    bound = limit.at_most if limit.at_most is not None and not under else limit.at_least
    word = "at most" if bound == limit.at_most and not under else "at least"
    made = replace(
        _blank("limit", pairs, True),
        state="fail" if over or under else "pass",
        difference=None,
        baseline=None,
        low=found.low,
        high=found.high,
        bound=finite(value),
        threshold=bound,
        test="the measured value",
        higher_is_better=word == "at least",
    )
    kept = "breaks" if over or under else "keeps"
    said = f"`{limit.metric}` {kept} its limit: {figure(value)}, allowed {word} {figure(bound)}"
    if evidence.failed_candidate and made.state == "pass":
        said += f", with {count(evidence.failed_candidate, 'failed example')} counted at its worst"
    if limit.metric in evidence.untrusted:
        made = replace(made, state="undecided")
        said = f"`{limit.metric}`: {evidence.untrusted[limit.metric]}"
    return replace(made, sentence=f"{said}.")


# -- what is common ----------------------------------------------------------------------------------------------


def _blank(kind: CheckKind, pairs: Pairs, required: bool) -> Check:
    before, after = (finite(v) for v in pairs.values)
    return Check(
        kind=kind,
        metric=pairs.metric,
        state="undecided",
        required=required,
        baseline=before,
        candidate=after,
        difference=None if before is None or after is None else after - before,
        low=None,
        high=None,
        bound=None,
        threshold=None,
        p_value=None,
        test="",
        n=pairs.n,
        needed_n=None,
        higher_is_better=pairs.higher_is_better,
        sentence="",
    )


def _absent(kind: CheckKind, metric: str, required: bool, sentence: str, needed: int | None = None) -> Check:
    state: CheckState = "undecided"
    return Check(
        kind,
        metric,
        state,
        required,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        "",
        0,
        needed,
        True,
        sentence,
    )


def _too_little(pairs: Pairs, spec: GateSpec, evidence: Evidence, least_clusters: int) -> str:
    """Return why nothing can be decided by these pairs; empty when it can."""
    if pairs.metric in evidence.untrusted:
        return evidence.untrusted[pairs.metric]
    if pairs.n < spec.min_n:
        return f"{count(pairs.n, 'example')}; the gate decides from {spec.min_n}"
    clusters = len(set(pairs.clusters))
    if clusters < least_clusters:
        return f"{count(clusters, 'cluster')}; fewer than {least_clusters} say too little of how much clusters differ"
    return ""


def _least_for_tail(pairs: Pairs) -> int:
    """Return how many examples a quantile takes: 5 beyond it, or its bootstrap knows nothing of the tail."""
    name = pairs.measure
    if not (name[:1] == "p" and name[1:].isdigit()):
        return 0
    share = int(name[1:]) / 100
    return math.ceil(LEAST_OF_A_TAIL / max(min(share, 1 - share), 1e-9) - 1e-9)


def _at_least(pairs: Pairs, spec: GateSpec, needed: int | None, least_clusters: int = LEAST_CLUSTERS) -> int:
    """Return how many examples would decide: by power, by the gate's minimum, and for enough clusters."""
    clusters = max(1, len(set(pairs.clusters)))
    by_clusters = math.ceil(pairs.n / clusters * least_clusters) if clusters < least_clusters else 0
    fallback = assumed_needed(spec) if needed is None else needed
    return max(spec.min_n, fallback, by_clusters)


def _failed_arm(evidence: Evidence) -> list[str]:
    if evidence.n and evidence.failed_candidate >= evidence.n:
        return [f"The candidate brought no output for any of {count(evidence.n, 'example')}."]
    return []


def _lacking(spec: GateSpec, evidence: Evidence) -> list[str]:
    found = []
    if not evidence.n:
        found.append(f"There is no example in the split; `{spec.dataset}` has to have some.")
    elif evidence.failed_baseline > MOST_FAILED_BASELINE * evidence.n:
        found.append(
            f"The baseline brought no output for {evidence.failed_baseline:,} of {count(evidence.n, 'example')}; "
            f"with more than {percent(MOST_FAILED_BASELINE)} it shows nothing of the candidate. Run it again."
        )
    return found


def _needed(spec: GateSpec, checks: tuple[Check, ...], n: int) -> tuple[int | None, int | None]:
    known = [c.needed_n for c in checks if c.required and c.state == "undecided" and c.needed_n is not None]
    # A check on fewer examples than the primary one (a scorer that does not apply to all) needs its share of more.
    scaled = [
        math.ceil(c.needed_n * n / c.n) if 0 < c.n < n else c.needed_n
        for c in checks
        if c.required and c.state == "undecided" and c.needed_n is not None
    ]
    if not known:
        return None, None
    needed = max(scaled)
    return needed, max(0, needed - n) or None


def _headline(
    outcome: Outcome, reasons: list[str], checks: tuple[Check, ...], still: int | None, n: int
) -> str:
    first = reasons[0] if reasons else ""
    if outcome == "promote":
        others = sum(1 for c in checks[1:] if c.required)
        rest = (
            f" {count(others, 'further requirement')} {'holds' if others == 1 else 'hold'}." if others else ""
        )
        return f"{checks[0].sentence}{rest}"
    if outcome == "insufficient" and still:
        return f"{first} About {still:,} more examples would probably decide (there were {n:,})."
    return first


def _warnings(
    spec: GateSpec, evidence: Evidence, checks: tuple[Check, ...], slices: tuple[SliceDifference, ...]
) -> list[str]:
    found = [c.sentence for c in checks if not c.required and c.state != "pass"]
    for metric, pairs in evidence.pairs.items():
        if pairs.n and pairs.constant and pairs.is_mean:
            found.append(
                f"`{metric}` is {figure(float(pairs.baseline[0]))} for every example on both sides: does it measure?"
            )
        if pairs.missing_candidate:
            found.append(
                f"`{metric}`: {count(len(pairs.missing_candidate), 'score')} of the candidate missing, counted as the worst."
            )
        if pairs.missing_baseline:
            found.append(
                f"`{metric}`: {count(len(pairs.missing_baseline), 'score')} of the baseline missing, counted as the best."
            )
        apart = len(pairs.only_baseline) + len(pairs.only_candidate)
        if apart:
            found.append(
                f"`{metric}` applies to {count(apart, 'example')} on one side only; they are left out."
            )
    for what, failed in (("baseline", evidence.failed_baseline), ("candidate", evidence.failed_candidate)):
        if failed:
            found.append(f"The {what} brought no output for {failed:,} of {count(evidence.n, 'example')}.")
    found += [f"The slice {slice_sentence(s)}." for s in slices if s.warning and not s.blocks]
    return found
