"""Promotion and rollback: what must be true first, then one move of a pointer, recorded with everything it rested on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from groundwork.accounts.roles import rank
from groundwork.core.clock import Clock
from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.improvement import EnvironmentSpec, GateSpec
from groundwork.core.principal import Principal
from groundwork.releases import environments as env
from groundwork.releases import evidence, rows
from groundwork.releases.book import KIND, Releases, pointer_name
from groundwork.releases.types import Approval, Check, Deployment, Promotion, Release, Standing
from groundwork.storage import pointers
from groundwork.storage.database import Database, exclusive
from groundwork.storage.improvement_tables import deployments, release_approvals

MAX_TEXT = 2000
d = deployments.c
a = release_approvals.c


class Promotions:
    """Moves releases between environments. Safe to use from several threads and processes.

    Args:
        environments, gates: by name, as the spec has them.
        drift: says in words what of this installation is not as a release pinned it, such as the routes of a model.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        book: Releases,
        environments: Mapping[str, EnvironmentSpec],
        gates: Mapping[str, GateSpec],
        drift: Callable[[Release], Sequence[str]] = lambda release: (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._book = book
        self._environments = environments
        self._gates = gates
        self._drift = drift

    # -- deciding ---------------------------------------------------------------------------------------------
    def checks(self, principal: Principal, ref: str, environment: str) -> tuple[Check, ...]:
        """Return what must be true before a release is served in an environment, and whether it is; changes nothing."""
        spec = env.environment_of(self._environments, environment)
        with self._database.read() as connection:
            release = self._book.find(connection, principal, ref)
            return self._checks(connection, principal.tenant, release, environment, spec)[0]

    def promote(
        self,
        principal: Principal,
        ref: str,
        environment: str,
        *,
        reason: str = "",
        expected: str | None = None,
        trial: str = "",
    ) -> Promotion:
        """Serve a release in an environment from the next request on, or say what is missing.

        Args:
            expected: id of the release that has to stand there now, empty: none; None: whichever does.
            trial: id of the canary that ends with it; any other one stands in the way.

        Raises:
            ForbiddenError: the principal's role is under that of the environment.
            NotFoundError: there is no such release or environment.
            ConflictError: it stands there already, or somebody moved the pointer meanwhile. Nothing was changed.
        """
        spec = self._allowed(principal, environment, reason)
        tenant = principal.tenant
        with self._database.read() as connection:
            release = self._book.find(connection, principal, ref)
            stands = self._stands(connection, tenant, release.app, environment)
            previous = None if stands is None else self._book.by_id(connection, tenant, stands)
            running = env.trial_of(connection, tenant, release.app, environment)
            checks, verdict, override = self._checks(connection, tenant, release, environment, spec)
        if expected is not None and expected != (stands or ""):
            raise _moved_on(release.app, environment, previous)
        if stands == release.id:
            raise ConflictError(
                f"`{release.ref}` stands in {environment} already", hint="nothing was changed"
            )
        if running is not None and running.id != trial:
            checks = (*checks, _running(running))
        found = Promotion(release, environment, checks, None, previous)
        if found.missing:
            return found
        record = {"checks": [c.as_dict() for c in checks]}
        made = self._moved(
            principal, release, environment, stands, "promote", reason, record, (verdict, override), trial
        )
        return Promotion(release, environment, checks, made, previous)

    def rollback(
        self, principal: Principal, app: str, environment: str, *, to: str = "", reason: str = ""
    ) -> Promotion:
        """Serve the release that stood there before, from the next request on. No gate is asked: it was served already.

        A canary or shadow that runs there ends with it. Former releases whose snapshot is gone are passed over.

        Args:
            to: another release that has been served there, instead of the one before.

        Raises:
            ForbiddenError, NotFoundError: see `promote`.
            ConflictError: nothing stood there before, it stands there already, or somebody moved the pointer meanwhile.
        """
        self._allowed(principal, environment, reason)
        tenant = principal.tenant
        with self._database.read() as connection:
            moves = env.moves_of(connection, tenant, app, environment)
            stands = self._stands(connection, tenant, app, environment)
            previous = None if stands is None else self._book.by_id(connection, tenant, stands)
            if stands is None:
                raise ConflictError(
                    f"no release of `{app}` stands in {environment}",
                    hint=f"promote one: `groundwork release promote REF --to {environment}`",
                )
            if to:
                release, checks = self._book.find(connection, principal, to), []
                self._was_served(release, app, environment, moves)
                problem = env.problem_of(connection, tenant, release)
                if problem:
                    checks.append(Check("snapshot", False, f"`{release.ref}` cannot be served: {problem}"))
            else:
                release, checks = self._former(connection, tenant, app, environment, moves, stands)
        if stands == release.id:
            raise ConflictError(
                f"`{release.ref}` stands in {environment} already", hint="nothing was changed"
            )
        found = Promotion(release, environment, tuple(checks), None, previous)
        if found.missing:
            return found
        record = {"checks": [c.as_dict() for c in checks]}
        made = self._moved(
            principal, release, environment, stands, "rollback", reason or "rollback", record, ("", ""), None
        )
        return Promotion(release, environment, tuple(checks), made, previous)

    def former(self, principal: Principal, app: str, environment: str) -> Release | None:
        """Return the release that a rollback would lead to; None where there is none."""
        with self._database.read() as connection:
            stands = self._stands(connection, principal.tenant, app, environment)
            moves = env.moves_of(connection, principal.tenant, app, environment)
            if stands is None:
                return None
            try:
                return self._former(connection, principal.tenant, app, environment, moves, stands)[0]
            except ConflictError:
                return None

    # -- approvals --------------------------------------------------------------------------------------------
    def decide(
        self,
        principal: Principal,
        ref: str,
        environment: str,
        decision: Literal["approve", "refuse"],
        comment: str = "",
    ) -> Approval:
        """Write down that somebody approves or refuses a release for an environment; of one person the last word counts.

        Raises:
            ForbiddenError: the principal's role is under that of the environment, or they made the release themselves.
        """
        spec = self._allowed(principal, environment, comment)
        with self._database.read() as connection:
            release = self._book.find(connection, principal, ref)
        if decision == "approve" and principal.name == release.created_by:
            raise ForbiddenError(
                f"`{principal.name}` made `{release.ref}` and cannot approve it",
                hint=f"somebody else with the role `{spec.role}` has to",
            )
        found = Approval(
            new_id("apv"), release.id, environment, decision, principal.role, comment, principal.name, self._now()
        )  # fmt: skip
        with self._database.write() as connection:
            connection.execute(insert(release_approvals).values(tenant=principal.tenant, **found.as_dict()))
        return found

    def approvals(self, principal: Principal, release: Release, environment: str = "") -> list[Approval]:
        """Return what people said about a release, oldest first."""
        with self._database.read() as connection:
            return _approvals(connection, principal.tenant, release.id, environment)

    # -- reading ----------------------------------------------------------------------------------------------
    def standings(self, principal: Principal, apps: Sequence[str]) -> list[Standing]:
        """Return what stands where: environments in the spec's order, apps within."""
        with self._database.read() as connection:
            return env.standings(connection, principal.tenant, self._environments, apps, self._book)

    def history(
        self,
        principal: Principal,
        *,
        app: str = "",
        environment: str = "",
        release: str = "",
        limit: int = 50,
        before: str | None = None,
    ) -> list[Deployment]:
        """Return what was put where, canaries and shadows included, newest first; `before` is the id to go on from."""
        query = select(deployments).where(d.tenant == principal.tenant)
        for column, value in ((d.app, app), (d.environment, environment), (d.release, release)):
            query = query.where(column == value) if value else query
        query = query.where(d.id < before) if before else query
        with self._database.read() as connection:
            found = connection.execute(query.order_by(d.id.desc()).limit(max(1, min(limit, 1000))))
            return [rows.deployment(row) for row in found]

    def deployment(self, principal: Principal, identifier: str) -> Deployment:
        """Return one deployment; raises NotFoundError."""
        query = select(deployments).where(d.tenant == principal.tenant, d.id == identifier)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"there is no deployment `{identifier[:60]}`",
                hint="list them with `groundwork release history`",
            )
        return rows.deployment(row)

    def trial(self, principal: Principal, identifier: str) -> Deployment:
        """Return one canary or shadow; raises NotFoundError, also for a deployment that is neither."""
        found = self.deployment(principal, identifier)
        if found.kind not in env.TRIALS:
            raise NotFoundError(
                f"the deployment `{identifier[:60]}` is a {found.kind}, no canary or shadow",
                hint="list them with `groundwork release history`",
            )
        return found

    # -- within -----------------------------------------------------------------------------------------------
    def _allowed(self, principal: Principal, environment: str, text: str) -> EnvironmentSpec:
        spec = env.environment_of(self._environments, environment)
        may(principal, spec, environment)
        if len(text) > MAX_TEXT:
            raise InvalidInputError(
                f"the text has {len(text):,} characters", hint=f"at most {MAX_TEXT:,} are kept"
            )
        return spec

    def _stands(self, connection: Connection, tenant: str, app: str, environment: str) -> str | None:
        found = pointers.get(connection, tenant, KIND, pointer_name(environment, app))
        return None if found is None else found.version

    def _checks(
        self, connection: Connection, tenant: str, release: Release, environment: str, spec: EnvironmentSpec
    ) -> tuple[tuple[Check, ...], str, str]:
        """Return the checks, and the ids of the verdict and of the override that the gate's rests on."""
        gate, verdict, override = self._gate(connection, tenant, release, environment, spec)
        found = [_snapshot(connection, tenant, release), gate]
        found += self._people(connection, tenant, release, environment, spec)
        found += _after(connection, tenant, release, spec)
        found += [Check("drift", False, words, blocks=False) for words in self._drift(release)]
        return tuple(found), verdict, override

    def _gate(
        self, connection: Connection, tenant: str, release: Release, environment: str, spec: EnvironmentSpec
    ) -> tuple[Check, str, str]:
        name = spec.gate
        if not name:
            return Check("gate", True, f"{environment} asks for no gate"), "", ""
        command = f"groundwork gate {name} --candidate {release.ref}"
        gate = self._gates.get(name)
        if gate is None:
            missing = f"{environment} asks for the gate `{name}`, which groundwork.toml does not have"
            return Check("gate", False, missing, f"add [gates.{name}] to groundwork.toml"), "", ""
        verdicts = evidence.verdicts_of(connection, tenant, release, name)
        if not verdicts:
            return (
                Check("gate", False, f"the gate `{name}` has given no verdict on these pins", command),
                "",
                "",
            )
        newest = verdicts[0]
        said = f"the verdict `{newest.id}` of the gate `{name}`"
        if newest.spec and newest.spec != digest_json(gate.model_dump(mode="json")):
            changed = f"{said} was given before the gate was changed in groundwork.toml"
            return Check("gate", False, changed, command), "", ""
        if self._older(newest.created_at, spec.verdict_days):
            stale = f"{said} is older than {spec.verdict_days:g} days"
            return Check("gate", False, stale, command), "", ""
        if newest.outcome == "promote":
            return Check("gate", True, f"{said} is `promote`"), newest.id, ""
        if newest.overrides:
            passed = f"{said} is `{newest.outcome}` and was overridden"
            return Check("gate", True, passed), newest.id, newest.overrides[0]
        refused = f"{said} is `{newest.outcome}`: {newest.headline}".rstrip(": ")
        more = f"groundwork gate override {newest.id} --reason TEXT"
        return Check("gate", False, refused, f"{command}, or {more}"), "", ""

    def _people(
        self, connection: Connection, tenant: str, release: Release, environment: str, spec: EnvironmentSpec
    ) -> list[Check]:
        last: dict[str, Approval] = {}
        for said in _approvals(connection, tenant, release.id, environment):
            if rank(said.role) >= rank(spec.role):
                last[said.principal] = said
        refused = [s for s in last.values() if s.decision == "refuse"]
        if refused:
            who = ", ".join(f"`{s.principal}`" for s in refused)
            why = f": {refused[-1].comment}" if refused[-1].comment else ""
            command = f"groundwork release approve {release.ref} --for {environment} (by {who})"
            return [Check("approvals", False, f"{who} refused it for {environment}{why}", command)]
        if not spec.approvals:
            return []
        given = [s for s in last.values() if s.principal != release.created_by]
        words = f"{len(given)} of {spec.approvals} approvals for {environment}"
        if len(given) >= spec.approvals:
            return [Check("approvals", True, words)]
        command = f"groundwork release approve {release.ref} --for {environment}"
        about = f"{words}; whoever made it does not count, and the role `{spec.role}` is needed"
        return [Check("approvals", False, about, command)]

    def _older(self, created_at: str, days: float) -> bool:
        try:
            then = datetime.fromisoformat(created_at)
        except ValueError:
            return True
        return self._clock.now() - then > timedelta(days=days)

    def _was_served(self, release: Release, app: str, environment: str, moves: Sequence[Deployment]) -> None:
        if release.app != app:
            raise InvalidInputError(
                f"`{release.ref}` is a release of `{release.app}`, not of `{app}`",
                hint="name one of the app's own",
            )
        if release.id not in {m.release for m in moves}:
            raise ConflictError(
                f"`{release.ref}` was never served in {environment}, so there is no way back to it",
                hint=f"promote it: `groundwork release promote {release.ref} --to {environment}`",
            )

    def _former(
        self,
        connection: Connection,
        tenant: str,
        app: str,
        environment: str,
        moves: Sequence[Deployment],
        stands: str,
    ) -> tuple[Release, list[Check]]:
        checks: list[Check] = []
        for identifier in reversed([i for i in env.stack_of(moves)[:-1] if i != stands]):
            release = self._book.by_id(connection, tenant, identifier)
            if release is None:
                continue
            problem = env.problem_of(connection, tenant, release)
            if not problem:
                return release, checks
            checks.append(
                Check("snapshot", False, f"`{release.ref}` was passed over: {problem}", blocks=False)
            )
        raise ConflictError(
            f"no release of `{app}` that can be served stood in {environment} before this one",
            hint=f"promote another one: `groundwork release promote REF --to {environment}`",
        )

    def _moved(
        self,
        principal: Principal,
        release: Release,
        environment: str,
        stands: str | None,
        kind: str,
        reason: str,
        record: Mapping[str, object],
        rests_on: tuple[str, str],
        trial: str | None,
    ) -> Deployment:
        """Move the pointer, write the deployment, and end the trial, all or nothing; `trial` None: whichever runs."""
        now, tenant = self._now(), principal.tenant
        row: dict[str, Any] = {
            "id": new_id("dep"),
            "app": release.app,
            "environment": environment,
            "release": release.id,
            "previous": stands or "",
            "kind": kind,
            "state": "done",
            "share": 1.0,
            "verdict_id": rests_on[0],
            "override_id": rests_on[1],
            "record": dict(record),
            "reason": reason,
            "created_at": now,
            "created_by": principal.name,
            "ended_at": None,
        }
        with self._database.write() as connection:
            lock(connection, tenant, release.app, environment)
            running = env.trial_of(connection, tenant, release.app, environment)
            if running is not None and trial is not None and running.id != trial:
                raise _moved_on(release.app, environment, None)
            name = pointer_name(environment, release.app)
            move = pointers.move(
                connection, principal, KIND, name, release.id, expected=stands, reason=reason, at=now
            )
            row["record"] = {**record, "move": move.seq}
            connection.execute(insert(deployments).values(tenant=tenant, **row))
            if running is not None:
                outcome = "promoted" if trial and running.id == trial else "ended"
                why = "promoted" if outcome == "promoted" else f"{kind} of {release.ref}"
                end_trial(connection, tenant, running, outcome, why, now)
        return Deployment(**row)

    def _now(self) -> str:
        return self._clock.now().isoformat()


