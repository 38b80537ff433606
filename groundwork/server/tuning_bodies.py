"""The shapes of the JSON interface of tunings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundwork.server.bodies import Digest, In, Moment, Out


class TuningIn(In):
    """What is to be tuned, on what, and how far the search goes."""

    app: str = Field("default", min_length=1, max_length=120, description="An app of the spec.")
    dataset: str = Field(
        max_length=200, description="A dataset: `golden` (its newest version) or `golden@3`."
    )
    split: str = Field(
        "",
        max_length=20,
        description="Which part of it; empty: train and validation, or all but the holdout, which is never read.",
    )
    metric: str = Field(
        "",
        max_length=120,
        description="What should become better; empty: `correct`, or `ndcg` without answers.",
    )
    budget: int = Field(24, ge=2, le=48, description="How many configurations are tried.")
    parts: list[Literal["strategy", "chunker", "passages", "threshold", "prompt", "model"]] = Field(
        default_factory=list, max_length=6, description="What may be changed; empty: all of it."
    )
    prompts: list[str] = Field(
        default_factory=list, max_length=20, description="Prompts to try, as `name@version`."
    )
    models: list[str] = Field(default_factory=list, max_length=20, description="Models to try.")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="How often chance alone may recommend a change.")
    seed: int = Field(0, ge=0, description="Of the order of the examples.")


class TuningPlanBody(BaseModel):
    """What would be tried, and about what it would cost."""

    app: str
    dataset: str
    dataset_ref: str
    dataset_version: Digest
    split: str
    metric: str
    scorer: dict[str, Any]
    configurations: list[dict[str, Any]] = Field(
        description="What each changes of the app; the first changes nothing."
    )
    n: int
    clusters: int
    evaluations: int = Field(description="About how many pairs of configuration and example are looked at.")
    expected_cost_usd: float | None = Field(description="Null where the price of a model is not known.")
    snapshot: Digest
    app_digest: Digest
    retrieval: bool = Field(description="Only searches are run: the metric looks at passages alone.")
    alpha: float
    seed: int
    notes: list[str]


class TuningBody(Out):
    """A tuning as it stands, with its report once it is done."""

    id: str
    app: str
    dataset: str
    dataset_version: Digest
    state: Literal["planned", "running", "done", "failed", "cancelled"]
    plan: dict[str, Any]
    progress: dict[str, Any]
    report: dict[str, Any] | None = Field(
        description="`gain` on unseen examples with its interval, every configuration, `recommended` with the reason."
    )
    job_id: str
    created_at: Moment
    created_by: str
    finished_at: Moment | None
    error: dict[str, Any] | None


class PatchBody(BaseModel):
    """The change of `groundwork.toml` that a tuning chose, for somebody who may write that file."""

    diff: str
    then: list[str] = Field(description="What has to be done besides, as commands.")
    recommended: bool
