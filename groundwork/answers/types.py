"""The values of an answer; all immutable and JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Unsupported = Literal["remove", "mark"]
UNSUPPORTED_MARK = "[unsupported]"
"""What stands behind a sentence that no quote supports, where the app shows such sentences."""


@dataclass(frozen=True)
class Passage:
    """A retrieved passage as a reader sees it; `text` is the slice `start:end` of the document's stored text."""

    rank: int
    score: float
    document: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    text: str
    context: str = ""


@dataclass(frozen=True)
class Quote:
    """A stretch of a passage that a reader uses: offsets are relative to the passage's text."""

    passage: int
    start: int
    end: int
    score: float = 0.0


@dataclass(frozen=True)
class Claim:
    """One sentence that a model wrote, with what it rests on.

    Attributes:
        gap: the white space before it.
        quotes: numbers of the draft's quotes, from 1; none where it is not supported.
        score: how far the best stretch found supports it, 0 to 1.
        note: what was found odd about it, in words: a wrong marker, a quote that stands nowhere; empty when nothing.
    """

    gap: str
    text: str
    quotes: tuple[int, ...]
    supported: bool
    score: float
    note: str = ""


Purpose = Literal["answer", "condense"]
Asked = Literal["first", "retry", "fallback", "escalation"]


@dataclass(frozen=True)
class Exchange:
    """One model call of an answer: what was asked, by digest, and what the model said, in full.

    Attributes:
        reason: why this call was made: `first`; `retry` with a shorter context; `fallback` after a model that failed;
            `escalation` after one that was not sure enough.
        request: digest of the request as the gateway got it.
        model: the name it was asked by; `served_by` is `provider/model` of who answered, empty when nobody did.
        finish: as the model said (`stop`, `length`, …), `broken` when the stream broke, `failed` when nothing came.
        error: code of the error, with `message` in words; both empty when there was none.
    """

    purpose: Purpose
    reason: Asked
    request: str
    model: str
    served_by: str = ""
    text: str = ""
    finish: str = "stop"
    usage: Mapping[str, float] = field(default_factory=dict)
    cost_usd: float = 0.0
    call_id: str = ""
    cached: bool = False
    latency_ms: float = 0.0
    error: str = ""
    message: str = ""

    def summary(self) -> dict[str, Any]:
        """Return it without what the model said."""
        return {k: v for k, v in asdict(self).items() if k != "text"}


@dataclass(frozen=True)
class PromptPart:
    """One message of a prompt, as a model got it."""

    role: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A stretch of a document that a model was shown, under the number its markers name; text is not repeated here."""

    number: int
    document: str
    document_id: str
    start: int
    end: int
    tokens: int
    chunks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What a reader made of a question and passages, before citations are checked and the threshold is applied.

    Attributes:
        text: the answer; each sentence is followed by markers such as ` [1]` that number `quotes` from 1.
        quotes: what the text rests on, in the order of their markers.
        confidence: between 0 and 1, higher is more likely answerable and right; calibrated only by a calibration.
        signals: the named figures behind the confidence, for `explain`.
        usage: tokens and the like; empty for the extractive reader.
        claims: of a model: every sentence it wrote, also the unsupported ones; None for a reader that only quotes.
        passages: what `quotes` refer to where the reader joined passages; None: those it was given.
        served_by: `provider/model` of the model that wrote it; empty for a reader that needs none.
        declined: why there is no answer, in words; empty when there is one or the reader does not say.
        incomplete: the model was cut off; what is here was written before.
        notes: what else has to be said about how it was made, such as who stood in for whom.
    """

    text: str
    quotes: tuple[Quote, ...]
    confidence: float
    signals: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, float] = field(default_factory=dict)
    claims: tuple[Claim, ...] | None = None
    passages: tuple[Passage, ...] | None = None
    exchanges: tuple[Exchange, ...] = ()
    shown: tuple[Shown, ...] = ()
    served_by: str = ""
    declined: str = ""
    incomplete: bool = False
    notes: tuple[str, ...] = ()
    unsupported: Unsupported = "remove"


