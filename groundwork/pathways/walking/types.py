"""A person on the way: profile, progress, the next step, quizzes, attestations, reflections. All immutable,
JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.evidence.types import Finding

SkillState = Literal["proven", "stale", "declared", "attested", "open"]
"""Shown by records; was, until a record went; said of oneself; said with a statement; none of these. Never mixed in
a count."""


StepKind = Literal["profile", "plan", "lab", "skill", "milestone", "action", "review", "done"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person said of themselves; every change is kept, the newest counts. Ids are of the catalogue."""

    background: str = ""
    target: str = ""
    hours_per_week: float = 0.0
    start: str = ""
    by: str = ""
    declared: tuple[str, ...] = ()
    exceptions: tuple[tuple[str, str, float], ...] = ()
    money: float | None = None
    name: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SubjectState:
    """A milestone, action or skill and how it stands. `finding` is None for a skill, which follows from its proofs."""

    kind: Literal["milestone", "action", "skill", "lab"]
    id: str
    title: str
    state: Literal["proven", "stale", "attested", "declared", "open", "broken", "unavailable"]
    finding: Finding | None = None
    proof: str = ""
    labs: tuple[str, ...] = ()
    why: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a person is. Counts are of skills by state and of milestones by state; hours of labs as measured."""

    target: str
    skills: Mapping[str, SkillState]
    milestones: tuple[SubjectState, ...]
    actions: tuple[SubjectState, ...]
    counts: Mapping[str, int]
    lab_minutes: float = 0.0
    labs_passed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next best step: why it is that, the lab to open (may be ""), the commands to type, the page of the console."""

    kind: StepKind
    id: str
    title: str
    because: str
    lab: str = ""
    commands: tuple[str, ...] = ()
    address: str = "/pathways"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Attestation:
    """What no record can show, said by a person: `by` for the owner, who may be the same. Counted apart, never as
    proven."""

    id: str
    subject: str
    statement: str
    link: str
    by: str
    created_at: str
    withdrawn_at: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reflected:
    """A private note: `question` is the id of a reflection in the catalogue, "" for a note of one's own."""

    id: str
    question: str
    text: str
    created_at: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DrawnQuiz:
    """A draw of a quiz, with its options in their drawn order and without the answers."""

    id: str
    quiz: str
    title: str
    questions: tuple[Mapping[str, Any], ...]
    """Each with `question` (its id), `ask` and `options`."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class QuizResult:
    """A draw that was handed in; `items` says for each question what was chosen, what is right, and why."""

    id: str
    quiz: str
    score: int
    total: int
    passed: bool
    items: tuple[Mapping[str, Any], ...] = field(default=())
    """Each with `question`, `ask`, `options`, `chosen` and `right` (places among the options, from 0) and `because`."""
    at: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
