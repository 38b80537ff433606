"""The values of comparisons and gates: what differs between two evaluations, what was planned, what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.evaluation.types import Measured

Outcome = Literal["promote", "reject", "insufficient"]
CheckKind = Literal["primary", "guard", "limit"]
CheckState = Literal["pass", "fail", "undecided"]
"""`fail`: shown to be worse than allowed. `undecided`: neither shown to be good enough nor shown not to be."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two evaluations that are compared: what people have to know to tell it from the other."""

    id: str
    title: str
    app: str
    dataset: str
    dataset_version: str
    split: str
    release: str
    n: int
    failed: int
    created_at: str
    subject: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """The difference within one slice (a tag).

    Attributes:
        difference: candidate minus baseline in units of the metric; `low` and `high` its interval.
        p_worse: one-sided p-value of "the candidate is worse here"; None where the slice is too small to test.
        adjusted_bh: after Benjamini and Hochberg over the slices; a warning at .10. adjusted_holm: after Holm.
        warning: probably worse here. blocks: worse beyond the margin, family-wise significant.
    """

    tag: str
    n: int
    difference: Measured
    p_worse: float | None
    adjusted_bh: float | None
    adjusted_holm: float | None
    warning: bool
    blocks: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One metric in two evaluations.

    Attributes:
        baseline, candidate: the metric on either side, over the examples that are compared.
        difference: candidate minus baseline in units of the metric (not turned round where less is better).
        p_value: of the two-sided test that there is a difference; None where none can be tested.
        test: which procedure, in words. better: which side the interval favours; `neither` when it holds 0.
        wins, losses, ties: examples on which the candidate is better, worse, the same; of a metric that has no value for
            one example they are those of its scorer.
        won, lost: ids of such examples, furthest apart first, at most 50 each.
        missing_baseline, missing_candidate: examples with no score there; counted as what speaks against the candidate.
        discordance: share of the pairs that differ. sd: of the differences. design_effect: how many times larger the
            variance is than without clusters. needed_n: how many examples would decide, None where it is not known.
        sentence: all of it in words.
    """

    metric: str
    higher_is_better: bool
    binary: bool
    baseline: Measured
    candidate: Measured
    difference: Measured
    p_value: float | None
    test: str
    better: Literal["candidate", "baseline", "neither"]
    n: int
    clusters: int
    wins: int
    losses: int
    ties: int
    won: tuple[str, ...]
    lost: tuple[str, ...]
    missing_baseline: int
    missing_candidate: int
    discordance: float | None
    sd: float | None
    design_effect: float | None
    needed_n: int | None
    power: str
    sufficient: bool
    reason: str
    sentence: str
    slices: tuple[SliceDifference, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations, example by example.

    Attributes:
        baseline, candidate: the two, as they were named: first and second.
        n: examples on both sides. only_baseline, only_candidate: ids of examples on one side only.
        shared: the datasets differ and only what they share is compared.
        notes: what a reader has to know, in sentences, such as other scorer versions on either side.
    """

    baseline: Side
    candidate: Side
    n: int
    only_baseline: tuple[str, ...]
    only_candidate: tuple[str, ...]
    shared: bool
    metrics: tuple[MetricDifference, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """One example on both sides, for one metric; values are None where there is no score."""

    example_id: str
    baseline: float | None
    candidate: float | None
    difference: float | None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a gate is going to decide and how, written down before anything ran.

    Attributes:
        digest: of everything but `created_at` and `created_by`; it stands in the verdict.
        gate, spec: name and whole text of the gate. dataset: `name@number`; dataset_version: its digest.
        n, clusters: examples of the split and the clusters they stand in.
        scorers: name to spec with version. judges: name to version, of the judges that scorers ask.
        baseline, candidate: as they were named; the subjects are `{kind, name, digest}` as far as they are known.
        metrics: what is measured of the scorers. power: what n can show, in words and figures.
        expected_cost_usd: None where no price is known.
    """

    digest: str
    gate: str
    app: str
    environment: str
    spec: Mapping[str, Any]
    dataset: str
    dataset_version: str
    split: str
    n: int
    clusters: int
    scorers: Mapping[str, Any]
    judges: Mapping[str, str]
    baseline: str
    candidate: str
    baseline_subject: Mapping[str, Any]
    candidate_subject: Mapping[str, Any]
    power: Mapping[str, Any]
    expected_cost_usd: float | None
    created_at: str = ""
    created_by: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to be shown, and whether it was.

    Attributes:
        bound: the one-sided confidence bound of the difference that has to clear `threshold`; of a limit the value itself.
        threshold: the margin or limit as it applies, in units of the metric: for "more is better" the bound has to be
            greater, otherwise less.
        required: it blocks; otherwise it is a warning. higher_is_better: of a limit, whether it is a least value.
        needed_n: how many examples would probably decide it; None where it is decided or not known.
        sentence: the same in words.
    """

    kind: CheckKind
    metric: str
    state: CheckState
    required: bool
    baseline: float | None
    candidate: float | None
    difference: float | None
    low: float | None
    high: float | None
    bound: float | None
    threshold: float | None
    p_value: float | None
    test: str
    n: int
    needed_n: int | None
    higher_is_better: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody let a release pass in spite of a verdict; `reason` is theirs."""

    id: str
    verdict_id: str
    principal: str
    role: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate decided, why, and how sure it can be.

    Attributes:
        outcome: `promote` only when all that is required was shown. `insufficient`: `needed_n` examples in all would
            probably decide (`still_needed` more than there were), None where more examples would not help.
        headline: one sentence for who signs; `reasons` the rest, the decisive first.
        baseline, candidate: evaluations. release: digest of the candidate's release; empty where it was none.
        plan: digest of the plan. planned_at: when it was stored. posthoc: an evaluation began before that, or the plan was
            made for evaluations that exist; never `promote`.
        judges: name to `{version, allowed, reason}`. looks: how often the holdout was looked at, this time included; 0 for
            other splits. earlier: how many verdicts this gate had given on this dataset version before.
        statement: what was tested at which level and what was not checked.
        overrides: oldest first.
    """

    id: str
    gate: str
    app: str
    environment: str
    outcome: Outcome
    headline: str
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    slices: tuple[SliceDifference, ...]
    baseline: str
    candidate: str
    release: str
    plan: str
    planned_at: str
    posthoc: bool
    dataset: str
    dataset_version: str
    split: str
    n: int
    clusters: int
    needed_n: int | None
    still_needed: int | None
    alpha: float
    judges: Mapping[str, Any]
    looks: int
    earlier: int
    statement: str
    warnings: tuple[str, ...]
    candidate_subject: Mapping[str, Any]
    baseline_subject: Mapping[str, Any]
    cost_usd: float
    created_at: str
    created_by: str
    overrides: tuple[Override, ...] = ()

    @property
    def primary(self) -> Check | None:
        """The check that decides; None where it came to none, such as for an empty dataset."""
        return next((c for c in self.checks if c.kind == "primary"), None)

    @property
    def passed(self) -> bool:
        """The gate said `promote`; overrides do not change that."""
        return self.outcome == "promote"

    @property
    def overridden(self) -> bool:
        """Somebody who may let it pass in spite of the outcome."""
        return not self.passed and bool(self.overrides)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed, "overridden": self.overridden}
