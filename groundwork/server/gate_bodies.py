"""The shapes of the JSON interface of comparisons, gates and verdicts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from groundwork.server.bodies import Digest, In, Moment, Out

MAX_REF = 300


class MeasuredBody(Out):
    """A number with its 95 % interval; null where there is none, and `method` says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str


class SideBody(Out):
    """One of two evaluations that are compared."""

    id: str
    title: str
    app: str
    dataset: str
    dataset_version: str
    split: str
    release: str
    n: int
    failed: int = Field(description="Examples that brought no output.")
    created_at: Moment


class SliceBody(Out):
    """The difference within one tag."""

    tag: str
    n: int
    difference: MeasuredBody
    p_worse: float | None
    adjusted_bh: float | None
    adjusted_holm: float | None
    warning: bool
    blocks: bool
    reason: str


class DifferenceBody(Out):
    """One metric on both sides; differences are candidate minus baseline in its own units."""

    metric: str
    higher_is_better: bool
    baseline: MeasuredBody
    candidate: MeasuredBody
    difference: MeasuredBody
    p_value: float | None = Field(description="Two-sided.")
    test: str
    better: Literal["candidate", "baseline", "neither"]
    n: int
    clusters: int
    wins: int
    losses: int
    ties: int
    won: list[str] = Field(description="Ids of examples, furthest apart first, at most 50.")
    lost: list[str]
    missing_baseline: int
    missing_candidate: int
    discordance: float | None
    design_effect: float | None
    needed_n: int | None = Field(description="Examples that would find this difference with 80 %.")
    sentence: str
    slices: list[SliceBody]


class ComparisonBody(Out):
    """Two evaluations, example by example."""

    baseline: SideBody
    candidate: SideBody
    n: int
    only_baseline: list[str]
    only_candidate: list[str]
    shared: bool
    metrics: list[DifferenceBody]
    notes: list[str]


class PairBody(Out):
    """One example on both sides; null where a score is missing."""

    example_id: str
    baseline: float | None
    candidate: float | None
    difference: float | None
    tags: list[str]


class GateIn(In):
    """What a gate is asked to decide."""

    candidate: str = Field("", max_length=MAX_REF, description="Empty: the gate's app as its spec is now.")
    baseline: str = Field(
        "", max_length=MAX_REF, description="Empty: the release that stands in the environment."
    )
    environment: str = Field("production", max_length=63)


class GateRunIn(GateIn):
    """The same, and whether evaluations that began before the plan are decided."""

    posthoc: bool = Field(False, description="Such a verdict never is `promote`.")


class PlanBody(Out):
    """What a gate is going to decide and how; its digest stands in the verdict."""

    digest: Digest
    gate: str
    app: str
    environment: str
    spec: dict[str, Any]
    dataset: str
    dataset_version: Digest
    split: str
    n: int
    clusters: int
    scorers: dict[str, Any]
    judges: dict[str, str]
    baseline: str
    candidate: str
    power: dict[str, Any]
    expected_cost_usd: float | None
    created_at: Moment
    created_by: str


class CheckBody(Out):
    """One thing that had to be shown, and whether it was."""

    kind: Literal["primary", "guard", "limit"]
    metric: str
    state: Literal["pass", "fail", "undecided"]
    required: bool
    baseline: float | None
    candidate: float | None
    difference: float | None
    low: float | None
    high: float | None
    bound: float | None = Field(description="The one-sided bound that has to clear `threshold`.")
    threshold: float | None
    p_value: float | None
    test: str
    n: int
    needed_n: int | None
    higher_is_better: bool
    sentence: str


class OverrideBody(Out):
    """Somebody let a release pass in spite of a verdict."""

    id: str
    verdict_id: str
    principal: str
    role: str
    reason: str
    at: Moment


class VerdictLine(Out):
    """A verdict, as lists show it."""

    id: str
    gate: str
    app: str
    environment: str
    outcome: Literal["promote", "reject", "insufficient"]
    headline: str
    baseline: str
    candidate: str
    release: str
    plan: Digest
    n: int
    still_needed: int | None
    posthoc: bool
    created_at: Moment
    created_by: str
    overrides: list[OverrideBody]


class VerdictBody(VerdictLine):
    """A verdict with everything behind it."""

    reasons: list[str]
    checks: list[CheckBody]
    slices: list[SliceBody]
    planned_at: Moment
    dataset: str
    dataset_version: str
    split: str
    clusters: int
    needed_n: int | None
    alpha: float
    judges: dict[str, Any]
    looks: int
    earlier: int
    statement: str
    warnings: list[str]
    cost_usd: float


class GateBody(Out):
    """A gate of the spec with its last verdict."""

    name: str
    spec: dict[str, Any]
    last: VerdictLine | None


class OverrideIn(In):
    """Why it is right to let this pass."""

    reason: str = Field(min_length=10, max_length=2000)
