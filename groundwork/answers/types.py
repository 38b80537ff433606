"""The values of an answer; all immutable and JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


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
class Draft:
    """What a reader made of a question and passages, before citations are checked and the threshold is applied.

    Attributes:
        text: the answer; each sentence is followed by markers such as ` [1]` that number `quotes` from 1.
        quotes: what the text rests on, in the order of their markers.
        confidence: between 0 and 1, higher is more likely answerable and right; calibrated only by a calibration.
        signals: the named figures behind the confidence, for `explain`.
        usage: tokens and the like; empty for the extractive reader.
    """

    text: str
    quotes: tuple[Quote, ...]
    confidence: float
    signals: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, float] = field(default_factory=dict)


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

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-compatible values, with `calibrated` added."""
        return {**asdict(self), "calibrated": self.calibration is not None}


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
class Deletion:
    """What would have been answered without one passage."""

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
    """

    answer: Answer
    passages: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, Any], ...]
    deletions: tuple[Deletion, ...]
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
