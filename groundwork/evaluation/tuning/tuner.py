"""Tuning from plan to report: what it would try and cost, the search itself, and what may be said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from groundwork.core.clock import Clock
from groundwork.core.errors import (
    BusyError,
    CancelledError,
    ConflictError,
    GroundworkError,
    InvalidInputError,
    LeaseLostError,
)
from groundwork.core.principal import Principal
from groundwork.datasets.types import DatasetVersion, Example
from groundwork.evaluation.metrics.measuring import make_scorers, metric_of
from groundwork.evaluation.metrics.naming import name_of, parse_metric
from groundwork.evaluation.scorers import SCORERS, Scorer, Services
from groundwork.evaluation.tuning import space
from groundwork.evaluation.tuning.book import Tunings
from groundwork.evaluation.tuning.reporting import MIN_CLUSTERS, MIN_N, report
from groundwork.evaluation.tuning.selecting import choose, evaluations, forward, shuffled
from groundwork.evaluation.tuning.trying import Maker, Trying, same_examples
from groundwork.evaluation.tuning.types import PARTS, Configuration, Tuning, TuningPlan
from groundwork.storage.leases import Leases

LEARNING = ("train", "validation")
RETRIEVAL = ("ndcg", "mrr", "recall", "context_precision")
OnProgress = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Now:
    """An app as it stands: its parts, and what each may become.

    Attributes:
        digest: of everything that its outputs depend on. notes: what is left out, and why.
    """

    parts: Mapping[str, Any]
    choices: Mapping[str, Sequence[Any]]
    snapshot: str
    digest: str
    notes: tuple[str, ...] = ()


class Workbench(Protocol):
    """What of a workspace a tuning needs; `app` implements it."""

    def now(
        self,
        principal: Principal,
        app: str,
        *,
        retrieval: bool,
        prompts: Sequence[str],
        models: Sequence[str],
    ) -> Now:
        """Return the app as it stands and what may be tried of it. Raises NotFoundError, InvalidInputError."""
        ...

    def estimate(
        self, principal: Principal, app: str, raw: Configuration, examples: Sequence[Example]
    ) -> float | None:
        """Return what the outputs would cost, in USD; None where no price is known."""
        ...

    def maker(
        self, principal: Principal, app: str, snapshot: str, *, retrieval: bool, check: Callable[[], None]
    ) -> AbstractContextManager[Maker]:
        """Return what makes outputs; whatever it built is removed when it is left."""
        ...


@dataclass(frozen=True)
class Tuner:
    """Searches for better configurations. Safe to use from several threads."""

    book: Tunings
    leases: Leases
    clock: Clock
    workbench: Workbench
    dataset: Callable[[Principal, str], DatasetVersion]
    examples: Callable[[Principal, str, str], list[Example]]
    services: Callable[[], Services]

    # -- before -----------------------------------------------------------------------------------------------
    def plan(
        self,
        principal: Principal,
        app: str,
        *,
        dataset: str,
        split: str = "",
        metric: str = "",
        budget: int = space.USUAL_BUDGET,
        parts: Sequence[str] = (),
        prompts: Sequence[str] = (),
        models: Sequence[str] = (),
        alpha: float = 0.05,
        seed: int = 0,
    ) -> TuningPlan:
        """Return what a tuning would try, and what it would cost; nothing is run or kept. The holdout is never read.

        Args:
            dataset: such as `golden@3`. split: empty: `train` and `validation` where they hold enough, else all but the
                holdout.
            metric: a scorer or a mean over one; empty: `correct` where answers are expected, else `ndcg`.
            budget: how many configurations, 2 to 48, the app as it is among them.
            parts: of `strategy`, `chunker`, `passages`, `threshold`, `prompt`, `model`; empty: all that can be.
            prompts, models: what to try of an app that asks a model.

        Raises:
            NotFoundError: there is no such app, dataset, scorer. InvalidInputError: nothing can be tuned so.
            ForbiddenError: the holdout was asked for.
        """
        unknown = [p for p in parts if p not in PARTS]
        if unknown:
            raise InvalidInputError(
                f"`{unknown[0][:40]}` cannot be tuned", hint=f"one of: {', '.join(PARTS)}"
            )
        if not 0 < alpha < 0.5:
            raise InvalidInputError(f"an alpha of {alpha:g}", hint="over 0 and under 0.5, such as 0.05")
        version = self.dataset(principal, dataset)
        every = self.examples(principal, version.digest, split)
        examples, notes = _learning(every, split)
        if not examples:
            raise InvalidInputError(
                f"{version.ref} holds no examples to tune on", hint="add some: `groundwork dataset add`"
            )
        measured, scorer = _metric(metric or _usual(examples))
        retrieval = parse_metric(measured).scorer in RETRIEVAL and name_of(scorer) in RETRIEVAL
        _needs(measured, examples, version)
        now = self.workbench.now(principal, app, retrieval=retrieval, prompts=prompts, models=models)
        choices = {p: v for p, v in now.choices.items() if not parts or p in parts}
        chosen = space.configurations(choices, now.parts, budget)
        clusters = [e.group for e in examples]
        pairs = evaluations(len(chosen), clusters, seed)
        plan = TuningPlan(
            app=app,
            dataset=version.name,
            dataset_ref=version.ref,
            dataset_version=version.digest,
            metric=measured,
            scorer=scorer if isinstance(scorer, Mapping) else {"name": scorer},
            configurations=tuple(chosen),
            n=len(examples),
            clusters=len(set(clusters)),
            evaluations=pairs,
            expected_cost_usd=self._cost(principal, app, chosen, examples, pairs),
            snapshot=now.snapshot,
            app_digest=now.digest,
            retrieval=retrieval,
            alpha=alpha,
            seed=seed,
            split=split,
            notes=(*now.notes, *notes, *_remarks(len(examples), len(set(clusters)))),
        )
        return plan

    def start(self, principal: Principal, plan: TuningPlan) -> Tuning:
        """Write the plan down; nothing runs yet."""
        return self.book.create(principal, plan)

    # -- running ----------------------------------------------------------------------------------------------
    def run(
        self,
        principal: Principal,
        tuning_id: str,
        *,
        progress: OnProgress | None = None,
        cancelled: Callable[[], bool] | None = None,
        owner: str = "",
    ) -> Tuning:
        """Run what is missing of a tuning and return it with its report; one that is done is returned as it is.

        Raises:
            BusyError: another process works on it. ConflictError: the app is not what it was when it was planned.
            GoneError: examples were erased since. CancelledError, BudgetExceededError: what is done is kept.
        """
        found = self.book.get(principal, tuning_id)
        if found.state == "done":
            return found
        try:
            lease = self.leases.acquire(f"tuning:{principal.tenant}:{found.id}", owner or principal.name)
        except BusyError as error:
            who = error.details.get("owner", "another process")
            raise BusyError(
                f"the tuning `{found.id}` is being run by {who}", hint="wait for it to end"
            ) from None
        with lease:
            self.book.change(principal, found.id, state="running", finished_at=None)
            try:
                made = self._run(principal, found, progress or (lambda p: None), cancelled or (lambda: False))
            except LeaseLostError:
                raise
            except (CancelledError, KeyboardInterrupt):
                self.book.change(principal, found.id, state="cancelled", finished_at=self.book.now())
                raise
            except GroundworkError as error:
                self.book.change(
                    principal, found.id, state="failed", finished_at=self.book.now(), error=error.as_dict()
                )
                raise
            self.book.change(principal, found.id, state="done", report=made, finished_at=self.book.now())
        return self.book.get(principal, found.id)

    def _run(
        self, principal: Principal, found: Tuning, tell: OnProgress, cancelled: Callable[[], bool]
    ) -> dict[str, Any]:
        plan = found.plan
        configurations = [Configuration(c) for c in plan["configurations"]]
        examples, _ = _learning(self.examples(principal, found.dataset_version, plan["split"]), plan["split"])
        same_examples(examples, int(plan["n"]), found.id)
        now = self.workbench.now(principal, found.app, retrieval=plan["retrieval"], prompts=(), models=())
        if now.digest != plan["app_digest"]:
            raise ConflictError(
                f"the app `{found.app}` is not what it was when `{found.id}` was planned",
                hint="start a new tuning; scores of two versions are not mixed",
            )
        tried = self.book.scores(principal, found.id)
        done = sum(len(v) for v in tried.values())
        before = self.book.spent(principal, found.id)
        of, last = max(int(plan["evaluations"]), done), self.clock.monotonic()

        def told(new: int, spent: float) -> None:
            nonlocal done, last
            done += new
            where = {"done": done, "of": max(of, done), "cost_usd": before + spent}
            tell(where)
            if self.clock.monotonic() - last > 2:
                last = self.clock.monotonic()
                self.book.change(principal, found.id, progress=where)

        def check() -> None:
            if cancelled():
                raise CancelledError("the tuning was stopped", hint="run it again with `--resume` to go on")

        with self.workbench.maker(
            principal, found.app, plan["snapshot"], retrieval=plan["retrieval"], check=check
        ) as maker:
            scores = Trying(
                configurations,
                examples,
                plan["metric"],
                make_scorers([dict(plan["scorer"])]),
                maker,
                self.services(),
                tried,
                lambda rows: self.book.put(principal, found.id, rows),
                told,
                cancelled,
                found.id,
            )
            made = _search(scores, plan)
        self.book.change(
            principal,
            found.id,
            progress={"done": done, "of": done, "cost_usd": self.book.spent(principal, found.id)},
        )
        return made

    def _cost(
        self,
        principal: Principal,
        app: str,
        configurations: Sequence[Configuration],
        examples: Sequence[Example],
        pairs: int,
    ) -> float | None:
        raws = {c.raw.digest: c.raw for c in configurations}
        costs = [self.workbench.estimate(principal, app, raw, examples) for raw in raws.values()]
        if any(c is None for c in costs):
            return None
        whole = len(configurations) * len(examples)
        return sum(c for c in costs if c is not None) * min(1.0, pairs / whole)


def _search(scores: Trying, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of a search."""
    kept = scores.begin()
    if not kept:
        raise InvalidInputError(
            f"`{plan['metric']}` has nothing to score in {plan['dataset_ref']}",
            hint="choose another --metric",
        )
    examples = [scores.examples[p] for p in kept]
    clusters = [e.group for e in examples]
    order = shuffled(clusters, int(plan["seed"]))
    configurations = scores.configurations
    enough = len(kept) >= MIN_N and len(set(clusters)) >= MIN_CLUSTERS
    unseen = forward(scores, len(configurations), clusters, int(plan["seed"])) if enough else None
    chosen = choose(scores, len(configurations), order)
    return {
        "metric": plan["metric"],
        "dataset": plan["dataset_ref"],
        "left_out": len(scores.examples) - len(kept),
        **report(
            scores,
            configurations,
            clusters,
            [e.weight for e in examples],
            chosen,
            unseen,
            order,
            binary=scores.binary,
            sign=scores.sign,
            alpha=float(plan["alpha"]),
            costs={i: scores.costs(i) for i in range(len(configurations))},
        ),
    }


