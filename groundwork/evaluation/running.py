"""Evaluations are run here: planned, leased, done by several threads, each example once, whatever is killed meanwhile.

A result is written under (evaluation, seq, repeat), and what is there is not done again. What was done and not written yet
when a process died is found again by its scope: the recorded answer, or the model call that was paid. A lease lets one
process work on an evaluation; its token is checked in the transaction that writes.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from groundwork.core.clock import Clock
from groundwork.core.errors import (
    BusyError,
    CancelledError,
    ConflictError,
    GoneError,
    GroundworkError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
)
from groundwork.core.principal import Principal
from groundwork.datasets.types import DatasetVersion, Example
from groundwork.evaluation import planning
from groundwork.evaluation.book import Evaluations
from groundwork.evaluation.planning import MOST_REPEATS, RunPlan
from groundwork.evaluation.scorers import Scorer, Services
from groundwork.evaluation.scoring import OnceServices, score_all
from groundwork.evaluation.summarising import summarise
from groundwork.evaluation.types import Evaluation, Output, Result, Subject
from groundwork.storage.failpoints import failpoint
from groundwork.storage.leases import Lease, Leases

if TYPE_CHECKING:
    from sqlalchemy import Connection

WORKERS = 8
WRITE_EVERY_S = 0.5
WRITE_AT_MOST = 400
LOOK_EVERY_S = 1.0
AHEAD = 4
"""Examples handed out for each worker before a result is waited for."""
OUT_OF_MONEY = "budget_exceeded"


@dataclass(frozen=True)
class Progress:
    """Where an evaluation stands: results that are there, of how many; those that failed, by code; money spent by now.

    Attributes:
        rate: results a second of this run, 0 before the first.
    """

    evaluation_id: str
    done: int
    of: int
    failed: int
    cost_usd: float
    errors: Mapping[str, int] = field(default_factory=dict)
    rate: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return what is kept of it with the evaluation."""
        return {
            "done": self.done,
            "of": self.of,
            "failed": self.failed,
            "cost_usd": self.cost_usd,
            "errors": dict(self.errors),
            "rate": round(self.rate, 3),
        }


OnProgress = Callable[[Progress], None]


class SubjectOf(Protocol):
    """Makes what is evaluated of its word."""

    def __call__(self, principal: Principal, word: str, pins: Mapping[str, Any] | None = None) -> Subject:
        """Return the subject; with `pins` as it was when an evaluation of it began. Raises NotFoundError."""
        ...


