"""How indexes, documents, snapshots and their differences look on a terminal; pure layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundwork.cli.answer_view import plain
from groundwork.cli.ingest import quarantine as quarantine_lines
from groundwork.cli.screen import Screen, count, end_cut, moment, one_line

if TYPE_CHECKING:
    from groundwork.core.erasure import ErasureReceipt
    from groundwork.knowledge.records import (
        DocumentChange,
        DocumentInfo,
        DocumentView,
        IngestReport,
        QuarantineEntry,
        SnapshotDiff,
        SnapshotInfo,
    )

__all__ = ["plain"]
SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}


def indexes(found: Sequence[Any], screen: Screen) -> list[str]:
    """Lay out indexes with their newest snapshots."""
    rows = [
        [
            i.name,
            i.head.id[:7] if i.head else "–",
            moment(i.head.created_at) if i.head else "–",
            f"{i.documents:,}",
            f"{i.chunks:,}",
            f"{i.quarantined:,}",
            str(i.embedder),
        ]
        for i in found
    ]
    return screen.table(
        ["index", "head", "since (UTC)", "documents", "chunks", "quarantine", "embedder"],
        rows,
        "<<<>>><",
        stretch=6,
    )


def documents(found: Sequence[DocumentInfo], total: int, offset: int, screen: Screen) -> list[str]:
    """Lay out one page of documents."""
    rows = [[one_line(d.document), f"{d.chunks:,}", f"{d.chars:,}", d.id] for d in found]
    lines = screen.table(["document", "chunks", "characters", "id"], rows, "<>><", stretch=0) if rows else []
    last = offset + len(found)
    shown = f"{offset + 1:,}–{last:,} of {count(total, 'document')}" if found else count(total, "document")
    more = f"; go on with --offset {last}" if last < total else ""
    return [*lines, screen.soft(shown + more)]


def document(shown: DocumentView, screen: Screen) -> list[str]:
    """Lay out the facts of a document and the beginning of its text."""
    info = shown.info
    facts = [
        ("document", one_line(info.document)),
        ("id", info.id),
        ("title", one_line(info.title)),
        ("version", info.version),
        ("format", info.media_type),
        ("language", info.language),
        ("size", f"{info.size:,} bytes, {info.chars:,} characters, {count(info.chunks, 'chunk')}"),
        ("ingested", moment(info.ingested_at)),
        ("modified", moment(info.modified_at)),
        ("readable by", ", ".join(info.access)),
    ]
    lines = [f"{screen.soft(f'{name:<12}')}{value}" for name, value in facts if value]
    for warning in info.warnings:
        lines += screen.paragraph(one_line(warning), " " * 12, f"{screen.amber('warning')}     ")
    outline = [m for m in shown.marks if m.kind == "heading"]
    if outline:
        lines += ["", screen.bold("Outline")]
        lines += [f"  {'  ' * max(0, m.level - 1)}{end_cut(one_line(m.label), 70)}" for m in outline[:40]]
        lines += [f"  … {len(outline) - 40} more headings"] if len(outline) > 40 else []
    lines += ["", *screen.paragraph(end_cut(one_line(shown.text[:600]), 400), "  ", "  ")]
    return [*lines, "", screen.soft("--text prints all of it, --chunks every chunk")]


def chunks(shown: DocumentView, screen: Screen) -> list[str]:
    """Lay out every chunk of a document with its offsets."""
    lines: list[str] = []
    for c in shown.chunks:
        lines.append(f"{screen.teal(f'#{c.ordinal}')} {c.start}-{c.end}  {screen.soft(c.chunk_id)}")
        lines += [f"    {screen.soft(end_cut(one_line(c.context), screen.width - 4))}"] if c.context else []
        lines += [*screen.paragraph(end_cut(one_line(shown.text[c.start : c.end]), 240), "    "), ""]
    return [*lines, screen.soft(count(len(shown.chunks), "chunk"))]


def snapshots(found: Sequence[SnapshotInfo], screen: Screen) -> list[str]:
    """Lay out snapshots, newest first; `*` marks the one that readers see."""
    if not found:
        return ["There is no snapshot yet; bring documents in with `groundwork ingest PATH`."]
    rows = [
        [
            "*" if s.head else "",
            s.id[:7],
            moment(s.created_at),
            f"{s.documents:,}",
            f"{s.chunks:,}",
            _counts(s.counts) + (" redacted" if s.redacted else ""),
            s.embedder,
        ]
        for s in found
    ]
    head = ["", "snapshot", "made (UTC)", "documents", "chunks", "changes", "embedder"]
    return screen.table(head, rows, "<<<>><<", stretch=6)


def diff(found: SnapshotDiff, screen: Screen) -> list[str]:
    """Lay out what it takes to get from the old snapshot to the new one."""
    lines = [f"{found.index}: {screen.teal(found.old[:7])} → {screen.teal(found.new[:7])}"]
    for key, (was, now) in found.settings.items():
        lines += screen.paragraph(f"  {key}: {was} → {now}", "    ", "  ")
    if found.changes:
        lines.append("")
    for change in found.changes:
        lines += _change(change, screen)
    c = found.chunks
    figures = ", ".join(f"{c[k]:,} {k}" for k in ("added", "removed", "kept") if k in c)
    same = not found.changes and not found.settings
    return [
        *lines,
        "",
        "no difference" if same else f"{count(len(found.changes), 'document')} differ; chunks: {figures}",
    ]


def moved(now: SnapshotInfo, screen: Screen) -> list[str]:
    """Say where the pointer stands."""
    size = f"{count(now.documents, 'document')}, {count(now.chunks, 'chunk')}"
    return [
        f"Readers of `{now.index}` now see {screen.teal(now.id[:7])} of {moment(now.created_at)} ({size}).",
        screen.soft("The newer snapshots are kept; `groundwork knowledge snapshots` lists them."),
    ]


def pruned(index: str, dropped: Sequence[str], screen: Screen) -> list[str]:
    """Say which snapshots are gone."""
    if not dropped:
        return [f"No snapshot of `{index}` was old enough to drop."]
    return [f"Dropped {count(len(dropped), 'snapshot')} of `{index}`: {', '.join(d[:7] for d in dropped)}"]


def removed(report: IngestReport, screen: Screen) -> list[str]:
    """Say what left an index, and the way back."""
    gone = count(report.documents.removed, "document")
    return [
        f"Took {gone} out of `{report.index}`; {count(report.documents.unchanged, 'document')} left, "
        f"snapshot {(report.snapshot or '')[:7]}",
        screen.soft("Older snapshots keep them: `groundwork knowledge rollback head~1` goes back."),
    ]


def maintained(index: str) -> list[str]:
    """Say that the files of an index are in order."""
    return [f"The files of `{index}` are merged and compacted; every snapshot reads as before."]


def quarantine(entries: Sequence[QuarantineEntry], screen: Screen) -> list[str]:
    """Lay out every file in quarantine."""
    if not entries:
        return ["Nothing is in quarantine."]
    return quarantine_lines(list(entries), screen, limit=100_000)


def erased(ids: Sequence[str], receipts: Sequence[ErasureReceipt], screen: Screen) -> list[str]:
    """Lay out what was erased, room by room, and what is left."""
    lines = [f"Erased {count(len(ids), 'document')}; there is no way back."]
    for r in receipts:
        lines += screen.paragraph(f"{r.room}: {r.removed:,} removed, {r.method}", "    ", "  ")
        lines += screen.paragraph(f"left: {r.residual}", "    ", "    ") if r.residual else []
    return lines


def _change(change: DocumentChange, screen: Screen) -> list[str]:
    name = one_line(change.document)
    if change.was and change.was != change.document:
        name = f"{one_line(change.was)} → {name}"
    numbers = (("+", change.chunks_added), ("-", change.chunks_removed), ("=", change.chunks_kept))
    figures = " ".join(f"{sign}{n}" for sign, n in numbers if n)
    paint = {"added": screen.green, "removed": screen.red}.get(change.kind, screen.amber)
    first = f"{paint(f'{SIGNS[change.kind]} {change.kind:<8}')} "
    return screen.paragraph(f"{name} {screen.soft(f'({figures})')}" if figures else name, " " * 11, first)


def _counts(counts: Any) -> str:
    order = (("added", "+"), ("removed", "-"), ("changed", "~"), ("renamed", ">"))
    return " ".join(f"{sign}{counts[k]}" for k, sign in order if counts.get(k)) or "–"
