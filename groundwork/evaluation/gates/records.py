"""Plans, verdicts and overrides in the database; each is written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, func, select

from groundwork.core.errors import ConflictError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.evaluation.gates.types import Check, Override, Plan, SliceDifference, Verdict
from groundwork.evaluation.types import Measured
from groundwork.storage.database import Database, insert_or_ignore
from groundwork.storage.improvement_tables import gate_plans, verdict_overrides, verdicts

SHORTEST_PREFIX = 8
MOST = 1000
v = verdicts.c


class GateRecords:
    """What was planned, decided and overridden. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- plans ------------------------------------------------------------------------------------------------
    def put_plan(self, principal: Principal, plan: Plan) -> Plan:
        """Keep a plan and return it as it is kept: the same plan keeps the time of its first writing."""
        row = {
            "tenant": principal.tenant,
            "digest": plan.digest,
            "gate": plan.gate,
            "plan": plan.as_dict(),
            "created_at": plan.created_at,
            "created_by": plan.created_by,
        }
        with self._database.write() as connection:
            insert_or_ignore(connection, gate_plans, [row])
        return self.plan(principal, plan.digest)

    def plan(self, principal: Principal, digest: str) -> Plan:
        """Return a plan by its digest or the beginning of it. Raises NotFoundError, ConflictError."""
        where = [gate_plans.c.tenant == principal.tenant, *_begins(gate_plans.c.digest, digest, 64)]
        with self._database.read() as connection:
            found = connection.execute(select(gate_plans).where(*where).limit(2)).all()
        row = _only(found, "plan", digest)
        stored = cast("Mapping[str, Any]", row.plan)
        return Plan(**{**stored, "created_at": row.created_at, "created_by": row.created_by})

    # -- verdicts ---------------------------------------------------------------------------------------------
    def put_verdict(self, principal: Principal, found: Verdict) -> Verdict:
        """Keep a verdict."""
        record = found.as_dict()
        for name in ("overrides", "passed", "overridden"):
            record.pop(name)
        row = {
            "id": found.id,
            "tenant": principal.tenant,
            "gate": found.gate,
            "app": found.app,
            "plan": found.plan,
            "baseline": found.baseline,
            "candidate": found.candidate,
            "release": found.release,
            "outcome": found.outcome,
            "record": record,
            "created_at": found.created_at,
            "created_by": found.created_by,
        }
        with self._database.write() as connection:
            connection.execute(verdicts.insert(), [row])
        return found

    def verdict(self, principal: Principal, ref: str) -> Verdict:
        """Return a verdict by its id, the beginning of it, or `last`. Raises NotFoundError, ConflictError."""
        word = ref.strip()
        query = select(verdicts).where(v.tenant == principal.tenant).order_by(v.id.desc()).limit(2)
        if word != "last":
            query = query.where(*_begins(v.id, word, 30))
        with self._database.read() as connection:
            found = connection.execute(query).all()
        row = found[0] if word == "last" and found else _only(found, "verdict", word)
        return self._filled(principal, [row])[0]

    def verdicts(
        self, principal: Principal, *, limit: int = 50, before: str | None = None, **named: str
    ) -> list[Verdict]:
        """Return verdicts, newest first; `named` are columns that must have these values, empty ones are left out."""
        where: list[ColumnElement[bool]] = [v.tenant == principal.tenant]
        where += [v[name] == value for name, value in named.items() if value]
        where += [v.id < before] if before else []
        query = select(verdicts).where(*where).order_by(v.id.desc()).limit(max(1, min(limit, MOST)))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return self._filled(principal, rows)

    def earlier(self, principal: Principal, gate: str, dataset_version: str, plan: str) -> int:
        """Return for how many other plans this gate has decided on this version of the dataset."""
        query = select(v.record, v.plan).where(v.tenant == principal.tenant, v.gate == gate, v.plan != plan)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        same = (
            r.plan for r in rows if cast("Mapping[str, Any]", r.record)["dataset_version"] == dataset_version
        )
        return len(set(same))

    # -- overrides --------------------------------------------------------------------------------------------
    def put_override(self, principal: Principal, found: Override) -> Override:
        """Keep an override; a person overrides a verdict once.

        Raises:
            ConflictError: they have done so before.
        """
        o = verdict_overrides.c
        mine = (
            o.tenant == principal.tenant,
            o.verdict_id == found.verdict_id,
            o.principal == found.principal,
        )
        row = {
            name: getattr(found, name) for name in ("id", "verdict_id", "role", "reason", "principal", "at")
        }
        with self._database.write() as connection:
            if connection.execute(
                select(func.count()).select_from(verdict_overrides).where(*mine)
            ).scalar_one():
                raise ConflictError(
                    f"`{found.principal}` has overridden the verdict `{found.verdict_id}` before",
                    hint="the first override stands, with its reason",
                )
            connection.execute(verdict_overrides.insert(), [{**row, "tenant": principal.tenant}])
        return found

    def _filled(self, principal: Principal, rows: Sequence[Row[Any]]) -> list[Verdict]:
        if not rows:
            return []
        o = verdict_overrides.c
        query = select(verdict_overrides).where(
            o.tenant == principal.tenant, o.verdict_id.in_([r.id for r in rows])
        )
        with self._database.read() as connection:
            found = connection.execute(query.order_by(o.id)).all()
        given: dict[str, list[Override]] = {}
        for row in found:
            given.setdefault(row.verdict_id, []).append(
                Override(row.id, row.verdict_id, row.principal, row.role, row.reason, row.at)
            )
        return [_verdict(cast("Mapping[str, Any]", r.record), given.get(r.id, ())) for r in rows]


def _verdict(record: Mapping[str, Any], overrides: Sequence[Override]) -> Verdict:
    read = dict(record)
    read["checks"] = tuple(Check(**c) for c in record["checks"])
    read["slices"] = tuple(
        SliceDifference(**{**s, "difference": Measured(**s["difference"])}) for s in record["slices"]
    )
    read["reasons"], read["warnings"] = tuple(record["reasons"]), tuple(record["warnings"])
    return Verdict(**read, overrides=tuple(overrides))


def _begins(column: ColumnElement[str], word: str, whole: int) -> list[ColumnElement[bool]]:
    """Match a whole id, or the beginning of one that is long enough to mean something; else nothing."""
    if len(word) >= whole:
        return [column == word]
    if len(word) < SHORTEST_PREFIX or not word.isascii() or "%" in word:
        return [column == ""]
    return [column >= word, column < word + "~"]


def _only(found: Sequence[Row[Any]], what: str, word: str) -> Row[Any]:
    if not found:
        raise NotFoundError(
            f"there is no {what} `{word[:70]}`", hint="list verdicts with `groundwork gate verdicts`"
        )
    if len(found) > 1:
        raise ConflictError(f"several begin with `{word}`", hint="write more of it, or the whole of it")
    return found[0]
