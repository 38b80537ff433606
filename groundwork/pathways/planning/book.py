"""The planner of a workspace: makes plans from the catalogue, keeps each as a version, and learns a person's pace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select, update

from groundwork.core.clock import Clock
from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.ids import derived_id
from groundwork.core.principal import Principal
from groundwork.pathways.catalogue.book import CatalogueBook
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.planning import diff as differing
from groundwork.pathways.planning import montecarlo, pace
from groundwork.pathways.planning.changes import OtherTarget
from groundwork.pathways.planning.composing import check_request, compose
from groundwork.pathways.planning.dating import WorkingTime
from groundwork.pathways.planning.fitting import Life, lay
from groundwork.pathways.planning.gap import Gap, gap
from groundwork.pathways.planning.records import plan_from, request_from
from groundwork.pathways.planning.spending import choose
from groundwork.pathways.planning.types import Calendar, Forecast, Pace, Plan, PlanRequest, Task
from groundwork.pathways.types import Background, Role
from groundwork.storage.database import Database, exclusive
from groundwork.storage.pathway_tables import lab_runs, path_plans, proofs

t = path_plans.c
LIST = 200


class Planner:
    """Plans and forecasts of each person; nobody sees another's. Safe to use from several threads."""

    def __init__(self, database: Database, clock: Clock, catalogues: CatalogueBook) -> None:
        self.database = database
        self._clock = clock
        self._catalogues = catalogues

    # -- making -----------------------------------------------------------------------------------------------
    def plan(
        self,
        principal: Principal,
        *,
        start_from: str,
        target: str,
        hours: float,
        start: date | None = None,
        by: date | None = None,
        exceptions: Sequence[tuple[date, date, float]] = (),
        declared: Iterable[str] = (),
        proven: Iterable[str] = (),
        done: Iterable[str] = (),
        money: float | None = None,
        confidence: float = 0.8,
        extra: Iterable[str] = (),
        store: bool = True,
    ) -> Plan:
        """Return a dated plan from a background to a role; equal inputs give the same plan under the same id.

        A day that cannot be held is an answer: the plan keeps what is worth most, says what is dropped and what would have
        to change.

        Args:
            start_from, target: words for a background and a role. hours: per week. start: today when left out.
            by: the wished last day. exceptions: first day, last day, hours per week. declared, proven: ids of skills.
            done: milestones and actions that are proven. money: the most to spend on resources.
            confidence: that the wished day is held. extra: further milestones and actions that are wanted.
            store: whether it is kept as a version.

        Raises:
            NotFoundError: an unknown role, background, skill or milestone; the hint offers the nearest.
            InvalidInputError: hours not above 0 or over 100, a wished day that is past or before the start, a limit of money
                that no choice of resources keeps, a target of which the catalogue does not say what it needs.
        """
        today = self._clock.now().date()
        loaded = self._catalogues.pin(principal) if store else self._catalogues.current()
        background, role = loaded.background(start_from), loaded.role(target)
        sigma = _sigma(loaded, background, role)
        request = PlanRequest(
            background.id,
            role.id,
            Calendar(start or today, float(hours), tuple(exceptions)),
            by,
            confidence,
            tuple(sorted(set(declared))),
            tuple(sorted(set(proven))),
            tuple(sorted(set(done))),
            money,
            self.pace(principal, sigma),
            sigma,
            extra=tuple(sorted(set(extra))),
        )
        check_request(request, today)
        made = _composed(loaded, background, role, request, lambda spread: self.pace(principal, spread))
        made = replace(made, id=derived_id("pln", principal.tenant, principal.name, made.inputs))
        return self._kept(principal, made) if store else made

    def pace(self, principal: Principal, transition_sigma: float) -> Pace:
        """Return what the labs a person has finished say about their pace; test-outs and repeated labs do not count."""
        c = lab_runs.c
        query = (
            select(c.lab, c.minutes)
            .where(c.tenant == principal.tenant, c.owner == principal.name, c.state == "passed")
            .where(c.test_out.is_(False), c.minutes.is_not(None))
            .order_by(c.finished_at, c.id)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        first: dict[str, float] = {}
        for row in rows:
            first.setdefault(str(row.lab), float(row.minutes))
        estimated = {lab: _lab_minutes(lab) for lab in first}
        return pace.learned(transition_sigma, [(first[lab], estimated[lab]) for lab in first])

    def forecast(self, principal: Principal) -> Forecast:
        """Return when the newest plan's target will be reached from today on, by the pace learnt so far.

        What has a proof since is not counted again.

        Raises:
            NotFoundError: there is no plan yet.
        """
        plan = self.latest(principal)
        if plan is None:
            raise NotFoundError(
                "you have no plan yet", hint="make one with `groundwork path plan --from … --to … --hours 8`"
            )
        loaded = self._catalogues.current()
        request = request_from(plan.request)
        background, role = loaded.background(request.start_from), loaded.role(request.target)
        sigma = _sigma(loaded, background, role)
        today = max(self._clock.now().date(), request.calendar.start)
        skills, subjects = self._proven(principal, loaded)
        known = set(loaded.skills)
        request = replace(
            request,
            calendar=replace(request.calendar, start=today),
            proven=tuple(sorted((skills | set(request.proven)) & known)),
            done=tuple(sorted({*subjects, *request.done})),
            declared=tuple(s for s in request.declared if s in known),
            pace=self.pace(principal, sigma),
            sigma=sigma,
        )
        left = _gap(loaded, background, role, request)
        laid = lay(left.tasks, WorkingTime(request.calendar), Life(request.pace, sigma, request.seed))
        return montecarlo.forecast(laid.lives, by=request.by, pace=request.pace, seed=request.seed)

    # -- reading ----------------------------------------------------------------------------------------------
    def plans(self, principal: Principal) -> list[Plan]:
        """Return a person's plans, the newest first: that is the one that was asked for last."""
        with self.database.read() as connection:
            query = _own(principal).order_by(t.created_at.desc(), t.id.desc()).limit(LIST)
            return [plan_from(row.record) for row in connection.execute(query)]

    def get(self, principal: Principal, id: str) -> Plan:
        """Return one of a person's plans by its id, or by the beginning of one of eight characters or more.

        Raises:
            NotFoundError: this person has no such plan.
        """
        word = id.strip()
        with self.database.read() as connection:
            mine = t.id == word if len(word) >= 30 else t.id.startswith(word, autoescape=True)
            query = _own(principal).where(mine if len(word) >= 8 else t.id == word).limit(2)
            rows = connection.execute(query).all()
        if len(rows) != 1:
            raise NotFoundError(
                f"you have no plan `{word[:80]}`", hint="list yours with `groundwork path plans`"
            )
        return plan_from(rows[0].record)

    def latest(self, principal: Principal) -> Plan | None:
        """Return the plan that was asked for last, None before there is one."""
        with self.database.read() as connection:
            return self._latest(connection, principal)

    def diff(self, a: Plan, b: Plan) -> differing.PlanDiff:
        """Return what differs from plan `a` to plan `b`."""
        return differing.diff(a, b)

    # -- below ------------------------------------------------------------------------------------------------
    def _latest(self, connection: Connection, principal: Principal) -> Plan | None:
        query = _own(principal).order_by(t.created_at.desc(), t.id.desc()).limit(1)
        row = connection.execute(query).one_or_none()
        return None if row is None else plan_from(row.record)

    def _kept(self, principal: Principal, made: Plan) -> Plan:
        """Store a plan unless it is there, and return it as it is stored; the same plan again becomes the newest again."""
        now = self._clock.now().isoformat()
        with self.database.write() as connection:
            exclusive(connection, f"plans {principal.tenant} {principal.name}")
            row = connection.execute(_own(principal).where(t.id == made.id)).one_or_none()
            if row is not None:
                connection.execute(update(path_plans).where(t.id == made.id).values(created_at=now))
                return plan_from(row.record)
            before = self._latest(connection, principal)
            made = replace(made, created_at=now, previous=before.id if before else "")
            connection.execute(
                insert(path_plans).values(
                    id=made.id,
                    tenant=principal.tenant,
                    owner=principal.name,
                    inputs=made.inputs,
                    catalogue=made.catalogue,
                    previous=made.previous or None,
                    record=made.as_dict(),
                    created_at=now,
                )
            )
        return made

    def _proven(self, principal: Principal, loaded: Loaded) -> tuple[set[str], set[str]]:
        """Return the skills, and the milestones and actions, that this person's proofs show."""
        c = proofs.c
        query = select(c.subject_kind, c.subject).where(
            c.tenant == principal.tenant, c.owner == principal.name
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        labs = {row.subject for row in rows if row.subject_kind == "lab"}
        skills = {row.subject for row in rows if row.subject_kind == "skill"}
        skills |= {s.id for s in loaded.catalogue.skills if labs & set(s.labs)}
        return skills, {row.subject for row in rows if row.subject_kind in ("milestone", "action")}


def _composed(
    loaded: Loaded,
    background: Background,
    role: Role,
    request: PlanRequest,
    pace_of: Callable[[float], Pace],
) -> Plan:
    """Return the plan for a request, whose names are ids; `pace_of`: the person's pace for the spread of another way."""
    there = background.role is not None and background.role == role.id
    if not there and not (role.skills or role.milestones):
        near = ", ".join(f"`{other.id}`" for other in loaded.targets()[:5])
        raise InvalidInputError(
            f"the catalogue does not say what `{role.id}` needs",
            hint=f"plan towards one of those that it does, such as {near}",
        )
    left = Gap((), {}) if there and not request.extra else _gap(loaded, background, role, request)
    learning = [loaded.skill(task.id) for task in left.tasks if task.kind == "skill"]
    choice = choose(learning, loaded.resources, request.money)
    notes = []
    if there:
        notes.append(f"You come from this role: {role.title}.")
    elif left.assumed:
        notes.append(
            f"{len(left.assumed)} skills of {background.title} are assumed to be held; they are not shown as proven."
        )
    if left.declared:
        notes.append(
            f"Declared, and no lab tests them: {', '.join(loaded.skill(s).title for s in left.declared)}."
        )
    if request.money is not None and choice.unknown:
        notes.append(f"The cost of {len(choice.unknown)} resources is not known and counts as nothing.")
    way = loaded.transition(background.id, role.id)
    if way is None or way.months is None:
        notes.append(
            "No document states how long this way takes; its hours and their spread are our estimate."
        )
    return compose(
        request,
        left.tasks,
        catalogue=loaded.digest,
        transition=way.id if way else "",
        others=_others(loaded, background, role, request, pace_of),
        labs=left.labs,
        resources=choice.by_skill,
        notes=notes,
    )


def _others(
    loaded: Loaded,
    background: Background,
    role: Role,
    request: PlanRequest,
    pace_of: Callable[[float], Pace],
) -> Iterator[OtherTarget]:
    """Return the other roles that one may turn to."""
    plain = replace(request, extra=())

    def tasks_of(found: Role) -> Callable[[], Sequence[Task]]:
        return lambda: _gap(loaded, background, found, plain).tasks

    for found in loaded.targets():
        if found.id not in (role.id, background.role):
            sigma = _sigma(loaded, background, found)
            life = Life(pace_of(sigma), sigma, request.seed)
            yield OtherTarget(found.id, found.title, tasks_of(found), life)


def _gap(loaded: Loaded, background: Background, role: Role, request: PlanRequest) -> Gap:
    wanted = {lab for s in request.declared for lab in loaded.skill(s).labs}
    return gap(
        loaded,
        background.id,
        role,
        declared=request.declared,
        proven=request.proven,
        done=request.done,
        extra=request.extra,
        test_outs={lab for lab in wanted if _tests_out(lab)},
    )


def _sigma(loaded: Loaded, background: Background, role: Role) -> float:
    way = loaded.transition(background.id, role.id)
    return montecarlo.sigma_of(way.months if way else None)


def _lab(identifier: str) -> Any | None:
    """Return a lab by its id, None when it is not installed."""
    from groundwork.pathways.labs import LABS

    try:
        return LABS.get(identifier.replace("-", "_"))()
    except GroundworkError:
        return None


def _tests_out(identifier: str) -> bool:
    lab = _lab(identifier)
    return bool(lab is not None and lab.test_out)


def _lab_minutes(identifier: str) -> float:
    lab = _lab(identifier)
    return float(lab.minutes) if lab is not None else 0.0


def _own(principal: Principal) -> Any:
    return select(path_plans).where(t.tenant == principal.tenant, t.owner == principal.name)
