"""The tables of a workspace. A change here needs a migration; a test compares the two.

Timestamps are ISO 8601 in UTC, for people; order comes from `seq` columns and time-ordered ids. What belongs
to a tenant has `tenant` in its key or first in an index.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table

from groundwork.storage.columns import AnyText, Count, Json, Unsigned, Word

# Named constraints, so that a later migration can drop them by name on both dialects.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _word(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Word, primary_key=key, nullable=null)


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, AnyText, primary_key=key, nullable=null)


def _count(name: str) -> Column[int]:
    return Column(name, Count, nullable=False)


def _json(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, Json, nullable=null)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False)


# ---- storage's own ----

leases = Table(
    "leases",
    metadata,
    _word("name", key=True),
    _text("owner"),
    _count("token"),
    Column("expires_at", Double, nullable=False),  # seconds of the lease clock, see leases.py; 0: released
    _word("boot"),  # the run of the machine that `expires_at` counts in; empty: the database's clock
    _json("process"),  # who holds it: machine, process namespace, process, its start
    _word("renewed_at"),
)

blobs = Table(
    "blobs",
    metadata,
    _word("digest", key=True),
    _count("size"),
    _word("media_type"),
    _word("created_at"),
)

pointers = Table(
    "pointers",
    metadata,
    _word("tenant", key=True),
    _word("kind", key=True),
    _text("name", key=True),
    _word("version"),
    _count("seq"),
    _word("moved_at"),
)

pointer_moves = Table(
    "pointer_moves",
    metadata,
    Column("seq", Count, primary_key=True, autoincrement=True),
    Column("id", Word, nullable=False, unique=True),
    _word("tenant"),
    _word("kind"),
    _text("name"),
    _word("old", null=True),
    _word("new"),
    _text("principal"),
    _text("reason"),
    _word("at"),
    Index(None, "tenant", "kind", "name", "seq"),
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    _word("tenant", key=True),
    _word("command", key=True),
    _text("key", key=True),
    _word("request"),  # digest of what was asked, so that a key used for something else is noticed
    _json("result", null=True),
    _word("at"),
    Index(None, "at"),
)

tombstones = Table(
    "tombstones",
    metadata,
    _word("tenant", key=True),
    _word("digest", key=True),  # keyed digest of erased content: it tells nothing without the workspace's key
    _word("at"),
)

# ---- knowledge ----

index_versions = Table(
    "index_versions",
    metadata,
    _word("tenant", key=True),
    _word("id", key=True),
    _word("index_name"),
    _json("spec"),
    _text("location"),
    _word("created_at"),
    Index(None, "tenant", "index_name"),
)

sources = Table(
    "sources",
    metadata,
    _word("tenant", key=True),
    _word("index_name", key=True),
    _text("path", key=True),
    _text("root"),
    _word("document_id"),
    _word("state"),  # indexed | quarantined
    _word("version", null=True),
    _word("content"),
    _count("size"),
    _count("mtime_ns"),
    _count("ctime_ns"),
    Column("inode", Unsigned, nullable=False),
    _word("media_type"),
    _word("reason"),
    _text("message"),
    _text("name"),  # what people see: the path below the ingested folder's parent
    _word("seen_at"),
    Index(None, "tenant", "index_name", "document_id"),
    Index(None, "tenant", "index_name", "state"),
    Index(None, "tenant", "content"),
)

document_versions = Table(
    "document_versions",
    metadata,
    _word("tenant", key=True),
    _word("version", key=True),
    _word("document_id"),
    _word("content"),
    _word("text"),
    _word("marks"),
    _text("title"),
    _word("language"),
    _word("media_type"),
    _word("loader"),
    _count("loader_version"),
    _json("meta"),
    _json("access"),
    _json("warnings"),
    _count("chars"),
    _count("size"),
    _count("modified"),  # seconds since 1970: the file's time when this version was read
    _word("created_at"),
    _flag("erased"),
    Index(None, "tenant", "document_id"),
    Index(None, "tenant", "content"),
)

snapshots = Table(
    "snapshots",
    metadata,
    _word("tenant", key=True),
    _word("index_name", key=True),
    _word("id", key=True),
    _word("index_version"),
    _word("parent", null=True),
    _count("seq"),
    _text("ref"),
    _word("manifest"),
    _count("documents"),
    _count("chunks"),
    _json("counts"),
    _word("embedder"),
    _word("created_at"),
    _text("created_by"),
    _flag("redacted"),
    Index(None, "tenant", "index_name", "seq", unique=True),
)

ingests = Table(
    "ingests",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("index_name"),
    _word("state"),
    _json("report", null=True),
    _word("started_at"),
    _word("finished_at", null=True),
    _text("principal"),
    Index(None, "tenant", "index_name", "id"),
)

# ---- answers ----

answers = Table(
    "answers",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("app"),
    _text("question"),
    _text("text"),
    _flag("abstained"),
    _word("snapshot", null=True),
    _json("record"),
    _word("created_at"),
    _text("principal"),
    _flag("redacted"),
    Index(None, "tenant", "id"),
    Index(None, "tenant", "app", "id"),
)

answer_documents = Table(
    "answer_documents",
    metadata,
    Column("answer_id", Word, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    _word("document_id", key=True),
    _word("tenant"),
    Index(None, "tenant", "document_id"),
)

calibrations = Table(
    "calibrations",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("app"),
    _json("record"),
    _word("created_at"),
    Index(None, "tenant", "app", "id"),
)

# ---- jobs ----

jobs = Table(
    "jobs",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("kind"),
    _word("state"),
    _json("arguments"),
    _json("progress"),
    _json("result", null=True),
    _json("error", null=True),
    _text("principal"),
    _json("actor"),  # the whole principal: a job runs with the rights of who asked for it
    _word("created_at"),
    _word("started_at", null=True),
    _word("finished_at", null=True),
    _flag("cancel_requested"),
    Column("attempts", Integer, nullable=False, default=0),
    Index(None, "tenant", "id"),
    Index(None, "state"),
)
