"""The shapes of the JSON interface: what goes out and what comes in. They are read from the records by attribute."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")
MAX_OFFSET = 10_000_000
Digest = Annotated[str, Field(description="SHA-256 as 64 hexadecimal digits.")]
Moment = Annotated[str, Field(description="Time in UTC, ISO 8601.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries of one page.")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Entries to leave out.")]
SnapshotRef = Annotated[
    str | None,
    Query(
        max_length=100, description="A digest, at least 4 digits of one, `head` or `head~1`; none: the head."
    ),
]


class Out(BaseModel):
    """Something that goes out; read from a record by attribute."""

    model_config = ConfigDict(from_attributes=True)


class In(BaseModel):
    """Something that comes in; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[T]):
    """One page of a list and how many entries there are in all."""

    items: list[T]
    total: int
    limit: int
    offset: int


# --- knowledge ---------------------------------------------------------------------------------------------------------


class SnapshotBody(Out):
    """One immutable state of an index, named by the digest of its manifest."""

    id: Digest
    index: str
    created_at: Moment
    created_by: str
    documents: int
    chunks: int
    head: bool = Field(description="Whether readers see this one.")
    parent: str | None
    embedder: str
    counts: dict[str, int] = Field(description="What the ingest that made it added, changed, removed, …")
    redacted: bool = Field(description="Whether something was erased from it.")


class IndexBody(Out):
    """A named, growing collection of documents."""

    name: str
    head: SnapshotBody | None = Field(description="What readers see; null before the first ingest.")
    documents: int
    chunks: int
    quarantined: int
    embedder: str
    strategy: str


class DocumentBody(Out):
    """One document of a snapshot."""

    id: str
    document: str = Field(description="Where it came from: a path relative to the ingested folder, or a URI.")
    title: str
    version: Digest
    media_type: str
    language: str
    size: int = Field(description="Bytes of the original.")
    chars: int = Field(description="Characters of the stored text.")
    chunks: int
    ingested_at: Moment
    modified_at: str = ""
    access: list[str]
    warnings: list[str]


class MarkBody(Out):
    """Something known about a range of the text."""

    kind: str
    start: int
    end: int
    label: str
    level: int


class ChunkBody(Out):
    """A span of a document that is searched as one."""

    chunk_id: str
    ordinal: int
    start: int
    end: int
    context: str


class DocumentDetail(BaseModel):
    """A document with its structure and chunks; offsets count characters of its text (`/text`)."""

    info: DocumentBody
    marks: list[MarkBody]
    chunks: list[ChunkBody]


class QuarantineBody(Out):
    """A file that could not be indexed, and why."""

    path: str
    reason: str
    message: str
    media_type: str
    size: int
    digest: str
    seen_at: str


class ChangeBody(Out):
    """One document that differs between two snapshots."""

    kind: Literal["added", "removed", "changed", "renamed"]
    document_id: str
    document: str
    was: str
    chunks_added: int
    chunks_removed: int
    chunks_kept: int


class DiffBody(Out):
    """What it takes to get from one snapshot to another."""

    index: str
    old: Digest
    new: Digest
    changes: list[ChangeBody]
    chunks: dict[str, int]
    settings: dict[str, tuple[str, str]]


class RollbackIn(In):
    """Where the index is to point."""

    snapshot: str = Field(max_length=100, description="A digest, at least 4 digits of one, or `head~1`.")
    reason: str = Field("", max_length=1000, description="Recorded with the move.")


class SearchIn(In):
    """A search for passages."""

    question: str = Field(description="What to look for.")
    index: str | None = Field(None, max_length=100)
    strategy: str | None = Field(
        None, max_length=100, description="Name of a retriever; none: the one of the app."
    )
    k: int = Field(10, ge=1, le=1000)
    snapshot: str | None = Field(None, max_length=100)
    filter: dict[str, Any] | None = Field(None, description='Such as `{"eq": ["media_type", "text/html"]}`.')


class LegBody(Out):
    """Where one leg put a passage."""

    rank: int
    score: float
    weight: float = 0.0


class HitBody(Out):
    """One passage, best first; `text` is the slice `start:end` of the document's text."""

    rank: int
    score: float
    document: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    text: str
    context: str = ""
    legs: dict[str, LegBody] = Field(default_factory=dict)


