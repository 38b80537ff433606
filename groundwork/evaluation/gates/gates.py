"""Gates: a plan that is stored before anything runs, a decision by it, and what people overrode."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from groundwork.accounts.roles import permissions_of
from groundwork.core.clock import Clock
from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.improvement import GateSpec
from groundwork.core.principal import Principal
from groundwork.evaluation.gates import deciding
from groundwork.evaluation.gates.judging import TrustOf, judge_of, metrics_of, trust_in, versions_of
from groundwork.evaluation.gates.records import GateRecords
from groundwork.evaluation.gates.statement import statement_of
from groundwork.evaluation.gates.types import Override, Plan, Verdict
from groundwork.evaluation.gates.wording import figure, percent
from groundwork.evaluation.pairing import Loaded, load_pairs, scorer_of
from groundwork.evaluation.planning import RunPlan
from groundwork.evaluation.running import Progress, Runner
from groundwork.evaluation.statistics.power import needed_binary, power_binary
from groundwork.evaluation.types import Evaluation
from groundwork.storage.database import Database

OVERRIDES = "verdicts.override"
LEAST_REASON = 10
MOST_REASON = 2000
DEFAULT_ENVIRONMENT = "production"
EVALUATION = "evl_"
LOOKED_BACK = 200

OnProgress = Callable[[str, Progress], object]
"""Told how far a side is: (`baseline` or `candidate`, progress)."""
Standing = Callable[[Principal, str, str], str]
"""Returns what stands in an environment: (principal, app, environment) to a release such as `handbook@3`, or nothing."""


@dataclass(frozen=True)
class Planned:
    """One side of a plan: an evaluation that is there, or how one would be run."""

    subject: Mapping[str, Any]
    dataset_ref: str
    dataset_version: str
    split: str
    scorers: Mapping[str, Mapping[str, Any]]
    n: int
    clusters: int
    cost_usd: float | None
    evaluation: Evaluation | None = None
    run: RunPlan | None = None


class Gates:
    """The gates of a workspace's spec, their plans and verdicts. Safe to use from several threads.

    Args:
        gates: by name, as the spec has them. runner: runs what is missing; its book keeps it.
        trust: what a judge's card allows it. judge_version: the version a judge has now.
        standing: which release an environment serves: the baseline where none is named.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        gates: Mapping[str, GateSpec],
        runner: Runner,
        trust: TrustOf,
        judge_version: Callable[[str], str],
        standing: Standing = lambda principal, app, environment: "",
    ) -> None:
        self.records = GateRecords(database)
        self._clock = clock
        self._gates = dict(gates)
        self._runner = runner
        self._trust = trust
        self._judge_version = judge_version
        self._standing = standing

    # -- gates ------------------------------------------------------------------------------------------------
    def specs(self) -> dict[str, GateSpec]:
        """Return the gates of the spec by name."""
        return dict(self._gates)

    def spec(self, name: str = "") -> tuple[str, GateSpec]:
        """Return a gate with its name; without one the only gate there is.

        Raises:
            NotFoundError: there is none of that name, or none at all. InvalidInputError: several, and none was named.
        """
        if name in self._gates:
            return name, self._gates[name]
        if name:
            near = difflib.get_close_matches(name, self._gates, 1)
            known = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(self._gates) or 'none'}"
            raise NotFoundError(f"the spec has no gate `{name[:60]}`", hint=known)
        if not self._gates:
            raise NotFoundError(
                "the spec has no gate",
                hint="write one into groundwork.toml, beginning with `[gates.quality]`",
            )
        if len(self._gates) > 1:
            raise InvalidInputError(
                "the spec has several gates", hint=f"name one of: {', '.join(self._gates)}"
            )
        return next(iter(self._gates.items()))

    # -- plans ------------------------------------------------------------------------------------------------
    def plan(
        self,
        principal: Principal,
        name: str = "",
        *,
        candidate: str = "",
        baseline: str = "",
        environment: str = "",
    ) -> Plan:
        """Write down what the gate will decide, store it, and return it; the same plan is stored once.

        Args:
            name: of the gate; empty: the only one. candidate: an app, a release, a model or an evaluation; empty: the gate's
                app as its spec is now. baseline: the same; empty: the release that stands in the environment.

        Raises:
            NotFoundError: there is no such gate, dataset, app or release. InvalidInputError: there is no baseline, both are
                the same thing, or a metric names no scorer of the gate.
        """
        name, spec = self.spec(name)
        environment = environment or DEFAULT_ENVIRONMENT
        words = self._words(principal, spec, candidate, baseline, environment)
        before, after = self._sides(principal, spec, words)
        plan = self._made(name, spec, environment, words, before, after)
        now = self._now()
        return self.records.put_plan(principal, replace(plan, created_at=now, created_by=principal.name))

    def _words(
        self, principal: Principal, spec: GateSpec, candidate: str, baseline: str, environment: str
    ) -> tuple[str, str]:
        before = baseline or self._standing(principal, spec.app, environment)
        if not before:
            raise InvalidInputError(
                f"nothing stands in `{environment}` that `{candidate or spec.app}` could be compared with",
                hint="name a baseline, such as a release `app@1` or an evaluation",
            )
        return before, candidate or spec.app

    def _sides(self, principal: Principal, spec: GateSpec, words: tuple[str, str]) -> tuple[Planned, Planned]:
        dataset = spec.dataset
        sides: list[Planned] = []
        for word in words:
            side = self._planned(principal, spec, word, dataset)
            # Both sides take the version that the first one found, also when a newer one is made meanwhile.
            dataset = side.dataset_ref
            sides.append(side)
        before, after = sides
        if before.dataset_version != after.dataset_version or before.split != after.split:
            raise ConflictError(
                f"`{words[0]}` was evaluated on `{before.dataset_ref}` ({before.split or 'all'}) and `{words[1]}` on "
                f"`{after.dataset_ref}` ({after.split or 'all'})",
                hint="a gate compares on the same examples; evaluate both on one version",
            )
        if before.subject.get("digest") == after.subject.get("digest"):
            raise InvalidInputError(
                f"`{words[0]}` and `{words[1]}` are the same thing: nothing in them differs",
                hint="change something, or name another baseline",
            )
        for metric in metrics_of(spec):
            _agree(metric, before.scorers, after.scorers)
        return before, after

    def _planned(self, principal: Principal, spec: GateSpec, word: str, dataset: str) -> Planned:
        if word.startswith(EVALUATION):
            found = self._runner.book.get(principal, word)
            examples = self._runner.book.examples(principal, found.id)
            return Planned(
                found.subject, found.dataset, found.dataset_version, found.split, found.scorers, len(examples),
                len({e.group for e in examples}), 0.0, evaluation=found,
            )  # fmt: skip
        chosen = spec.scorers if "scorers" in spec.model_fields_set else None
        run = self._runner.plan(
            principal, word, dataset=dataset, split=spec.split, scorers=chosen, repeats=spec.repeats,
            title=f"gate: {word}",
        )  # fmt: skip
        return Planned(
            run.subject, run.dataset_ref, run.dataset_version, run.split, run.scorers, run.n, run.clusters,
            run.expected_cost_usd, run=run,
        )  # fmt: skip

    def _made(
        self,
        name: str,
        spec: GateSpec,
        environment: str,
        words: tuple[str, str],
        before: Planned,
        after: Planned,
    ) -> Plan:
        judges = {judge: self._judge_version(judge) for judge in _judges(spec, after.scorers)}
        costs = [side.cost_usd for side in (before, after)]
        plan = Plan(
            digest="",
            gate=name,
            app=spec.app,
            environment=environment,
            spec=spec.model_dump(mode="json"),
            dataset=after.dataset_ref,
            dataset_version=after.dataset_version,
            split=after.split,
            n=after.n,
            clusters=after.clusters,
            scorers={k: _settled(s) for k, s in after.scorers.items()},
            judges=judges,
            baseline=words[0],
            candidate=words[1],
            baseline_subject=_named(before.subject),
            candidate_subject=_named(after.subject),
            power=power_of(spec, after.n),
            expected_cost_usd=None if None in costs else sum(c or 0.0 for c in costs),
        )
        settled = (
            "gate", "spec", "dataset_version", "split", "n", "scorers", "judges", "baseline_subject", "candidate_subject",
        )  # fmt: skip
        return replace(plan, digest=digest_json({key: getattr(plan, key) for key in settled}))

    # -- deciding ---------------------------------------------------------------------------------------------
    def run(
        self,
        principal: Principal,
        name: str = "",
        *,
        candidate: str = "",
        baseline: str = "",
        environment: str = "",
        posthoc: bool = False,
        progress: OnProgress | None = None,
        cancelled: Callable[[], bool] | None = None,
        planned: Callable[[Plan], Any] | None = None,
    ) -> Verdict:
        """Plan, evaluate what is missing, and decide.

        Evaluations that were made under the same plan after it was stored are taken again and not paid twice.

        Args:
            posthoc: decide evaluations that began before the plan, too; such a verdict never is `promote`.
            planned: told of the plan before anything runs. progress: told how far a side is.

        Raises:
            ConflictError: an evaluation began before the plan. CancelledError: it was cancelled. Else as `plan`.
        """
        plan = self.plan(principal, name, candidate=candidate, baseline=baseline, environment=environment)
        if planned is not None:
            planned(plan)
        _, spec = self.spec(plan.gate)
        sides = []
        for side, word in (("baseline", plan.baseline), ("candidate", plan.candidate)):
            made = self._planned(principal, spec, word, plan.dataset)

            def told(at: Progress, side: str = side) -> None:
                if progress is not None:
                    progress(side, at)

            sides.append(made.evaluation or self._evaluated(principal, plan, made, told, cancelled))
        return self.decide(principal, plan, sides[0], sides[1], posthoc=posthoc)

    def _evaluated(
        self,
        principal: Principal,
        plan: Plan,
        side: Planned,
        progress: Callable[[Progress], None],
        cancelled: Callable[[], bool] | None,
    ) -> Evaluation:
        run = side.run
        assert run is not None
        there = self._runner.book.list(principal, dataset=run.dataset, limit=LOOKED_BACK)
        mine = [e for e in there if e.plan == run.digest and e.created_at >= plan.created_at]
        found = next((e for e in mine if e.state == "done"), None)
        if found is not None:
            return found
        begun = next((e for e in mine if e.state in ("planned", "running", "failed")), None)
        begun = begun or self._runner.start(principal, run)
        return self._runner.run(principal, begun.id, progress=progress, cancelled=cancelled)

    def decide(
        self,
        principal: Principal,
        plan: Plan,
        baseline: Evaluation | str,
        candidate: Evaluation | str,
        *,
        posthoc: bool = False,
    ) -> Verdict:
        """Decide by a stored plan, record the verdict, and return it.

        Raises:
            NotFoundError: the plan was not stored, or there is no such evaluation.
            ConflictError: an evaluation is not done, is of another dataset or of other scorers than the plan, or began
                before the plan and `posthoc` was not said.
        """
        plan = self.records.plan(principal, plan.digest)
        spec = GateSpec.model_validate(plan.spec)
        book = self._runner.book
        sides = [book.get(principal, e if isinstance(e, str) else e.id) for e in (baseline, candidate)]
        early = [e for e in sides if (e.started_at or e.created_at) < plan.created_at]
        self._check(plan, sides, early, posthoc)
        before, after = (
            Loaded.of(e, book.examples(principal, e.id), book.results(principal, e.id)) for e in sides
        )
        common = [e.id for e in after.examples if e.id in {x.id for x in before.examples}]
        before, after = before.only(common), after.only(common)
        asked = {
            name: versions_of(before.results, name) | versions_of(after.results, name)
            for name in map(scorer_of, metrics_of(spec))
        }
        judges, untrusted = trust_in(principal, spec, sides[1].scorers, plan.judges, self._trust, asked)
        pairs = {m: load_pairs(before, after, m) for m in metrics_of(spec)} if common else {}
        evidence = deciding.Evidence(pairs, len(common), before.failed, after.failed, untrusted)
        decision = deciding.decide(spec, evidence)
        looks = book.looks(principal, sides[1].dataset) if plan.split == "holdout" else 0
        earlier = self.records.earlier(principal, plan.gate, plan.dataset_version, plan.digest)
        verdict = Verdict(
            id=new_id("vrd"),
            gate=plan.gate,
            app=plan.app,
            environment=plan.environment,
            outcome=decision.outcome,
            headline=decision.headline,
            reasons=decision.reasons,
            checks=decision.checks,
            slices=decision.slices,
            baseline=sides[0].id,
            candidate=sides[1].id,
            release=sides[1].release,
            plan=plan.digest,
            planned_at=plan.created_at,
            posthoc=bool(early),
            dataset=plan.dataset,
            dataset_version=plan.dataset_version,
            split=plan.split,
            n=decision.n,
            clusters=decision.clusters,
            needed_n=decision.needed_n,
            still_needed=decision.still_needed,
            alpha=spec.alpha,
            judges=judges,
            looks=looks,
            earlier=earlier,
            statement="",
            warnings=(*decision.warnings, *_more_warnings(plan, sides, len(common))),
            candidate_subject=plan.candidate_subject,
            baseline_subject=plan.baseline_subject,
            cost_usd=sum(e.cost_usd for e in sides),
            created_at=self._now(),
            created_by=principal.name,
        )
        if early and verdict.outcome == "promote":
            why = (
                "What was asked was written down after the answers were there, so it does not count as shown."
            )
            verdict = replace(verdict, outcome="insufficient", headline=f"{why} {verdict.headline}",
                              reasons=(why, *verdict.reasons))  # fmt: skip
        verdict = replace(verdict, statement=statement_of(spec, verdict))
        return self.records.put_verdict(principal, verdict)

    def _check(self, plan: Plan, sides: list[Evaluation], early: list[Evaluation], posthoc: bool) -> None:
        if sides[0].id == sides[1].id:
            raise InvalidInputError("an evaluation is not compared with itself", hint="name another baseline")
        for side in sides:
            if side.state != "done":
                raise ConflictError(
                    f"the evaluation `{side.id}` is {side.state}",
                    hint=f"finish it with `groundwork evaluation resume {side.id}`",
                )
            if side.dataset_version != plan.dataset_version or side.split != plan.split:
                raise ConflictError(
                    f"the evaluation `{side.id}` is of `{side.dataset}` {side.dataset_version[:7]} ({side.split or 'all'}), "
                    f"the plan of {plan.dataset_version[:7]} ({plan.split or 'all'})",
                    hint="evaluate it on the version of the plan",
                )
        for metric in metrics_of(GateSpec.model_validate(plan.spec)):
            _agree(metric, sides[0].scorers, sides[1].scorers)
            _agree(metric, plan.scorers, sides[1].scorers)
        if early and not posthoc:
            raise ConflictError(
                f"the evaluation `{early[0].id}` began before the plan was written down",
                hint="run the gate on the app or release itself, or say `--posthoc` and get a verdict that promotes nothing",
            )

    # -- verdicts ---------------------------------------------------------------------------------------------
    def verdict(self, principal: Principal, ref: str) -> Verdict:
        """Return a verdict by its id, the beginning of it, or `last` for the newest.

        Raises:
            NotFoundError: there is none. ConflictError: several begin so.
        """
        return self.records.verdict(principal, ref)

    def verdicts(
        self,
        principal: Principal,
        *,
        gate: str = "",
        app: str = "",
        candidate: str = "",
        release: str = "",
        limit: int = 50,
        before: str | None = None,
    ) -> list[Verdict]:
        """Return verdicts, newest first; `before` is the id of the last one seen."""
        return self.records.verdicts(
            principal, gate=gate, app=app, candidate=candidate, release=release, limit=limit, before=before
        )

    def stored_plan(self, principal: Principal, digest: str) -> Plan:
        """Return a plan by its digest or the beginning of it. Raises NotFoundError, ConflictError."""
        return self.records.plan(principal, digest)

    def override(self, principal: Principal, verdict_id: str, reason: str) -> Override:
        """Let a release pass in spite of a verdict; who, when, in which role and why is kept and shown with it.

        Raises:
            ForbiddenError: the principal's role does not hold `verdicts.override`.
            InvalidInputError: the reason has fewer than 10 characters. ConflictError: the verdict is `promote`, or the
                principal has overridden it before.
        """
        if OVERRIDES not in permissions_of(principal.role, principal.tenant):
            raise ForbiddenError(
                f"`{principal.name}` has the role `{principal.role or 'none'}` and may not override a verdict",
                hint="ask somebody with the role `admin`",
            )
        said = " ".join(reason.split())
        if not LEAST_REASON <= len(said) <= MOST_REASON:
            raise InvalidInputError(
                f"a reason has {LEAST_REASON} to {MOST_REASON:,} characters, not {len(said)}",
                hint="say why it is right to let this pass",
            )
        found = self.verdict(principal, verdict_id)
        if found.passed:
            raise ConflictError(f"the verdict `{found.id}` is `promote`: there is nothing to override")
        made = Override(new_id("ovr"), found.id, principal.name, principal.role, said, self._now())
        return self.records.put_override(principal, made)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def power_of(spec: GateSpec, n: int) -> dict[str, Any]:
    """Return what n examples can show of the primary metric before anything ran, in figures and words.

    Assumes independent examples of which a fifth comes out differently; the verdict works with what was seen.
    """
    aim = spec.primary
    effect = min(aim.margin if aim.test == "non_inferiority" else aim.effect, 1.0)
    share = max(deciding.ASSUMED_DISCORDANCE, effect)
    needed = int(needed_binary(share, effect, spec.alpha, spec.power))
    power = float(power_binary(n, share, effect, spec.alpha)) if n > 1 else 0.0
    what = "no worse by" if aim.test == "non_inferiority" else "better by"
    words = (
        f"{n:,} examples show `{aim.metric}` {what} {figure(effect)} with a probability of {percent(power)} at a level of "
        f"{percent(spec.alpha)}, if {percent(share)} of them come out differently; {percent(spec.power)} take about "
        f"{needed:,}."
    )
    return {
        "n": n,
        "effect": effect,
        "discordance": share,
        "power": power,
        "needed_n": needed,
        "words": words,
    }


