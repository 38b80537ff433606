"""The difference between two snapshots, from their manifests and rows; a pure question over versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundwork.knowledge.manifest import Entry, Manifest
from groundwork.knowledge.records import DocumentChange, SnapshotDiff
from groundwork.knowledge.types import ChunkRow

RowsOf = Callable[[Sequence[str]], Sequence[ChunkRow]]


def diff_manifests(
    old: Manifest, new: Manifest, old_rows: RowsOf, new_rows: RowsOf, settings: Mapping[str, tuple[str, str]]
) -> SnapshotDiff:
    """Return what it takes to get from `old` to `new`; documents in order of their names.

    A document is the same one when its id is; a chunk is kept when a chunk of the same text and context stands in the same
    document on both sides.
    """
    pairs = [(old.by_document.get(i), new.by_document.get(i)) for i in {**old.by_document, **new.by_document}]
    touched = [
        (a, b)
        for a, b in pairs
        if a is None or b is None or a.version != b.version or a.document != b.document
    ]
    texts_old = _texts(old_rows, [a for a, b in touched if a is not None and not _same_chunks(a, b)])
    texts_new = _texts(new_rows, [b for a, b in touched if b is not None and not _same_chunks(b, a)])
    changes = [_change(a, b, texts_old, texts_new) for a, b in touched]
    kept_whole = sum(a.chunks for a, b in pairs if a is not None and _same_chunks(a, b))
    changes.sort(key=lambda c: (c.document, c.document_id))
    return SnapshotDiff(
        new.index,
        old.id,
        new.id,
        tuple(changes),
        {
            "added": sum(c.chunks_added for c in changes),
            "removed": sum(c.chunks_removed for c in changes),
            "kept": kept_whole + sum(c.chunks_kept for c in changes if c.kind == "changed"),
        },
        settings,
    )


def diff_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the parts of two index versions that differ: name to (was, is)."""
    return {k: (str(old.get(k)), str(new.get(k))) for k in sorted({*old, *new}) if old.get(k) != new.get(k)}


def _same_chunks(a: Entry | None, b: Entry | None) -> bool:
    return a is not None and b is not None and a.version == b.version


def _texts(rows_of: RowsOf, entries: Sequence[Entry]) -> dict[str, Counter[tuple[str, str]]]:
    found: dict[str, Counter[tuple[str, str]]] = {e.version: Counter() for e in entries}
    for row in rows_of([e.version for e in entries]) if entries else ():
        found[row.version][row.context, row.text] += 1
    return found


def _change(
    a: Entry | None,
    b: Entry | None,
    texts_old: Mapping[str, Counter[tuple[str, str]]],
    texts_new: Mapping[str, Counter[tuple[str, str]]],
) -> DocumentChange:
    if a is None:
        assert b is not None
        return DocumentChange("added", b.document_id, b.document, chunks_added=b.chunks)
    if b is None:
        return DocumentChange("removed", a.document_id, a.document, chunks_removed=a.chunks)
    if a.version == b.version:
        return DocumentChange("renamed", b.document_id, b.document, was=a.document, chunks_kept=a.chunks)
    was, now = texts_old[a.version], texts_new[b.version]
    kept = (was & now).total()
    return DocumentChange(
        "changed",
        b.document_id,
        b.document,
        was=a.document if a.document != b.document else "",
        chunks_added=now.total() - kept,
        chunks_removed=was.total() - kept,
        chunks_kept=kept,
    )
