"""Everything that a portfolio shows, read once: systems, skills, milestones, proofs, timeline. Immutable, and sorted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.pathways.portfolio.systems import (
    System,
    answers_chosen,
    apps_with_releases,
    system_of,
)
from groundwork.pathways.proofs.types import ProofState
from groundwork.storage.database import Database
from groundwork.storage.faults import explain_os_error

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.types import Alignment
    from groundwork.pathways.walking.types import Attestation, SkillState

README_LARGEST = 64 * 1024
GRADES = {
    "attested": "attested: a person says so",
    "verified_here": "verified here: checked over records in this workspace",
    "co_signed": "co-signed: a second workspace checked it and put its name to it",
    "re_run": "re-run: somebody else ran the check again from the bundle",
}
"""Grades of trust in words, weakest first."""


@dataclass(frozen=True)
class SkillLine:
    """A skill of the portfolio: how it is held, and the proofs that show it (newest first)."""

    id: str
    title: str
    stream: str
    state: SkillState
    proofs: tuple[ProofState, ...] = ()


@dataclass(frozen=True)
class Event:
    """One line of the timeline; `at` is a day, ISO 8601."""

    at: str
    kind: str
    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Person:
    """Who it is about, in their own words. Everything but the name is empty unless it was chosen."""

    name: str
    label: str = ""
    summary: str = ""
    email: str = ""
    url: str = ""


@dataclass(frozen=True)
class Gathered:
    """What a portfolio is made of. `states` are in the order of the chain; `titles` by id of a subject."""

    person: Person
    systems: tuple[System, ...]
    skills: tuple[SkillLine, ...]
    states: tuple[ProofState, ...]
    attestations: tuple[Attestation, ...]
    timeline: tuple[Event, ...]
    alignments: Mapping[str, Sequence[Alignment]]
    attributions: tuple[str, ...]
    catalogue: str
    at: str
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def current(self) -> tuple[ProofState, ...]:
        return tuple(s for s in self.states if s.state == "current")

    @property
    def past(self) -> tuple[ProofState, ...]:
        """Proofs that are history: a record of theirs went, or their check means something else now."""
        return tuple(s for s in self.states if s.state == "stale")

    def of_state(self, *states: SkillState) -> tuple[SkillLine, ...]:
        return tuple(s for s in self.skills if s.state in states)


def gather(
    database: Database,
    principal: Principal,
    loaded: Loaded,
    states: Sequence[ProofState],
    skills: Mapping[str, SkillState],
    attestations: Sequence[Attestation],
    person: Person,
    *,
    at: str,
    root: Path | None = None,
    described: Callable[[str], str] = lambda app: "",
    systems: Sequence[str] | None = None,
    include_questions: Sequence[str] = (),
) -> Gathered:
    """Return what the portfolio is made of.

    Args:
        states: the person's proofs as they stand; forged ones are left out by the caller. skills: by id how each is held.
        at: the time of the export. root: of the workspace, where `portfolio/<app>.md` lie. described: an app in a sentence.
        systems: apps to show; None: every one with releases. include_questions: ids of answers to show in whole.

    Raises:
        InvalidInputError: a system has no releases, an answer is not there, or a README is too long or no text.
    """
    ordered = tuple(sorted(states, key=lambda s: s.proof.position))
    with database.read() as connection:
        known = apps_with_releases(connection, principal)
        wanted = known if systems is None else list(dict.fromkeys(systems))
        unknown = [app for app in wanted if app not in known]
        if unknown:
            raise InvalidInputError(
                f"the app `{unknown[0]}` has no releases, so it is no system of a portfolio",
                hint=f"there are {', '.join(known)}"
                if known
                else "make one with `groundwork release create`",
            )
        chosen = answers_chosen(connection, principal, include_questions)
        missing = set(include_questions) - {a["id"] for a in chosen}
        if missing:
            raise InvalidInputError(
                f"there is no answer `{sorted(missing)[0]}` of yours to show",
                hint="choose answers by `ans_…`",
            )
        shown = tuple(
            system_of(
                connection,
                principal,
                app,
                readme(root, app),
                described(app),
                [a for a in chosen if a["app"] == app],
            )
            for app in wanted
        )
    lines = _skills(loaded, skills, ordered)
    catalogue = loaded.catalogue
    titles = {s.id: s.title for s in catalogue.skills} | {a.id: a.title for a in catalogue.actions}
    titles |= {m.id: m.title for m in catalogue.milestones}
    return Gathered(
        person,
        shown,
        lines,
        ordered,
        tuple(sorted(attestations, key=lambda a: (a.created_at, a.id), reverse=True)),
        _timeline(shown, ordered, attestations, titles),
        _alignments(loaded, ordered),
        loaded.attributions,
        loaded.digest,
        at,
        titles,
    )


def readme(root: Path | None, app: str) -> str:
    """Return what the owner wrote of an app in `portfolio/<app>.md`; empty where there is nothing.

    Raises:
        InvalidInputError: it is too long, no text, or a link that leads out of the workspace.
    """
    if root is None:
        return ""
    file = root / "portfolio" / f"{app}.md"
    try:
        if not file.is_file():
            return ""
        if not file.resolve().is_relative_to(root.resolve()):
            raise InvalidInputError(
                f"portfolio/{app}.md is a link that leads out of the workspace",
                hint="write the text there itself",
            )
        data = file.read_bytes()[: README_LARGEST + 1]
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidInputError(f"portfolio/{app}.md is no text in UTF-8", hint="save it as UTF-8") from None
    except OSError as error:
        raise explain_os_error(error, f"portfolio/{app}.md cannot be read") from error
    if len(data) > README_LARGEST:
        raise InvalidInputError(
            f"portfolio/{app}.md is longer than {README_LARGEST // 1024} kB", hint="a page says it in less"
        )
    return text


def summary_of(state: ProofState) -> str:
    """Return in a sentence what was proven."""
    proof = state.proof
    kinds: dict[str, int] = {}
    for record in proof.found:
        kinds[record.kind] = kinds.get(record.kind, 0) + 1
    rests = ", ".join(
        f"{n} {kind.replace('_', ' ')}{'s' if n > 1 else ''}" for kind, n in sorted(kinds.items())
    )
    return f"{proof.title}: proven on {proof.created_at[:10]} by records of a running system ({rests})."


def _skills(
    loaded: Loaded, skills: Mapping[str, SkillState], states: Sequence[ProofState]
) -> tuple[SkillLine, ...]:
    shows: dict[str, list[ProofState]] = {}
    for state in reversed(states):
        for name in _proved_by(loaded, state):
            shows.setdefault(name, []).append(state)
    made = []
    for skill in loaded.catalogue.skills:
        held = skills.get(skill.id, "open")
        if held == "open" and skill.id in shows:  # no part of the role aimed at, and proven all the same
            held = "proven" if any(s.state == "current" for s in shows[skill.id]) else "stale"
        if held != "open":
            made.append(SkillLine(skill.id, skill.title, skill.stream, held, tuple(shows.get(skill.id, ()))))
    return tuple(sorted(made, key=lambda line: (line.title.lower(), line.id)))


def _proved_by(loaded: Loaded, state: ProofState) -> list[str]:
    kind, subject = state.proof.subject_kind, state.proof.subject
    if kind == "milestone":
        return [s for m in loaded.catalogue.milestones if m.id == subject for s in m.proves]
    if kind == "lab":
        return [s.id for s in loaded.catalogue.skills if subject in s.labs]
    return [subject] if kind == "skill" else []


def _alignments(loaded: Loaded, states: Sequence[ProofState]) -> dict[str, list[Alignment]]:
    by_skill = {s.id: s.alignments for s in loaded.catalogue.skills}
    made: dict[str, list[Alignment]] = {}
    for state in states:
        found = [a for skill in _proved_by(loaded, state) for a in by_skill.get(skill, ())]
        made[state.proof.id] = list({a.uri: a for a in found}.values())
    return made


def _timeline(
    systems: Sequence[System],
    states: Sequence[ProofState],
    attestations: Sequence[Attestation],
    titles: Mapping[str, str],
) -> tuple[Event, ...]:
    events = [
        Event(s.proof.created_at[:10], "proof", f"Proven: {s.proof.title}", s.proof.id)
        for s in states
        if s.state != "forged"
    ]
    events += [
        Event(one.at[:10], "release", f"Released {one.ref}", f"systems/{system.app}.html")
        for system in systems
        for one in system.shipped
    ]
    events += [
        Event(a.created_at[:10], "attested", f"Attested: {titles.get(a.subject, a.subject)}")
        for a in attestations
    ]
    return tuple(sorted(events, key=lambda e: (e.at, e.kind, e.text), reverse=True))
