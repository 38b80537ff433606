"""A workspace's proofs over records that a test holds in its hands: nothing else of the house is needed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from groundwork.core.clock import ManualClock
from groundwork.core.digest import digest_json
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from groundwork.evidence.types import Finding, Found, Rechecked
from groundwork.pathways.proofs.book import Proofs
from groundwork.releases.key import SigningKey
from groundwork.storage.database import Database

ANN = Principal(name="user:ann", owner=True, role="operator")
BOB = Principal(name="user:bob", owner=True, role="operator")
GATE: dict[str, Any] = {"find": "verdict", "where": {"outcome": "promote"}}


@dataclass
class Records:
    """Stands in for the checker: looks records up among those of the test."""

    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def add(self, kind: str, identifier: str, **values: Any) -> Found:
        self.rows[kind, identifier] = values
        return Found(kind, identifier, digest_json(values), values, "2026-03-01T00:00:00+00:00")

    def recheck(self, principal: Principal, found: Sequence[Found]) -> tuple[Rechecked, ...]:
        return tuple(self._one(f) for f in found)

    def _one(self, found: Found) -> Rechecked:
        row = self.rows.get((found.kind, found.id))
        if row is None:
            return Rechecked(found, "gone", "it was erased")
        return Rechecked(found, "same" if digest_json(row) == found.digest else "changed")


@dataclass(frozen=True)
class Entry:
    id: str
    title: str
    check: Mapping[str, Any]


@dataclass
class Catalogues:
    """Stands in for the catalogue: milestones by id."""

    milestones: dict[str, Entry] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest_json({k: dict(v.check) for k, v in self.milestones.items()})

    def current(self) -> Catalogues:
        return self

    def pin(self, principal: Principal) -> Catalogues:
        return self

    def milestone(self, identifier: str) -> Entry:
        if identifier not in self.milestones:
            raise NotFoundError(f"no milestone `{identifier}`")
        return self.milestones[identifier]

    def action(self, identifier: str) -> Entry:
        raise NotFoundError(f"no action `{identifier}`")


@dataclass
class House:
    """Proofs with everything they stand on."""

    database: Database
    clock: ManualClock
    records: Records
    catalogues: Catalogues
    key: SigningKey
    proofs: Proofs

    def finding(self, *found: Found, digest: str = "") -> Finding:
        return Finding("proven", digest or digest_json(GATE), found)


def house(root: Path, url: str = "") -> House:
    """Make an empty one below a folder; over SQLite, or over the empty database of a URL."""
    root.mkdir(parents=True, exist_ok=True)
    if url:
        database = Database(url)
        database.migrate()
    else:
        shutil.copy(_migrated(), root / "groundwork.db")
        database = Database(root / "groundwork.db")
    clock = ManualClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    records, key = Records(), SigningKey(root / "release.key", {})
    catalogues = Catalogues({"first-gate": Entry("first-gate", "A gate passed", GATE)})
    return House(database, clock, records, catalogues, key, Proofs(database, clock, key, records, catalogues))  # type: ignore[arg-type]


@cache
def _migrated() -> Path:
    """Migrations are the slow part: made once, copied for each test."""
    path = Path(tempfile.mkdtemp()) / "groundwork.db"
    database = Database(path)
    database.migrate()
    database.scrub()
    database.close()
    return path
