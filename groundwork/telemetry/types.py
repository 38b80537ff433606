"""The values of the room: spans as they are stored, and what a list or a search asks for and gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

SpanKind = Literal[
    "answer", "retrieval", "rerank", "generation", "embedding", "tool", "agent", "chain", "guardrail", "evaluation",
    "ingest", "job", "http", "span",
]  # fmt: skip
"""What a span is about, in the words of this platform; `span` where nothing more is known."""

Status = Literal["unset", "ok", "error"]
Capture = Literal["on", "masked", "off"]
"""Whether texts of prompts and outputs are kept: as they are (secrets masked), with personal data masked too, or not."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span, such as an exception or a hit in the cache."""

    name: str
    at_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Another span that this one has to do with."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work with its time and what is known of it. `(tenant, trace_id, span_id)` names it once.

    Attributes:
        trace_id: 32 hexadecimal digits. span_id: 16. parent_id: 16, empty for a root.
        started_ns, ended_ns: nanoseconds since 1970 in UTC, as the one who sent it told; `ended_ns >= started_ns`.
        service: `service.name` of the resource; `groundwork` for our own.
        scope: the instrumentation that made it.
        app, release, environment: of ours or of the sender; empty where unknown.
        user_id: whom it was for, as the application names people. principal: who sent or caused it, as we know them.
        session_id: conversation or session.
        cost_nanousd: billionths of a US dollar; None where unknown.
        first_token_ms: time to first token. cached: answered from a cache.
        answer_id, call_id, job_id, prompt (`name@digest`), snapshot (`index@digest`), key_id: records and versions here.
        input, output: as people read them; what text search looks at. Empty where capture is off.
        attributes: normalised to the GenAI conventions (see `conventions.py`).
        original: attributes as they came, where normalising changed them.
        schema: convention that was recognised, such as `gen_ai`, `gen_ai/legacy`, `openinference`, `openllmetry`,
            `groundwork`; empty for plain spans.
        source: `groundwork`, `otlp`, `sdk`, or `import:<name>`.
        cut: how many values were cut or dropped because of limits.
    """

    trace_id: str
    span_id: str
    name: str
    started_ns: int
    ended_ns: int
    parent_id: str = ""
    kind: SpanKind = "span"
    status: Status = "unset"
    status_message: str = ""
    service: str = ""
    scope: str = ""
    app: str = ""
    release: str = ""
    environment: str = ""
    user_id: str = ""
    principal: str = ""
    session_id: str = ""
    provider: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cost_nanousd: int | None = None
    first_token_ms: float | None = None
    cached: bool = False
    answer_id: str = ""
    call_id: str = ""
    job_id: str = ""
    key_id: str = ""
    prompt: str = ""
    snapshot: str = ""
    input: str = ""
    output: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    schema: str = ""
    source: str = "otlp"
    cut: int = 0

    @property
    def duration_ms(self) -> float:
        """How long it took."""
        return (self.ended_ns - self.started_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Added:
    """What became of spans that were handed in; they are committed when this is returned."""

    stored: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class TraceInfo:
    """One line of the list of traces: what its spans say together, kept up to date as they arrive.

    Attributes:
        name, kind, service: of the root; of the earliest span while no root has come (`rootless` is then True).
        errors: spans with the status `error`; `status` is the root's.
        input, output: the beginning of the root's texts, at most 300 characters.
        models: every model asked, sorted. tokens and cost: sums over generations and embeddings, each counted once.
        feedback: newest thumb, `up` or `down`, else empty.
    """

    trace_id: str
    name: str
    kind: SpanKind
    started_ns: int
    duration_ms: float
    status: Status
    spans: int
    errors: int
    service: str = ""
    app: str = ""
    release: str = ""
    environment: str = ""
    user_id: str = ""
    principal: str = ""
    session_id: str = ""
    models: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0
    first_token_ms: float | None = None
    cached: bool = False
    answer_id: str = ""
    input: str = ""
    output: str = ""
    source: str = ""
    feedback: str = ""
    rootless: bool = False


@dataclass(frozen=True, slots=True)
class SpanInfo:
    """One span in a list or a tree, without its attributes and texts.

    Attributes:
        depth: 0 for a root; in trees only. children: how many direct ones. missing_parent: its parent never came.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: SpanKind
    status: Status
    started_ns: int
    duration_ms: float
    service: str = ""
    app: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nanousd: int | None = None
    depth: int = 0
    children: int = 0
    missing_parent: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is narrowed to; empty values narrow nothing. Words are compared exactly, `text` by its words.

    Attributes:
        since_ns, until_ns: `since <= started < until`.
        status: `error` finds traces in which any span failed.
        text: every word must stand in the name, input or output of one span; the last word may be a beginning of at
            least three letters.
        feedback: `up`, `down`, `any`, `none`.
        min_ms, max_ms, min_usd, max_usd, min_tokens: bounds, both inclusive.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    app: str = ""
    release: str = ""
    environment: str = ""
    service: str = ""
    user: str = ""
    session: str = ""
    model: str = ""
    kind: str = ""
    name: str = ""
    status: str = ""
    source: str = ""
    answer: str = ""
    key: str = ""
    prompt: str = ""
    snapshot: str = ""
    feedback: str = ""
    text: str = ""
    min_ms: float | None = None
    max_ms: float | None = None
    min_usd: float | None = None
    max_usd: float | None = None
    min_tokens: int | None = None


Order = Literal["newest", "slowest", "dearest", "most_tokens"]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next` is the cursor of the page after, None at the end."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """The traces of one session together, newest session first."""

    session_id: str
    traces: int
    started_ns: int
    ended_ns: int
    errors: int
    app: str = ""
    user_id: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0
    input: str = ""


FeedbackKind = Literal["thumb", "correction", "label", "comment", "golden"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person or program says of an answer or a trace.

    Attributes:
        kind: `thumb` (`value` is `up` or `down`), `label` (`value` is the label), `correction` (`text` is what it should
            have said), `comment` (`text`), `golden` (a candidate for a dataset: `text` is the expected output).
        principal: who gave it. source: `console`, `api` or `sdk`.
        withdrawn_at: set when it was taken back; it is kept and no longer counts.
    """

    id: str
    kind: FeedbackKind
    value: str = ""
    text: str = ""
    answer_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    app: str = ""
    principal: str = ""
    source: str = "api"
    created_at: str = ""
    withdrawn_at: str | None = None


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list with its filters under a name; `query` is the query string of its page."""

    id: str
    name: str
    page: str
    query: str
    principal: str
    shared: bool
    created_at: str