class SearchBody(Out):
    """What a search brought and the snapshot it ran on."""

    index: str
    snapshot: Digest
    strategy: str
    hits: list[HitBody]
    took_ms: float


# --- answers -----------------------------------------------------------------------------------------------------------


class AskIn(In):
    """A question to an app."""

    question: str = Field(description="What to answer.")
    app: str = Field(
        "default",
        max_length=200,
        description="Its name; `app@4` names a release, `app@staging` an environment.",
    )
    snapshot: str | None = Field(None, max_length=100, description="Ask an older state of the index.")
    environment: str = Field(
        "", max_length=100, description="Ask what stands there; empty: in the installation's own."
    )
    release: str = Field(
        "", max_length=200, description="Ask this release: `app@4`, `rel_…`, or a digest of 4 digits or more."
    )
    unit: str = Field(
        "", max_length=200, description="Whom a canary keeps at one release, such as a session of yours."
    )
    conversation: str | None = Field(
        None, max_length=100, description="Id of the conversation it goes on in; `new` begins one."
    )


class CitationBody(Out):
    """The place a part of the answer was taken from; `quote` is the slice `start:end` of the document's text."""

    document: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    quote: str
    page: str
    heading: str


class PinsBody(Out):
    """The versions an answer was made from; with them it can be made again."""

    release: str | None
    snapshot: str
    prompt: str | None
    model: str
    settings: str


class SentenceBody(Out):
    """One sentence of an answer: characters `start:end` of its text, without markers; -1 for one that was left out."""

    text: str
    start: int
    end: int
    supported: bool
    score: float = Field(description="How far what it cites supports it, 0 to 1.")
    citations: list[int] = Field(description="Numbers of the answer's citations, from 1.")
    note: str = Field(description="What was found odd about it; empty when nothing.")


class ShownBody(Out):
    """A stretch of a document that a model was shown, under the number that its markers name."""

    number: int
    document: str
    document_id: str
    start: int
    end: int
    tokens: int
    chunks: list[str]


class ExchangeLine(Out):
    """One model call of an answer, without what was said; `/api/calls/{call_id}` has its attempts."""

    purpose: Literal["answer", "condense"] = Field(
        description="`condense` made a follow-up question stand alone."
    )
    reason: Literal["first", "retry", "fallback", "escalation"]
    request: Digest
    model: str = Field(description="As it was asked for.")
    served_by: str = Field(description="`provider/model`; empty when nobody answered.")
    finish: str
    usage: dict[str, float]
    cost_usd: float
    call_id: str
    cached: bool
    latency_ms: float
    error: str
    message: str


class ExchangeBody(ExchangeLine):
    """One model call of an answer."""

    text: str = Field(description="What the model said, before anything was checked.")


class PromptPartBody(Out):
    """One message of a prompt."""

    role: str
    text: str


class AnswerBody(Out):
    """One recorded answer."""

    id: str
    app: str
    question: str
    text: str
    abstained: bool
    reason: str = Field(description="Why there is no answer; empty when there is one.")
    citations: list[CitationBody]
    pins: PinsBody
    confidence: float
    threshold: float = Field(description="The confidence under which the app abstains.")
    calibration: str | None = Field(
        description="Id of the calibration behind the threshold; null: uncalibrated."
    )
    usage: dict[str, float]
    trace_id: str
    created_at: Moment
    principal: str
    retrieved: list[dict[str, Any]] = Field(description="What retrieval returned, best first.")
    signals: dict[str, float]
    settings: dict[str, Any]
    redacted: bool
    sentences: list[SentenceBody] = Field(
        default_factory=list, description="The sentences of the text in order."
    )
    removed: list[SentenceBody] = Field(
        default_factory=list,
        description="What a model wrote and no quote supports, where the app leaves it out.",
    )
    exchanges: list[ExchangeLine] = Field(
        default_factory=list, description="The model calls behind it; none for a reader that only quotes."
    )
    shown: list[ShownBody] = Field(default_factory=list, description="What the model was shown.")
    served_by: str = Field("", description="Who wrote it: `provider/model`, or the name of the reader.")
    standalone: str = Field(
        "", description="The question as it was understood within its conversation; empty: as it was asked."
    )
    conversation: str | None = None
    incomplete: bool = Field(False, description="The model was cut off; `notes` say how.")
    notes: list[str] = Field(
        default_factory=list, description="Who stood in for whom, and the like, in words."
    )


