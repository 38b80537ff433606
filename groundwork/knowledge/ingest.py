"""From files to a published snapshot: plan, read, build, publish; safe to kill at any moment and to run again.

Nothing a reader sees changes before the last transaction, which moves the pointer. What was stored before a crash is found
again by its digest, so a second run goes on where the first one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundwork.core.clock import Clock
from groundwork.core.errors import CancelledError, DamagedError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.core.settings import IndexSpec
from groundwork.knowledge import store
from groundwork.knowledge.building import Builder, Built
from groundwork.knowledge.catalogue import Catalogue
from groundwork.knowledge.choice import EmbedderChoice
from groundwork.knowledge.chunkers import CHUNKERS
from groundwork.knowledge.manifest import Entry, Manifest, make_manifest
from groundwork.knowledge.pipeline import IndexVersion, spec_of
from groundwork.knowledge.plan import AccessRules, Plan, make_plan
from groundwork.knowledge.publish import Publisher
from groundwork.knowledge.reading import DocumentParser, Reader, Readings
from groundwork.knowledge.records import DocumentCounts, IngestProgress, IngestReport, QuarantineEntry
from groundwork.knowledge.scan import Stamp, scan
from groundwork.knowledge.store import Source
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database
from groundwork.storage.leases import Leases


@dataclass(frozen=True)
class IngestOptions:
    """How one ingest runs.

    Attributes:
        access: access list of everything read now; None: as the spec says, else as before, else public.
        reread: read every file again, also those that seem unchanged.
        rebuild: make every row anew with the parts the spec names now.
    """

    access: tuple[str, ...] | None = None
    reread: bool = False
    rebuild: bool = False


@dataclass
class Ingestor:
    """Writes the knowledge of one workspace; one writer per index at a time, held by a lease."""

    database: Database
    blobs: Blobs
    leases: Leases
    catalogue: Catalogue
    choice: EmbedderChoice
    parser: Callable[[], AbstractContextManager[DocumentParser]]
    clock: Clock
    max_file_bytes: int
    wait_seconds: float
    erased: Callable[[Principal, str], bool]

    def ingest(
        self,
        paths: Sequence[Path],
        index: str,
        spec: IndexSpec,
        principal: Principal,
        options: IngestOptions,
        progress: Callable[[IngestProgress], None],
        cancelled: Callable[[], bool],
    ) -> IngestReport:
        """Bring the index up to date with the files under `paths` and publish a snapshot if anything changed.

        Raises:
            NotFoundError, InvalidInputError: the paths cannot be used; nothing was changed.
            BusyError: another writer held the index for longer than the wait.
            CancelledError: `cancelled` said so; what was read and embedded is kept.
        """
        begun = self.clock.monotonic()
        progress(IngestProgress("scanning", 0, 0))
        found, roots = scan(paths, spec.exclude)

        def waiting(holder: str, waited: float) -> None:
            progress(IngestProgress("waiting", 0, 0, f"{holder} is writing this index"))

        def check() -> None:
            if cancelled():
                raise CancelledError(
                    "the ingest was cancelled", hint="run it again to go on; nothing that was done is lost"
                )

        name = f"index:{principal.tenant}:{index}"
        with self.leases.acquire(name, principal.name, wait=self.wait_seconds, on_wait=waiting) as lease:
            state = self._state(principal, index, mend=options.rebuild)
            rules = AccessRules(options.access, spec.access)
            plan = make_plan(
                found, roots, state.known, state.entries, rules, reread=options.reread or options.rebuild
            )
            readings = self._read(
                plan,
                state.known,
                roots,
                principal,
                index,
                progress,
                check,
                fresh=options.reread or options.rebuild,
            )
            target = _target(plan, readings)
            parts, builder, built = self._build(
                target, state, spec, index, principal, options, progress, check
            )
            progress(IngestProgress("publishing", 0, 0))
            entries = [
                Entry(
                    s.name, s.document_id, s.version, self._access(plan, state, s), *built.entries[s.version]
                )
                for s in target
            ]
            manifest = make_manifest(index, parts.id, entries)
            counts = _counts(plan, readings, state)
            publisher = Publisher(self.database, self.blobs, self.catalogue, self.clock)
            snapshot = publisher.publish(
                manifest, parts, builder.index, state.head, lease, principal, counts, readings.sources,
                [s.path for s in plan.gone],
            )  # fmt: skip
            report = IngestReport(
                id=new_id("ing"),
                index=index,
                snapshot=snapshot,
                documents=counts,
                chunks=manifest.chunks,
                embedded=built.embedded,
                seconds=round(self.clock.monotonic() - begun, 3),
                quarantine=_quarantine(plan, readings),
                warnings=tuple(self.choice.remarks),
                before=state.head,
            )
            publisher.record(report, principal)
        progress(IngestProgress("done", len(found), len(found)))
        return report

    def remove(self, index: str, names: Sequence[str], principal: Principal) -> IngestReport:
        """Take documents out of the head by name, id or folder; they may be ingested again, and old snapshots keep them.

        Raises:
            NotFoundError: a name fits no document of the head; nothing is removed.
        """
        begun = self.clock.monotonic()
        name = f"index:{principal.tenant}:{index}"
        with self.leases.acquire(name, principal.name, wait=self.wait_seconds) as lease:
            state = self._state(principal, index, mend=False)
            leaving: set[str] = set()
            for wanted in names:
                fits = {
                    e.document_id
                    for e in state.entries.values()
                    if wanted in (e.document_id, e.document)
                    or e.document.startswith(wanted.rstrip("/") + "/")
                }
                if not fits:
                    raise NotFoundError(
                        f"the index `{index}` has no document or folder `{wanted}`",
                        hint=f"list them with `groundwork knowledge documents {index}`",
                    )
                leaving |= fits
            if not leaving or state.manifest is None or state.row is None:
                raise InvalidInputError(
                    "there is nothing to remove", hint="name documents or folders of the index"
                )
            with self.database.read() as connection:
                parts = self.catalogue.parts(connection, principal.tenant, state.row.index_version)
            back_end = self.catalogue.index(principal.tenant, index, parts)
            stay = [e for e in state.manifest.entries if e.document_id not in leaving]
            if _rolled_back(back_end, {e.version: (e.chunks, e.chunks_digest) for e in stay}):
                back_end.restore(state.row.ref)
            manifest = make_manifest(index, parts.id, stay)
            counts = DocumentCounts(unchanged=len(stay), removed=len(leaving))
            gone = [s.path for s in state.known.values() if s.document_id in leaving]
            publisher = Publisher(self.database, self.blobs, self.catalogue, self.clock)
            snapshot = publisher.publish(
                manifest, parts, back_end, state.head, lease, principal, counts, [], gone
            )
            seconds = round(self.clock.monotonic() - begun, 3)
            report = IngestReport(
                new_id("ing"), index, snapshot, counts, manifest.chunks, 0, seconds, before=state.head
            )
            publisher.record(report, principal)
        return report

    def _state(self, principal: Principal, index: str, *, mend: bool) -> _State:
        with self.database.read() as connection:
            rows = store.sources(connection, principal.tenant, index)
            head = self.catalogue.head(connection, principal, index)
            row = store.snapshot(connection, principal.tenant, index, head) if head else None
            spec = (
                store.index_version(connection, principal.tenant, row.index_version)
                if row is not None
                else None
            )
            manifest = self._manifest(row, mend) if row is not None else None
            entries = manifest.entries if manifest is not None else ()
            current = {(s.document_id, s.version) for s in rows if s.state == "indexed"}
            moved = [e.version for e in entries if (e.document_id, e.version) not in current]
            contents = {v: r.content for v, r in store.versions(connection, principal.tenant, moved).items()}
            contents |= {s.version: s.content for s in rows}
        known = (
            {s.path: s for s in rows if s.state != "gone"}
            if manifest is None
            else as_of(rows, manifest, contents)
        )
        return _State(known, row, manifest, spec)

    def _manifest(self, row: Any, mend: bool) -> Manifest | None:
        try:
            return self.catalogue.manifest(row.id)
        except (DamagedError, NotFoundError):
            if mend:
                return None  # a rebuild makes everything anew and needs nothing of the old state
            raise

    def _read(
        self,
        plan: Plan,
        known: Mapping[str, Source],
        roots: Sequence[str],
        principal: Principal,
        index: str,
        progress: Callable[[IngestProgress], None],
        check: Callable[[], None],
        fresh: bool,
    ) -> Readings:
        if not plan.read:
            return Readings()
        total = len(plan.read)
        progress(IngestProgress("reading", 0, total))
        with self.parser() as parser:
            reader = Reader(
                self.database,
                self.blobs,
                parser,
                self.clock,
                principal.tenant,
                index,
                self.max_file_bytes,
                lambda content: self.erased(principal, content),
                lambda done, name: progress(IngestProgress("reading", done, total, name)),
                check,
                fresh,
            )
            return reader.read(plan, known, roots)

    def _build(
        self,
        target: Sequence[Source],
        state: _State,
        spec: IndexSpec,
        index: str,
        principal: Principal,
        options: IngestOptions,
        progress: Callable[[IngestProgress], None],
        check: Callable[[], None],
    ) -> tuple[IndexVersion, Builder, Built]:
        parts = self._parts(target, state, spec, principal, options)
        back_end = self.catalogue.index(principal.tenant, index, parts)
        builder = Builder(
            self.database,
            self.blobs,
            parts,
            back_end,
            principal.tenant,
            lambda done, total, name: progress(IngestProgress("embedding", done, total, name)),
            check,
        )
        same = state.row is not None and state.row.index_version == parts.id
        old = state.manifest.by_version if same and state.manifest is not None else {}
        kept = {
            s.version: (old[s.version].chunks, old[s.version].chunks_digest)
            for s in target
            if s.version in old
        }
        donors = _donors(target, state) if same else {}
        fresh = [s.version for s in target if s.version not in kept]
        if state.row is not None and same and _rolled_back(back_end, kept):
            back_end.restore(state.row.ref)
        built = builder.build(fresh, {s.version: s.name for s in target}, donors) if fresh else Built()
        built.entries.update(kept)
        return parts, builder, built

    def _parts(
        self,
        target: Sequence[Source],
        state: _State,
        spec: IndexSpec,
        principal: Principal,
        options: IngestOptions,
    ) -> IndexVersion:
        with self.database.read() as connection:
            found = store.versions(connection, principal.tenant, [s.version for s in target])
        before = None if options.rebuild or state.spec is None else state.spec["embedder"]
        size = sum(v.chars for v in found.values())
        embedder = self.choice.choose(
            spec.embedder, before, size, lambda: self._passages(spec, [found[s.version] for s in target])
        )
        made = spec_of(
            spec.backend, spec.chunker, spec.analyzer, embedder, embedder["fingerprint"] if embedder else ""
        )
        # A rebuild is another version even of the same parts: it has a place of its own, which damage has not reached.
        built = int(state.spec.get("generation", 0)) if state.spec is not None else 0
        if options.rebuild and state.spec is not None:
            built += 1
        if built:
            made["generation"] = built
        return self.catalogue.build(made)

    def _passages(self, spec: IndexSpec, versions: Sequence[store.DocumentVersion]) -> list[str]:
        chunker = CHUNKERS.make(spec.chunker)
        texts = (self.blobs.get(v.text).decode() for v in versions)
        return [span.of(text) for text in texts for span in chunker.split(text)]

    def _access(self, plan: Plan, state: _State, source: Source) -> tuple[str, ...]:
        if source.path in plan.access:
            return plan.access[source.path]
        return state.entries[source.document_id].access


@dataclass(frozen=True)
class _State:
    """The index as it was when the lease was taken."""

    known: Mapping[str, Source]
    row: Any | None
    manifest: Manifest | None
    spec: dict[str, Any] | None

    @property
    def head(self) -> str | None:
        return None if self.row is None else str(self.row.id)

    @property
    def entries(self) -> Mapping[str, Entry]:
        return {} if self.manifest is None else self.manifest.by_document


def as_of(rows: Sequence[Source], manifest: Manifest, contents: Mapping[str, str]) -> dict[str, Source]:
    """Return the sources as the head holds them, which after a rollback are not the newest.

    Args:
        rows: every source that is remembered, also those whose file is gone.
        contents: content digest of every version of the manifest.

    Returns:
        By path. Where a source stands otherwise in the head, its stamp is one no file has, so that the file is read again.
    """
    known = {s.path: s for s in rows if s.state == "quarantined"}
    by_document: dict[str, list[Source]] = {}
    for source in rows:
        by_document.setdefault(source.document_id, []).append(source)
    for entry in manifest.entries:
        candidates = by_document.get(entry.document_id, [])
        if candidates:
            fit = max(
                candidates, key=lambda s: (s.name == entry.document, s.version == entry.version, s.path)
            )
            if (fit.state, fit.version, fit.name) != ("indexed", entry.version, entry.document):
                fit = replace(
                    fit,
                    state="indexed",
                    version=entry.version,
                    content=contents.get(entry.version, ""),
                    stamp=Stamp(-1, 0, 0, 0),
                    name=entry.document,
                )
            known[fit.path] = fit
    return known


def _target(plan: Plan, readings: Readings) -> list[Source]:
    sources = [s for s in (*plan.keep, *readings.sources) if s.state == "indexed"]
    return sorted(sources, key=lambda s: s.path)


def _donors(target: Sequence[Source], state: _State) -> dict[str, tuple[str, str]]:
    """Say for each new version which rows of the head may already hold its vectors."""
    if state.row is None or state.manifest is None:
        return {}
    by_content = {
        s.content: s.version for s in state.known.values() if s.version in state.manifest.by_version
    }
    donors: dict[str, tuple[str, str]] = {}
    for source in target:
        entry = state.entries.get(source.document_id)
        donor = entry.version if entry is not None else by_content.get(source.content)
        if donor is not None:
            donors[source.version] = (state.row.ref, donor)
    return donors


def _rolled_back(back_end: Any, kept: Mapping[str, tuple[int, str]]) -> bool:
    staged = back_end.staged()
    return any(count and staged.get(version) != count for version, (count, _) in kept.items())


def _counts(plan: Plan, readings: Readings, state: _State) -> DocumentCounts:
    added = changed = unchanged = quarantined = lost = 0
    for source in readings.sources:
        before = state.known.get(source.path)
        if source.state == "quarantined":
            quarantined += 1
            lost += before is not None and before.state == "indexed"
        elif source.path in readings.renamed:
            continue
        elif before is None or before.state == "quarantined":
            added += 1
        elif source.path in readings.changed:
            changed += 1
        else:
            unchanged += 1
    unchanged += sum(s.state == "indexed" and s.path in plan.access for s in plan.keep)
    quarantined += sum(s.state == "quarantined" and s.path in plan.access for s in plan.keep)
    renamed_from = set(readings.renamed.values())
    removed = lost + sum(s.state == "indexed" and s.path not in renamed_from for s in plan.gone)
    return DocumentCounts(added, changed, unchanged, removed, len(readings.renamed), quarantined)


def _quarantine(plan: Plan, readings: Readings) -> tuple[QuarantineEntry, ...]:
    rows = [s for s in (*plan.keep, *readings.sources) if s.state == "quarantined" and s.path in plan.access]
    return tuple(
        QuarantineEntry(s.name, s.reason, s.message, s.media_type, s.stamp.size, s.content, s.seen_at)
        for s in sorted(rows, key=lambda s: s.path)
    )
