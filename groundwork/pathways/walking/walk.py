"""A person on the way: what they said, what is proven, how far they are, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, select

from groundwork.core.errors import InternalError, InvalidInputError, NotFoundError
from groundwork.pathways.walking import next_step
from groundwork.pathways.walking.notes import known_subject
from groundwork.pathways.walking.profile import Profiles
from groundwork.pathways.walking.progress import counts, held, skill_states, subject_state
from groundwork.pathways.walking.types import NextStep, Profile, Progress, SkillState, SubjectState
from groundwork.storage.pathway_tables import lab_runs

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.core.principal import Principal
    from groundwork.evidence.engine import Checker
    from groundwork.pathways.catalogue.book import CatalogueBook
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.labs.book import Labs
    from groundwork.pathways.labs.types import LabLine
    from groundwork.pathways.planning.book import Planner
    from groundwork.pathways.planning.types import Plan, PlanItem
    from groundwork.pathways.proofs.book import Proofs
    from groundwork.pathways.proofs.types import ProofState
    from groundwork.pathways.types import Action, Milestone
    from groundwork.pathways.walking.notes import Notes
    from groundwork.storage.database import Database

Kind = Literal["milestone", "action"]
Held = dict[tuple[str, str], "ProofState"]
PLANNER_WORDS = {"start_from": "background", "hours": "hours_per_week"}
"""What the planner calls two fields of the profile; `plan` takes either word."""


class Walk:
    """One person's way, over the parts of the room. Every method reads and writes the principal's own rows alone."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        catalogues: CatalogueBook,
        checker: Checker,
        proofs: Proofs,
        labs: Labs,
        planner: Planner,
        notes: Notes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogues = catalogues
        self._checker = checker
        self._proofs = proofs
        self._labs = labs
        self._planner = planner
        self._notes = notes
        self._profiles = Profiles(database, clock, catalogues)

    # -- the profile ------------------------------------------------------------------------------------------
    def profile(self, principal: Principal) -> Profile:
        """Return what the principal said of themselves; empty before they said anything."""
        return self._profiles.current(principal)

    def set_profile(self, principal: Principal, **changes: Any) -> Profile:
        """Save changes of the profile, see `Profiles.change`."""
        return self._profiles.change(principal, **changes)

    # -- the plan ---------------------------------------------------------------------------------------------
    def plan(
        self, principal: Principal, *, store: bool = True, confidence: float = 0.8, **changes: Any
    ) -> Plan:
        """Make a plan from the profile, what is proven and what is declared; equal inputs give an equal plan.

        Args:
            store: whether the plan and the changes of the profile are kept. confidence: that the wished day is held, 0 to 1.
            changes: fields of the profile that differ from what was saved.

        Raises:
            InvalidInputError: background, role or hours are not known, or the wished day is over.
            NotFoundError: see `set_profile`.
        """
        if not 0 < confidence < 1:
            raise InvalidInputError(f"a confidence of {confidence:g} cannot be", hint="write it as 0.8")
        changes = {PLANNER_WORDS.get(name, name): value for name, value in changes.items()}
        profile = self._profiles.changed(principal, **changes)
        _complete(profile, self._clock.now().date())
        skills, subjects = self._standing(principal, profile)
        made = self._planner.plan(
            principal,
            start_from=profile.background,
            target=profile.target,
            hours=profile.hours_per_week,
            start=_day(profile.start),
            by=_day(profile.by),
            exceptions=tuple(
                (date.fromisoformat(a), date.fromisoformat(b), h) for a, b, h in profile.exceptions
            ),
            declared=tuple(
                sorted({*profile.declared, *(s for s, state in skills.items() if state == "attested")})
            ),
            proven=tuple(sorted(s for s, state in skills.items() if state == "proven")),
            done=tuple(sorted(s.id for s in subjects if _is_done(s))),
            money=profile.money,
            confidence=confidence,
            store=store,
        )
        if store:
            self._profiles.change(principal, **changes)
        return made

    # -- what is proven ---------------------------------------------------------------------------------------
    def check(self, principal: Principal, subject: str | None = None) -> list[SubjectState]:
        """Ask the checks of a milestone, an action, a skill or a lab, or of all milestones and actions.

        What is proven and has no current proof gets one.

        Raises:
            NotFoundError: the catalogue has no such subject; the hint offers the nearest ones.
        """
        if subject is not None:
            return [self._one(principal, subject, record=True)]
        catalogue = self._catalogues.current().catalogue
        proofs, attested = self._held(principal), self._attested(principal)
        return [
            self._ask(principal, kind, entry, proofs, attested)
            for kind, entry in _entries(catalogue.milestones, catalogue.actions)
        ]

    def look(self, principal: Principal, subject: str) -> SubjectState:
        """Return how one subject stands as `check` does, without writing a proof.

        Raises:
            NotFoundError: see `check`.
        """
        return self._one(principal, subject, record=False)

    def _one(self, principal: Principal, subject: str, *, record: bool) -> SubjectState:
        catalogue, word = self._catalogues.current().catalogue, subject.strip()
        proofs, attested = self._held(principal), self._attested(principal)
        for kind, entry in _entries(catalogue.milestones, catalogue.actions):
            if entry.id == word:
                return self._ask(principal, kind, entry, proofs, attested, record=record)
        if any(s.id == word for s in catalogue.skills):
            return self._skill(principal, word, proofs, attested, record=record)
        lab = next((x for x in self._labs.all(principal) if x.id == word.replace("_", "-")), None)
        if lab is not None:
            return _lab_state(lab, proofs.get(("lab", lab.id)))
        known_subject(self._catalogues, word)
        raise InternalError(f"`{word}` is known and was not found")

    def skills(self, principal: Principal) -> dict[str, SkillState]:
        """Return how every skill of the catalogue stands, by proofs, labs and what was said; no check is asked."""
        proofs, attested = self._held(principal), self._attested(principal)
        return self._skills(self.profile(principal), proofs, self._labs.all(principal), attested)

    def progress(self, principal: Principal) -> Progress:
        """Return how far the principal is on the way to their role; without one, over the whole catalogue.

        Checks of what has no current proof are asked, so that what was just built counts at once.
        """
        loaded, profile = self._catalogues.current(), self.profile(principal)
        skills, subjects = self._standing(principal, profile)
        milestones = [s for s in subjects if s.kind == "milestone"]
        actions = [s for s in subjects if s.kind == "action"]
        if profile.target:
            wanted_skills, wanted_milestones = loaded.requirements(loaded.role(profile.target))
            skills = {s: skills[s] for s in wanted_skills if s in skills}
            milestones = [m for m in milestones if m.id in set(wanted_milestones)]
        mine = (
            lab_runs.c.tenant == principal.tenant,
            lab_runs.c.owner == principal.name,
            lab_runs.c.state == "passed",
        )
        with self._database.read() as connection:
            minutes, passed = connection.execute(
                select(func.sum(lab_runs.c.minutes), func.count(lab_runs.c.lab.distinct())).where(*mine)
            ).one()
        return Progress(
            profile.target,
            skills,
            tuple(milestones),
            tuple(actions),
            counts(skills, milestones, actions),
            float(minutes or 0.0),
            int(passed),
        )

    # -- the next step ----------------------------------------------------------------------------------------
    def next(self, principal: Principal) -> NextStep:
        """Return the next best step and why it is that; nothing is begun by asking."""
        lines = self._labs.all(principal)
        run = self._labs.open_run(principal)
        if run is not None:
            return next_step.go_on(run, next((x for x in lines if x.id == run.lab), None))
        profile = self.profile(principal)
        plan = self._planner.latest(principal)
        if plan is None:
            known = profile.background and profile.target and profile.hours_per_week
            return next_step.plan_it() if known else next_step.begin(lines)
        return next_step.review(plan, self._clock.now().date()) or self._first_open(principal, plan, lines)

    def _first_open(self, principal: Principal, plan: Plan, labs: Sequence[LabLine]) -> NextStep:
        """Return the step of the first item of a plan that is open and can be worked on now.

        A skill that no lab teaches is put beside the next lab; where there is none it is the step itself.
        """
        loaded, profile = self._catalogues.current(), self.profile(principal)
        proofs, attested = self._held(principal), self._attested(principal)
        skills = self._skills(profile, proofs, labs, attested)
        reading: PlanItem | None = None
        for item in plan.items:
            if not _known(loaded, item):
                continue
            state: SubjectState | None = None
            if item.kind == "milestone" or item.kind == "action":
                entry = (loaded.milestone if item.kind == "milestone" else loaded.action)(item.milestone)
                state = self._ask(principal, item.kind, entry, proofs, attested)
                if _is_done(state) or state.state == "unavailable":
                    continue
            elif skills.get(item.milestone) in ("proven", "attested"):
                continue
            lab = next_step.lab_towards(next_step.labs_of(item, loaded, labs), labs)
            if lab is not None:
                return next_step.of_lab(item, lab, loaded.skill(reading.milestone) if reading else None)
            if state is not None and reading is None:
                return next_step.of_subject(item, state)
            reading = reading or (item if state is None else None)
        if reading is not None:
            return next_step.of_skill(reading, loaded.skill(reading.milestone), loaded)
        return next_step.done(plan)

    # -- below ------------------------------------------------------------------------------------------------
    def _standing(
        self, principal: Principal, profile: Profile
    ) -> tuple[dict[str, SkillState], list[SubjectState]]:
        """Return the state of every skill, and of every milestone and action; what is newly proven gets its proof."""
        catalogue = self._catalogues.current().catalogue
        proofs, attested = self._held(principal), self._attested(principal)
        subjects = []
        for kind, entry in _entries(catalogue.milestones, catalogue.actions):
            proof = proofs.get((kind, entry.id))
            if proof is not None and proof.state == "current":
                subjects.append(subject_state(kind, entry, None, proof, False))
            else:
                subjects.append(self._ask(principal, kind, entry, proofs, attested))
        return self._skills(profile, proofs, self._labs.all(principal), attested), subjects

    def _ask(
        self,
        principal: Principal,
        kind: Kind,
        entry: Milestone | Action,
        proofs: Held,
        attested: set[str],
        *,
        record: bool = True,
    ) -> SubjectState:
        """Check a milestone or action, and with `record` write a proof of what is proven; `proofs` is brought up to date."""
        finding = self._checker.check(principal, entry.check)
        proof = proofs.get((kind, entry.id))
        if record and finding.proven and finding.found and (proof is None or proof.state != "current"):
            made = self._proofs.record(principal, kind, entry.id, finding, entry.title)
            proof = self._proofs.show(principal, made.id)
            proofs[(kind, entry.id)] = proof
        return subject_state(kind, entry, finding, proof, entry.id in attested)

    def _skill(
        self, principal: Principal, name: str, proofs: Held, attested: set[str], *, record: bool
    ) -> SubjectState:
        """Return how a skill stands; its milestones and labs decide, and are asked first."""
        loaded = self._catalogues.current()
        for milestone in loaded.catalogue.milestones:
            if name in milestone.proves:
                self._ask(principal, "milestone", milestone, proofs, attested, record=record)
        labs = self._labs.all(principal)
        skill = loaded.skill(name)
        state = self._skills(self.profile(principal), proofs, labs, attested)[name]
        ways = tuple(dict.fromkeys((*skill.labs, *(x.id for x in labs if name in x.skills))))
        showing = [("milestone", m.id) for m in loaded.catalogue.milestones if name in m.proves]
        showing += [("lab", way) for way in ways]
        found = [proofs[s] for s in showing if s in proofs]
        best = next((p for p in found if p.state == "current"), found[0] if found else None)
        why = (
            ()
            if state in ("proven", "attested")
            else (_how(ways, [m for k, m in showing if k == "milestone"]),)
        )
        return SubjectState("skill", name, skill.title, state, None, best.proof.id if best else "", ways, why)

    def _skills(
        self, profile: Profile, proofs: Held, labs: Sequence[LabLine], attested: set[str]
    ) -> dict[str, SkillState]:
        loaded = self._catalogues.current()
        declared = set(profile.declared)
        if profile.background:
            declared |= set(loaded.held(profile.background, profile.target or None))
        return skill_states(loaded.catalogue, proofs, labs, declared=declared, attested=attested)

    def _held(self, principal: Principal) -> Held:
        return held(self._proofs.list(principal))

    def _attested(self, principal: Principal) -> set[str]:
        return {a.subject for a in self._notes.attestations(principal)}