def _settled(scorer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: scorer.get(name) for name in ("name", "parameters", "version")}


def _named(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {name: subject[name] for name in ("kind", "name", "digest") if name in subject}


def _judges(spec: GateSpec, scorers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    asked = (judge_of(scorers.get(scorer_of(m)) or {}) for m in metrics_of(spec))
    return sorted({name for name in asked if name})


def _agree(metric: str, one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]) -> None:
    name = scorer_of(metric)
    for scorers in (one, other):
        if name not in scorers:
            raise InvalidInputError(
                f"the metric `{metric}` names no scorer that is there",
                hint=f"there are: {', '.join(scorers) or 'none'}",
            )
    if _settled(one[name]) != _settled(other[name]):
        raise ConflictError(
            f"the scorer `{name}` is not the same on both sides (version {one[name].get('version')} and "
            f"{other[name].get('version')}, or other parameters)",
            hint="evaluate both again: scores of two versions do not mix",
        )


def _more_warnings(plan: Plan, sides: list[Evaluation], n: int) -> list[str]:
    found = []
    if n < plan.n:
        found.append(
            f"{plan.n - n:,} of the {plan.n:,} examples that were planned were erased since and are not counted."
        )
    if any(e.redacted for e in sides):
        found.append("Text of a document that was erased has been taken out of one of the evaluations.")
    return found
