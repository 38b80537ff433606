"""The values of the room: what an example brought, what it scored, and what an evaluation is; all immutable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from groundwork.datasets.types import Example

EvaluationState = Literal["planned", "running", "done", "failed", "cancelled"]
ResultState = Literal["produced", "done", "failed"]
"""`produced`: there is an output, its scores are not all there yet. `failed`: the subject brought no output."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that was retrieved or given; `cited` where the output refers to it."""

    text: str
    document: str = ""
    document_id: str = ""
    chunk_id: str = ""
    rank: int = 0
    score: float = 0.0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A place an output refers to; `quote` is its text."""

    quote: str
    document: str = ""
    document_id: str = ""
    chunk_id: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class OutputSentence:
    """One sentence of an output with the numbers (from 1) of the citations behind it."""

    text: str
    citations: tuple[int, ...] = ()
    supported: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call that was made; `error` where it failed or its arguments did not fit its schema."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What a subject made of one example.

    Attributes:
        text: the answer in words; empty when it abstained.
        value: the answer as a value, for structured output, labels and predictions; None where it is only text.
        confidence: between 0 and 1 where the subject says so.
        passages: what was retrieved, best first. citations: what the text refers to.
        tools: calls in the order they were made. messages: the whole conversation where there is one.
        error: stable code of what went wrong; the rest is then what there was until then. message: in words.
        model: who wrote it, as `provider/model`; empty for none. cached: no call was paid for it.
    """

    text: str = ""
    value: Any = None
    abstained: bool = False
    reason: str = ""
    confidence: float | None = None
    passages: tuple[Passage, ...] = ()
    citations: tuple[CitedPassage, ...] = ()
    sentences: tuple[OutputSentence, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    messages: tuple[Mapping[str, Any], ...] = ()
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    cost_usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    cached: bool = False
    answer_id: str = ""
    trace_id: str = ""
    documents: tuple[str, ...] = ()
    error: str = ""
    message: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.error)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer says of one output.

    Attributes:
        value: a finite number; None where the scorer does not apply to the example (such as no reference) or `error` says
            why it could not be scored. Where the scorer applies, a missing score counts as the worst in a gate.
        label: the same as a word, such as `pass` or `hallucinated`.
        reason: why, in words; what a person would look at.
        parts: named figures behind the value.
        applies: False: the example has nothing for this scorer; it is left out on both sides of a comparison.
        error: code of what went wrong, such as `judge_garbage`; `reason` says it in words.
        cost_usd: what scoring cost, for a scorer that asks a model.
    """

    value: float | None
    label: str = ""
    reason: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)
    applies: bool = True
    error: str = ""
    cost_usd: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def not_applicable(reason: str) -> Score:
    """Return the score of an example that a scorer has nothing to say about."""
    return Score(None, reason=reason, applies=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric over many scores: value, its 95 % interval, how many examples in how many clusters, and by which method.

    `value` is None where nothing could be measured; `low` and `high` are None where no interval can be had, and `method`
    says why. Units are the metric's own.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int = 0
    method: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Column:
    """One metric's numbers of one evaluation, example by example, in the order of the dataset: what statistics work on.

    Repeats are averaged within their example. `values` holds None where the scorer applies and there is no score (an error,
    a missing result); examples that it does not apply to are left out.
    """

    metric: str
    ids: tuple[str, ...]
    values: tuple[float | None, ...]
    clusters: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    higher_is_better: bool = True
    worst: float | None = 0.0
    binary: bool = False
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One example of an evaluation, once: what came out and what it scored."""

    seq: int
    repeat: int
    example_id: str
    state: ResultState
    output: Output
    scores: Mapping[str, Score]
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation as it stands.

    Attributes:
        subject: what was evaluated: `{kind: app|release|model|recorded, name, pins: {…}, digest}`.
        plan: digest of everything that was settled before the first example ran.
        scorers: by the name that reports and gates use: `{name, parameters, version, higher_is_better, worst, binary,
            metrics, needs}`.
        expected_cost_usd: what it was thought to cost before it ran; cost_usd: what it did.
        summary: metric name to `Measured.as_dict()`, and `slices`, once it is done.
        looks: how often the holdout of this dataset had been evaluated when it was made; 0 for other splits.
        limit, seed: how many examples were drawn, with which seed; None: all of the split.
        word: the subject as it was asked for, such as `handbook@3`. notes: what was said before it ran.
    """

    id: str
    title: str
    app: str
    dataset: str
    dataset_version: str
    split: str
    subject: Mapping[str, Any]
    scorers: Mapping[str, Any]
    repeats: int
    n: int
    state: EvaluationState
    plan: str
    progress: Mapping[str, Any]
    summary: Mapping[str, Any] | None
    expected_cost_usd: float | None
    cost_usd: float
    release: str = ""
    looks: int = 0
    job_id: str = ""
    created_at: str = ""
    created_by: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    redacted: bool = False
    error: Mapping[str, Any] | None = None
    limit: int | None = None
    seed: int = 0
    word: str = ""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Subject(Protocol):
    """What is evaluated. `app` builds one from an app, a release, a model or a file of recorded outputs."""

    def describe(self) -> Mapping[str, Any]:
        """Return `{kind, name, pins, digest}`: every version that its outputs depend on; no call is made for it."""
        ...

    def run(self, example: Example, scope: str) -> Output:
        """Return what it makes of an example; called from several threads.

        Args:
            scope: names this run of this example once in the world (`evl_…/exm_…/0`). A model call under a scope that was
                paid before is found again and costs nothing, also after a crash.

        What fails (a provider, a refusal, a limit) comes back as an `Output` with `error`. Only what ends the whole
        evaluation is raised: a cancelled run, an exhausted budget, a dataset or snapshot that is gone.
        """
        ...

    def estimate(self, examples: Sequence[Example]) -> float | None:
        """Return what running the examples once would cost, in USD; 0 for what is free, None where no price is known."""
        ...
