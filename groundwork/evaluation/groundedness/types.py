"""The values of the detector: where a sentence comes from, which of its words are not there, and what is made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["supported", "number", "entity", "polarity", "comparison", "field", "unsupported", "empty"]
"""Why a sentence is thought to be supported or not; `empty` is a sentence that claims nothing (no words)."""

PartKind = Literal["number", "entity", "word", "polarity", "comparison", "field"]


@dataclass(frozen=True, slots=True)
class Source:
    """The sentence of a passage that is nearest: characters `start:end` of passage `passage`, counted from 0."""

    passage: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """Characters `start:end` of what was checked which the passages do not support, and of which sort they are."""

    start: int
    end: int
    text: str
    kind: PartKind


@dataclass(frozen=True, slots=True)
class Finding:
    """What the detector says of one sentence.

    Attributes:
        text: the sentence; start, end: its characters in the text it was cut from.
        probability: that the passages support all of it, between 0 and 1, calibrated.
        supported: whether the probability reaches the threshold.
        kind: the main reason, as a word. reason: the same in words, naming what is missing.
        source: the nearest sentence of the passages; None where they have none.
        parts: what is not supported, in order, with offsets into the text that the sentence was cut from.
        similarity: cosine to the nearest sentence by the encoder; None without one.
    """

    text: str
    start: int
    end: int
    probability: float
    supported: bool
    kind: Kind
    reason: str
    source: Source | None = None
    parts: tuple[Part, ...] = ()
    similarity: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
