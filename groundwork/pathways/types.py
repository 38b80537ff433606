"""The values of a catalogue: roles, backgrounds, skills, milestones, actions, resources, quizzes, facts. All immutable.

A catalogue is YAML, checked by the JSON Schema of these models, and a version by its digest. Every entry says where it comes
from: `stated` by a founding document, `inferred` from one, or `ours`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
Origin = Literal["stated", "inferred", "ours"]
Basis = Literal["stated", "estimate", "measured"]
Stream = Literal["technical", "ethical"]


class Entry(BaseModel):
    """What every entry has: an id, where it comes from, the facts it carries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    origin: Origin = "ours"
    sources: tuple[str, ...] = Field((), description="Ids of `sources`; empty when it is ours.")
    facts: tuple[Id, ...] = Field(
        (), description="Ids of further facts of the documents that this entry carries."
    )


class Source(BaseModel):
    """A founding document, named by what it is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    about: str


class Alignment(BaseModel):
    """A term of another classification (ESCO) that an entry corresponds to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    label: str
    framework: str = "ESCO v1.1.1"
    code: str = ""


class Hours(BaseModel):
    """Hours of work of a person at reference speed; the three quantiles are in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    p10: float = Field(gt=0)
    p50: float = Field(gt=0)
    p90: float = Field(gt=0)
    basis: Basis = "estimate"


class Prerequisite(BaseModel):
    """`hard`: nothing begins before it is done; `helps`: better after it, when nothing else speaks against it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skill: Id
    kind: Literal["hard", "helps"] = "hard"


class Skill(Entry):
    """Something a person can do."""

    title: str
    summary: str
    stream: Stream = "technical"
    stage: str = Field(description="Id of a stage: `foundations`, `year-1` …; groups the map of skills.")
    prerequisites: tuple[Prerequisite, ...] = ()
    hours: Hours
    resources: tuple[Id, ...] = Field((), description="Ways to learn it; `choose` of them are enough.")
    choose: int = Field(1, ge=0)
    labs: tuple[Id, ...] = Field((), description="Labs any one of which, verified, proves it.")
    quiz: Id | None = Field(None, description="Helps to learn it; a quiz alone never proves a skill.")
    alignments: tuple[Alignment, ...] = ()
    data_share: float = Field(
        0,
        ge=0,
        le=1,
        description="The share of its hours that is work on data: quality, preparation, pipelines.",
    )


class Stage(Entry):
    """A block of skills; `order` from 0."""

    title: str
    order: int = Field(ge=0)
    summary: str = ""
    technical_focus: tuple[str, ...] = ()
    ethical_dimension: tuple[str, ...] = ()
    key_capability: tuple[str, ...] = ()


class Role(Entry):
    """A role to come from or to go to."""

    title: str
    aliases: tuple[str, ...] = ()
    kind: Literal["target", "start", "stage"] = "target"
    same_as: Id | None = Field(None, description="The role that this is another name of.")
    focus: str = ""
    skills: dict[Id, float] = Field(
        default_factory=dict, description="What it needs, each with its weight over 0."
    )
    named_skills: tuple[str, ...] = Field((), description="Its core skills in the words of the document.")
    milestones: tuple[Id, ...] = ()
    backgrounds: tuple[Id, ...] = Field((), description="From where people typically come.")
    alignments: tuple[Alignment, ...] = ()


class Background(Entry):
    """Where a person comes from: what is assumed held, which is declared and never shown as proven."""

    title: str
    aliases: tuple[str, ...] = ()
    role: Id | None = Field(None, description="The role it is the background of.")
    holds: tuple[Id, ...] = ()
    asset: str = Field("", description="What it brings that others lack.")


class Transition(Entry):
    """A way from a background or role to a role, with the time that the document states; None where it states none."""

    start: Id
    target: Id
    months: tuple[float, float] | None = None
    why: str = ""
    note: str = ""
    already: tuple[Id, ...] = Field(
        (), description="Skills held at its start, beyond those of the background."
    )
    steps: tuple[Id, ...] = Field(
        (), description="Skills or milestones in the order that the document suggests."
    )


