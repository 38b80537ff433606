"""Check what is stored against its digests: every blob, every manifest, every chunk of every snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from groundwork.core.digest import short
from groundwork.core.errors import GroundworkError
from groundwork.core.principal import Principal
from groundwork.knowledge import store
from groundwork.knowledge.catalogue import Catalogue
from groundwork.knowledge.indexes import Index
from groundwork.knowledge.manifest import Manifest, chunks_digest
from groundwork.knowledge.types import ChunkRow
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was written: its kind, its name, and what is wrong."""

    kind: str
    id: str
    problem: str


@dataclass(frozen=True)
class VerifyReport:
    """What was checked, by kind, and what is damaged; `ok` when nothing is."""

    checked: dict[str, int] = field(default_factory=dict)
    damaged: tuple[Damage, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.damaged

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


@dataclass
class Verifier:
    """Reads everything once; changes nothing."""

    database: Database
    blobs: Blobs
    catalogue: Catalogue

    def verify(
        self, principal: Principal, progress: Progress = lambda what, done, total: None
    ) -> VerifyReport:
        """Check the whole workspace of the principal's tenant; `progress` is called with (what, done, total)."""
        checked: Counter[str] = Counter()
        damaged: list[Damage] = []
        for check in (self._database, self._blobs):
            for kind, damage in check(progress):
                checked[kind] += 1
                if damage:
                    damaged.append(damage)
        with self.database.read() as connection:
            names = store.index_names(connection, principal.tenant)
            rows = [r for name in names for r in store.snapshots(connection, principal.tenant, name)]
        for done, row in enumerate(rows, 1):
            progress("snapshots", done, len(rows))
            for kind, count, found in self._snapshot(principal, row):
                checked[kind] += count
                damaged += found
        return VerifyReport(dict(sorted(checked.items())), tuple(dict.fromkeys(damaged)))

    def _database(self, progress: Progress) -> Iterator[tuple[str, Damage | None]]:
        progress("database", 0, 1)
        if self.database.dialect == "sqlite":
            with self.database.unbound() as connection:
                said = [str(r[0]) for r in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
            for problem in (s for s in said if s != "ok"):
                yield "database", Damage("database", self.database.name, problem)
        yield "database", None

    def _blobs(self, progress: Progress) -> Iterator[tuple[str, Damage | None]]:
        with self.database.read() as connection:
            wanted = store.all_version_blobs(connection)
        present = list(self.blobs.digests())
        for done, digest in enumerate(present, 1):
            progress("blobs", done, len(present))
            try:
                self.blobs.get(digest)
            except GroundworkError as error:
                yield "blobs", Damage("blob", digest, error.message)
            else:
                yield "blobs", None
        for digest in sorted(wanted.difference(present)):
            yield "blobs", Damage("blob", digest, "a document refers to it, but it is not there")

    def _snapshot(self, principal: Principal, row: Any) -> Iterator[tuple[str, int, list[Damage]]]:
        name = f"{row.index_name}@{short(row.id)}"
        try:
            manifest = self.catalogue.manifest(row.id)
        except GroundworkError as error:
            yield "manifests", 1, [Damage("manifest", name, error.message)]
            return
        yield "manifests", 1, []
        try:
            with self.database.read() as connection:
                parts = self.catalogue.parts(connection, principal.tenant, row.index_version)
            back_end = self.catalogue.index(principal.tenant, row.index_name, parts)
            count, found = check_rows(manifest, back_end, row.ref, name, redacted=bool(row.redacted))
        except GroundworkError as error:
            yield "chunks", 0, [Damage("index", name, error.message)]
            return
        yield "chunks", count, found


def check_rows(
    manifest: Manifest, back_end: Index, ref: str, name: str, *, redacted: bool
) -> tuple[int, list[Damage]]:
    """Compare the rows of a ref with the chunk digests of its manifest; return how many were read, and what is wrong."""
    groups: dict[str, list[ChunkRow]] = {}
    count = 0
    for row in back_end.scan(ref):
        groups.setdefault(row.version, []).append(row)
        count += 1
    found: list[Damage] = []
    for entry in manifest.entries:
        rows = sorted(groups.pop(entry.version, []), key=lambda r: r.ordinal)
        if redacted and not rows:
            continue
        if len(rows) != entry.chunks:
            found.append(
                Damage(
                    "document",
                    entry.document_id,
                    f"{name}: {len(rows)} of {entry.chunks} chunks of {entry.document}",
                )
            )
        elif rows and chunks_digest(rows) != entry.chunks_digest:
            found.append(
                Damage(
                    "document",
                    entry.document_id,
                    f"{name}: the chunks of {entry.document} are not as written",
                )
            )
    found += [
        Damage("index", name, f"{len(rows)} chunks of the unknown document version {short(version)}")
        for version, rows in groups.items()
    ]
    return count, found
