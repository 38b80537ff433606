"""A catalogue in force, with its questions answered: entries by id and by words, what a role needs, where a fact stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from groundwork.core.digest import digest_json
from groundwork.core.errors import GroundworkError
from groundwork.pathways.catalogue import naming
from groundwork.pathways.catalogue.carried import CURRICULUM, FactView, curriculum_view, fact_views
from groundwork.pathways.catalogue.hours import DataWork, lab_data_work, sigma_of
from groundwork.pathways.catalogue.hours import data_work as work_on_data
from groundwork.pathways.types import (
    Action,
    Background,
    Catalogue,
    Entry,
    Milestone,
    Quiz,
    Reflection,
    Resource,
    Role,
    Skill,
    Source,
    Stage,
    Transition,
)

ESCO_ATTRIBUTION = "This service uses the ESCO classification of the European Commission"

E = TypeVar("E")


@dataclass(frozen=True)
class Loaded:
    """A catalogue that was checked as a whole; immutable, and safe to use from several threads.

    Attributes:
        catalogue: its values. written_in: for each entry of a team, by (list, id), the file that it was last written in;
            what is not there is as shipped.
    """

    catalogue: Catalogue
    written_in: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything in it, 64 hexadecimal digits: the name of this version."""
        return digest_json(self.content)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The catalogue as JSON."""
        return self.catalogue.model_dump(mode="json")

    @cached_property
    def attributions(self) -> tuple[str, ...]:
        """What has to be said wherever the catalogue is shown or exported."""
        entries: list[Role | Skill] = [*self.catalogue.roles, *self.catalogue.skills]
        esco = any(a.framework.startswith("ESCO") for entry in entries for a in entry.alignments)
        return (ESCO_ATTRIBUTION,) if esco else ()

    # -- entries by id ----------------------------------------------------------------------------------------------
    @cached_property
    def skills(self) -> dict[str, Skill]:
        return _by_id(self.catalogue.skills)

    @cached_property
    def milestones(self) -> dict[str, Milestone]:
        return _by_id(self.catalogue.milestones)

    @cached_property
    def actions(self) -> dict[str, Action]:
        return _by_id(self.catalogue.actions)

    @cached_property
    def roles(self) -> dict[str, Role]:
        return _by_id(self.catalogue.roles)

    @cached_property
    def backgrounds(self) -> dict[str, Background]:
        return _by_id(self.catalogue.backgrounds)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        return _by_id(self.catalogue.resources)

    @cached_property
    def quizzes(self) -> dict[str, Quiz]:
        return _by_id(self.catalogue.quizzes)

    @cached_property
    def stages(self) -> dict[str, Stage]:
        return _by_id(sorted(self.catalogue.stages, key=lambda stage: (stage.order, stage.id)))

    @cached_property
    def reflection_questions(self) -> dict[str, Reflection]:
        return _by_id(self.catalogue.reflections)

    @cached_property
    def sources(self) -> dict[str, Source]:
        return {source.id: source for source in self.catalogue.sources}

    def skill(self, identifier: str) -> Skill:
        """Return a skill; raises NotFoundError with the nearest ids, as all of these do."""
        return _get("skill", identifier, self.skills)

    def milestone(self, identifier: str) -> Milestone:
        return _get("milestone", identifier, self.milestones)

    def action(self, identifier: str) -> Action:
        return _get("action", identifier, self.actions)

    def quiz(self, identifier: str) -> Quiz:
        return _get("quiz", identifier, self.quizzes)

    def resource(self, identifier: str) -> Resource:
        return _get("resource", identifier, self.resources)

    def stage(self, identifier: str) -> Stage:
        return _get("stage", identifier, self.stages)

    def reflection(self, identifier: str) -> Reflection:
        return _get("reflection", identifier, self.reflection_questions)

    # -- entries by words -------------------------------------------------------------------------------------------
    def role(self, words: str) -> Role:
        """Return the role that is meant by an id, a title, an alias or words near them.

        A role that is another name of one (`same_as`) comes back as that one.

        Raises:
            NotFoundError: none or several are meant; the hint offers the nearest.
        """
        return self.roles[naming.find("role", words, _named(self.catalogue.roles))]

    def background(self, words: str) -> Background:
        """Return the background that is meant; raises as `role` does."""
        return self.backgrounds[naming.find("background", words, _named(self.catalogue.backgrounds))]

    def targets(self) -> list[Role]:
        """Return the roles that one can plan for: all that need a skill or a milestone, without second names."""
        wanted = [role for role in self.catalogue.roles if role.same_as is None]
        return [role for role in wanted if role.skills or role.milestones]

    def transition(self, background: str, role: str) -> Transition | None:
        """Return the way that a document describes from a background to a role, both by id; None where there is none."""
        ends = self._second_names.get(role, role)
        came = self.backgrounds[background].role if background in self.backgrounds else None
        starts = {background, came, self._second_names.get(came or "")}
        for transition in self.catalogue.transitions:
            if (
                transition.start in starts
                and self._second_names.get(transition.target, transition.target) == ends
            ):
                return transition
        return None

    # -- what a role needs ------------------------------------------------------------------------------------------
    def closure(self, skills: Iterable[str]) -> tuple[str, ...]:
        """Return skills with everything that they hard need, each after what it needs, otherwise in catalogue order."""
        asked = set(skills)
        wanted: dict[str, None] = {}
        for start in [i for i in self.skills if i in asked] + sorted(asked - set(self.skills)):
            waiting = [start]
            while waiting:
                needs = [n for n in self._hard(waiting[-1]) if n not in wanted]
                if needs:
                    waiting.append(needs[0])
                else:
                    wanted[waiting.pop()] = None
        return tuple(wanted)

    def _hard(self, skill: str) -> list[str]:
        return [p.skill for p in self.skill(skill).prerequisites if p.kind == "hard"]

    def requirements(self, role: Role | str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the skills and milestones that a role needs: its own, those of its milestones, all that these hard need."""
        wanted = self.role(role) if isinstance(role, str) else role
        milestones = tuple(i for i in self.milestones if i in set(wanted.milestones))
        needed = [need for i in milestones for need in self.milestones[i].needs]
        return self.closure([*wanted.skills, *needed]), milestones

    def held(self, background: Background | str, role: Role | str | None = None) -> tuple[str, ...]:
        """Return the skills that a background is assumed to hold, with all that these hard need.

        Args:
            role: where it goes to; what the document says is known at the start of that way is added.
        """
        start = self.background(background) if isinstance(background, str) else background
        skills = set(start.holds)
        if role is not None:
            target = self.role(role) if isinstance(role, str) else role
            way = self.transition(start.id, target.id)
            skills |= set(way.already) if way else set()
        return self.closure(skills)

    def gap(self, background: Background | str, role: Role | str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the skills and milestones between a background and a role, in an order that respects hard prerequisites."""
        skills, milestones = self.requirements(role)
        held = set(self.held(background, role))
        return tuple(i for i in skills if i not in held), milestones

    def hours(self, skills: Sequence[str], milestones: Sequence[str] = ()) -> float:
        """Return the summed P50 hours of skills and milestones at reference speed."""
        return sum(self.skill(i).hours.p50 for i in skills) + sum(
            self.milestone(i).hours.p50 for i in milestones
        )

    def sigma(self, background: str, role: str) -> float:
        """Return the spread of the time from a background to a role, both by id: that of the stated months, .27 without."""
        way = self.transition(background, role)
        return sigma_of(way.months if way else None)

    @cached_property
    def data_work(self) -> dict[str, DataWork]:
        """How much of the skills of each role that one can plan for is work on data, by the role's id."""
        return {role.id: work_on_data(self, self.requirements(role)[0]) for role in self.targets()}

    @cached_property
    def lab_work(self) -> DataWork:
        """How much of the work of the labs that are installed is work on data; a lab that cannot be imported is left out."""
        from groundwork.pathways.labs import LABS

        minutes: dict[str, float] = {}
        for name in LABS.names():
            with suppress(GroundworkError, ImportError):
                minutes[name.replace("_", "-")] = float(LABS.get(name).minutes)
        return lab_data_work(self, minutes)

    # -- facts ------------------------------------------------------------------------------------------------------
    @cached_property
    def _facts(self) -> dict[str, FactView]:
        return {**fact_views(self.catalogue), CURRICULUM: curriculum_view(self.data_work, self.lab_work)}

    def fact(self, identifier: str) -> FactView:
        """Return what a fact of the founding documents says and where it is carried, or why it is left out."""
        return _get("fact", identifier, self._facts)

    def facts(self) -> list[FactView]:
        """Return every fact, the documents' own first, and one of ours: how much of the curriculum is work on data."""
        return list(self._facts.values())

    @cached_property
    def _second_names(self) -> dict[str, str]:
        return {role.id: role.same_as for role in self.catalogue.roles if role.same_as}


N = TypeVar("N", bound=Entry)


def _by_id(entries: Iterable[N]) -> dict[str, N]:
    return {entry.id: entry for entry in entries}


def _get(what: str, identifier: str, known: Mapping[str, E]) -> E:
    naming.get(what, identifier, known)
    return known[identifier]


def _named(entries: Iterable[Role | Background]) -> list[naming.Named]:
    return [
        naming.Named(entry.id, (entry.title, *entry.aliases), getattr(entry, "same_as", None) or entry.id)
        for entry in entries
    ]
