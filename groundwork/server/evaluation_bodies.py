"""The shapes of the JSON interface of evaluations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundwork.server.bodies import Digest, In, Moment, Out

ScorerIn = str | dict[str, Any]


class EvaluationIn(In):
    """What is to be evaluated, over what, and how it is scored."""

    subject: str = Field(
        "default",
        min_length=1,
        max_length=300,
        description="An app, a release such as `handbook@4`, `model:provider/name`, or a model of the gateway.",
    )
    dataset: str = Field(
        max_length=200, description="A dataset: `golden` (its newest version) or `golden@3`."
    )
    split: str = Field("test", max_length=20, description="Which part of it; empty: all but the holdout.")
    scorers: list[ScorerIn] | None = Field(
        None,
        max_length=50,
        description="Names, or tables with `name`, parameters and `as`; null: the usual ones.",
    )
    repeats: int = Field(1, ge=1, le=100, description="How often each example is run.")
    limit: int | None = Field(None, ge=1, le=1_000_000, description="So many examples, drawn at random.")
    title: str = Field("", max_length=200, description="What it is called in lists.")


class PlanBody(BaseModel):
    """What would be run, what it may cost, and how small a difference so many examples can show."""

    digest: Digest
    word: str
    subject: dict[str, Any]
    app: str
    release: str
    dataset: str
    dataset_ref: str
    dataset_version: Digest
    split: str
    scorers: dict[str, dict[str, Any]]
    repeats: int
    limit: int | None
    seed: int
    n: int
    clusters: int
    expected_cost_usd: float | None = Field(description="Null where the price of a model is not known.")
    looks: int
    title: str
    detectable: dict[str, Any]
    notes: list[str]


class EvaluationBody(Out):
    """One evaluation as it stands."""

    id: str
    title: str
    app: str
    dataset: str
    dataset_version: Digest
    split: str
    subject: dict[str, Any] = Field(description="`{kind, name, pins, digest}` of what was evaluated.")
    scorers: dict[str, dict[str, Any]]
    repeats: int
    n: int
    state: Literal["planned", "running", "done", "failed", "cancelled"]
    plan: Digest = Field(description="Of everything that was settled before the first example ran.")
    progress: dict[str, Any] = Field(description="`{done, of, failed, cost_usd, errors, rate}`.")
    summary: dict[str, Any] | None = Field(
        description="`{value, low, high, n, clusters, method}` by metric, and `slices` by tag; null until it is done."
    )
    expected_cost_usd: float | None
    cost_usd: float
    release: str
    looks: int
    job_id: str
    created_at: Moment
    created_by: str
    started_at: Moment | None
    finished_at: Moment | None
    redacted: bool = Field(description="Whether a document was erased that an output was made of.")
    error: dict[str, Any] | None
    limit: int | None
    word: str
    notes: list[str]


class EvaluationResultBody(BaseModel):
    """One example of an evaluation, once: what came out and what it scored."""

    seq: int
    repeat: int
    example_id: str
    state: Literal["produced", "done", "failed"]
    output: dict[str, Any]
    scores: dict[str, dict[str, Any]]
    created_at: Moment


class ResultsBody(BaseModel):
    """One page of results and how many there are in all."""

    items: list[EvaluationResultBody]
    total: int
    limit: int
    offset: int
