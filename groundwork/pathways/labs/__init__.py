"""Labs: hands-on work in one's own workspace, verified by records.

A lab is one file beside this one and a text of the same name (`first_cited_answer.py`, `first_cited_answer.md`); nothing
else is edited. The text is the task, a page of the documentation, and what the console shows: one source. Holes `{name}` in
it are filled from the draw; `{folder}` is the lab's folder, `{lab}` its name.

The contract, run over every lab in CI and offline:

- what is drawn follows from the seed alone, and two seeds draw different tasks, so that answers cannot be copied;
- everything a lab makes in the workspace (indexes, apps, models, datasets, gates, prompts) is named `lab-…`, which also
  keeps it out of every milestone's proof; files lie in the lab's folder `labs/<name>/`, written by the learner or by
  `prepare`;
- the untouched start scores zero, the reference solution (in the tests, never in the package) full marks, and removing any
  one record that a point rests on takes that point away;
- a check reads records made after the start, not the learner's words; where a diagnosis is asked for, the truth was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

from groundwork.core.shelf import Shelf

PREFIX = "lab-"


@dataclass(frozen=True, slots=True)
class Sheet:
    """An answer that the learner writes into `answers.toml`; what is right was drawn.

    Attributes:
        key: of the answer. right: the right value, text (compared without case and outer spaces) or number.
        within: how far a number may be off, absolute.
    """

    key: str
    right: str | float
    within: float = 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that is checked.

    Attributes:
        id: unique in its lab. title: what has to be true, in one sentence. worth: points, over 0.
        check: a predicate over records; `$lab.started_at` and `$lab.<name>` of the draw are known to it. sheet: or
        an answer.
        hint: what is said when it is not met and the predicate says nothing better.
    """

    id: str
    title: str
    worth: int = 1
    check: Mapping[str, Any] | None = None
    sheet: Sheet | None = None
    hint: str = ""


class Bench(Protocol):
    """What a lab may do while it prepares; the application gives it over the workspace. All names begin with `lab-`."""

    @property
    def folder(self) -> Path:
        """The lab's own folder, `labs/<name>/` in the workspace."""

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the lab's folder, by its relative name; folders are made."""

    def spec(self, tables: Mapping[str, Any]) -> None:
        """Write the lab's part of the spec, `labs/<name>/groundwork.toml`: indexes, apps, models, providers, gates,
        judges."""

    def prompt(self, name: str, source: str) -> None:
        """Write `prompts/<name>.md`."""

    def ingest(self, index: str, folder: str = "documents") -> str:
        """Bring a folder of the lab into an index; return the snapshot's id."""

    def ask(self, app: str, question: str) -> str:
        """Ask an app; return the answer's id."""

    def call(self, model: str, messages: Sequence[Mapping[str, Any]], **parameters: Any) -> str:
        """Call a model through the gateway; return the call's id."""

    def dataset(self, name: str, examples: Sequence[Mapping[str, Any]]) -> str:
        """Make a version of a golden set (`input, expected, …` as in JSONL import); return `name@number`."""

    def evaluate(self, app: str, dataset: str, **options: Any) -> str:
        """Run an evaluation to its end; return its id."""

    def release(self, app: str, environment: str = "") -> str:
        """Make a release of an app and promote it into an environment, when one is named; return its id."""

    def problems(self) -> Sequence[str]:
        """Return in words what of the spec's parts in `labs/` was left out, and why; not for `prepare`."""

    def close(self) -> None:
        """Let go of what was opened; not for `prepare`."""


class Lab(Protocol):
    """One lab; see the contract above."""

    title: str
    summary: str
    minutes: int
    """Of work, the median of a person at reference speed: an estimate until it is measured."""
    skills: Sequence[str]
    """Skills of the catalogue that it proves when every point is met."""
    milestones: Sequence[str]
    """Milestones and actions that it teaches the way to."""
    after: Sequence[str]
    """Labs to have done before, as advice."""
    stream: str
    """`technical` or `ethical`."""
    test_out: bool
    """Whether it may be taken without hints to show that the lesson is not needed."""

    def draw(self, random: Random) -> dict[str, Any]:
        """Return what is drawn for one run: JSON, and everything that `points` and the task's holes need."""

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        """Lay out the start; called once for a run, before its `started_at`."""

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        """Return what is checked, in the order of the task."""

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        """Return hints from the gentlest to the last, which all but says it."""


LABS = Shelf[Lab](
    "lab",
    home="groundwork.pathways.labs",
    aside=frozenset({"book", "folder", "pages", "runs", "showing", "task", "types", "verifying"}),
)