def _entries(
    milestones: Sequence[Milestone], actions: Sequence[Action]
) -> list[tuple[Kind, Milestone | Action]]:
    return [*(("milestone", m) for m in milestones), *(("action", a) for a in actions)]


def _is_done(state: SubjectState) -> bool:
    """Say whether nothing is left to do for it; what somebody only claimed, where records could show it, is not done."""
    said = state.state == "attested" and state.finding is not None and bool(state.finding.attested)
    return state.state == "proven" or said


def _lab_state(lab: LabLine, proof: ProofState | None) -> SubjectState:
    standing = "open" if proof is None else "proven" if proof.state == "current" else "stale"
    why = proof.why if proof is not None else (f"`groundwork path lab {lab.id}` begins it",)
    return SubjectState(
        "lab",
        lab.id,
        lab.title,
        standing,  # type: ignore[arg-type]
        None,
        proof.proof.id if proof else "",
        (lab.id,),
        tuple(why),
    )


def _how(labs: Sequence[str], milestones: Sequence[str]) -> str:
    ways = [*(f"the lab `{x}`" for x in labs), *(f"the milestone `{m}`" for m in milestones)]
    return (
        f"{' or '.join(ways)} would prove it"
        if ways
        else "no lab and no milestone proves it yet; it can be attested"
    )


def _known(loaded: Loaded, item: PlanItem) -> bool:
    """Say whether the catalogue of today still has what a plan of yesterday speaks of."""
    find = {"milestone": loaded.milestone, "action": loaded.action}.get(item.kind, loaded.skill)
    try:
        find(item.milestone)
    except NotFoundError:
        return False
    return True


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _complete(profile: Profile, today: date) -> None:
    """Make sure that a plan can be made of a profile.

    Raises:
        InvalidInputError: something is missing, or the wished day is over.
    """
    wants = {"background": "--from", "target": "--to", "hours_per_week": "--hours"}
    lacking = [option for name, option in wants.items() if not getattr(profile, name)]
    if lacking:
        raise InvalidInputError(
            f"a plan needs {', '.join(lacking)}",
            hint=f"begin with `{next_step.PLAN}`; `groundwork path roles` lists the roles",
        )
    if profile.by and profile.by <= today.isoformat():
        raise InvalidInputError(
            f"the wished day {profile.by} is over", hint='name a later one with `--by`, or none: `--by ""`'
        )