@dataclass(frozen=True)
class Runner:
    """Runs the evaluations of a workspace. Safe to use from several threads.

    Args:
        subjects: makes what is evaluated of its word.
        dataset: returns a version: (principal, ref). examples: those of a version in order: (principal, ref, split).
        services: what scorers may use in the name of a principal.
        workers: threads that run examples at most; a subject with `workers` may say fewer.
    """

    book: Evaluations
    leases: Leases
    clock: Clock
    subjects: SubjectOf
    dataset: Callable[[Principal, str], DatasetVersion]
    examples: Callable[[Principal, str, str], list[Example]]
    services: Callable[[Principal], Services]
    workers: int = WORKERS

    # -- before -----------------------------------------------------------------------------------------------
    def plan(
        self,
        principal: Principal,
        subject: str,
        *,
        dataset: str,
        split: str = "test",
        scorers: Sequence[str | Mapping[str, Any]] | None = None,
        repeats: int = 1,
        title: str = "",
        limit: int | None = None,
        seed: int = 0,
    ) -> RunPlan:
        """Return what an evaluation would do, what it would cost, and what its n can show; nothing is run or kept.

        Args:
            subject: see `app.subjects_evaluated`. dataset: such as `golden@3`.
            split: empty: all but the holdout.
            scorers: names or tables; None: the usual ones that have something to score.
            repeats: how often each example is run. limit: run so many examples, drawn at random by `seed`.

        Raises:
            NotFoundError: there is no such subject, dataset or scorer. InvalidInputError: there is nothing to run, or a
                scorer needs what the dataset or the subject lacks.
        """
        if not 1 <= repeats <= MOST_REPEATS:
            raise InvalidInputError(f"an example is run 1 to {MOST_REPEATS} times, not {repeats}")
        if limit is not None and limit < 1:
            raise InvalidInputError(
                f"a limit of {limit} examples leaves nothing to run", hint="give 1 or more"
            )
        version = self.dataset(principal, dataset)
        every = self.examples(principal, version.digest, split)
        if not every:
            raise _nothing_to_run(version, split)
        asked = self.subjects(principal, subject)
        about = asked.describe()
        examples = planning.chosen(every, limit, seed)
        named = planning.described_all(planning.DEFAULT_SCORERS if scorers is None else scorers)
        brings = about.get("brings")
        fit, notes = planning.fitting(named, examples, brings, version, split, asked=scorers is not None)
        if not fit:
            raise InvalidInputError(
                f"none of the usual scorers has anything to score in {version.ref}",
                hint="name some with --scorer",
            )
        clusters = len({x.group for x in examples})
        once = asked.estimate(examples)
        looks = self.book.looks(principal, version.name) if split == "holdout" else 0
        plan = RunPlan(
            word=str(about.get("word", subject)).strip(),
            subject=dict(about),
            app=str(about.get("app", "")),
            release=str(about.get("release", "")),
            dataset=version.name,
            dataset_ref=version.ref,
            dataset_version=version.digest,
            split=split,
            scorers=fit,
            repeats=repeats,
            limit=limit,
            seed=seed,
            n=len(examples),
            clusters=clusters,
            expected_cost_usd=None if once is None else once * repeats,
            looks=looks,
            title=title.strip()[:200],
            detectable=planning.detectable(len(examples), clusters),
        )
        return replace(plan, notes=(*notes, *_remarks(plan, version)))

    def start(self, principal: Principal, plan: RunPlan, *, job_id: str = "") -> Evaluation:
        """Write the plan down; nothing runs yet."""
        return self.book.create(principal, plan, job_id=job_id)

    def owner(self, principal: Principal, evaluation_id: str) -> str:
        """Return who works on an evaluation now; empty: nobody does."""
        return self.leases.holder(_lease(principal, evaluation_id)) or ""

    # -- running ----------------------------------------------------------------------------------------------
    def run(
        self,
        principal: Principal,
        evaluation_id: str,
        *,
        progress: OnProgress | None = None,
        cancelled: Callable[[], bool] | None = None,
        owner: str = "",
    ) -> Evaluation:
        """Run what is missing of an evaluation and return it; one that is done is returned as it is.

        Args:
            progress: called often with where it stands. cancelled: asked between examples; True stops it.
            owner: who it is, told to others that want to run it too.

        Raises:
            BusyError: another process works on it. ConflictError: what is evaluated is not what it was at the start.
            GoneError: an example or the dataset was erased since. CancelledError: it was stopped; what is done is kept.
            BudgetExceededError: money ran out; what is done is kept, and the next run goes on.
        """
        found = self.book.get(principal, evaluation_id)
        if found.state == "done":
            return found
        try:
            lease = self.leases.acquire(_lease(principal, found.id), owner or f"{principal.name}")
        except BusyError as error:
            who = error.details.get("owner", "another process")
            raise BusyError(
                f"the evaluation `{found.id}` is being run by {who}",
                hint=f"wait for it: `groundwork evaluation show {found.id}`",
                owner=who,
            ) from None
        with lease:
            work = _Work(
                self, principal, found, lease, progress or (lambda p: None), cancelled or (lambda: False)
            )
            return work.run()

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InvalidInputError(f"{self.workers} workers run nothing", hint="give 1 or more")


