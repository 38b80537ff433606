"""The shapes of the JSON interface of pathways: catalogue, plans, labs, quizzes, notes, proofs, portfolio."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundwork.server.bodies import Digest, In, Moment, Out

MAX_TEXT = 20_000
SkillState = Literal["proven", "stale", "declared", "attested", "open"]
State = Literal["proven", "stale", "attested", "declared", "open", "broken", "unavailable"]


# -- the catalogue --------------------------------------------------------------------------------------------------
class RoleLine(BaseModel):
    """A role, and how much it needs."""

    id: str
    title: str
    kind: Literal["target", "start", "stage"]
    same_as: str | None
    aliases: list[str]
    focus: str
    named_skills: list[str] = Field(description="Its core in the words of the document.")
    origin: Literal["stated", "inferred", "ours"]
    sources: list[str]
    needs_skills: int
    needs_milestones: int
    needs_hours: float = Field(
        description="Hours of a person at reference speed who begins with nothing; an estimate."
    )


class RolesBody(BaseModel):
    """Roles that one can plan for, and with `all` every other one and the backgrounds."""

    roles: list[RoleLine]
    backgrounds: list[dict[str, Any]] = Field(description="Entries of the catalogue; empty without `all`.")
    catalogue: Digest


class RoleBody(RoleLine):
    """A role with everything it needs, and the ways to it that the documents describe."""

    skills_needed: list[dict[str, Any]] = Field(description="`id`, `title`, `weight` (0: a prerequisite).")
    milestones_needed: list[dict[str, Any]] = Field(description="`id`, `title`.")
    transitions: list[dict[str, Any]]
    alignments: list[dict[str, Any]]
    attributions: list[str] = Field(description="What has to be said where this is shown.")


class RoleComparisonBody(BaseModel):
    """Two roles side by side; under `both` and under the id of each role."""

    roles: list[RoleBody]
    skills: dict[str, list[str]]
    milestones: dict[str, list[str]]
    hours: dict[str, float]
    overlap: float = Field(description="Share of their skills that both need, 0 to 1.")


class CatalogueBody(BaseModel):
    """The catalogue in force, whole."""

    digest: Digest
    catalogue: dict[str, Any] = Field(description="As its JSON Schema says.")
    problems: list[dict[str, Any]] = Field(
        description="Files of the team that are left out: file, line, message, hint."
    )
    attributions: list[str]


class CatalogueIn(In):
    """A file of a catalogue to check."""

    name: str = Field("catalogue.yaml", max_length=100, pattern=r"^[\w.-]+\.ya?ml$")
    text: str = Field(max_length=2_000_000)


class CatalogueCheckBody(BaseModel):
    """What checking a file found; nothing was kept."""

    usable: bool
    problems: list[dict[str, Any]]
    counts: dict[str, int] = Field(description="Entries of each list with the file in force.")


class FactBody(Out):
    """A fact of the founding documents."""

    id: str
    section: str
    title: str
    says: str
    origin: Literal["stated", "inferred", "ours"]
    sources: list[str]
    carried_by: list[list[str]] = Field(description="Pairs of list and id: the entries that carry it.")
    details: dict[str, Any]
    dated: str
    left_out: str = Field(description="Why the product does not carry it; empty when it does.")


class FieldBody(Out):
    """A field that a check can ask about."""

    name: str
    type: str
    about: str


class KindBody(Out):
    """A kind of record that checks can ask about."""

    name: str
    title: str
    room: str
    fields: list[FieldBody]
    made_by: str
    waiting: bool = Field(description="No room keeps such records yet; `room` is the one it waits for.")
    personal: bool


# -- a person on the way --------------------------------------------------------------------------------------------
class ProfileBody(Out):
    """What a person said of themselves."""

    background: str
    target: str
    hours_per_week: float
    start: str
    by: str
    declared: list[str]
    exceptions: list[list[str | float]] = Field(description="Triples: first day, last day, hours a week.")
    money: float | None
    name: str


class ProfileIn(In):
    """What changes; null leaves a field as it is, an empty text or list empties it. Names may be written as people do."""

    background: str | None = Field(None, max_length=200)
    target: str | None = Field(None, max_length=200)
    hours_per_week: float | None = Field(None, description="Over 0, at most 100.")
    start: str | None = Field(None, max_length=40, description="ISO 8601.")
    by: str | None = Field(None, max_length=40, description="ISO 8601; a month means its last day.")
    declared: list[str] | None = Field(None, max_length=500)
    exceptions: list[tuple[str, str, float]] | None = Field(None, max_length=500)
    money: float | None = None
    name: str | None = Field(None, max_length=200)


class PlanIn(ProfileIn):
    """What a plan is made from; what is not given is taken from the profile."""

    confidence: float = Field(0.8, gt=0, lt=1, description="That the wished day is held.")
    store: bool = Field(True, description="Keep the plan and the profile.")


class PaceBody(Out):
    """What is believed of a person's speed: the logarithm of (hours taken / reference hours) is normal."""

    mean: float
    sigma: float
    n: int = Field(description="Finished labs it rests on.")