def _learning(examples: Sequence[Example], split: str) -> tuple[list[Example], tuple[str, ...]]:
    """Return the examples to learn from, never one of the holdout."""
    allowed = [e for e in examples if e.split != "holdout"]
    if split:
        return allowed, ()
    learning = [e for e in allowed if e.split in LEARNING]
    if len(learning) >= MIN_N:
        return learning, ()
    note = "there is no train or validation split to speak of, so it looks at the test split: gate on other examples"
    return allowed, (note,) if any(e.split == "test" for e in allowed) else ()


def _usual(examples: Sequence[Example]) -> str:
    if any(e.impossible or e.references for e in examples):
        return "correct"
    return "ndcg" if any(e.relevant for e in examples) else "served_well"


def _metric(written: str) -> tuple[str, str | dict[str, Any]]:
    """Return a metric that can be tuned on, with its scorer's spec.

    Raises:
        InvalidInputError: it is no mean over examples, or its scorer has no worst value.
    """
    named = parse_metric(written)
    scorer: Scorer = SCORERS.make(named.scorer)
    metric = metric_of(named, scorer)
    if not metric.per_example or scorer.worst is None:
        raise InvalidInputError(
            f"`{written}` cannot be tuned on",
            hint="take a mean of a score that has a worst value, such as `correct`, `ndcg` or `citation_recall`",
        )
    return written, named.scorer


def _needs(metric: str, examples: Sequence[Example], version: DatasetVersion) -> None:
    scorer = SCORERS.get(parse_metric(metric).scorer)
    has: dict[str, Callable[[Example], bool]] = {
        "expected": lambda e: e.impossible or bool(e.references),
        "relevant": lambda e: bool(e.relevant),
        "tools": lambda e: e.tools is not None,
    }
    for need, test in has.items():
        if (
            need in scorer.needs
            and parse_metric(metric).scorer != "context_precision"
            and not any(map(test, examples))
        ):
            raise InvalidInputError(
                f"`{metric}` needs `{need}`, and no example of {version.ref} has it",
                hint="choose another --metric",
            )


def _remarks(n: int, clusters: int) -> tuple[str, ...]:
    if n >= MIN_N and clusters >= MIN_CLUSTERS:
        return ()
    return (
        f"{n} examples in {clusters} clusters recommend nothing, whatever comes out: "
        f"at least {MIN_N} in {MIN_CLUSTERS} are needed",
    )


__all__ = ["Now", "Tuner", "Workbench"]