@dataclass
class _Work:
    """One run of an evaluation by one process."""

    runner: Runner
    principal: Principal
    evaluation: Evaluation
    lease: Lease
    tell: OnProgress
    cancelled: Callable[[], bool]
    _stop: threading.Event = field(default_factory=threading.Event)
    _errors: Counter[str] = field(default_factory=Counter)
    _done: int = 0
    _failed: int = 0
    _cost: float = 0.0
    _mine: int = 0
    _begun: float = 0.0
    _waiting: bool = False
    _workers: int = 1

    def run(self) -> Evaluation:
        book, principal, identifier = self.runner.book, self.principal, self.evaluation.id
        if (found := book.get(principal, identifier)).state == "done":
            return found  # somebody else finished it while this process waited for the lease
        try:
            subject, scorers, examples = self._parts()
            waiting = self._count_what_is_there()
        except GroundworkError as error:
            self._end("failed", error)
            raise
        self._begun = self.runner.clock.monotonic()
        started = self.evaluation.started_at or self._now()
        book.change(principal, identifier, state="running", started_at=started, finished_at=None, error=None)
        try:
            self._all(subject, scorers, examples, waiting)
            self._finish(examples)
        except CancelledError as error:
            self._end("cancelled", error)
            raise
        except KeyboardInterrupt:
            self._end("cancelled", None)
            raise
        except LeaseLostError:
            raise
        except GroundworkError as error:
            self._end("failed", error)
            raise
        return book.get(principal, identifier)

    def _parts(self) -> tuple[Subject, dict[str, Scorer], list[Example]]:
        """Return subject, scorers and examples, all as they were when it was planned."""
        found, runner = self.evaluation, self.runner
        scorers = planning.built(found.scorers)
        subject = runner.subjects(self.principal, found.word, found.subject.get("pins", {}))
        now = subject.describe()
        if now["digest"] != found.subject["digest"]:
            raise ConflictError(
                f"`{found.word}` is not what it was when `{found.id}` began: {_changed(found.subject, now)}",
                hint="start a new evaluation; results of two versions are not mixed",
            )
        try:
            every = runner.examples(self.principal, found.dataset_version, found.split)
        except NotFoundError as error:
            raise GoneError(
                f"the dataset `{found.dataset}` of `{found.id}` is gone",
                hint="start a new evaluation on another one",
            ) from error
        examples = planning.chosen(every, found.limit, found.seed)
        if len(examples) != found.n:
            raise GoneError(
                f"`{found.id}` was planned with {found.n:,} examples and {len(examples):,} are left: some were erased",
                hint="start a new evaluation on what is left",
            )
        return subject, scorers, examples

    def _count_what_is_there(self) -> dict[tuple[int, int], Result]:
        """Count what earlier runs did, and return the outputs that only wait for their scores."""
        book, identifier = self.runner.book, self.evaluation.id
        self._done, self._failed, self._errors, self._cost = book.tally(self.principal, identifier)
        waiting = book.results(self.principal, identifier, only="produced")
        self._waiting = bool(waiting)
        return {(r.seq, r.repeat): r for r in waiting}

    def _all(
        self,
        subject: Subject,
        scorers: Mapping[str, Scorer],
        examples: Sequence[Example],
        waiting: Mapping[tuple[int, int], Result],
    ) -> None:
        """Run what is missing; results come back through a queue and are written in batches."""
        there = self.runner.book.done(self.principal, self.evaluation.id)
        todo = (
            (seq, repeat, example)
            for seq, example in enumerate(examples)
            for repeat in range(self.evaluation.repeats)
            if (seq, repeat) not in there
        )
        services = self.runner.services(self.principal)
        finished: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()

        def one(seq: int, repeat: int, example: Example) -> None:
            if self._stop.is_set():
                return
            scope = f"{self.evaluation.id}/{example.id}/{repeat}"
            held = waiting.get((seq, repeat))
            output: Output | None = held.output if held else None
            try:
                if output is None:
                    output = subject.run(example, scope)
                    failpoint("evaluation.after_output")
                scores = score_all(scorers, example, output, OnceServices(services, scope))
            except BaseException as error:
                self._stop.set()
                if output is not None and held is None:
                    finished.put(Result(seq, repeat, example.id, "produced", output, {}))
                finished.put(error)
                return
            state = "failed" if output.failed else "done"
            finished.put(Result(seq, repeat, example.id, state, output, scores))  # type: ignore[arg-type]

        try:
            # What works in this very process takes as many threads as there are cores; what waits for a provider, more.
            self._workers = min(self.runner.workers, getattr(subject, "workers", self.runner.workers))
            with _pool(self._workers, self._stop) as pool:
                self._collect(pool, one, todo, finished)
        finally:
            # What was under way when it was stopped has ended by now.
            self._keep([r for r in _taken(finished, False) if isinstance(r, Result)])

    def _collect(
        self,
        pool: ThreadPoolExecutor,
        one: Callable[[int, int, Example], None],
        todo: Iterator[tuple[int, int, Example]],
        finished: queue.SimpleQueue[Result | BaseException],
    ) -> None:
        clock = self.runner.clock
        running: set[Future[None]] = set()
        batch: list[Result] = []
        error: BaseException | None = None
        wrote = told = clock.monotonic()
        looked = -LOOK_EVERY_S
        try:
            while True:
                if error is None and clock.monotonic() - looked >= LOOK_EVERY_S:
                    looked = clock.monotonic()
                    error = self._told_to_stop()
                    if error is not None:
                        self._stop.set()
                running = {f for f in running if not f.done()}
                while not self._stop.is_set() and len(running) < AHEAD * self._workers:
                    task = next(todo, None)
                    if task is None:
                        break
                    context = contextvars.copy_context()
                    running.add(pool.submit(partial(context.run, one, *task)))
                got = list(_taken(finished, bool(running)))
                for item in got:
                    if isinstance(item, Result):
                        self._count(item)
                        batch.append(item)
                    elif error is None:
                        error = item
                now = clock.monotonic()
                if batch and (len(batch) >= WRITE_AT_MOST or now - wrote >= WRITE_EVERY_S):
                    batch, wrote = self._write(batch), now
                if now - told >= 0.1:
                    self.tell(self._where())
                    told = now
                if not running and not got and finished.empty():
                    break
        finally:
            if not (error is None and not running):
                self._stop.set()
            for future in running:
                future.cancel()
            self._keep(batch, counted=True)
        self.tell(self._where())
        if error is not None:
            raise error

    def _told_to_stop(self) -> CancelledError | None:
        if self.lease.lost:
            raise LeaseLostError(
                f"the evaluation `{self.evaluation.id}` was taken over by another process",
                hint="this process stood still for too long; nothing is lost",
            )
        asked = self.cancelled() or (
            self.runner.book.state(self.principal, self.evaluation.id) == "cancelled"
        )
        if not asked:
            return None
        return CancelledError(
            f"the evaluation `{self.evaluation.id}` was stopped after {self._done:,} of {self._of:,} results",
            hint=f"go on with `groundwork evaluation resume {self.evaluation.id}`",
        )

    def _write(self, batch: list[Result]) -> list[Result]:
        """Store results together with where the evaluation stands; return a new, empty batch."""
        check: Callable[[Connection], None] = self.lease.check
        failpoint("evaluation.before_write")
        at = self._where().as_dict()
        self.runner.book.put(
            self.principal, self.evaluation.id, batch, progress=at, check=check, waiting=self._waiting
        )
        failpoint("evaluation.after_write")
        return []

    def _keep(self, batch: list[Result], *, counted: bool = False) -> None:
        """Store what is left over, unless another process has the evaluation by now."""
        for result in () if counted else batch:
            self._count(result)
        if batch and not self.lease.lost:
            self._write(batch)

    def _count(self, result: Result) -> None:
        if result.state == "produced":
            return
        self._done += 1
        self._mine += 1
        self._failed += result.state == "failed"
        if result.output.error:
            self._errors[result.output.error] += 1
        for name, score in result.scores.items():
            if score.error and not result.output.failed:
                self._errors[f"{name}: {score.error}"] += 1
        self._cost += result.output.cost_usd + sum(s.cost_usd for s in result.scores.values())

    @property
    def _of(self) -> int:
        return self.evaluation.n * self.evaluation.repeats

    def _where(self) -> Progress:
        took = self.runner.clock.monotonic() - self._begun
        rate = self._mine / took if took > 0 else 0.0
        return Progress(
            self.evaluation.id,
            self._done,
            self._of,
            self._failed,
            round(self._cost, 9),
            dict(self._errors),
            rate,
        )

    def _finish(self, examples: Sequence[Example]) -> None:
        book, principal, identifier = self.runner.book, self.principal, self.evaluation.id
        results = book.results(principal, identifier)
        summary = summarise(self.evaluation.scorers, results, examples)
        failpoint("evaluation.before_done")
        book.change(
            principal,
            identifier,
            state="done",
            summary=summary,
            progress=self._where().as_dict(),
            finished_at=self._now(),
        )

    def _end(self, state: str, error: GroundworkError | None) -> None:
        told = None if error is None else {"code": error.code, "message": error.message, "hint": error.hint}
        values: dict[str, Any] = {"state": state, "finished_at": self._now(), "error": told}
        self.runner.book.change(self.principal, self.evaluation.id, **values)

    def _now(self) -> str:
        return self.runner.clock.now().isoformat(timespec="milliseconds")