class Milestone(Entry):
    """Something built that records can prove."""

    title: str
    stage: str
    stream: Stream = "technical"
    needs: tuple[Id, ...] = Field((), description="Skills to have before.")
    proves: tuple[Id, ...] = Field((), description="Skills that it proves.")
    check: dict[str, Any] = Field(description="A predicate of `groundwork.evidence`.")
    threshold_note: str = Field("", description="Why these thresholds; they are ours unless said otherwise.")
    hours: Hours = Hours(p10=4, p50=6, p90=10)
    wait_days: int = Field(0, ge=0, description="Days that must pass between its work and its proof.")
    value: float = Field(1.0, gt=0)
    labs: tuple[Id, ...] = Field((), description="Labs that teach the way to it.")
    guide: str = Field("", description="Page of the handbook.")


class Action(Entry):
    """One action of the ninety days."""

    title: str
    block: Id
    days: tuple[int, int]
    check: dict[str, Any]
    threshold_note: str = Field("", description="Why these thresholds; they are ours unless said otherwise.")
    needs: tuple[Id, ...] = ()
    hours: Hours = Hours(p10=2, p50=4, p90=8)
    wait_days: int = Field(0, ge=0)
    labs: tuple[Id, ...] = ()


class Resource(Entry):
    """Something to learn with; only its name and what is known of it, nothing copied."""

    title: str
    kind: str
    url: str = ""
    provider: str = ""
    cost: float | None = Field(None, description="Whole cost in `currency`; None: not known.")
    currency: str = ""
    cost_note: str = ""
    hours: float | None = None
    checked: str = Field(
        "", description="Date on which link and cost were looked at, ISO 8601; empty: never."
    )
    trait: str = ""


class Question(BaseModel):
    """One item of a quiz; `answer` is the index of the right option before they are shuffled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    ask: str
    options: tuple[str, ...] = Field(min_length=2)
    answer: int = Field(ge=0)
    because: str
    derived_from: tuple[str, ...] = Field(
        (), description="Facts or pages of the handbook that the answer follows from."
    )
    origin: Origin = Field("ours", description="Who asks it: a document, or we.")
    options_origin: Origin = Field("ours", description="Where the options come from.")


class Quiz(Entry):
    """Questions with one right option each; a draw takes `draw` of them."""

    title: str
    skill: Id | None = None
    pass_share: float = Field(0.8, gt=0, le=1)
    draw: int = Field(5, ge=1)
    questions: tuple[Question, ...]


class Reflection(Entry):
    """A question to oneself; what is written stays private."""

    title: str
    ask: str
    prompts: tuple[str, ...] = ()


class Fact(Entry):
    """A fact of the founding documents that is shown as it is: principles, market claims, stories, routes, open
    questions."""

    section: str
    title: str = ""
    text: str
    details: dict[str, Any] = Field(default_factory=dict)
    dated: str = Field("", description="The date of a claim about the market, as the document has it.")


class LeftOut(BaseModel):
    """A fact that the product does not carry, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    reason: str


class Catalogue(BaseModel):
    """Everything of it; ids are unique within a kind, and every reference names something that is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = Field(1, ge=1, description="Of this schema; a newer one than the program knows is refused.")
    name: str = "groundwork"
    sources: tuple[Source, ...] = ()
    stages: tuple[Stage, ...] = ()
    roles: tuple[Role, ...] = ()
    backgrounds: tuple[Background, ...] = ()
    transitions: tuple[Transition, ...] = ()
    skills: tuple[Skill, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    actions: tuple[Action, ...] = ()
    resources: tuple[Resource, ...] = ()
    quizzes: tuple[Quiz, ...] = ()
    reflections: tuple[Reflection, ...] = ()
    facts: tuple[Fact, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
