"""`groundwork knowledge`: indexes, documents, snapshots, quarantine, erasure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from groundwork.cli import knowledge_view as view
from groundwork.cli.door import AsOption, Commands, Door, IndexOption, Reply, principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import Principal

app = Commands(help="Indexes, documents, snapshots, quarantine and erasure.")
UNCHANGED = "nothing was changed"

IndexArgument = Annotated[
    str | None,
    typer.Argument(metavar="[INDEX]", help="The index; `default` unless named.", show_default=False),
]
IndexChoice = Annotated[
    str | None, typer.Option("--index", "-i", metavar="NAME", help="The same, as an option.")
]
SnapshotOption = Annotated[
    str | None,
    typer.Option(
        "--snapshot", metavar="ID", help="A digest, its beginning, `head` or `head~1`; otherwise the head."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.add("list", interrupted=UNCHANGED)
def list_(door: Door, as_: AsOption = None) -> Reply:
    """List the indexes with their newest snapshots."""
    with door.workspace() as workspace:
        found = workspace.indexes(principal(as_))
    return Reply({"indexes": [view.plain(i) for i in found]}, lambda screen: view.indexes(found, screen))


@app.add("documents", interrupted=UNCHANGED)
def documents(
    door: Door,
    index: IndexArgument = None,
    option: IndexChoice = None,
    contains: Annotated[
        str, typer.Option("--contains", metavar="TEXT", help="Only documents whose name or title holds this.")
    ] = "",
    snapshot: SnapshotOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="How many.")] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0, help="How many to leave out first.")] = 0,
    as_: AsOption = None,
) -> Reply:
    """List the documents of an index."""
    name = index or option or "default"
    with door.workspace() as workspace:
        found, total = workspace.documents(
            name, principal(as_), snapshot=snapshot, contains=contains, limit=limit, offset=offset
        )
    document = {"index": name, "total": total, "documents": [d.as_dict() for d in found]}
    return Reply(document, lambda screen: view.documents(found, total, offset, screen))


@app.add("document", interrupted=UNCHANGED)
def document(
    door: Door,
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOCUMENT", help="The id, `doc_…`, or the name that lists show.", show_default=False
        ),
    ],
    text: Annotated[
        bool, typer.Option("--text", help="Print the stored text alone; citations are offsets into it.")
    ] = False,
    chunks: Annotated[bool, typer.Option("--chunks", help="Print every chunk with its offsets.")] = False,
    snapshot: SnapshotOption = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="DIGEST", help="The version that an answer cited.")
    ] = None,
    index: IndexOption = "default",
    as_: AsOption = None,
) -> Reply:
    """Show one document: its facts, its stored text, its chunks."""
    asking = principal(as_)
    with door.workspace() as workspace:
        identifier = _document_id(workspace, document, index, snapshot, asking)
        shown = workspace.document(identifier, asking, snapshot=snapshot, version=version)
    body = {
        **shown.info.as_dict(),
        "text": shown.text,
        "marks": [view.plain(m) for m in shown.marks],
        "chunk_list": [view.plain(c) for c in shown.chunks],
    }
    if text:
        return Reply(body, lambda screen: [shown.text.rstrip("\n")])
    return Reply(body, lambda screen: view.chunks(shown, screen) if chunks else view.document(shown, screen))


@app.add("snapshots", interrupted=UNCHANGED)
def snapshots(
    door: Door, index: IndexArgument = None, option: IndexChoice = None, as_: AsOption = None
) -> Reply:
    """List the snapshots of an index, newest first."""
    name = index or option or "default"
    with door.workspace() as workspace:
        found = workspace.snapshots(name, principal(as_))
    return Reply(
        {"index": name, "snapshots": [s.as_dict() for s in found]},
        lambda screen: view.snapshots(found, screen),
    )


@app.add("diff", interrupted=UNCHANGED)
def diff(
    door: Door,
    old: Annotated[
        str, typer.Argument(metavar="[OLD]", help="A digest, its beginning, `head` or `head~1`.")
    ] = "head~1",
    new: Annotated[str, typer.Argument(metavar="[NEW]", help="The same.")] = "head",
    index: IndexOption = "default",
    as_: AsOption = None,
) -> Reply:
    """Show what differs between two snapshots: documents and chunks added, removed, changed, renamed."""
    with door.workspace() as workspace:
        found = workspace.diff(index, old, new, principal(as_))
    return Reply(found.as_dict(), lambda screen: view.diff(found, screen))


@app.add(
    "rollback",
    interrupted="the pointer moves in one step: `groundwork knowledge snapshots` shows where it stands",
)
def rollback(
    door: Door,
    snapshot: Annotated[
        str,
        typer.Argument(metavar="SNAPSHOT", help="A digest, its beginning, or `head~1`.", show_default=False),
    ],
    index: IndexOption = "default",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded with the move.")
    ] = "",
) -> Reply:
    """Let readers see an older snapshot again.

    Only the pointer moves: the newer snapshots stay, and rolling back to one of them moves it forward
    again. The next ingest starts from the snapshot that the pointer names.
    """
    with door.workspace() as workspace:
        now = workspace.rollback(index, snapshot, principal(None), reason)
    return Reply(now.as_dict(), lambda screen: view.moved(now, screen))


@app.add("prune", interrupted="snapshots already dropped stay dropped; run it again to go on")
def prune(
    door: Door,
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many of the newest snapshots stay.")],
    index: IndexArgument = None,
    option: IndexChoice = None,
    yes: YesOption = False,
) -> Reply:
    """Drop old snapshots and free their space. Answers made from a dropped snapshot cannot be replayed."""
    name = index or option or "default"
    with door.workspace() as workspace:
        gone = max(0, len(workspace.snapshots(name, principal(None))) - keep)
        if gone:
            _confirm(f"Drop {gone} snapshots of `{name}`? Answers made from them cannot be replayed.", yes)
        dropped = workspace.prune(name, keep, principal(None))
    return Reply({"index": name, "dropped": list(dropped)}, lambda screen: view.pruned(name, dropped, screen))


@app.add("remove", interrupted="either all of them are out or none is")
def remove(
    door: Door,
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME…", help="Documents by name or id, or folders.", show_default=False),
    ],
    option: IndexChoice = None,
) -> Reply:
    """Take documents out of an index. Old snapshots keep them, and `groundwork ingest` brings them back."""
    with door.workspace() as workspace:
        report = workspace.remove(names, index=option or "default", principal=principal(None))
    return Reply(report.as_dict(), lambda screen: view.removed(report, screen))


@app.add("maintain", interrupted="run it again to go on: readers see whole states only")
def maintain(door: Door, index: IndexArgument = None, option: IndexChoice = None) -> Reply:
    """Merge and compact the files of an index, and remove what crashes left. No snapshot and no answer changes."""
    name = index or option or "default"
    with door.workspace() as workspace:
        workspace.maintain(name, principal(None))
    return Reply({"index": name}, lambda screen: view.maintained(name))


@app.add("quarantine", interrupted=UNCHANGED)
def quarantine(
    door: Door, index: IndexArgument = None, option: IndexChoice = None, as_: AsOption = None
) -> Reply:
    """List the files that could not be read, with the reason of each."""
    name = index or option or "default"
    with door.workspace() as workspace:
        entries = workspace.quarantine(name, principal(as_))
    body = {"index": name, "quarantine": [view.plain(e) for e in entries]}
    return Reply(body, lambda screen: view.quarantine(entries, screen))


@app.add("erase", interrupted="run the same command again: erasure goes on where it stopped")
def erase(
    door: Door,
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENT...", help="Ids, `doc_…`, or names.", show_default=False)
    ],
    index: IndexOption = "default",
    yes: YesOption = False,
) -> Reply:
    """Remove documents for good, from every snapshot, file and recorded answer. There is no way back."""
    asking = principal(None)
    with door.workspace() as workspace:
        ids = [_document_id(workspace, d, index, None, asking) for d in documents]
        _confirm(f"Erase {', '.join(documents)} from every snapshot and answer? There is no way back.", yes)
        receipts = workspace.erase(ids, asking)
    body = {"documents": ids, "receipts": [view.plain(r) for r in receipts]}
    return Reply(body, lambda screen: view.erased(ids, receipts, screen))


def _document_id(workspace: Workspace, name: str, index: str, snapshot: str | None, asking: Principal) -> str:
    if name.startswith("doc_") and "/" not in name and "." not in name:
        return name
    from groundwork.core.errors import NotFoundError

    found, _ = workspace.documents(index, asking, snapshot=snapshot, contains=name, limit=1000)
    exact = [d for d in found if d.document == name] or [d for d in found if d.document.endswith(f"/{name}")]
    if len(exact) == 1:
        return exact[0].id
    near = ", ".join(d.document for d in (exact or found)[:3])
    what = "more than one document is" if exact else "no document is"
    raise NotFoundError(
        f"{what} called `{name}` in the index `{index}`",
        hint=f"there is {near}" if near else f"`groundwork knowledge documents {index}` lists them",
    )


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    from groundwork.core.errors import InvalidInputError

    if not sys.stdin.isatty():
        raise InvalidInputError("this needs a confirmation, and nobody is there to ask", hint="add --yes")
    if not typer.confirm(question, err=True):
        raise InvalidInputError("not confirmed; nothing was changed")
