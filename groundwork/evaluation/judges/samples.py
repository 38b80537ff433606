"""The values of calibration: samples that are labelled, labels, cards, and checks for drift; all immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.evaluation.judges.types import Shown

Scheme = Literal["simple", "stratified", "imported"]
CardKind = Literal["card", "check"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Outputs that were drawn to be labelled, in the order they were drawn; or a set that was imported with its labels.

    Attributes:
        scheme: `simple`: every item of the population was equally likely. `stratified`: within strata, `weights` undo it.
        population: how many items could have been drawn; population_digest: which, with their outputs.
        seed: items are drawn by the order of SHA-256 of seed and item; the same seed draws the same.
        against: the second evaluation, for a judge of pairs.
        weights: population of the item's stratum divided by how many were drawn from it; empty where all are equal.
        strata: of each item, for a stratified draw.
        recorded: of imported items, what the judge said and what is known of them; empty for drawn ones.
        version: of the judge whose verdicts were imported; empty for a draw.
    """

    id: str
    judge: str
    evaluation_id: str
    scheme: Scheme
    items: tuple[str, ...]
    population: int = 0
    population_digest: str = ""
    seed: int = 0
    against: str = ""
    title: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    strata: Mapping[str, str] = field(default_factory=dict)
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: str = ""
    created_at: str = ""
    created_by: str = ""

    @property
    def imported(self) -> bool:
        return self.scheme == "imported"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Label:
    """What one person said of one item."""

    id: str
    sample_id: str
    item: str
    label: str
    comment: str
    rater: str
    created_at: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One item as its labeller sees it: never with the judge's verdict.

    Attributes:
        place: from 1, in the order of the draw.
        gone: why there is nothing to label: its output was erased, or its evaluation is gone.
        label, comment: what this person said of it; empty before.
    """

    item: str
    place: int
    of: int
    shown: Shown
    gone: str = ""
    label: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sample is labelled: by one person, and by anybody."""

    mine: int
    anybody: int
    of: int
    raters: int
    gone: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of how far one version of a judge agrees with people; see `cards.py` for `record`."""

    id: str
    judge: str
    version: str
    kind: CardKind
    record: Mapping[str, Any]
    created_at: str
    created_by: str

    @property
    def n(self) -> int:
        """Items with a human label and a verdict."""
        return int(self.record.get("n", 0))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