class ForecastBody(Out):
    """When it will be done, as quantiles; months are of 30.4375 days."""

    p10: str
    p50: str
    p90: str
    p10_months: float
    p50_months: float
    p90_months: float
    by_probability: float | None = Field(description="That it is done by the wished day; null without one.")
    draws: int
    seed: int
    pace: PaceBody


class PlanItemBody(Out):
    """One dated item; `milestone` is the id of what it is about, whatever its kind."""

    milestone: str
    kind: Literal["skill", "milestone", "action", "test_out"]
    title: str
    stream: str
    start: str
    end: str
    done: str = Field(description="The day it counts, after its waiting.")
    hours: float
    because: str
    needed_by: list[str]
    unlocks: list[str]
    density: float
    without: list[str] = Field(description="Milestones of the target that are lost without it.")
    state: str
    resources: list[str]
    lab: str


class DatedActionBody(Out):
    """One action of the first ninety days, with the first and the last day of its block."""

    action: str
    title: str
    start: str
    end: str
    hours: float
    attested: bool = Field(description="No record can show it; a person says so.")
    labs: list[str]


class PlanBody(BaseModel):
    """A dated plan; equal inputs give an equal plan."""

    id: str
    inputs: str
    catalogue: str
    request: dict[str, Any]
    items: list[PlanItemBody]
    forecast: ForecastBody
    method: Literal["exact", "insertion"]
    bound: float
    dropped: list[str]
    changes: list[dict[str, Any]] = Field(description="What would make the wished day likely enough.")
    reviews: list[str]
    buffer_until: str | None
    transition: str
    notes: list[str]
    hours: float
    previous: str
    created_at: str
    declared: list[str]
    ninety_days: list[DatedActionBody] = Field(
        description="Beside the plan; empty where no document has them."
    )


class PlansBody(BaseModel):
    """One's plans, newest first."""

    items: list[dict[str, Any]] = Field(
        description="`id`, `created_at`, `target`, `items`, `hours`, `forecast`, `previous`."
    )


class NextBody(Out):
    """The next best step."""

    kind: str
    id: str
    title: str
    because: str
    lab: str = Field(description="The lab to open; empty: none.")
    commands: list[str]
    address: str = Field(description="The page of the console.")


class SubjectBody(BaseModel):
    """A milestone, action, skill or lab and how it stands."""

    kind: Literal["milestone", "action", "skill", "lab"]
    id: str
    title: str
    state: State
    finding: dict[str, Any] | None = Field(
        description="Outcome, records found, what is missing; null where none was asked."
    )
    proof: str
    labs: list[str]
    why: list[str]


class ProgressBody(BaseModel):
    """How far a person is; what is proven, declared and attested is counted apart."""

    target: str
    skills: dict[str, SkillState]
    milestones: list[SubjectBody]
    actions: list[SubjectBody]
    counts: dict[str, int]
    lab_minutes: float
    labs_passed: int


# -- labs -----------------------------------------------------------------------------------------------------------
class LabLineBody(Out):
    """A lab, and how far the person is with it."""

    id: str
    title: str
    summary: str
    minutes: int
    stream: str
    skills: list[str]
    milestones: list[str]
    after: list[str]
    test_out: bool
    state: Literal["new", "open", "passed"]
    run: str
    points: int
    total: int


class LabRunBody(BaseModel):
    """A run of a lab; what was drawn stays hidden."""

    id: str
    lab: str
    version: str
    state: Literal["open", "passed", "reset"]
    test_out: bool
    points: int
    total: int
    started_at: Moment
    finished_at: str | None
    minutes: float | None
    folder: str = Field(description="Where its files lie, relative to the workspace.")
    task: str = Field(description="Markdown.")
    hints: list[str]
    title: str
    asked: list[str] = Field(description="Keys of the answers it asks for.")
    answers: dict[str, Any]
    notes: list[str]


class LabIn(In):
    """How a lab is begun."""

    test_out: bool = False


class LabAnswerIn(In):
    """An answer for the sheet."""

    key: str = Field(min_length=1, max_length=100)
    value: str | float = Field(description="Text, or a number.")