def may(principal: Principal, spec: EnvironmentSpec, environment: str) -> None:
    """Make sure that a principal's role is at least that of an environment.

    Raises:
        ForbiddenError: it is not.
    """
    if rank(principal.role) < rank(spec.role):
        raise ForbiddenError(
            f"`{principal.name}` has the role `{principal.role or 'none'}`; {environment} needs `{spec.role}`",
            hint=f"ask somebody with the role `{spec.role}`, or set `role` of [environments.{environment}]",
        )


def lock(connection: Connection, tenant: str, app: str, environment: str) -> None:
    """Hold an app's place in an environment until the transaction ends."""
    exclusive(connection, f"deployment {tenant} {environment} {app}")


def end_trial(connection: Connection, tenant: str, trial: Deployment, state: str, why: str, now: str) -> None:
    """End a canary or shadow within an open transaction; its share of the traffic is 0 from then on."""
    record = {**trial.record, "ended_because": why, "share": trial.share}
    connection.execute(
        update(deployments)
        .where(d.tenant == tenant, d.id == trial.id, d.state == "active")
        .values(state=state, share=0.0, ended_at=now, record=record)
    )


def _snapshot(connection: Connection, tenant: str, release: Release) -> Check:
    flags = env.flags_of(connection, tenant, release)
    if flags:
        return Check("snapshot", False, flags[0], f"groundwork release create {release.app}")
    return Check("snapshot", True, f"its snapshot `{release.snapshot[:7]}` is whole")


