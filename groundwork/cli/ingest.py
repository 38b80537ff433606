"""`groundwork ingest`: bring files and folders into an index."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundwork.cli.door import Commands, Door, IndexOption, Reply, split
from groundwork.cli.screen import Screen, count, duration, one_line

if TYPE_CHECKING:
    from groundwork.knowledge.records import IngestReport, QuarantineEntry

app = Commands()
SHOWN = 12
SAFE = "readers still see the last published snapshot; run the same command again to go on"


@app.add("ingest", interrupted=SAFE)
def ingest(
    door: Door,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False, readable=False),
    ],
    index: IndexOption = "default",
    access: Annotated[
        list[str] | None,
        typer.Option(
            "--access",
            metavar="TOKEN",
            help="Only these may read the documents, such as `group:hr`; may be repeated.",
        ),
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Choose the parts anew, such as an encoder that was fetched since the index was made.",
        ),
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread", help="Read every file again, also those that seem unchanged.")
    ] = False,
) -> Reply:
    """Bring files and folders into an index.

    Only what is new or changed is read and embedded. A file that is gone from a folder named here leaves
    the index with the next snapshot. A file that cannot be read is put in quarantine with a reason and does
    not stop the others.
    """
    with door.workspace() as workspace, door.progress() as progress:
        report = workspace.ingest(
            paths,
            index=index,
            access=split(access) if access else None,
            progress=progress,
            rebuild=rebuild,
            reread=reread,
        )
    return Reply(report.as_dict(), lambda screen: summary(report, screen))


def summary(report: IngestReport, screen: Screen) -> list[str]:
    """Lay out what one ingest did."""
    c = report.documents
    moved = [
        f"{number:,} {word}"
        for word, number in (
            ("added", c.added),
            ("changed", c.changed),
            ("renamed", c.renamed),
            ("removed", c.removed),
            ("unchanged", c.unchanged),
        )
        if number
    ]
    took = duration(report.seconds)
    lines = [f"{screen.bold(report.index)}: documents {', '.join(moved) if moved else 'none'} in {took}"]
    if report.snapshot and report.snapshot != report.before:
        embedded = f", {report.embedded:,} embedded" if report.embedded else ""
        lines.append(
            f"snapshot {screen.teal(report.snapshot[:7])}, {count(report.chunks, 'chunk')}{embedded}"
        )
    elif report.snapshot:
        lines.append(f"nothing changed; the snapshot is still {screen.teal(report.snapshot[:7])}")
    else:
        lines.append("nothing could be read, so there is no snapshot yet")
    if report.quarantine:
        lines += ["", *quarantine(report.quarantine, screen, SHOWN)]
    lines += [line for w in report.warnings for line in screen.paragraph(f"warning: {one_line(w)}", "  ")]
    return lines


def quarantine(
    entries: tuple[QuarantineEntry, ...] | list[QuarantineEntry], screen: Screen, limit: int
) -> list[str]:
    """Lay out files in quarantine with their reasons; at most `limit` of them."""
    lines = [screen.amber(f"{count(len(entries), 'file')} in quarantine:")]
    for entry in entries[:limit]:
        lines += screen.paragraph(
            f"{one_line(entry.path)}: {entry.reason}: {one_line(entry.message)}", "    ", "  "
        )
    if len(entries) > limit:
        left = Counter(e.reason for e in entries[limit:])
        reasons = ", ".join(f"{n} {reason}" for reason, n in left.most_common())
        lines += screen.paragraph(
            f"and {len(entries) - limit:,} more ({reasons}); `groundwork knowledge quarantine` lists them",
            "  ",
            "  ",
        )
    return lines
