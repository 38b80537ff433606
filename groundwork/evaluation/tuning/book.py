"""The book of tunings: what was planned, how far it is, and every score, each written once so that nothing is run twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select, update

from groundwork.core.clock import Clock
from groundwork.core.errors import ConflictError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.evaluation.tuning.types import Tried, Tuning, TuningPlan
from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.improvement_tables import tuning_scores, tunings

NANO = 1_000_000_000
LAST = "last"
SHORTEST_PREFIX = 8
t, s = tunings.c, tuning_scores.c


class Tunings:
    """The tunings of a workspace. Safe to use from several threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, principal: Principal, plan: TuningPlan) -> Tuning:
        """Write a plan down; nothing runs yet."""
        row = {
            "id": new_id("tun"),
            "tenant": principal.tenant,
            "app": plan.app,
            "dataset": plan.dataset,
            "dataset_version": plan.dataset_version,
            "state": "planned",
            "record": {"plan": plan.as_dict()},
            "progress": {"done": 0, "of": plan.evaluations, "cost_usd": 0.0},
            "report": None,
            "job_id": "",
            "created_at": self._clock.now().isoformat(),
            "created_by": principal.name,
            "finished_at": None,
        }
        with self._database.write() as connection:
            connection.execute(tunings.insert().values(**row))
        return self.get(principal, str(row["id"]))

    def get(self, principal: Principal, ref: str) -> Tuning:
        """Return one tuning by its id, the beginning of it (8 characters and more), or `last`.

        Raises:
            NotFoundError: there is none. ConflictError: several begin so.
        """
        word = ref.strip()
        query = select(tunings).where(t.tenant == principal.tenant).order_by(t.id.desc()).limit(2)
        if word != LAST:
            if len(word) < SHORTEST_PREFIX or not word.isprintable():
                raise _unknown(word)
            query = query.where(t.id.startswith(word, autoescape=True))
        with self._database.read() as connection:
            found = connection.execute(query).all()
        if not found:
            raise _unknown(word)
        if len(found) > 1 and word != LAST:
            raise ConflictError(f"several tunings begin with `{word}`", hint="write more of the id")
        return _tuning(found[0])

    def list(
        self, principal: Principal, *, app: str = "", limit: int = 50, before: str | None = None
    ) -> list[Tuning]:
        """Return tunings, newest first. `before` is the id to go on from."""
        query = select(tunings).where(t.tenant == principal.tenant).order_by(t.id.desc())
        query = query.where(t.app == app) if app else query
        query = query.where(t.id < before) if before else query
        with self._database.read() as connection:
            return [_tuning(row) for row in connection.execute(query.limit(max(1, min(limit, 1000))))]

    def change(
        self, principal: Principal, tuning_id: str, *, error: Mapping[str, Any] | None = None, **values: Any
    ) -> None:
        """Change state, progress, report and the like of a tuning."""
        if error is not None or values.get("state") == "running":
            values["record"] = {"plan": dict(self.get(principal, tuning_id).plan), "error": error}
        query = update(tunings).where(t.tenant == principal.tenant, t.id == tuning_id).values(**values)
        with self._database.write() as connection:
            connection.execute(query)

    def scores(self, principal: Principal, tuning_id: str) -> dict[str, dict[int, Tried]]:
        """Return every score so far: by the digest of the configuration, by the place of the example."""
        query = select(tuning_scores).where(s.tenant == principal.tenant, s.tuning_id == tuning_id)
        found: dict[str, dict[int, Tried]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                tried = Tried(
                    row.value, bool(row.applies), row.latency_ms, row.cost_nanousd / NANO, row.error
                )
                found.setdefault(row.configuration, {})[int(row.seq)] = tried
        return found

    def put(self, principal: Principal, tuning_id: str, tried: Iterable[tuple[str, int, Tried]]) -> None:
        """Write scores; one that is there already stays."""
        rows = [
            {
                "tenant": principal.tenant,
                "tuning_id": tuning_id,
                "configuration": configuration,
                "seq": seq,
                "value": one.value,
                "applies": one.applies,
                "latency_ms": one.latency_ms,
                "cost_nanousd": round(one.cost_usd * NANO),
                "error": one.error,
            }
            for configuration, seq, one in tried
        ]
        if rows:
            with self._database.write() as connection:
                insert_or_ignore(connection, tuning_scores, rows)

    def spent(self, principal: Principal, tuning_id: str) -> float:
        """Return what the tuning cost so far, in USD."""
        query = select(func.sum(s.cost_nanousd)).where(s.tenant == principal.tenant, s.tuning_id == tuning_id)
        with self._database.read() as connection:
            return float(connection.execute(query).scalar() or 0) / NANO

    def now(self) -> str:
        """Return the time as it is written down."""
        return self._clock.now().isoformat()


def _unknown(word: str) -> NotFoundError:
    return NotFoundError(f"there is no tuning `{word[:60]}`", hint="list them with `groundwork tune list`")


def _tuning(row: Any) -> Tuning:
    return Tuning(
        id=row.id,
        app=row.app,
        dataset=row.dataset,
        dataset_version=row.dataset_version,
        state=row.state,
        plan=row.record["plan"],
        progress=row.progress,
        report=row.report,
        job_id=row.job_id,
        created_at=row.created_at,
        created_by=row.created_by,
        finished_at=row.finished_at,
        error=row.record.get("error"),
    )
