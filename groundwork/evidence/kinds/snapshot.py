"""Snapshots of indexes: each an immutable state of the documents."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.storage import tables as t

s = t.snapshots.c


class Snapshots(Kind):
    """One state of an index; its id is `index@digest`."""

    title = "snapshots of indexes"
    room = "knowledge"
    made_by = "groundwork ingest FOLDER"
    table = t.snapshots
    id = s.index_name + "@" + s.id
    at = s.created_at
    fields = described(
        index=text(s.index_name, "name of the index"),
        digest=text(s.id, "what names it"),
        number=number(s.seq, "from 1 within its index"),
        documents=number(s.documents, "how many"),
        chunks=number(s.chunks, "how many"),
        embedder=text(s.embedder, "`none` for an index of words alone"),
        parent=text(s.parent, "the state before it; null: the first"),
        redacted=flag(s.redacted, "a document in it was erased"),
        by=text(s.created_by, "who made it"),
        at=time(s.created_at, "when it was made"),
    )
    named = ("index",)
    page = "/knowledge/{index}/snapshots"


plugin = Snapshots
