"""Rows for tests of evidence, written into the tables as the rooms write them; what a test does not name is filled in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Connection, Double, Integer, Table, delete, insert
from sqlalchemy.types import BigInteger

from groundwork.core.digest import digest_json
from groundwork.core.ids import derived_id
from groundwork.core.principal import LOCAL, Principal
from groundwork.releases import signing
from groundwork.releases.key import SigningKey
from groundwork.releases.types import Manifest
from groundwork.storage import improvement_tables as i
from groundwork.storage import pathway_tables as p
from groundwork.storage import tables as t
from groundwork.storage.columns import Json, Unsigned
from groundwork.storage.database import Database
from groundwork.storage.tables import metadata

BEGIN = datetime(2026, 11, 1, 8, tzinfo=UTC)
ANN = Principal(name="user:ann", owner=True, role="builder")
Row = dict[str, Any]


@dataclass
class House:
    """A database with rows.

    Attributes:
        principal: whose tenant, and whose personal records, rows belong to. day: on which day of November they are made.
    """

    database: Database
    key: SigningKey
    principal: Principal = LOCAL
    day: float = 0.0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    written: list[tuple[Table, Row]] = field(default_factory=list)

    def at(self, day: float | None = None) -> str:
        """Return a time of November 2026; each call a second later."""
        shift = timedelta(days=self.day if day is None else day, seconds=next(self._numbers))
        return (BEGIN + shift).isoformat()

    def put(self, table: Table, **values: Any) -> Row:
        """Write a row; missing ids are new, missing times are now, everything else is empty."""
        row: Row = {}
        for column in table.c:
            if column.name in values:
                row[column.name] = values[column.name]
            elif column.name == "tenant":
                row["tenant"] = self.principal.tenant
            elif column.name == "owner":
                row["owner"] = self.principal.name
            elif not column.nullable:
                row[column.name] = self._empty(column)
        unknown = set(values) - set(row)
        assert not unknown, f"{table.name} has no {unknown}"
        with self.database.write() as connection:
            connection.execute(insert(table).values(row))
        self.written.append((table, row))
        return row

    def remove(self, table: Table, row: Row) -> None:
        """Take a row away again."""
        with self.database.write() as connection:
            _remove(connection, table, row)

    def again(self, table: Table, row: Row) -> None:
        """Put a row back."""
        with self.database.write() as connection:
            connection.execute(insert(table).values(row))

    def restore(self) -> None:
        """Put back what was removed, and what went with it."""
        written = list(self.written)
        self.clear()
        with self.database.write() as connection:
            for table, row in written:
                connection.execute(insert(table).values(row))
        self.written.extend(written)

    def only_pins(self, app: str = "handbook", **pins: Any) -> Row:
        """Return a release that is not kept: for verdicts on what was never released."""
        made = self.release(app, **pins)
        self.remove(*self.written.pop())
        return made

    def clear(self) -> None:
        """Take every row away."""
        with self.database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        self.written.clear()

    def _empty(self, column: Any) -> Any:
        if column.name == "id":
            return f"{column.table.name[:3]}_{next(self._numbers):06}"
        if column.name in ("at", "seen_at") or column.name.endswith("_at"):
            return self.at()
        if column.name in ("seq", "n", "position"):
            return next(self._numbers)
        if isinstance(column.type, Json):
            return {}
        if isinstance(column.type, Boolean):
            return False
        if isinstance(column.type, Integer | BigInteger | Double | Unsigned):
            return 0
        return ""

    # -- what the rooms write -----------------------------------------------------------------------------------
    def release(self, app: str = "handbook", *, number: int = 1, by: str = "local", **pins: Any) -> Row:
        """Write a signed release."""
        known: dict[str, Any] = {
            "spec": {}, "index": "docs", "snapshot": "s1", "prompt": "", "reader": "r", "models": {}, "policies": {},
            "threshold": 0.2, "calibration": "", "settings": f"settings of {app} {number}", "code": {"version": "1"},
            "recipe": {"strategy": "hybrid"},
        }  # fmt: skip
        manifest = Manifest(app=app, **{**known, **pins})
        at, digest = self.at(), digest_json(manifest.pins())
        statement = signing.statement(manifest, number, at, by)
        envelope = signing.sign(self.key.private(), statement)
        return self.put(
            i.releases, id=derived_id("rel", digest), digest=digest, app=app, number=number, created_at=at, created_by=by,
            manifest=manifest.as_dict(), envelope=envelope,
        )  # fmt: skip

    def deployment(
        self, release: Row, environment: str = "staging", kind: str = "promote", **values: Any
    ) -> Row:
        given = {"state": "done", "share": 1.0, **values}
        return self.put(
            i.deployments,
            app=release["app"],
            environment=environment,
            release=release["id"],
            kind=kind,
            **given,
        )

    def verdict(
        self, release: Row, *, n: int = 60, outcome: str = "promote", before: Row | None = None, **record: Any
    ) -> Row:
        """Write a verdict on what a release pins, with both evaluations.

        `before`: columns of the baseline's; None: nothing rests on it, and it is not among what was written.
        """
        pins = {name: release["manifest"][name] for name in ("settings", "snapshot", "prompt")}
        given = {"state": "planned", "release": release["digest"], "pins": pins}
        candidate = self.evaluation(release["app"], **given)
        baseline = self.evaluation(
            release["app"], **{**given, "pins": {"prompt": "answer@p0"}, **(before or {})}
        )
        if before is None:
            self.written.pop()
        whole = {
            "n": n, "clusters": n, "posthoc": False, "dataset": "golden@1", "dataset_version": "d1", "split": "test",
            "looks": 0, "checks": [{"kind": "primary", "metric": "correct", "state": "pass"}], **record,
        }  # fmt: skip
        sides = {"candidate": candidate["id"], "baseline": baseline["id"]}
        return self.put(
            i.verdicts,
            gate="main",
            app=release["app"],
            outcome=outcome,
            release=release["digest"],
            record=whole,
            **sides,
        )

    def evaluation(
        self, app: str = "handbook", *, n: int = 60, metrics: Any = ("correct",), **values: Any
    ) -> Row:
        """Write a finished evaluation; `pins` and `retrieval` are of its subject."""
        pins, retrieval = values.pop("pins", {}), values.pop("retrieval", "hybrid")
        summary = {m: {"value": 0.8, "low": 0.7, "high": 0.9, "n": n} for m in metrics}
        subject = {"kind": "app", "pins": pins, "retrieval": retrieval}
        given = {
            "dataset": "golden", "dataset_version": "d1", "split": "test", "state": "done",
            "record": {"n": n, "subject": subject}, "summary": {**summary, "slices": {}}, "progress": {"failed": 0},
        }  # fmt: skip
        return self.put(i.evaluations, app=app, **{**given, **values})

    def answer(self, release: Row | None = None, app: str = "handbook", **values: Any) -> Row:
        record = {
            "pins": {"release": release["id"] if release else None, "snapshot": "s1", "prompt": None, "model": "m"},
            "citations": [{"quote": "x"}], "retrieved": [{"chunk_id": "c"}], "confidence": 0.9, "calibration": None,
        }  # fmt: skip
        record = {**record, **values.pop("record", {})}
        return self.put(t.answers, app=release["app"] if release else app, record=record, **values)

    def calls(self, count: int, *, days: float = 0.0, **values: Any) -> list[Row]:
        """Write calls that went through, spread evenly over days."""
        given = {
            "state": "done",
            "operation": "chat",
            "provider": "p1",
            "structured": "none",
            "latency_ms": 100.0,
        }
        with self.database.write() as connection:
            rows = [
                {
                    **_whole(self, t.calls),
                    **given,
                    **values,
                    "started_at": self.at(days * n / max(1, count - 1)),
                }
                for n in range(count)
            ]
            connection.execute(insert(t.calls), rows)
        self.written.extend((t.calls, row) for row in rows)
        return rows

    def ingest(
        self, index: str = "docs", snapshot: str = "s1", before: str | None = None, unchanged: int = 0
    ) -> Row:
        documents = {
            "added": 1,
            "changed": 0,
            "unchanged": unchanged,
            "removed": 0,
            "renamed": 0,
            "quarantined": 0,
        }
        report = {
            "snapshot": snapshot,
            "before": before,
            "documents": documents,
            "chunks": 10,
            "embedded": 10,
        }
        return self.put(t.ingests, index_name=index, state="done", report=report)

    def snapshot(self, index: str = "docs", identifier: str = "s1", **values: Any) -> Row:
        given = {"documents": 3, "chunks": 120, "embedder": "lsa", **values}
        return self.put(t.snapshots, index_name=index, id=identifier, **given)

    def dataset(self, name: str = "golden", number: int = 1, examples: int = 60, **values: Any) -> Row:
        summary = {"splits": {"test": examples}, "licences": {"CC0": examples}, "personal": {"examples": 0}}
        given = {"digest": f"{name} {number}", "summary": summary, **values}
        return self.put(i.dataset_versions, name=name, number=number, examples=examples, **given)

    def lab(self, name: str, **values: Any) -> Row:
        given = {
            "state": "passed",
            "points": 4,
            "total": 4,
            "minutes": 20.0,
            "finished_at": self.at(),
            **values,
        }
        return self.put(p.lab_runs, lab=name, **given)

    def quiz(self, name: str, score: int = 5, total: int = 5) -> Row:
        return self.put(p.quiz_results, quiz=name, score=score, total=total, finished_at=self.at())

    def of(self, principal: Principal) -> House:
        """Return the same house, writing for somebody else."""
        return replace(self, principal=principal)


def _whole(house: House, table: Table) -> Mapping[str, Any]:
    row = {c.name: house._empty(c) for c in table.c if not c.nullable and c.name != "tenant"}
    return {**row, "tenant": house.principal.tenant}


def _remove(connection: Connection, table: Table, row: Row) -> None:
    keys = list(table.primary_key)
    connection.execute(delete(table).where(*[column == row[column.name] for column in keys]))


def opened(folder: Path) -> SigningKey:
    """Return a key to sign with."""
    return SigningKey(folder / "release.key", {})
