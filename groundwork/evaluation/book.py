"""The book of evaluations: what was planned, how far it is, and the result of every example, each written once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Connection, Text, case, func, literal, select, update
from sqlalchemy import cast as cast_text

from groundwork.core.clock import Clock
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.datasets.types import Example
from groundwork.evaluation import rows as r
from groundwork.evaluation.types import Column, Evaluation, EvaluationState, Result
from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.improvement_tables import evaluation_documents as documents
from groundwork.storage.improvement_tables import evaluation_results as results
from groundwork.storage.improvement_tables import evaluations
from groundwork.storage.tables import document_versions

if TYPE_CHECKING:
    from groundwork.evaluation.planning import RunPlan

LAST = "last"
"""In place of an id: the newest evaluation."""
SHORTEST_PREFIX = 8
SELECTIONS = ("", "failed", "produced", "done")
e = evaluations.c

Results = list[Result]
Examples = list[Example]
ExamplesOf = Callable[[Principal, str, str], list[Example]]
"""Returns the examples of a version in their order: (principal, digest, split)."""


class Evaluations:
    """The evaluations of a workspace. Safe to use from several threads.

    Args:
        examples: reads the examples of a dataset version; None where nobody asks for columns or examples.
    """

    def __init__(self, database: Database, clock: Clock, examples: ExamplesOf | None = None) -> None:
        self.database = database
        self._clock = clock
        self._examples = examples

    # -- reading ----------------------------------------------------------------------------------------------
    def get(self, principal: Principal, ref: str) -> Evaluation:
        """Return one evaluation by its id, the beginning of it (8 characters and more), or `last` for the newest.

        Raises:
            NotFoundError: there is none. ConflictError: several begin so.
        """
        word = ref.strip()
        query = select(evaluations).where(e.tenant == principal.tenant).order_by(e.id.desc()).limit(2)
        if word != LAST:
            whole = len(word) >= 30
            if len(word) < SHORTEST_PREFIX or not word.isprintable():
                raise self._unknown(word)
            query = query.where(e.id == word if whole else e.id.startswith(word, autoescape=True))
        with self.database.read() as connection:
            found = connection.execute(query).all()
        if not found:
            raise self._unknown(word)
        if len(found) > 1 and word != LAST:
            raise ConflictError(
                f"several evaluations begin with `{word}`", hint="write more of the id, or the whole of it"
            )
        return r.evaluation(found[0])

    def list(
        self,
        principal: Principal,
        *,
        app: str = "",
        dataset: str = "",
        limit: int = 50,
        before: str | None = None,
    ) -> list[Evaluation]:
        """Return evaluations, newest first.

        Args:
            app, dataset: only those of it, by name. before: the id to go on from.
        """
        where: list[ColumnElement[bool]] = [e.tenant == principal.tenant]
        where += [e.app == app] if app else []
        where += [e.dataset == dataset] if dataset else []
        where += [e.id < before] if before else []
        query = select(evaluations).where(*where).order_by(e.id.desc()).limit(max(1, min(limit, 1000)))
        with self.database.read() as connection:
            return [r.evaluation(row) for row in connection.execute(query)]

    def results(
        self,
        principal: Principal,
        evaluation_id: str,
        *,
        only: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> Results:
        """Return results in the order of the dataset, repeats of an example beside each other.

        Args:
            only: a state (`failed`, `produced`, `done`); empty: all.

        Outputs hold text of documents. Who does not read every document sees them of evaluations of their own alone.
        """
        if only not in SELECTIONS:
            raise InvalidInputError(
                f"`{only[:40]}` is no state of a result", hint="one of: failed, produced, done"
            )
        query = select(results).where(*self._of(principal, evaluation_id))
        query = query.where(results.c.state == only) if only else query
        query = query.order_by(results.c.seq, results.c.repeat).offset(max(0, offset))
        query = query if limit is None else query.limit(max(0, limit))
        withheld = self._withheld(principal, evaluation_id)
        with self.database.read() as connection:
            return [withheld(r.result(row)) for row in connection.execute(query)]

    def result(self, principal: Principal, evaluation_id: str, seq: int, repeat: int = 0) -> Result:
        """Return one result; raises NotFoundError."""
        query = select(results).where(
            *self._of(principal, evaluation_id), results.c.seq == seq, results.c.repeat == repeat
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"the evaluation `{evaluation_id[:60]}` has no result {seq}/{repeat}",
                hint="list them with `groundwork evaluation results`",
            )
        return self._withheld(principal, evaluation_id)(r.result(row))

    def page(
        self,
        principal: Principal,
        evaluation_id: str,
        *,
        only: str = "",
        example_ids: Collection[str] | None = None,
        order: str = "dataset",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[Results, int]:
        """Return one page of results and how many there are of that kind.

        Args:
            only: `failed`, `done`, `produced`, or `low`: those that are not perfect. example_ids: only those of these.
            order: `dataset`, or `worst` first.
        """
        from groundwork.evaluation.worst import worst

        found = self.get(principal, evaluation_id)
        lines = self.lines(principal, found.id)
        if example_ids is not None:
            lines = [x for x in lines if x.example_id in example_ids]
        if only not in ("", "low"):
            lines = [x for x in lines if x.state == only]
        if only == "low" or order == "worst":
            imperfect = [w.result for w in worst(found.scorers, lines, len(lines))]
            rest = () if only == "low" else (x for x in lines if x not in imperfect)
            lines = (
                [*imperfect, *rest]
                if order == "worst"
                else sorted(imperfect, key=lambda x: (x.seq, x.repeat))
            )
        keys = [(x.seq, x.repeat) for x in lines[offset : offset + limit]]
        return self._keyed(principal, found.id, keys), len(lines)

    def lines(self, principal: Principal, evaluation_id: str) -> Results:
        """Return all results with their scores, in order; of their outputs only why there is none."""
        c = results.c
        failed = case((c.state == "failed", cast_text(c.output, Text)), else_=literal("{}"))
        query = (
            select(c.seq, c.repeat, c.example_id, c.state, c.scores, c.created_at, failed.label("failure"))
            .where(*self._of(principal, evaluation_id))
            .order_by(c.seq, c.repeat)
        )
        withheld = self._withheld(principal, evaluation_id)
        with self.database.read() as connection:
            return [withheld(r.line(row)) for row in connection.execute(query)]

    def examples(self, principal: Principal, evaluation_id: str) -> Examples:
        """Return the examples of an evaluation in its order; those erased since are left out."""
        from groundwork.evaluation.planning import chosen

        found = self.get(principal, evaluation_id)
        if self._examples is None:
            return []
        every = self._examples(principal, found.dataset_version, found.split)
        if found.state == "done":
            query = select(results.c.example_id).where(*self._of(principal, found.id)).distinct()
            with self.database.read() as connection:
                known = {str(row.example_id) for row in connection.execute(query)}
            return [x for x in every if x.id in known]
        return chosen(every, found.limit, found.seed)

    def column(self, principal: Principal, evaluation_id: str, metric: str) -> Column:
        """Return the numbers of one metric, example by example, such as `correct` or `p95(latency)`.

        Raises:
            NotFoundError: the evaluation scored nothing of that name.
        """
        from groundwork.evaluation.metrics.measuring import column
        from groundwork.evaluation.planning import built

        found = self.get(principal, evaluation_id)
        scorers = built(found.scorers, strict=False)
        return column(metric, self.examples(principal, found.id), self.results(principal, found.id), scorers)

    def looks(self, principal: Principal, dataset: str) -> int:
        """Return how often the holdout of a dataset, any version of it, was evaluated."""
        query = select(func.count()).where(
            e.tenant == principal.tenant,
            e.dataset == dataset,
            e.split == "holdout",
            e.started_at.is_not(None),
        )
        with self.database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def done(self, principal: Principal, evaluation_id: str) -> set[tuple[int, int]]:
        """Return `(seq, repeat)` of every example that is through."""
        query = select(results.c.seq, results.c.repeat).where(
            *self._of(principal, evaluation_id), results.c.state != "produced"
        )
        with self.database.read() as connection:
            return {(int(row.seq), int(row.repeat)) for row in connection.execute(query)}

    def tally(self, principal: Principal, evaluation_id: str) -> tuple[int, int, Counter[str], float]:
        """Return how many results are there, how many failed, errors by code, and what they cost in USD."""
        query = select(results.c.state, results.c.output, results.c.scores, results.c.cost_nanousd).where(
            *self._of(principal, evaluation_id)
        )
        done = failed = cost = 0
        errors: Counter[str] = Counter()
        with self.database.read() as connection:
            for state, output, scores, spent in connection.execute(query):
                cost += int(spent)
                if state == "produced":
                    continue
                done += 1
                failed += state == "failed"
                errors.update([output["error"]] if output.get("error") else [])
                if state != "failed":
                    errors.update(f"{n}: {s['error']}" for n, s in scores.items() if s.get("error"))
        return done, failed, errors, cost / r.NANO

    # -- writing ----------------------------------------------------------------------------------------------
    def create(self, principal: Principal, plan: RunPlan, *, job_id: str = "") -> Evaluation:
        """Write down what will be done, before any of it is; the digest of the plan is settled here."""
        row = r.new_row(principal, plan, self._now(), job_id)
        with self.database.write() as connection:
            connection.execute(evaluations.insert(), [row])
        return self.get(principal, str(row["id"]))

    def take_in(
        self, principal: Principal, plan: RunPlan, found: Sequence[Result], examples: Sequence[Example]
    ) -> Evaluation:
        """Keep an evaluation that was run elsewhere, with its results; it is done."""
        from groundwork.evaluation.summarising import summarise

        identifier = self.create(principal, plan).id
        failed = sum(x.state == "failed" for x in found)
        at = {"done": len(found), "of": plan.n * plan.repeats, "failed": failed, "errors": {}}
        self.put(principal, identifier, found, progress=at)
        now = self._now()
        summary = summarise(plan.scorers, found, examples)
        self.change(principal, identifier, state="done", summary=summary, started_at=now, finished_at=now)
        return self.get(principal, identifier)

    def put(
        self,
        principal: Principal,
        evaluation_id: str,
        found: Sequence[Result],
        *,
        progress: Mapping[str, Any] | None = None,
        check: Callable[[Connection], None] = lambda connection: None,
        waiting: bool = False,
    ) -> int:
        """Keep results; one that is there already stays as it is. Return how many were new.

        Args:
            progress: where the evaluation stands after them.
            check: called within the transaction; what it raises undoes it, such as a lease that was lost.
            waiting: some may be there without their scores, and give way.
        """
        now = self._now()
        with self.database.write() as connection:
            check(connection)
            erased = self._erased(connection, principal.tenant, found)
            kept = [r.without_texts(x, r.ERASED) if r.documents_of(x) & erased else x for x in found]
            rows = [r.result_row(principal.tenant, evaluation_id, one, now) for one in kept]
            held = [row for one in kept for row in r.document_rows(principal.tenant, evaluation_id, one)]
            if waiting:
                self._replace_produced(connection, rows)
            new = insert_or_ignore(connection, results, rows)
            insert_or_ignore(connection, documents, held)
            if progress is not None:
                spent = select(func.coalesce(func.sum(results.c.cost_nanousd), 0)).where(
                    *self._of(principal, evaluation_id)
                )
                connection.execute(
                    update(evaluations)
                    .where(e.tenant == principal.tenant, e.id == evaluation_id)
                    .values(progress=dict(progress), cost_nanousd=spent.scalar_subquery())
                )
        return new

    def change(self, principal: Principal, evaluation_id: str, **values: Any) -> None:
        """Overwrite columns of an evaluation: `state`, `progress`, `summary`, `started_at`, `finished_at`, `error`, …"""
        with self.database.write() as connection:
            mine = (e.tenant == principal.tenant, e.id == evaluation_id)
            if "error" in values:
                record = connection.execute(select(e.record).where(*mine)).scalar_one()
                values["record"] = {**record, "error": values.pop("error")}
            connection.execute(update(evaluations).where(*mine).values(**values))

    def cancel(self, principal: Principal, ref: str) -> Evaluation:
        """Ask an evaluation to stop: who runs it does so at its next example, and what is done is kept."""
        found = self.get(principal, ref)
        with self.database.write() as connection:
            connection.execute(
                update(evaluations)
                .where(e.tenant == principal.tenant, e.id == found.id, e.state.in_(("planned", "running")))
                .values(state="cancelled", finished_at=self._now())
            )
        return self.get(principal, found.id)

    def state(self, principal: Principal, evaluation_id: str) -> EvaluationState:
        """Return the state alone."""
        query = select(e.state).where(e.tenant == principal.tenant, e.id == evaluation_id)
        with self.database.read() as connection:
            return cast("EvaluationState", str(connection.execute(query).scalar_one()))

    def _erased(self, connection: Connection, tenant: str, found: Sequence[Result]) -> set[str]:
        """Return which documents of these results were erased while they were made."""
        v, ids = document_versions.c, sorted({d for one in found for d in r.documents_of(one)})
        erased: set[str] = set()
        for start in range(0, len(ids), 400):
            least = func.min(case((v.erased, 1), else_=0))
            query = select(v.document_id).where(
                v.tenant == tenant, v.document_id.in_(ids[start : start + 400])
            )
            erased |= {
                str(row[0]) for row in connection.execute(query.group_by(v.document_id).having(least == 1))
            }
        return erased

    def _replace_produced(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make room for results that have their scores now."""
        for row in rows:
            if row["state"] == "produced":
                continue
            connection.execute(
                results.delete().where(
                    *(results.c[name] == row[name] for name in ("tenant", "evaluation_id", "seq", "repeat")),
                    results.c.state == "produced",
                )
            )

    def _keyed(self, principal: Principal, evaluation_id: str, keys: Sequence[tuple[int, int]]) -> Results:
        """Return the results at these places, in their order."""
        found: dict[tuple[int, int], Result] = {}
        withheld = self._withheld(principal, evaluation_id)
        with self.database.read() as connection:
            for start in range(0, len(keys), 400):
                seqs = {seq for seq, _ in keys[start : start + 400]}
                query = select(results).where(*self._of(principal, evaluation_id), results.c.seq.in_(seqs))
                found |= {(row.seq, row.repeat): withheld(r.result(row)) for row in connection.execute(query)}
        return [found[key] for key in keys if key in found]

    def _withheld(self, principal: Principal, evaluation_id: str) -> Callable[[Result], Result]:
        """Return what takes the texts out of results for somebody who may not read them."""
        if principal.owner or self.get(principal, evaluation_id).created_by == principal.name:
            return lambda result: result
        return r.without_texts

    def _of(self, principal: Principal, evaluation_id: str) -> tuple[ColumnElement[bool], ...]:
        return results.c.tenant == principal.tenant, results.c.evaluation_id == evaluation_id

    def _unknown(self, word: str) -> NotFoundError:
        return NotFoundError(
            f"there is no evaluation `{word[:60]}`", hint="list them with `groundwork evaluation list`"
        )

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")
