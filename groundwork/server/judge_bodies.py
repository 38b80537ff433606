"""The shapes of the JSON interface of judges."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from groundwork.server.bodies import In, Moment, Out


class JudgeBody(Out):
    """One judge: what it is, and how far it may be trusted."""

    name: str
    kind: str
    version: str = Field(
        description="Digest of spec, prompt, model and labels; empty where it cannot be asked."
    )
    labels: list[str] = Field(description="What it may say, worst first.")
    passing: str
    gates: bool = Field(description="It may decide a gate that a person signs.")
    unattended: bool = Field(description="It may decide a gate alone.")
    reason: str = Field(description="Why it may not do more, and what would change that.")
    card: str = Field(description="Id of the card of this version; empty: none.")
    stale: bool = Field(description="Its cards are of older versions only.")
    problem: str


class JudgeCardBody(Out):
    """A card, or a check of one: what is known of how far a version of a judge agrees with people."""

    id: str
    judge: str
    version: str
    kind: Literal["card", "check"]
    record: dict[str, Any]
    created_at: Moment
    created_by: str


class SampleBody(Out):
    """Items that were drawn to be labelled, in the order of the draw."""

    id: str
    judge: str
    evaluation_id: str
    against: str
    scheme: str
    items: list[str]
    population: int
    population_digest: str
    seed: int
    weights: dict[str, float]
    strata: dict[str, str]
    version: str
    created_at: Moment
    created_by: str


class ShownBody(Out):
    """What a labeller sees of an item; never the judge's verdict."""

    input: str
    output: str
    expected: str
    contexts: list[str]
    other: str


class ItemBody(Out):
    """One item of a sample, with what the asking person said of it."""

    item: str
    place: int
    of: int
    shown: ShownBody
    gone: str = Field(description="Why it cannot be labelled; empty where it can.")
    label: str
    comment: str
    tags: list[str]


class ProgressBody(Out):
    """How far a sample is labelled: by the asking person, and by anybody."""

    mine: int
    anybody: int
    of: int
    raters: int
    gone: int


class LabelBody(Out):
    """What one person said of one item."""

    id: str
    sample_id: str
    item: str
    label: str
    comment: str
    rater: str
    created_at: Moment


class SampleDetailBody(Out):
    """A sample with how far it is labelled."""

    sample: SampleBody
    progress: ProgressBody
    labels: list[str] = Field(description="What may be said, worst first.")


class DriftBody(Out):
    """Whether a judge still agrees with people as its card says."""

    judge: str
    state: Literal["unknown", "steady", "drifted"]
    reason: str
    changed: int
    n: int
    checks: list[JudgeCardBody]


class DrawIn(In):
    """What to draw."""

    evaluation: str = Field(max_length=200)
    size: int = Field(100, ge=1, le=5000)
    seed: int | None = Field(None, ge=0, le=2**62, description="Equal seeds draw equally; null: by chance.")
    against: str = Field("", max_length=200, description="The second evaluation, for a judge of pairs.")
    strata: str = Field("", max_length=200, description="`verdict`, `tag:NAME`, or empty.")


class LabelIn(In):
    """What a person says of an item."""

    item: str = Field(max_length=400)
    label: str = Field(max_length=200)
    comment: str = Field("", max_length=2000)


class LabelsIn(In):
    """Several labels, kept together or not at all."""

    labels: list[LabelIn] = Field(min_length=1, max_length=5000)


class TryIn(In):
    """What a judge is asked about."""

    output: str = Field(max_length=200_000)
    input: str = Field("", max_length=200_000)
    expected: str = Field("", max_length=200_000)
    contexts: list[str] = Field(default_factory=list, max_length=50)
    other: str = Field("", max_length=200_000, description="The second output, for a judge of pairs.")


class CardIn(In):
    """Which labels a card is made of; none named: those of every simple random sample."""

    samples: list[str] = Field(default_factory=list, max_length=50)


class CheckIn(In):
    """How many items of the card the judge is asked again."""

    items: int = Field(50, ge=1, le=5000)


class VerdictOut(Out):
    """What a judge said."""

    label: str
    value: float | None
    reason: str
    preference: str | None
    swapped: str | None
    members: dict[str, dict[str, Any]]
    error: str
    cost_usd: float
    cached: bool


class CorrectedBody(Out):
    """A judged rate, corrected by people's labels of a drawn part of it."""

    scorer: str
    judge: str
    judged: float | None = Field(description="As the judge counts.")
    measured: dict[str, Any] = Field(description="What counts, with its interval and how it was made.")
    human_only: dict[str, Any] | None
    powered: dict[str, Any] | None
    cross_check: dict[str, Any] | None
    lam: float | None
    labels: int
    skipped: int
    sample: str
    notes: list[str]
