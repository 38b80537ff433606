"""What the spec says of improvement: judges, gates with their metrics and margins, environments with their canaries."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ScorerSpec = str | dict[str, Any]
"""Name of a scorer, or a table with `name` and its parameters; `as` gives it another name in reports and gates."""


class JudgeSpec(BaseModel):
    """One judge: a model, or a jury of them, with a rubric. Its digest names the version that must earn its trust."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["pointwise", "pairwise", "jury"] = Field(
        "pointwise",
        description="Judges one output by a rubric; two in both orders; or asks several judges and takes the majority.",
    )
    model: str = Field(
        "", description="Who judges, as `provider/model` or a name of `[models]`; a jury names `members`."
    )
    members: tuple[str, ...] = Field(
        (), description="Names of the judges of a jury; their number should be odd."
    )
    rubric: str = Field("", description="What is asked, in words; empty: the prompt template's own.")
    prompt: str = Field("", description="Name of the prompt template; empty: the built-in one of the kind.")
    labels: tuple[str, ...] = Field(
        ("fail", "pass"), min_length=2, max_length=11, description="What it may say, worst first."
    )
    passing: str = Field("", description="The least label that passes; empty: the best one.")
    family: str = Field(
        "",
        description="Family of the model, such as `gpt`; empty: read off its name. Does it prefer its own?",
    )
    shows: tuple[Literal["input", "expected", "contexts", "citations"], ...] = Field(
        ("input", "expected", "contexts"), description="What of an example and its output the judge is shown."
    )
    max_output_tokens: int = Field(400, ge=16, le=8192, description="Longest verdict, in tokens.")

    @model_validator(mode="after")
    def _has_somebody_to_ask(self) -> JudgeSpec:
        if self.kind == "jury" and len(self.members) < 2:
            raise ValueError("a jury needs at least two `members`")
        if self.kind != "jury" and not self.model:
            raise ValueError("a judge needs a `model`")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("`labels` names one of them twice")
        if self.passing and self.passing not in self.labels:
            raise ValueError("`passing` is none of the `labels`")
        return self


class PrimarySpec(BaseModel):
    """The metric that decides, and what has to be shown of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str = Field(
        "correct", description="A scorer for its mean, or a metric over one, such as `p95(latency)`."
    )
    test: Literal["superiority", "non_inferiority"] = Field(
        "superiority", description="Shown to be better; or shown not to be worse by `margin`."
    )
    margin: float = Field(0.0, ge=0, description="What counts as no worse, in units of the metric.")
    effect: float = Field(
        0.05, gt=0, description="The difference worth finding, for sample sizes, in units of the metric."
    )

    @model_validator(mode="after")
    def _has_a_margin(self) -> PrimarySpec:
        if self.test == "non_inferiority" and self.margin <= 0:
            raise ValueError("non-inferiority needs a `margin` greater than 0")
        return self


class GuardSpec(BaseModel):
    """A metric that must not become worse by more than a margin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str = Field(description="A scorer for its mean, or a metric over one, such as `p95(latency)`.")
    margin: float = Field(0.02, gt=0, description="What is still no worse, in units of the metric.")
    relative: bool = Field(False, description="The margin is a share of the baseline's value.")
    required: bool = Field(True, description="False: shown as a warning and blocks nothing.")


class LimitSpec(BaseModel):
    """A bound on the candidate itself, whatever the baseline does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str = Field(description="Such as `p95(latency)` in ms, or `mean(cost)` in USD.")
    at_most: float | None = Field(None, description="Its value may not be greater.")
    at_least: float | None = Field(None, description="Its value may not be less.")

    @model_validator(mode="after")
    def _bounds_something(self) -> LimitSpec:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a limit needs `at_most` or `at_least`")
        return self


class GateSpec(BaseModel):
    """One gate: what is compared with what on which examples, and what has to be shown before anything is promoted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app: str = Field("default", description="The app whose change is judged.")
    dataset: str = Field("golden", description="The dataset, as `name` (its newest version) or `name@3`.")
    split: str = Field("test", description="The split that is used; empty: all but the holdout.")
    scorers: tuple[ScorerSpec, ...] = Field(
        ("correct", "citation_precision", "abstention", "latency", "cost"),
        description="What is scored; metrics name these.",
    )
    primary: PrimarySpec = Field(
        default_factory=lambda: PrimarySpec(), description="The metric that decides."
    )
    guards: tuple[GuardSpec, ...] = Field((), description="Metrics that must not become worse.")
    limits: tuple[LimitSpec, ...] = Field((), description="Bounds on the candidate itself.")
    slices: tuple[str, ...] = Field(
        (), description="Tags, or beginnings such as `language:`, that are looked at apart."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="How often a candidate that is no better may pass.")
    power: float = Field(
        0.8, gt=0.5, lt=1, description="How often one that is better by `effect` should pass."
    )
    min_n: int = Field(30, ge=2, description="Fewer examples decide nothing.")
    strict: bool = Field(False, description="The exact test instead of the mid-p one, for binary scores.")
    repeats: int = Field(
        1, ge=1, le=100, description="How often each example is run; their mean is one score."
    )
    unattended: bool = Field(
        False,
        description="May decide without a person: judges then need a lower kappa bound of .60, not .40.",
    )


class CanarySpec(BaseModel):
    """How a release is tried on a share of the traffic, and when it is taken back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.1, gt=0, le=1, description="Share of the requests that the candidate serves.")
    scorer: ScorerSpec = Field(
        "served_well", description="Scores each request without a reference; 1 is well, 0 is not."
    )
    mirror: bool = Field(
        True,
        description="Both releases answer each request of the canary, so they are compared in pairs; costs a second answer.",
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="How often a candidate that is no better may win.")
    harm_alpha: float = Field(
        0.05, gt=0, lt=0.5, description="How often one that does no harm may be taken back; its own budget."
    )
    max_requests: int = Field(2000, ge=10, description="Requests after which it ends undecided.")
    min_requests: int = Field(20, ge=0, description="Nothing is promoted before so many requests.")
    promote: bool = Field(False, description="Promote by itself when the benefit is shown.")


class EnvironmentSpec(BaseModel):
    """One environment: what must be true before a release is served in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gate: str = Field("", description="Name of the gate whose verdict `promote` is needed; empty: none.")
    after: str = Field("", description="Name of the environment a release must have been served in before.")
    approvals: int = Field(
        0, ge=0, le=10, description="How many people, not counting its maker, have to approve."
    )
    role: Literal["viewer", "builder", "operator", "admin"] = Field(
        "operator", description="The least role that promotes and approves here."
    )
    verdict_days: float = Field(30.0, gt=0, description="An older verdict does not count any more.")
    canary: CanarySpec = Field(default_factory=lambda: CanarySpec(), description="How a canary is run here.")

    @field_validator("gate", "after")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        return value.strip()


DEFAULT_ENVIRONMENTS = ("dev", "staging", "production")
"""The environments that exist where the spec names none."""
