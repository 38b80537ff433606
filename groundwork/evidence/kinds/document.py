"""Documents of an index as they stand: read, or put aside with a reason; neither text nor path."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.storage import tables as t

s = t.sources.c


class Documents(Kind):
    """One source of an index; its id is `index/document`."""

    title = "documents"
    room = "knowledge"
    made_by = "groundwork ingest FOLDER"
    table = t.sources
    id = s.index_name + "/" + s.document_id
    at = s.seen_at
    fields = described(
        index=text(s.index_name, "name of the index"),
        document=text(s.document_id, "its id"),
        version=text(s.version, "digest of the version that is indexed; null: none is"),
        state=text(s.state, "`indexed`, `quarantined` or `gone`"),
        media_type=text(s.media_type, "such as `application/pdf`"),
        reason=text(s.reason, "why it was put aside"),
        bytes=number(s.size, "of the file"),
        at=time(s.seen_at, "when it was looked at last"),
    )
    named = ("index",)
    forgotten = frozenset({"ctime_ns", "inode", "message", "mtime_ns", "name", "path", "root", "seen_at"})
    page = "/knowledge/{index}/documents/{document}"


plugin = Documents