class HintBody(BaseModel):
    """The next hint."""

    hint: str


class VerificationBody(BaseModel):
    """What one look at a lab found; also when it is not passed."""

    passed: bool
    run: str
    lab: str
    points: int
    total: int
    states: list[dict[str, Any]] = Field(
        description="Each point: `id`, `title`, `worth`, `met`, `why`, `command`, `found`."
    )
    minutes: float
    at: Moment
    proof: str
    notes: list[str]


# -- quizzes and notes ----------------------------------------------------------------------------------------------
class QuizLine(BaseModel):
    """A quiz without its questions, and one's results."""

    id: str
    title: str
    skill: str | None
    questions: int
    draw: int
    pass_share: float
    taken: int
    best: float | None
    passed: bool


class DrawnBody(BaseModel):
    """A draw that waits for its answers."""

    id: str
    quiz: str
    title: str
    questions: list[dict[str, Any]] = Field(description="Each with `question`, `ask` and `options`.")


class AnswersIn(In):
    """One place among the options, from 0, for each question in order."""

    answers: list[int] = Field(max_length=1000)


class QuizResultBody(BaseModel):
    """A draw that was handed in."""

    id: str
    quiz: str
    score: int
    total: int
    passed: bool
    items: list[dict[str, Any]] = Field(
        description="Each with `ask`, `options`, `chosen`, `right`, `because`."
    )
    at: Moment


class AttestationIn(In):
    """What somebody says they did."""

    subject: str = Field(max_length=100)
    statement: str = Field(min_length=1, max_length=MAX_TEXT)
    link: str = Field("", max_length=2000)
    by: str | None = Field(None, max_length=200, description="Who says so; null: oneself.")


class AttestationBody(Out):
    """What no record can show, said by a person."""

    id: str
    subject: str
    statement: str
    link: str
    by: str
    created_at: Moment
    withdrawn_at: str | None


class ReflectionIn(In):
    """A private note."""

    question: str = Field("", max_length=100, description="Id of a reflection; empty: a note of one's own.")
    text: str = Field(min_length=1, max_length=MAX_TEXT)


class ReflectionBody(Out):
    """A private note, seen by whoever wrote it alone."""

    id: str
    question: str
    text: str
    created_at: Moment


# -- proofs and portfolio -------------------------------------------------------------------------------------------
class ProofLine(BaseModel):
    """A proof, and how it stands now."""

    id: str
    kind: str
    subject: str
    title: str
    state: Literal["current", "stale", "forged"]
    grade: Literal["attested", "verified_here", "co_signed", "re_run"]
    cosigners: list[str]
    records: int
    why: list[str]
    position: int
    created_at: Moment


class ProofsBody(BaseModel):
    """One's proofs, newest first, and what is wrong with the chain of the workspace."""

    items: list[ProofLine]
    problems: list[str]


class ProofBody(ProofLine):
    """A proof with every record behind it, looked at again."""

    check: str
    catalogue: str
    digest: str
    previous: str
    found: list[dict[str, Any]] = Field(
        description="Records: `kind`, `id`, `digest`, `values`, `state` now, `why`, `command` and `address` that show it."
    )
    claim: str
    envelope: dict[str, Any] = Field(description="DSSE.")


class PortfolioIn(In):
    """What a portfolio shows of a person."""

    name: str = Field("", max_length=200, description="Empty: the profile's.")
    label: str = Field("", max_length=200)
    summary: str = Field("", max_length=2000)
    email: str = Field("", max_length=200)
    url: str = Field("", max_length=2000)
    address: str = Field("", max_length=2000, description="Where it will be published.")
    domain: str = Field("", max_length=200, description="Of an issuer `did:web`; empty: `did:key`.")
    systems: list[str] | None = Field(
        None, max_length=500, description="Apps; null: every one with releases."
    )
    include_questions: list[str] = Field([], max_length=500, description="Ids of answers to show in whole.")
    erased_names: list[str] = Field([], max_length=500, description="Names that must not appear.")


class CosignatureIn(In):
    """A co-signature that somebody made, as `groundwork path cosign` writes it."""

    envelope: dict[str, Any]


class BundleBody(BaseModel):
    """What checking a bundle found, offline."""

    valid: bool
    issuer: str
    owner: str
    created_at: str
    grades: dict[str, str]
    lines: list[dict[str, Any]] = Field(
        description="`what`, `state` and `sentence` of each thing that was checked."
    )
    digests: dict[str, str] = Field(description="Of the proofs that hold, by id.")
