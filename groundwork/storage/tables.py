"""The tables of a workspace. A change here needs a migration; a test compares the two.

Timestamps are ISO 8601 in UTC, for people; order comes from `seq` columns and time-ordered ids. What belongs
to a tenant has `tenant` in its key or first in an index.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, text

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

conversation_turns = Table(
    "conversation_turns",
    metadata,
    _word("tenant", key=True),
    _word("conversation_id", key=True),
    Column("seq", Count, primary_key=True, autoincrement=False),
    Column("answer_id", Word, ForeignKey("answers.id", ondelete="CASCADE"), nullable=False),
    _text("principal"),
    Index(None, "answer_id"),
)

# What replays of an answer came to, once for each result: who wants to know whether it can be made again reads it here.
answer_replays = Table(
    "answer_replays",
    metadata,
    _word("tenant", key=True),
    Column("answer_id", Word, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    _word("result", key=True),  # identical | same-set | drifted | redacted
    _count("times"),
    _word("first_at"),
    _word("last_at"),
    _text("principal"),  # who replayed it first
    Index(None, "answer_id"),
)

# ---- prompts ----

prompt_versions = Table(
    "prompt_versions",
    metadata,
    _word("tenant", key=True),
    _word("digest", key=True),  # of the canonical form of the template
    _word("name", key=True),
    _text("source"),  # the file as it was written
    _json("template"),  # what was read from it: inputs, messages, hints, tests
    _word("created_at"),
    _text("created_by"),
    Index(None, "tenant", "name", "created_at"),
)

prompt_runs = Table(
    "prompt_runs",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("name"),
    _word("digest"),
    _text("model"),
    _flag("passed"),
    _json("report"),
    _word("created_at"),
    _text("principal"),
    Index(None, "tenant", "name", "id"),
)

# ---- gateway; money in billionths of a US dollar, so that sums are exact ----

api_keys = Table(
    "api_keys",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _text("name"),
    Column("digest", Word, nullable=False, unique=True),  # SHA-256 of the key; the key itself is nowhere
    _word("prefix"),  # its first characters, for people
    _json("scopes"),
    _json("access", null=True),  # document access; null reads everything
    _json("limits"),  # budgets in USD and rates, see gateway/keys.py
    _word("role", null=True),  # what it may do beside calling models, see accounts/roles.py; null: nothing
    _word("created_at"),
    _text("created_by"),
    _word("expires_at", null=True),
    _word("revoked_at", null=True),
    _word("last_used_at", null=True),
    Index(None, "tenant", "id"),
)

calls = Table(
    "calls",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("key_id"),
    _text("principal"),
    _word("app"),
    _word("release"),
    _word("answer_id"),
    _word("parent"),
    _word("dialect"),
    _word("operation"),  # chat | embed
    _text("model"),  # as it was asked for
    _word("provider"),  # who served it in the end
    _text("served_model"),
    _flag("stream"),
    _word("state"),  # open | done | failed | incomplete | cancelled | lost
    _flag("cached"),
    _word("structured"),  # none | valid | repaired | refused
    Column("tool_calls", Count, nullable=False, default=0, server_default="0"),  # that what came back makes
    _word("error"),
    _count("input_tokens"),
    _count("output_tokens"),
    _count("cached_input_tokens"),
    _count("cache_write_tokens"),
    _count("reasoning_tokens"),
    _flag("estimated"),
    _count("reserved_nanousd"),
    _count("cost_nanousd"),
    _count("energy_uwh"),  # millionths of a watt-hour, an estimate
    _json("holds"),  # the budget windows that hold its reservation
    Column("latency_ms", Double, nullable=False, default=0.0),
    Column("first_token_ms", Double, nullable=True),
    _word("prompt"),
    _word("snapshot"),
    _word("trace_id"),
    _word("span_id"),
    _json("process"),  # who serves it, so that the calls of a dead process are found
    _word("started_at"),
    _word("finished_at", null=True),
    Index(None, "tenant", "key_id", "id"),
    Index("ix_calls_answer_id", "answer_id", sqlite_where=text("answer_id <> ''"),
          postgresql_where=text("answer_id <> ''")),
    Index("ix_calls_open", "state", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    sqlite_with_rowid=False,  # one tree less to write with every call; ids stand in the order of time
)  # fmt: skip

attempts = Table(
    "attempts",
    metadata,
    _word("call_id", key=True),
    Column("n", Count, primary_key=True, autoincrement=False),  # from 1 within its call
    _word("id"),
    _word("tenant"),
    _word("reason"),  # first | retry | fallback | hedge | repair | escalation
    _word("provider"),
    _text("model"),
    _word("state"),  # open | done | failed | incomplete | cancelled | lost
    Column("status", Count, nullable=True),  # the provider's HTTP status
    _word("failure"),
    _count("input_tokens"),
    _count("output_tokens"),
    _count("cost_nanousd"),
    Column("latency_ms", Double, nullable=False, default=0.0),
    Column("first_token_ms", Double, nullable=True),
    _word("started_at"),
    sqlite_with_rowid=False,
)

usage_days = Table(
    "usage_days",
    metadata,
    _word("tenant", key=True),
    _word("day", key=True),  # UTC
    _word("key_id", key=True),
    _word("app", key=True),
    _word("release", key=True),
    _word("provider", key=True),
    _text("model", key=True),
    _count("calls"),
    _count("failed"),
    _count("cached"),
    _count("input_tokens"),
    _count("output_tokens"),
    _count("cost_nanousd"),
    _count("energy_uwh"),
    sqlite_with_rowid=False,  # these small tables change with every call; without a second tree each costs one page less
)

budget_windows = Table(
    "budget_windows",
    metadata,
    _word("tenant", key=True),
    _word("scope", key=True),  # key:key_… | app:<name> | workspace
    _word("period", key=True),  # day | month | total
    _word("start", key=True),  # 2026-11-20 | 2026-11 | all; UTC
    _count("reserved_nanousd"),
    _count("spent_nanousd"),
    sqlite_with_rowid=False,
)

rate_buckets = Table(
    "rate_buckets",
    metadata,
    _word("tenant", key=True),
    _word("scope", key=True),
    _word("unit", key=True),  # requests | tokens
    Column("level", Double, nullable=False),
    Column("at", Double, nullable=False),  # seconds of the clock that `boot` names, see storage/machine.py
    _word("boot"),
    sqlite_with_rowid=False,
)

cached_completions = Table(
    "cached_completions",
    metadata,
    _word("tenant", key=True),
    _word("key", key=True),
    _text("model"),
    _json("completion"),
    _count("hits"),
    _word("created_at"),
    _word("expires_at", null=True),
    Index(None, "tenant", "created_at"),
)

cached_documents = Table(
    "cached_documents",
    metadata,
    _word("tenant", key=True),
    _word("document_id", key=True),
    _word("key", key=True),
    Index(None, "tenant", "key"),
    sqlite_with_rowid=False,
)

secrets = Table(
    "secrets",
    metadata,
    _word("name", key=True),
    _word("sealed"),  # AES-256-GCM, base64: nonce and ciphertext; the name is authenticated with it
    _word("master"),  # which master key sealed it: its first bytes of SHA-256
    _word("created_at"),
)

# ---- accounts ----

tenants = Table(
    "tenants",
    metadata,
    _word("name", key=True),
    _text("title"),
    _word("created_at"),
    _text("created_by"),
)

users = Table(
    "users",
    metadata,
    _word("id", key=True),
    Column("name", AnyText, nullable=False, unique=True),  # what people sign in with, in lower case
    _text("title"),  # as people write it
    _text("password"),  # argon2id in its own form; empty: no sign-in by password
    Column("subject", AnyText, nullable=True, unique=True),  # issuer and subject of OpenID Connect
    _word("created_at"),
    _text("created_by"),
    _word("disabled_at", null=True),
    _word("last_seen_at", null=True),
)

memberships = Table(
    "memberships",
    metadata,
    _word("tenant", key=True),
    Column("user_id", Word, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    _word("role"),  # viewer | builder | operator | admin
    _json("access", null=True),  # document access; null reads everything
    _word("created_at"),
    _text("created_by"),
    Index(None, "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    _word("digest", key=True),  # SHA-256 of the cookie; the cookie itself is nowhere
    _word("id"),
    _word("tenant"),
    _word("user_id"),  # empty for one that a key opened
    _word("key_id"),
    _text("agent"),  # the browser, as it names itself
    _word("created_at"),
    _word("last_seen_at"),
    _word("expires_at"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

# ---- feedback and saved views ----

feedback = Table(
    "feedback",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _word("kind"),  # thumb | correction | label | comment | golden
    _text("value"),
    _text("text"),
    _word("answer_id"),
    _word("trace_id"),
    _word("span_id"),
    _word("app"),
    _word("release"),
    _text("principal"),
    _word("source"),
    _word("created_at"),
    _word("withdrawn_at", null=True),
    Index(None, "tenant", "id"),
    Index(None, "tenant", "answer_id"),
    Index(None, "tenant", "trace_id"),
)

saved_views = Table(
    "saved_views",
    metadata,
    _word("id", key=True),
    _word("tenant"),
    _text("name"),
    _word("page"),
    _text("query"),
    _text("principal"),
    _flag("shared"),
    _word("created_at"),
    Index(None, "tenant", "page"),
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

# ---- improvement, pathways: the rest of this metadata, which needs what is above ----

from groundwork.storage import improvement_tables, pathway_tables  # noqa: E402, F401
