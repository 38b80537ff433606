"""The shapes of the JSON interface of datasets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundwork.server.bodies import Digest, In, Moment, Out

SplitName = Literal["train", "validation", "test", "holdout"]
MOST_AT_ONCE = 10_000


class OriginBody(Out):
    """Where an example came from."""

    kind: str = Field("", description="`answer`, `trace`, `feedback`, `file`, `console` or another word.")
    answer_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    feedback_id: str = ""
    source: str = Field("", description="Name of the file, with the line.")
    principal: str = ""


class ExampleBody(Out):
    """One input with what is expected of it."""

    id: str
    input: Any = Field(description="A text, a list of messages `{role, content}`, or an object.")
    expected: Any = Field(
        description="A text, several texts any of which is right, an object; null: no reference."
    )
    impossible: bool = Field(description="The right answer is to decline.")
    context: list[str]
    relevant: dict[str, float] = Field(description="Grade by document that retrieval should bring.")
    tools: list[dict[str, Any]] | None
    cluster: str
    tags: list[str]
    split: SplitName
    origin: OriginBody
    licence: str
    weight: float
    metadata: dict[str, Any]


class ExampleIn(In):
    """An example to be written; what is left out is empty."""

    id: str = Field("", max_length=200, description="Empty: it follows from the input.")
    input: Any
    expected: Any = None
    impossible: bool = False
    context: list[str] = Field(default_factory=list)
    relevant: dict[str, float] = Field(default_factory=dict)
    tools: list[dict[str, Any]] | None = None
    cluster: str = ""
    tags: list[str] = Field(default_factory=list)
    split: SplitName = "test"
    licence: str = ""
    weight: float = 1.0
    metadata: dict[str, Any] = Field(default_factory=dict)


class ExampleChangeIn(In):
    """Fields of an example to be changed; those left out stay."""

    input: Any = None
    expected: Any = None
    impossible: bool | None = None
    context: list[str] | None = None
    relevant: dict[str, float] | None = None
    tools: list[dict[str, Any]] | None = None
    cluster: str | None = None
    tags: list[str] | None = None
    split: SplitName | None = None
    licence: str | None = None
    weight: float | None = None
    metadata: dict[str, Any] | None = None


class DatasetVersionBody(Out):
    """One immutable version of a dataset."""

    ref: str = Field(description="Such as `golden@3`.")
    name: str
    number: int
    digest: Digest
    examples: int
    parent: str | None = Field(description="Digest of the version it was made from.")
    summary: dict[str, Any] = Field(
        description="Counts by split and tag, clusters, licences, duplicates, leaks, personal data."
    )
    note: str
    redacted: bool = Field(description="Examples of it were erased with their documents.")
    created_at: Moment
    created_by: str


class DatasetListBody(BaseModel):
    """The newest version of every dataset."""

    datasets: list[DatasetVersionBody]
    waiting: dict[str, int] = Field(description="By dataset, how many candidates wait for a decision.")


class DatasetBody(DatasetVersionBody):
    """One version with what was done with it."""

    holdout_looks: int = Field(description="Evaluations that have looked at its holdout.")
    erased: list[str] = Field(description="Ids of examples that were erased.")


class ExamplesBody(BaseModel):
    """One page of examples."""

    version: str
    items: list[ExampleBody]
    total: int
    limit: int
    offset: int


class DatasetIn(In):
    """A new dataset, or a whole new version of one."""

    name: str = Field(max_length=63)
    examples: list[ExampleIn] = Field(min_length=1, max_length=MOST_AT_ONCE)
    note: str = Field("", max_length=2000)
    mode: Literal["replace", "add"] = Field(
        "replace", description="`add` keeps what the newest version has; equal ids are replaced."
    )


class ExamplesIn(In):
    """Examples to put into a dataset; one whose id is there takes its place."""

    examples: list[ExampleIn] = Field(default_factory=list, max_length=MOST_AT_ONCE)
    remove: list[str] = Field(default_factory=list, max_length=MOST_AT_ONCE, description="Ids to take out.")
    note: str = Field("", max_length=2000)


class SplitIn(In):
    """How the examples are to be dealt."""

    ratios: dict[SplitName, float] = Field(
        {"train": 70.0, "validation": 15.0, "test": 15.0},
        description="How much each split is to have, relative to their sum.",
    )
    seed: int = 0
    keep_holdout: bool = Field(True, description="What is in the holdout stays there.")
    note: str = Field("", max_length=2000)


class FieldDiffBody(Out):
    """A field that is not as it was."""

    name: str
    was: Any
    now: Any


class ExampleDiffBody(BaseModel):
    """An example that is not as it was."""

    id: str
    fields: list[FieldDiffBody]


class DatasetDiffBody(BaseModel):
    """What it takes to get from one version to another."""

    old: str
    new: str
    same: bool
    added: list[ExampleBody]
    removed: list[ExampleBody]
    changed: list[ExampleDiffBody]
    unchanged: int
    reordered: bool


class DuplicateBody(BaseModel):
    """Examples that ask the same, to the letter or nearly."""

    ids: list[str] = Field(description="At most 50.")
    n: int
    similarity: float
    exact: bool


class LeakBody(BaseModel):
    """Examples on two sides of a split that should not be."""

    kind: Literal["exact", "near", "cluster"]
    ids: list[str] = Field(description="At most 50.")
    n: int
    splits: list[SplitName]
    cluster: str


class PersonalBody(BaseModel):
    """What kinds of personal data and secrets stand in an example; never the values."""

    id: str
    kinds: dict[str, int]


class DatasetCheckBody(BaseModel):
    """What was found in a version."""

    version: str
    passed: bool = Field(description="Nothing stands on two sides of a split.")
    examples: int
    duplicates: list[DuplicateBody]
    leaks: list[LeakBody]
    personal: list[PersonalBody]


class FaultBody(Out):
    """A line that is no example."""

    line: int
    message: str


class DatasetImportBody(BaseModel):
    """What became of a file."""

    file: str
    format: str
    examples: int
    skipped: int
    faults: list[FaultBody] = Field(description="The first 100 lines that were left out.")
    notes: dict[str, int] = Field(description="What could not be taken along, with how often.")
    version: DatasetVersionBody


class ProposalIn(In):
    """Something to be made an example of."""

    dataset: str = Field(max_length=63, description="It need not exist yet.")
    what: str = Field("", max_length=100, description="Id of an answer, of feedback, or of a trace.")
    span: str = Field("", max_length=16, description="The span of the trace that is meant; empty: its root.")
    expected: str | None = Field(None, max_length=100_000, description="What should have come out.")
    example: ExampleIn | None = Field(None, description="In place of `what`: the example itself.")
    reason: str = Field("", max_length=2000)


class CandidateBody(Out):
    """An example that was proposed."""

    id: str
    dataset: str
    example: ExampleBody
    state: Literal["proposed", "accepted", "rejected"]
    reason: str
    created_at: Moment
    created_by: str
    decided_at: str | None
    decided_by: str


class DecisionIn(In):
    """A decision about a candidate."""

    reason: str = Field("", max_length=2000)
    example: ExampleChangeIn | None = Field(None, description="Fields to be changed before.")
    publish: bool = Field(False, description="Make the next version at once.")


class PublishIn(In):
    """A version of what was accepted."""

    note: str = Field("", max_length=2000)
