"""The shapes of the JSON interface of releases, environments and deployments."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundwork.server.bodies import AnswerBody, Digest, In, Moment, Out

MAX_TEXT = 2000


class ReleaseLine(BaseModel):
    """A release, as lists show it."""

    ref: str = Field(description="`app@number`.")
    id: str
    digest: Digest
    app: str
    number: int
    index: str
    snapshot: Digest
    prompt: str = Field(description="`name@digest`; empty: none.")
    models: list[str]
    note: str
    redacted: bool = Field(description="Whether a document of its snapshot was erased.")
    created_at: Moment
    created_by: str
    environments: list[str] = Field(description="Where it stands now.")


class ReleasesBody(BaseModel):
    """One page of releases, newest first."""

    items: list[ReleaseLine]
    next: str | None = Field(description="`before` of the next page.")


class SignatureBody(Out):
    """What checking the stored signature found."""

    valid: bool
    digest: str
    app: str
    number: int
    keyid: str
    created_at: str
    created_by: str
    problems: list[str]


class ApprovalBody(Out):
    """What one person said about a release in an environment."""

    id: str
    release: str
    environment: str
    decision: Literal["approve", "refuse"]
    role: str
    comment: str
    principal: str
    at: Moment


class VerdictLineBody(Out):
    """A verdict on exactly these pins."""

    id: str
    gate: str
    outcome: str
    headline: str
    candidate: str
    created_at: Moment
    overrides: list[str]


class EvaluationLineBody(Out):
    """An evaluation of exactly these pins."""

    id: str
    title: str
    dataset: str
    split: str
    created_at: Moment


class ReleaseBody(ReleaseLine):
    """A release with everything it pins and what is known of it."""

    manifest: dict[str, Any]
    envelope: dict[str, Any] = Field(description="DSSE envelope of an in-toto Statement.")
    signature: SignatureBody
    evaluations: list[EvaluationLineBody]
    verdicts: list[VerdictLineBody]
    approvals: list[ApprovalBody]


class ReleaseIn(In):
    """What is to be pinned."""

    app: str = Field("default", max_length=100)
    snapshot: str = Field(
        "", max_length=100, description="A digest, its beginning or `head~1`; empty: the head."
    )
    note: str = Field("", max_length=MAX_TEXT)
    evaluation: str = Field("", max_length=100, description="What was measured of it; empty: looked for.")


class ReleaseMade(BaseModel):
    """A release that was made, or was there."""

    new: bool = Field(description="False: these pins were a release already.")
    release: ReleaseLine


class CheckBody(Out):
    """One thing an environment asks for."""

    name: str
    passed: bool
    message: str
    command: str = Field(description="What brings it about; empty: nothing to do.")
    blocks: bool = Field(description="False: a note.")


class DeploymentBody(Out):
    """A release in an environment: how it came there, and how it ended."""

    id: str
    app: str
    environment: str
    release: str
    previous: str
    kind: Literal["promote", "rollback", "canary", "shadow"]
    state: Literal["active", "done", "promoted", "rolled_back", "ended"]
    share: float
    verdict_id: str
    override_id: str
    record: dict[str, Any]
    reason: str
    created_at: Moment
    created_by: str
    ended_at: str | None


class PromotionBody(BaseModel):
    """What came of a promotion or rollback, or of the beginning of a trial."""

    promoted: bool = Field(description="False: something is missing, see `checks`; nothing was changed.")
    release: str
    release_id: str
    environment: str
    previous: str | None
    checks: list[CheckBody]
    deployment: DeploymentBody | None


class StandingBody(BaseModel):
    """What stands in an environment for one app."""

    app: str
    environment: str
    release: str | None = Field(description="null: the app answers as `groundwork.toml` has it.")
    release_id: str | None
    since: str
    moves: int = Field(description="How often it was changed.")
    trial: DeploymentBody | None = Field(description="The canary or shadow that runs.")
    flags: list[str] = Field(description="What is to be known before one relies on it.")


class EnvironmentBody(BaseModel):
    """An environment, what it asks for, and what stands there."""

    name: str
    own: bool = Field(description="Whether this installation serves it.")
    gate: str
    after: str
    approvals: int
    role: str
    verdict_days: float
    canary: dict[str, Any]
    stands: list[StandingBody]


class PromoteIn(In):
    """Which release is to be served."""

    release: str = Field(max_length=200, description="`app@4`, `rel_…` or a digest.")
    reason: str = Field("", max_length=MAX_TEXT, description="Recorded with the move.")
    expected: str | None = Field(
        None,
        max_length=64,
        description="Id of what has to stand there now; empty: nothing; null: no condition.",
    )


class ReleaseRollbackIn(In):
    """What is to be rolled back."""

    app: str = Field("default", max_length=100)
    to: str = Field("", max_length=200, description="A release that was served there; empty: the one before.")
    reason: str = Field("", max_length=MAX_TEXT)


class ApprovalIn(In):
    """What somebody says about a release."""

    environment: str = Field(max_length=100)
    decision: Literal["approve", "refuse"]
    comment: str = Field("", max_length=MAX_TEXT)


class TrialIn(In):
    """A release to try beside the one that stands there."""

    release: str = Field(max_length=200, description="`app@4`, `rel_…` or a digest.")
    kind: Literal["canary", "shadow"] = "canary"
    changes: dict[str, Any] = Field(
        default_factory=dict, description="What is other than in the environment's `canary`, such as `share`."
    )
    reason: str = Field("", max_length=MAX_TEXT)


class TrialEndIn(In):
    """Why a trial ends."""

    reason: str = Field("", max_length=MAX_TEXT)


class TrialRequestBody(Out):
    """One request of a trial."""

    seq: int
    unit: str = Field(description="Keyed digest of whom it was for.")
    arm: Literal["candidate", "baseline"]
    baseline_answer: str
    candidate_answer: str
    scores: dict[str, Any]
    outcome: str = Field(description="`win`, `loss` or `tie` of the candidate; empty: no pair.")
    at: Moment


class TrialRequestsBody(BaseModel):
    """One page of requests of a trial, newest first."""

    items: list[TrialRequestBody]
    next: int | None = Field(description="`before` of the next page.")


class RefIn(In):
    """Two releases and a question."""

    old: str = Field(max_length=200)
    new: str = Field(max_length=200)
    question: str


class BothBody(BaseModel):
    """The answers of two releases."""

    answers: list[AnswerBody]