@dataclass(frozen=True)
class Citation:
    """The place a part of the answer was taken from; `quote` equals `stored_text[start:end]`."""

    document: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    quote: str
    page: str = ""
    heading: str = ""


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer: characters `start:end` of its text, without markers; -1 for one that was removed.

    Attributes:
        citations: numbers of the answer's citations, from 1.
        score: how far the cited stretch supports it, 0 to 1; 1 for one that is itself quoted.
        note: what was found odd about it, in words; empty when nothing.
    """

    text: str
    start: int
    end: int
    supported: bool
    score: float
    citations: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class AnswerEvent:
    """One step of an answer that is being made.

    `sentence`: `gap` and `text` come next in the answer's text; the citations its markers number came just before, as
    `citation` events, each with its `number`. `error`: the model broke off, `text` says why; the answer ends with what was
    said. `done`: `answer` is recorded. What was told is never taken back.
    """

    kind: Literal["citation", "sentence", "error", "done"]
    text: str = ""
    gap: str = ""
    number: int = 0
    citation: Citation | None = None
    sentence: Sentence | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class Turn:
    """One turn of what was said before a question; `answer_id` where it is a recorded answer."""

    role: Literal["user", "assistant"]
    text: str
    answer_id: str = ""


@dataclass(frozen=True)
class Conversation:
    """A conversation at a glance: its first question and app, the number of turns, the id of its last answer."""

    id: str
    app: str
    question: str
    turns: int
    last: str
    created_at: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Pins:
    """The versions an answer was made from; with them it can be made again."""

    release: str | None
    snapshot: str
    prompt: str | None
    model: str
    settings: str


@dataclass(frozen=True)
class Answer:
    """One recorded answer.

    Attributes:
        threshold: the confidence under which the app abstains.
        calibration: id of the calibration behind the threshold, or None: then the answer is uncalibrated.
        retrieved: what retrieval returned, best first, as `Hit.as_dict()`.
        settings: the whole resolved settings that `pins.settings` is the digest of.
        sentences: the sentences of `text` in order; empty in records that are older than this field.
        removed: what a model wrote and no quote supports, where the app leaves that out.
        exchanges: the model calls behind it, in order; replay feeds them back.
        shown: what the model was shown.
        served_by: who wrote it: `provider/model`, or the name of the reader.
        standalone: the question as it was understood within its conversation; empty when it was taken as asked.
        conversation: the conversation it is a turn of.
        incomplete: the model was cut off, see `notes`.
        timings: milliseconds of each stage (`understanding`, `retrieval`, `reading`, `checking`) and of all together
            (`total`, up to `created_at`); empty in records older than this field. No part of what a replay compares.
        parent_span: the span that asked for it, 16 hexadecimal digits; empty where nobody named one.
    """

    id: str
    app: str
    question: str
    text: str
    abstained: bool
    reason: str
    citations: tuple[Citation, ...]
    pins: Pins
    confidence: float
    threshold: float
    calibration: str | None
    usage: Mapping[str, float]
    trace_id: str
    created_at: str
    principal: str
    retrieved: tuple[Mapping[str, Any], ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    redacted: bool = False
    sentences: tuple[Sentence, ...] = ()
    removed: tuple[Sentence, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    shown: tuple[Shown, ...] = ()
    served_by: str = ""
    standalone: str = ""
    conversation: str | None = None
    incomplete: bool = False
    notes: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    parent_span: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-compatible values, with `calibrated` added; of the exchanges only the summaries."""
        return {
            **asdict(self),
            "exchanges": [e.summary() for e in self.exchanges],
            "calibrated": self.calibration is not None,
        }


ReplayResult = Literal["identical", "same-set", "drifted", "redacted"]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: `what` names it (`text`, `retrieved`, `score`, `model`, `settings`, …)."""

    what: str
    was: str
    now: str


@dataclass(frozen=True)
class Replay:
    """An answer made again at its pins, beside the recorded one.

    `identical`: same text, same citations, same passages with equal scores. `same-set`: same text from the same set of
    passages, but order or scores moved. `drifted`: something else came out. `redacted`: an erased document was part of it.
    """

    id: str
    result: ReplayResult
    differences: tuple[Difference, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Share:
    """A mean over runs with its 95 % interval; shares of runs have Wilson's, other means Student's, cut to 0 and 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LiveRun:
    """One answer made again by asking the models again, beside the recorded one.

    Attributes:
        token_f1: words both have, the mean of precision and recall; rouge_l: the same for the longest common sequence.
        citation_overlap: characters of the documents that both cite, over those that either cites; 1 when none does.
        error: why no answer came; the other figures are 0 then.
    """

    text: str
    served_by: str
    same_text: bool
    same_citations: bool
    same_abstention: bool
    token_f1: float
    rouge_l: float
    citation_overlap: float
    cost_usd: float
    error: str = ""


@dataclass(frozen=True)
class LiveReplay:
    """How far the models say the same again; `cost_usd` is what asking cost."""

    id: str
    runs: tuple[LiveRun, ...]
    same_text: Share
    same_citations: Share
    same_abstention: Share
    token_f1: Share
    rouge_l: Share
    citation_overlap: Share
    cost_usd: float

    def as_dict(self) -> dict[str, Any]:
        return {"n": len(self.runs), **asdict(self)}


@dataclass(frozen=True)
class Deletion:
    """What would have been answered without one passage; of a generated answer, what of it the other passages support."""

    chunk_id: str
    document: str
    text: str
    abstained: bool
    confidence: float
    changed: bool


@dataclass(frozen=True)
class Explanation:
    """Why an answer came out as it did.

    Attributes:
        passages: every retrieved passage with the leg and rank that brought it (`Hit.as_dict()` plus `cited: bool`).
        checks: the scores beside their thresholds: `{name, value, threshold, passed}`.
        deletions: the deletion test for every cited passage.
        sentences: why it came out so, in plain words.
        exchanges: the model calls behind it with what was said; empty for a reader that asks none.
        prompts: what each of them was asked; empty where it cannot be put together again word for word.
    """

    answer: Answer
    passages: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, Any], ...]
    deletions: tuple[Deletion, ...]
    sentences: tuple[str, ...]
    exchanges: tuple[Exchange, ...] = ()
    prompts: tuple[tuple[PromptPart, ...], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "answer": self.answer.as_dict()}
