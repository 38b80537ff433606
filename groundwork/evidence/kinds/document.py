"""Documents of an index as they stand: read, or put aside with a reason; neither text nor path."""

from __future__ import annotations

from sqlalchemy import select

from groundwork.evidence.records import Kind, described, number, text, time, words
from groundwork.evidence.sql import json_words
from groundwork.storage import tables as t

s = t.sources.c
_versions = t.document_versions.c
_access = (
    select(_versions.access)
    .where(_versions.tenant == s.tenant, _versions.version == s.version)
    .correlate(t.sources)
    .scalar_subquery()
)


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
        access=words(json_words(_access), "access tokens that open it"),
        media_type=text(s.media_type, "such as `application/pdf`"),
        reason=text(s.reason, "why it was put aside"),
        bytes=number(s.size, "of the file"),
        at=time(s.seen_at, "when it was looked at last"),
    )
    named = ("index",)
    forgotten = frozenset({"ctime_ns", "inode", "message", "mtime_ns", "name", "path", "root", "seen_at"})
    page = "/knowledge/{index}/documents/{document}"


plugin = Documents