class AnswerLine(Out):
    """An answer as a list shows it."""

    id: str
    app: str
    question: str
    text: str
    abstained: bool
    reason: str
    pins: PinsBody
    confidence: float
    calibration: str | None
    created_at: Moment
    redacted: bool
    served_by: str = ""
    conversation: str | None = None
    incomplete: bool = False


class AnswersBody(BaseModel):
    """Answers, newest first; `next` goes into `before` for the next page."""

    items: list[AnswerLine]
    next: str | None


class ConversationLine(Out):
    """A conversation as a list shows it: its first question and the id of its last answer."""

    id: str
    app: str
    question: str
    turns: int
    last: str
    created_at: Moment


class ConversationsBody(BaseModel):
    """Conversations, newest first; `next` goes into `before` for the next page."""

    items: list[ConversationLine]
    next: str | None


class ConversationBody(BaseModel):
    """A conversation with its answers, oldest first."""

    id: str
    answers: list[AnswerBody]


class DifferenceBody(Out):
    """One thing that is not as it was."""

    what: str
    was: str
    now: str


class ReplayBody(Out):
    """An answer made again at its pins, beside the recorded one."""

    id: str
    result: Literal["identical", "same-set", "drifted", "redacted"]
    differences: list[DifferenceBody]


class ShareBody(Out):
    """A mean over the runs with its 95 % interval."""

    value: float
    low: float
    high: float


class LiveRunBody(Out):
    """One answer made again by asking the models again, beside the recorded one."""

    text: str
    served_by: str
    same_text: bool
    same_citations: bool
    same_abstention: bool
    token_f1: float
    rouge_l: float
    citation_overlap: float
    cost_usd: float
    error: str = Field(description="Why no answer came; the figures are 0 then.")


class LiveReplayBody(BaseModel):
    """How far the models say the same again, over `n` runs, and what asking cost."""

    id: str
    n: int
    runs: list[LiveRunBody]
    same_text: ShareBody
    same_citations: ShareBody
    same_abstention: ShareBody
    token_f1: ShareBody
    rouge_l: ShareBody
    citation_overlap: ShareBody
    cost_usd: float


class DeletionBody(Out):
    """What would have been answered without one passage."""

    chunk_id: str
    document: str
    text: str
    abstained: bool
    confidence: float
    changed: bool


class ExplanationBody(Out):
    """Why an answer came out as it did."""

    answer: AnswerBody
    passages: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    deletions: list[DeletionBody]
    sentences: list[str]
    exchanges: list[ExchangeBody] = Field(
        default_factory=list, description="The model calls behind it with what was said."
    )
    prompts: list[list[PromptPartBody]] = Field(
        default_factory=list,
        description="What each of them was asked; empty where it cannot be put together again word for word.",
    )


# --- work --------------------------------------------------------------------------------------------------------------


class JobBody(Out):
    """Background work; `progress` of an ingest is `{stage, done, total, current}`, `total` 0 while it is not known."""

    id: str
    kind: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: dict[str, Any]
    result: Any = Field(None, description="What came out; of a cancelled job, what it had by then.")
    error: dict[str, Any] | None = Field(
        None, description="`{code, message, hint, retryable, details}` of a failed job."
    )
    principal: str
    created_at: Moment
    started_at: str | None
    finished_at: str | None
    cancel_requested: bool
    attempts: int


# --- upkeep ------------------------------------------------------------------------------------------------------------


class SettingBody(BaseModel):
    """One value and where it came from."""

    key: str
    value: Any
    origin: str


class FindingBody(Out):
    """One thing `doctor` looked at."""

    level: Literal["ok", "warn", "error"]
    topic: str
    message: str
    hint: str


class VerifyBody(BaseModel):
    """What checking every stored digest found."""

    ok: bool
    checked: dict[str, int]
    damaged: list[dict[str, Any]]


class Health(BaseModel):
    """Whether the server can do its work."""

    status: Literal["ok", "unavailable"]
    problems: list[str] = Field(default_factory=list)
    notes: list[str] = Field(
        default_factory=list,
        description="What works beside requests and fails now; requests are answered all the same.",
    )