def _after(connection: Connection, tenant: str, release: Release, spec: EnvironmentSpec) -> list[Check]:
    if not spec.after:
        return []
    moves = env.moves_of(connection, tenant, release.app, spec.after)
    if any(m.release == release.id for m in moves):
        return [Check("after", True, f"it was served in {spec.after}")]
    command = f"groundwork release promote {release.ref} --to {spec.after}"
    return [Check("after", False, f"it has to be served in {spec.after} first", command)]


def _approvals(connection: Connection, tenant: str, release: str, environment: str) -> list[Approval]:
    query = select(release_approvals).where(a.tenant == tenant, a.release == release)
    query = query.where(a.environment == environment) if environment else query
    return [rows.approval(row) for row in connection.execute(query.order_by(a.id))]


def _running(trial: Deployment) -> Check:
    command = f"groundwork release {trial.kind} end {trial.app} --environment {trial.environment}"
    return Check("trial", False, f"the {trial.kind} `{trial.id}` runs in {trial.environment}", command)


def _moved_on(app: str, environment: str, stands: Release | None) -> ConflictError:
    now = f"`{stands.ref}` stands there now" if stands else "something else stands there now"
    return ConflictError(
        f"what is served of `{app}` in {environment} was changed meanwhile: {now}",
        hint="look at what changed and try again; nothing was changed by this",
    )
