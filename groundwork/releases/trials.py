"""Trials: a release tried on the traffic beside the one that stands there, as a canary or unseen as a shadow.

Each request is a row; the judge's state is written with it, so that a process that is killed leaves both or neither,
and any number of servers take part in one trial. Whoever writes the row that decides also ends the trial, in the same
transaction: from the next request on nobody is served by a candidate that does harm.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from groundwork.core.clock import Clock
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.improvement import CanarySpec, EnvironmentSpec
from groundwork.core.principal import Principal
from groundwork.releases import assigning, rows
from groundwork.releases import environments as env
from groundwork.releases.book import KIND, Releases, pointer_name
from groundwork.releases.judging import WELL, Decision, Judge, outcome_of
from groundwork.releases.promoting import MAX_TEXT, Promotions, end_trial, lock, may
from groundwork.releases.types import Arm, Deployment, Promotion
from groundwork.storage import pointers
from groundwork.storage.database import Database
from groundwork.storage.improvement_tables import canary_requests, deployments

if TYPE_CHECKING:
    from groundwork.evaluation.statistics.types import Interval

TrialKind = Literal["canary", "shadow"]
d = deployments.c
q = canary_requests.c


@dataclass(frozen=True, slots=True)
class Scored:
    """What one arm made of a request: the id of its answer, and its score; `error` is the code of what went wrong.

    `value` is None where nothing came (it was dropped) or nothing could be scored.
    """

    answer: str = ""
    value: float | None = None
    label: str = ""
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if k != "answer"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a trial as it was recorded."""

    seq: int
    unit: str
    arm: Arm
    baseline_answer: str
    candidate_answer: str
    scores: Mapping[str, Any]
    outcome: str
    at: str

    def value(self, arm: Arm) -> float | None:
        """Return an arm's score."""
        found = dict(self.scores.get(arm) or {}).get("value")
        return None if found is None else float(found)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as it stands.

    Attributes:
        pairs: requests that both answered and that were scored; wins, losses, ties are the candidate's.
        candidate, baseline: rate of requests served well, with Wilson's interval; None where there are none.
        log_benefit, log_harm: of the e-values; they decide at `-log(alpha)` and `-log(harm_alpha)`.
        p_benefit, p_harm: anytime-valid p-values.
    """

    deployment: Deployment
    spec: CanarySpec
    n: int
    pairs: int
    dropped: int
    wins: int
    losses: int
    ties: int
    candidate: Interval | None
    candidate_n: int
    baseline: Interval | None
    baseline_n: int
    errors: Mapping[str, int]
    log_benefit: float
    log_harm: float
    p_benefit: float
    p_harm: float
    decision: Decision
    benefit_at: int | None
    ratio: assigning.SampleRatio | None
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__slots__}
        return {
            **found,
            "deployment": self.deployment.as_dict(),
            "spec": self.spec.model_dump(mode="json"),
            "candidate": None if self.candidate is None else asdict(self.candidate),
            "baseline": None if self.baseline is None else asdict(self.baseline),
            "errors": dict(self.errors),
            "ratio": None if self.ratio is None else self.ratio.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Point:
    """The two bets after a request, as logs of their e-values."""

    seq: int
    benefit: float
    harm: float


class Trials:
    """The trials of a workspace. Safe to use from several threads and processes.

    Args:
        check: refuses a scorer that cannot be used, by raising; told its spec and whether scores have to be 0 or 1.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        book: Releases,
        promotions: Promotions,
        environments: Mapping[str, EnvironmentSpec],
        check: Callable[[Any, bool], None] = lambda spec, binary: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._book = book
        self._promotions = promotions
        self._environments = environments
        self._check = check

    # -- beginning and ending ---------------------------------------------------------------------------------
    def begin(
        self,
        principal: Principal,
        ref: str,
        environment: str,
        kind: TrialKind = "canary",
        *,
        changes: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> Promotion:
        """Try a release beside the one that stands in an environment.

        A canary reaches people, so it needs what a promotion needs; a shadow is seen by nobody and needs its snapshot alone.

        Args:
            changes: what is other than in the environment's `canary`, such as `{"share": 0.2}`.

        Raises:
            ForbiddenError, NotFoundError: see `Promotions.promote`. InvalidInputError: a change does not fit.
            ConflictError: nothing stands there to compare with, it stands there itself, or another trial runs there.
        """
        place = env.environment_of(self._environments, environment)
        may(principal, place, environment)
        spec = _changed(place.canary, changes or {})
        self._check(spec.scorer, kind == "canary" and not spec.mirror)
        if len(reason) > MAX_TEXT:
            raise InvalidInputError(
                f"the text has {len(reason):,} characters", hint=f"at most {MAX_TEXT:,} are kept"
            )
        release = self._book.get(principal, ref)
        checks = self._promotions.checks(principal, release.id, environment)
        if kind == "shadow":
            checks = tuple(c for c in checks if c.name in ("snapshot", "drift"))
        tenant, now = principal.tenant, self._clock.now().isoformat()
        with self._database.write() as connection:
            lock(connection, tenant, release.app, environment)
            stands = pointers.get(connection, tenant, KIND, pointer_name(environment, release.app))
            running = env.trial_of(connection, tenant, release.app, environment)
            if stands is None:
                raise ConflictError(
                    f"no release of `{release.app}` stands in {environment}, so there is nothing to compare with",
                    hint=f"promote one first: `groundwork release promote REF --to {environment}`",
                )
            if stands.version == release.id:
                raise ConflictError(
                    f"`{release.ref}` stands in {environment} already: it cannot be tried beside itself",
                    hint="try another release, or make a new one: `groundwork release create`",
                )
            if running is not None:
                raise ConflictError(
                    f"the {running.kind} `{running.id}` runs in {environment} already",
                    hint=f"end it: `groundwork release {running.kind} end {release.app} --environment {environment}`",
                )
            previous = self._book.by_id(connection, tenant, stands.version)
            found = Promotion(release, environment, checks, None, previous)
            if found.missing:
                return found
            row: dict[str, Any] = {
                "id": new_id("dep"),
                "app": release.app,
                "environment": environment,
                "release": release.id,
                "previous": stands.version,
                "kind": kind,
                "state": "active",
                "share": spec.share if kind == "canary" else 0.0,
                "verdict_id": "",
                "override_id": "",
                "record": {
                    "spec": spec.model_dump(mode="json"),
                    "salt": secrets.token_hex(16),
                    "role": principal.role,
                    "state": {},
                    "checks": [c.as_dict() for c in checks],
                },
                "reason": reason,
                "created_at": now,
                "created_by": principal.name,
                "ended_at": None,
            }
            connection.execute(insert(deployments).values(tenant=tenant, **row))
        return Promotion(release, environment, checks, Deployment(**row), previous)

    def end(
        self, principal: Principal, app: str, environment: str, reason: str = "", *, deployment: str = ""
    ) -> Deployment:
        """End the trial that runs in an environment; nobody is served by the candidate from the next request on.

        Args:
            deployment: id of the one that is meant; empty: whichever runs.

        Raises:
            ForbiddenError: the principal's role is under that of the environment. NotFoundError: it does not run there.
        """
        may(principal, env.environment_of(self._environments, environment), environment)
        with self._database.write() as connection:
            lock(connection, principal.tenant, app, environment)
            running = env.trial_of(connection, principal.tenant, app, environment)
            if running is None or (deployment and running.id != deployment):
                raise _none_runs(app, environment)
            end_trial(
                connection,
                principal.tenant,
                running,
                "ended",
                reason or f"ended by {principal.name}",
                self._clock.now().isoformat(),
            )
        return self._promotions.deployment(principal, running.id)

    def promote(
        self, principal: Principal, app: str, environment: str, reason: str = "", *, deployment: str = ""
    ) -> Promotion:
        """Promote the candidate of the canary that runs; the canary ends with it.

        Args:
            deployment: id of the one that is meant; empty: whichever runs.

        Raises:
            NotFoundError: it does not run there. See also `Promotions.promote`.
        """
        running = self.running(principal, app, environment)
        if running is None or running.kind != "canary" or (deployment and running.id != deployment):
            raise _none_runs(app, environment)
        return self._promotions.promote(
            principal,
            running.release,
            environment,
            reason=reason or f"canary {running.id}",
            expected=running.previous,
            trial=running.id,
        )

    # -- requests ---------------------------------------------------------------------------------------------
    def record(
        self, tenant: str, deployment: str, unit: str, arm: Arm, baseline: Scored, candidate: Scored
    ) -> Decision:
        """Write a request down and judge; ends the trial where that is the decision.

        Returns:
            What was decided with this request; empty also for one that came after the end, of which nothing is kept.
        """
        with self._database.write() as connection:
            trial = self._locked(connection, tenant, deployment)
            if trial is None:
                return ""
            judge = judge_of(trial)
            before = judge.settled
            decision = judge.add(arm, candidate.value, baseline.value)
            now = self._clock.now().isoformat()
            connection.execute(
                insert(canary_requests).values(
                    tenant=tenant,
                    deployment_id=deployment,
                    seq=judge.n,
                    unit=assigning.masked(str(trial.record["salt"]), unit),
                    arm=arm,
                    baseline_answer=baseline.answer,
                    candidate_answer=candidate.answer,
                    scores={"baseline": baseline.as_dict(), "candidate": candidate.as_dict()},
                    outcome=outcome_of(candidate.value, baseline.value),
                    at=now,
                )
            )
            record = {**trial.record, "state": judge.state()}
            connection.execute(
                update(deployments).where(d.tenant == tenant, d.id == deployment).values(record=record)
            )
            trial = replace(trial, record=record)
            if decision == "harm":
                why = f"it did harm: p = {judge.process.p_harm:.4f} after {judge.n} requests"
                end_trial(connection, tenant, trial, "rolled_back", why, now)
            elif decision == "undecided":
                why = f"{judge.n} requests are over, and nothing was shown"
                if judge.settled == "benefit":
                    why = f"{judge.n} requests are over; it was shown to be better"
                end_trial(connection, tenant, trial, "ended", why, now)
        return decision if decision != before or decision in ("harm", "undecided") else ""

    def running(self, principal: Principal, app: str, environment: str) -> Deployment | None:
        """Return the trial that runs in an environment, None where none does."""
        env.environment_of(self._environments, environment)
        with self._database.read() as connection:
            return env.trial_of(connection, principal.tenant, app, environment)

    def newest(self, principal: Principal, app: str, environment: str) -> Deployment:
        """Return the trial that runs in an environment, else the last one there was.

        Raises:
            NotFoundError: there never was one.
        """
        env.environment_of(self._environments, environment)
        query = (
            select(deployments)
            .where(d.tenant == principal.tenant, d.app == app, d.environment == environment)
            .where(d.kind.in_(env.TRIALS))
            .order_by((d.state == "active").desc(), d.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"there was no canary or shadow of `{app}` in {environment}",
                hint=f"begin one: `groundwork release canary REF --to {environment}`",
            )
        return rows.deployment(row)

    def requests(
        self,
        principal: Principal,
        deployment: str,
        *,
        only: str = "",
        limit: int = 50,
        before: int | None = None,
    ) -> list[Request]:
        """Return requests of a trial, newest first.

        Args:
            only: `win`, `loss` or `tie`; empty: all. before: the `seq` to go on from.
        """
        query = select(canary_requests).where(q.tenant == principal.tenant, q.deployment_id == deployment)
        query = query.where(q.outcome == only) if only else query
        query = query.where(q.seq < before) if before is not None else query
        with self._database.read() as connection:
            return [
                _request(row)
                for row in connection.execute(query.order_by(q.seq.desc()).limit(max(1, min(limit, 1000))))
            ]

    # -- how it stands ----------------------------------------------------------------------------------------
    def status(self, principal: Principal, deployment: Deployment) -> Trial:
        """Return how a trial stands, from its rows."""
        with self._database.read() as connection:
            every = self._every(connection, principal.tenant, deployment.id)
            units: dict[str, int] = {
                str(row.arm): int(row.units)
                for row in connection.execute(
                    select(q.arm, func.count(func.distinct(q.unit)).label("units"))
                    .where(q.tenant == principal.tenant, q.deployment_id == deployment.id)
                    .group_by(q.arm)
                )
            }
        judge = folded(deployment, every)
        values = {arm: [v for r in every if (v := r.value(arm)) is not None] for arm in ARMS}
        rates = {arm: _rate(found) for arm, found in values.items()}
        counts = {word: sum(r.outcome == word for r in every) for word in ("win", "loss", "tie")}
        ratio = None
        if deployment.kind == "canary":
            share = float(deployment.record.get("share", deployment.share))
            ratio = assigning.sample_ratio(units.get("candidate", 0), units.get("baseline", 0), share)
        return Trial(
            deployment=deployment,
            spec=judge.spec,
            n=judge.n,
            pairs=sum(counts.values()),
            dropped=judge.dropped,
            wins=counts["win"],
            losses=counts["loss"],
            ties=counts["tie"],
            candidate=rates["candidate"],
            candidate_n=len(values["candidate"]),
            baseline=rates["baseline"],
            baseline_n=len(values["baseline"]),
            errors={a: sum(bool(dict(r.scores.get(a) or {}).get("error")) for r in every) for a in ARMS},
            log_benefit=judge.benefit,
            log_harm=judge.harm,
            p_benefit=judge.process.p_benefit,
            p_harm=judge.process.p_harm,
            decision=judge.settled,
            benefit_at=judge.benefit_at,
            ratio=ratio,
            sentence=_sentence(deployment, judge, counts, ratio),
        )

    def course(self, principal: Principal, deployment: Deployment) -> list[Point]:
        """Return the two bets after each request of a trial, oldest first; from 0 before the first."""
        with self._database.read() as connection:
            every = self._every(connection, principal.tenant, deployment.id)
        judge = Judge(spec_of(deployment), deployment.kind == "canary")
        points = [Point(0, 0.0, 0.0)]
        for request in every:
            judge.add(request.arm, request.value("candidate"), request.value("baseline"))
            points.append(Point(request.seq, judge.benefit, judge.harm))
        return points

    def _every(self, connection: Connection, tenant: str, deployment: str) -> list[Request]:
        query = (
            select(canary_requests).where(q.tenant == tenant, q.deployment_id == deployment).order_by(q.seq)
        )
        return [_request(row) for row in connection.execute(query)]

    def _locked(self, connection: Connection, tenant: str, identifier: str) -> Deployment | None:
        """Return an active trial with its place held, None where it has ended."""
        query = select(deployments).where(d.tenant == tenant, d.id == identifier)
        row = connection.execute(query).one_or_none()
        if row is None or row.state != "active":
            return None
        if connection.dialect.name == "postgresql":
            lock(connection, tenant, row.app, row.environment)
            # Another process may have written or ended it while this one waited.
            row = connection.execute(query).one_or_none()
            if row is None or row.state != "active":
                return None
        return rows.deployment(row)


ARMS: tuple[Arm, Arm] = ("candidate", "baseline")


def spec_of(deployment: Deployment) -> CanarySpec:
    """Return how a trial is judged, as it was settled when it began."""
    return CanarySpec.model_validate(dict(deployment.record.get("spec", {})))


def judge_of(deployment: Deployment) -> Judge:
    """Return the judge of a trial as its record has it."""
    state = dict(deployment.record.get("state", {}))
    return Judge.restored(spec_of(deployment), deployment.kind == "canary", state)


def folded(deployment: Deployment, requests: Sequence[Request]) -> Judge:
    """Return the judge of a trial from its rows alone; it is the one that the record has."""
    judge = Judge(spec_of(deployment), deployment.kind == "canary")
    for request in requests:
        judge.add(request.arm, request.value("candidate"), request.value("baseline"))
    return judge


def _sentence(
    trial: Deployment, judge: Judge, counts: Mapping[str, int], ratio: assigning.SampleRatio | None
) -> str:
    if trial.state == "rolled_back":
        said = f"Taken back: {trial.record.get('ended_because', '')}."
    elif trial.state == "promoted":
        said = "Promoted."
    elif trial.state == "ended":
        said = f"Ended: {trial.record.get('ended_because', '')}."
    elif judge.settled == "benefit":
        said = f"Better than what stands there, shown after {judge.benefit_at} requests; it can be promoted."
    elif not judge.n:
        said = "No request has come yet."
    else:
        left = judge.spec.max_requests - judge.n
        said = f"Nothing is shown yet; it goes on for at most {left:,} requests."
    if judge.spec.mirror or trial.kind == "shadow":
        said += f" Of {sum(counts.values())} pairs it was better in {counts['win']} and worse in {counts['loss']}."
    if ratio is not None and ratio.flagged:
        said += (
            f" The arms did not get the shares they should have (p = {ratio.p_value:.2g}): find out why before you "
            "believe any of it."
        )
    return said


def _rate(values: Sequence[float]) -> Interval | None:
    from groundwork.evaluation.statistics.rates import wilson  # scipy: only where a trial is looked at

    return wilson(sum(v >= WELL for v in values), len(values)) if values else None


def _request(row: Any) -> Request:
    return Request(
        int(row.seq), row.unit, row.arm, row.baseline_answer, row.candidate_answer, dict(row.scores), row.outcome, row.at
    )  # fmt: skip


def _changed(spec: CanarySpec, changes: Mapping[str, Any]) -> CanarySpec:
    from pydantic import ValidationError

    try:
        return CanarySpec.model_validate({**spec.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(p) for p in first["loc"])
        raise InvalidInputError(
            f"the value {first.get('input')!r} of `{name}` does not fit: {str(first['msg']).lower()}",
            hint="`groundwork schema` says what a canary may be",
        ) from None


def _none_runs(app: str, environment: str) -> NotFoundError:
    return NotFoundError(
        f"no canary or shadow of `{app}` runs in {environment}",
        hint=f"begin one: `groundwork release canary REF --to {environment}`",
    )
