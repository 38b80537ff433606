"""A run of a lab and what verifying it says. All immutable and JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.evidence.types import Found

RunState = Literal["open", "passed", "reset"]


@dataclass(frozen=True, slots=True)
class PointState:
    """One point: met or not, why in a sentence, the command that would help, the records it rests on."""

    id: str
    title: str
    worth: int
    met: bool
    why: str = ""
    command: str = ""
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class LabVerification:
    """What one look at a run found; `passed` when every point is met. `minutes`: work measured so far.

    `notes` names what is wrong beside the points, such as a part of the spec that was left out.
    """

    run: str
    lab: str
    points: int
    total: int
    states: tuple[PointState, ...]
    minutes: float
    at: str
    proof: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.points == self.total

    def as_dict(self) -> dict[str, Any]:
        return {"passed": self.passed, **asdict(self)}


@dataclass(frozen=True, slots=True)
class LabRun:
    """One run of a lab by one person. `task` is the text with its holes filled; `hints` those that were taken.

    `answers` is what stands on the sheet, `asked` the keys it asks for; `notes` says what the learner should know, such as
    where an older folder was moved to, or that the preparation was cut off.
    """

    id: str
    lab: str
    version: str
    state: RunState
    test_out: bool
    points: int
    total: int
    started_at: str
    finished_at: str | None
    minutes: float | None
    folder: str = ""
    task: str = ""
    hints: tuple[str, ...] = ()
    draw: Mapping[str, Any] | None = None
    title: str = ""
    asked: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it without the draw, which holds what is right."""
        return {k: v for k, v in asdict(self).items() if k != "draw"}


@dataclass(frozen=True, slots=True)
class LabLine:
    """A lab in the list: what it is, and how far this person is with it (`new`, `open`, `passed`)."""

    id: str
    title: str
    summary: str
    minutes: int
    stream: str
    skills: tuple[str, ...]
    milestones: tuple[str, ...]
    after: tuple[str, ...]
    test_out: bool
    state: Literal["new", "open", "passed"]
    run: str = ""
    points: int = 0
    total: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
