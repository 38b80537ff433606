"""First half of an ingest: files become document versions, stored before anything refers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from groundwork.core.clock import Clock
from groundwork.core.digest import canonical_json, digest_bytes, digest_json
from groundwork.core.ids import derived_id
from groundwork.knowledge import store
from groundwork.knowledge.parsing.outcome import Quarantine as Refusal
from groundwork.knowledge.plan import Plan
from groundwork.knowledge.scan import Found
from groundwork.knowledge.store import DocumentVersion, Source
from groundwork.knowledge.types import Parsed
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database
from groundwork.storage.failpoints import failpoint

BATCH_DOCUMENTS = 64
BATCH_BYTES = 32 * 1024 * 1024


class DocumentParser(Protocol):
    """Reads bytes in limited child processes."""

    def kind(self, data: bytes, name: str) -> tuple[str, str, int]:
        """Return (media type, loader name, loader version); the loader is empty when nothing reads this."""
        ...

    def parse(self, items: Iterator[tuple[int, bytes, str, str]]) -> Iterator[tuple[int, Parsed | Refusal]]:
        """Read (key, bytes, name, media type) and answer in the same order."""
        ...


@dataclass
class Readings:
    """What reading brought: the sources as they are now, by path."""

    sources: list[Source] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Raw:
    file: Found
    data: bytes
    content: str
    media_type: str
    loader: str
    loader_version: int


@dataclass
class Reader:
    """Reads the files of a plan.

    Args:
        erased: says whether this content was erased and must not come back.
        progress: called with (files done, name).
        check: called between batches; raises to stop.
        fresh: read anew what was read before, and store it anew.
    """

    database: Database
    blobs: Blobs
    parser: DocumentParser
    clock: Clock
    tenant: str
    index: str
    max_bytes: int
    erased: Callable[[str], bool]
    progress: Callable[[int, str], None]
    check: Callable[[], None]
    fresh: bool = False

    def read(self, plan: Plan, known: Mapping[str, Source], roots: Sequence[str]) -> Readings:
        """Store a document version for every readable file, batch by batch, and say what every source now is."""
        result = Readings()
        moved = _by_content(plan.gone)
        done = 0
        for batch in self._batches(plan.read):
            self.check()
            self._read_batch(batch, plan, known, roots, moved, result)
            done += len(batch)
            self.progress(done, batch[-1][0].label)
        return result

    def _batches(self, files: Sequence[Found]) -> Iterator[list[tuple[Found, bytes | Refusal]]]:
        batch: list[tuple[Found, bytes | Refusal]] = []
        size = 0
        for file in files:
            item = self._bytes(file)
            batch.append((file, item))
            size += 0 if isinstance(item, Refusal) else len(item)
            if len(batch) >= BATCH_DOCUMENTS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _bytes(self, file: Found) -> bytes | Refusal:
        if file.problem:
            return Refusal("unreadable", file.problem)
        if file.stamp.size > self.max_bytes:
            limit = self.max_bytes // 2**20
            return Refusal(
                "too_large",
                f"the file has {file.stamp.size / 2**20:.0f} MiB; the limit is {limit} (max_file_mib)",
            )
        try:
            data = Path(file.path).read_bytes()
        except OSError as error:
            return Refusal("unreadable", f"the file cannot be read: {error.strerror}")
        return data if data else Refusal("empty", "the file has no bytes")

    def _read_batch(
        self,
        batch: Sequence[tuple[Found, bytes | Refusal]],
        plan: Plan,
        known: Mapping[str, Source],
        roots: Sequence[str],
        moved: dict[str, list[Source]],
        result: Readings,
    ) -> None:
        now = self.clock.now().isoformat()
        raws: list[_Raw] = []
        for file, item in batch:
            refusal = item if isinstance(item, Refusal) else self._admit(file, item, raws)
            if refusal is not None:
                result.sources.append(self._quarantined(file, refusal, roots, known, now, item))
        with self.database.read() as connection:
            earlier = {} if self.fresh else store.readings(connection, self.tenant, [r.content for r in raws])
            earlier_by_path = {p: s for p, s in known.items() if s.version}
        parsed = self._parse([r for r in raws if (r.content, r.loader, r.loader_version) not in earlier])
        blobs: list[bytes] = []
        versions: list[DocumentVersion] = []
        for raw in raws:
            source = known.get(raw.file.key)
            outcome = (
                earlier.get((raw.content, raw.loader, raw.loader_version)) or parsed[raw.content + raw.loader]
            )
            if isinstance(outcome, Refusal):
                result.sources.append(
                    self._quarantined(raw.file, outcome, roots, known, now, raw.data, raw.media_type)
                )
                continue
            document_id = self._document_id(raw, source, moved, result)
            access = plan.access[raw.file.key]
            if isinstance(outcome, Parsed):
                text, marks = outcome.text.encode(), _marks(outcome)
                blobs += [raw.data, text, marks]
                version = self._version(
                    raw, document_id, access, outcome, digest_bytes(text), digest_bytes(marks), now
                )
            else:
                version = self._again(raw, document_id, access, outcome, now)
            before = earlier_by_path.get(raw.file.key)
            if before is None or before.version != version.version:
                result.changed.add(raw.file.key)
            versions.append(version)
            root = next((r for r in roots if raw.file.path.startswith(r)), "")
            name = source.name if source and source.name else raw.file.label
            result.sources.append(
                Source(
                    raw.file.key,
                    root,
                    document_id,
                    "indexed",
                    version.version,
                    raw.content,
                    raw.file.stamp,
                    raw.media_type,
                    "",
                    "",
                    now,
                    name,
                )
            )
        self.blobs.put_many(blobs)
        failpoint("ingest.after_blobs")
        with self.database.write() as connection:
            store.put_versions(connection, self.tenant, versions)
        failpoint("ingest.after_versions")

    def _admit(self, file: Found, data: bytes, raws: list[_Raw]) -> Refusal | None:
        content = digest_bytes(data)
        if self.erased(content):
            return Refusal("erased", "this content was erased and is not taken in again")
        media_type, loader, version = self.parser.kind(data, file.name)
        if not loader:
            return Refusal("unsupported", f"no loader reads {media_type}")
        raws.append(_Raw(file, data, content, media_type, loader, version))
        return None

    def _parse(self, raws: Sequence[_Raw]) -> dict[str, Parsed | Refusal]:
        unique = list({raw.content + raw.loader: raw for raw in raws}.items())
        items = (
            (i, raw.data, raw.file.label.rpartition("/")[2], raw.media_type)
            for i, (_, raw) in enumerate(unique)
        )
        found: dict[str, Parsed | Refusal] = {}
        for i, outcome in self.parser.parse(items):
            if isinstance(outcome, Parsed) and not outcome.text.strip():
                outcome = Refusal("no_text", "the file holds no text")
            found[unique[i][0]] = outcome
        return found

    def _document_id(
        self, raw: _Raw, source: Source | None, moved: dict[str, list[Source]], result: Readings
    ) -> str:
        if source is not None and source.document_id:
            return source.document_id
        candidates = moved.get(raw.content, [])
        if candidates:
            was = candidates.pop(0)
            result.renamed[raw.file.key] = was.path
            return was.document_id
        return derived_id("doc", self.tenant, self.index, raw.file.key)

    def _version(
        self,
        raw: _Raw,
        document_id: str,
        access: tuple[str, ...],
        parsed: Parsed,
        text: str,
        marks: str,
        now: str,
    ) -> DocumentVersion:
        return DocumentVersion(
            version=_version_digest(document_id, raw, text, marks, parsed.title, parsed.language, access),
            document_id=document_id,
            content=raw.content,
            text=text,
            marks=marks,
            title=parsed.title,
            language=parsed.language,
            media_type=raw.media_type,
            loader=raw.loader,
            loader_version=raw.loader_version,
            meta=dict(parsed.meta),
            access=access,
            warnings=parsed.warnings,
            chars=len(parsed.text),
            size=len(raw.data),
            modified=raw.file.stamp.mtime_ns // 1_000_000_000,
            created_at=now,
        )

    def _again(
        self, raw: _Raw, document_id: str, access: tuple[str, ...], earlier: DocumentVersion, now: str
    ) -> DocumentVersion:
        from dataclasses import replace

        digest = _version_digest(
            document_id, raw, earlier.text, earlier.marks, earlier.title, earlier.language, access
        )
        modified = raw.file.stamp.mtime_ns // 1_000_000_000
        return replace(
            earlier,
            version=digest,
            document_id=document_id,
            access=access,
            media_type=raw.media_type,
            modified=modified,
            created_at=now,
        )

    def _quarantined(
        self,
        file: Found,
        refusal: Refusal,
        roots: Sequence[str],
        known: Mapping[str, Source],
        now: str,
        data: bytes | Refusal,
        media_type: str = "",
    ) -> Source:
        source = known.get(file.key)
        content = digest_bytes(data) if isinstance(data, bytes) else ""
        root = next((r for r in roots if file.path.startswith(r)), "")
        document_id = source.document_id if source else derived_id("doc", self.tenant, self.index, file.key)
        name = source.name if source and source.name else file.label
        return Source(
            file.key,
            root,
            document_id,
            "quarantined",
            "",
            content,
            file.stamp,
            media_type,
            refusal.reason,
            refusal.message,
            now,
            name,
        )


def _version_digest(
    document_id: str, raw: _Raw, text: str, marks: str, title: str, language: str, access: tuple[str, ...]
) -> str:
    return digest_json(
        {
            "document": document_id,
            "content": raw.content,
            "text": text,
            "marks": marks,
            "title": title,
            "language": language,
            "media_type": raw.media_type,
            "access": list(access),
        }
    )


def _marks(parsed: Parsed) -> bytes:
    return canonical_json([[m.kind, m.start, m.end, m.label, m.level] for m in parsed.marks])


def _by_content(gone: Sequence[Source]) -> dict[str, list[Source]]:
    moved: dict[str, list[Source]] = {}
    for source in gone:
        if source.state == "indexed":
            moved.setdefault(source.content, []).append(source)
    return moved