@contextmanager
def _pool(workers: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(workers, "evaluation")
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _taken(finished: queue.SimpleQueue[Any], wait: bool) -> Iterator[Any]:
    """Yield what is there, waiting a moment for the first where something is still running."""
    try:
        yield finished.get(timeout=0.1) if wait else finished.get_nowait()
        while True:
            yield finished.get_nowait()
    except queue.Empty:
        return


def _lease(principal: Principal, evaluation_id: str) -> str:
    return f"evaluation:{principal.tenant}:{evaluation_id}"


def _nothing_to_run(version: DatasetVersion, split: str) -> InvalidInputError:
    splits = version.summary.get("splits", {}) if isinstance(version.summary, Mapping) else {}
    others = [f"{name} ({n})" for name, n in splits.items() if n and name != split]
    where = (
        f"{version.ref} has no example in the split `{split}`" if split else f"{version.ref} has no example"
    )
    hint = (
        f"it has: {', '.join(others)}; choose with --split"
        if others
        else "add examples with `groundwork dataset`"
    )
    return InvalidInputError(where, hint=hint)


def _changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    old, new = was.get("pins", {}), now.get("pins", {})
    names = [n for n in sorted({*old, *new}) if old.get(n) != new.get(n)]
    parts = [f"{n} was {str(old.get(n))[:40]}, is {str(new.get(n))[:40]}" for n in names[:4]]
    return "; ".join(parts) or "another digest"


def _remarks(plan: RunPlan, version: DatasetVersion) -> Iterable[str]:
    if version.redacted:
        yield f"{version.ref} was redacted: examples of it were erased and are not run."
    if plan.clusters < 6:
        yield f"{plan.clusters} clusters: too few for an interval; six are the least."
    elif plan.clusters < plan.n:
        yield f"{plan.n:,} examples in {plan.clusters:,} clusters: intervals count clusters."
    if plan.expected_cost_usd is None:
        yield "What it will cost cannot be said: the price of a model is not known."
    if plan.split == "holdout":
        times = "once" if plan.looks == 1 else f"{plan.looks} times"
        yield (
            "This is the first look at the holdout."
            if not plan.looks
            else f"The holdout was looked at {times} before."
        )
