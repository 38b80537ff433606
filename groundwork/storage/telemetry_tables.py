"""The tables of `telemetry.db`: spans, the traces they make up, and what lists and searches look at.

A change here needs a migration in `migrations/telemetry`; a test compares the two. Rooms that keep rollups of spans have
their tables here too. Times are nanoseconds since 1970 in UTC, money is billionths of a US dollar.

The search index `span_words` is not here, since each database has its own kind: an FTS5 table on SQLite, an array of words
(`tsvector`) under a GIN index on PostgreSQL. The migration makes it.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, LargeBinary, MetaData, Table, UniqueConstraint, text

from groundwork.storage.columns import AnyText, Count, Json, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _word(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Word, primary_key=key, nullable=False)


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, AnyText, primary_key=key, nullable=False)


def _count(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Count, nullable=null)


def _json(name: str) -> Column[object]:
    return Column(name, Json, nullable=False)


def _filled(name: str, *columns: str) -> Index:
    """An index over the rows in which its second column says something."""
    said = text(f"{columns[1]} <> ''")
    return Index(name, *columns, sqlite_where=said, postgresql_where=said)


spans = Table(
    "spans",
    metadata,
    # In order of commits; never given twice.
    Column("seq", Count, primary_key=True, autoincrement=False),
    _count("trace"),  # traces.num
    _word("tenant"),
    _text("span_id"),
    _text("parent_id"),
    _text("name"),
    _word("kind"),
    _word("status"),
    _count("started_ns"),
    _count("ended_ns"),
    _text("service"),
    _text("app"),
    _text("model"),
    _text("source"),
    _text("key_id"),
    _text("prompt"),
    _text("snapshot"),
    _count("input_tokens", null=True),
    _count("output_tokens", null=True),
    _count("cost_nanousd", null=True),
    # 0: tells neither tokens nor cost of a model; 1: counts in its trace; 2: its children count instead
    _count("metered"),
    Index("ux_spans_trace_span", "trace", "span_id", unique=True),
    Index("ix_spans_children", "trace", "parent_id", "started_ns", "span_id"),
    # Lists walk it from the newest and look at the other columns without touching the table.
    Index(
        "ix_spans_list",
        "tenant", "started_ns", "seq", "trace", "kind", "status", "model", "service", "name", "ended_ns", "cost_nanousd",
        "input_tokens", "output_tokens",
    ),
    Index("ix_spans_tenant", "tenant", "seq"),
)  # fmt: skip

span_bodies = Table(
    "span_bodies",
    metadata,
    Column("seq", Count, primary_key=True, autoincrement=False),
    _word("resource"),  # resources.digest; empty: none
    _text("input"),
    _text("output"),
    _json(
        "content"
    ),  # what no list looks at: attributes, events, links and the smaller fields, see telemetry/rows.py
)

resources = Table(
    "resources",
    metadata,
    _word("digest", key=True),
    _json("content"),
    _count("last_seq"),  # about the last span that named it; when all of them are gone it may go
    sqlite_with_rowid=False,
)

traces = Table(
    "traces",
    metadata,
    Column("num", Count, primary_key=True, autoincrement=False),  # in order of arrival; never given twice
    _word("tenant"),  # empty: being deleted
    _text("trace_id"),
    _text("name"),
    _word("kind"),
    _word("status"),
    _text("service"),
    _text("source"),
    _text("app"),
    _text("release"),
    _text("environment"),
    _text("user_id"),
    _text("principal"),
    _text("seen_by"),  # the one principal whose spans these are; empty where several sent some
    _text("session_id"),
    _text("answer_id"),
    _word("feedback"),
    _count("started_ns"),
    _count("ended_ns"),
    _count("duration_ns"),
    _count("spans"),
    _count("errors"),
    _count("input_tokens"),
    _count("output_tokens"),
    _count("tokens"),
    _count("cost_nanousd"),
    Column("first_token_ms", Double, nullable=True),
    Column("cached", Boolean, nullable=False),
    Column("rootless", Boolean, nullable=False),
    _count("first_seq"),
    _count("last_seq"),
    _count("arrived_ns"),  # when its last span came, by our clock
    _count("bytes"),  # about what it takes
    _text("input"),
    _text("output"),
    _json("words"),  # {field: [values of its spans]}, the rows of trace_values
    _json("origins"),  # which span each value above was taken from, see telemetry/summary.py
    Index("ux_traces_trace_id", "tenant", "trace_id", unique=True),
    # What lists are narrowed to is read from here, so that a walk over all traces touches nothing else.
    Index(
        "ix_traces_list",
        "tenant", "started_ns", "num", "app", "release", "environment", "user_id", "session_id", "status", "errors",
        "feedback", "seen_by", "duration_ns", "cost_nanousd", "tokens",
    ),
    Index("ix_traces_duration", "tenant", "duration_ns", "num"),
    Index("ix_traces_cost", "tenant", "cost_nanousd", "num"),
    Index("ix_traces_tokens", "tenant", "tokens", "num"),
    _filled("ix_traces_user", "tenant", "user_id", "started_ns", "num"),
    _filled("ix_traces_feedback", "tenant", "feedback", "started_ns", "num"),
    _filled("ix_traces_session", "tenant", "session_id", "started_ns", "num"),
)  # fmt: skip

trace_values = Table(
    "trace_values",
    metadata,
    _word("tenant", key=True),
    _word("field", key=True),  # model | kind | name | …: what any span of the trace says
    _text("value", key=True),
    Column("trace", Count, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

span_documents = Table(
    "span_documents",
    metadata,
    _word("tenant", key=True),
    _text("document_id", key=True),
    Column("seq", Count, primary_key=True, autoincrement=False),
    Index("ix_span_documents_seq", "seq"),
    sqlite_with_rowid=False,
)

span_counts = Table(
    "span_counts",
    metadata,
    _word("name", key=True),  # the next numbers (seq, num) and what was dropped
    _count("value"),
    sqlite_with_rowid=False,
)

cursors = Table(
    "cursors",
    metadata,
    _word("name", key=True),  # who makes spans of records, or hands spans on
    _json("state"),  # how far it has come, in its own words
    _count("version"),  # raised with each change, so that of two who change it at once one starts again
    _word("updated_at"),
    sqlite_with_rowid=False,
)

# ---- rollups and archive, see telemetry/rollups.py and telemetry/archive.py ----


def _number(name: str) -> Column[int]:
    return Column(name, Count, primary_key=True, autoincrement=False)


rollup_groups = Table(
    "rollup_groups",
    metadata,
    Column("id", Count, primary_key=True, autoincrement=True),
    _word("tenant"),
    _text("app"),
    _text("service"),  # only where no app is named
    _text("release"),
    _text("provider"),
    _text("model"),
    _text("key_id"),
    _text("principal"),
    _word("kind"),
    Column("root", Boolean, nullable=False),
    UniqueConstraint(
        "tenant", "app", "service", "release", "provider", "model", "key_id", "principal", "kind", "root",
        name="uq_rollup_groups",
    ),
)  # fmt: skip

rollups = Table(
    "rollups",
    metadata,
    _word("tenant", key=True),
    _number("tier"),  # seconds: 60, 3600 or 86400
    _number("start"),  # seconds since 1970, a multiple of the tier
    _number("group_id"),
    _count("spans"),
    _count("errors"),
    _count("cached"),
    _count("input_tokens"),
    _count("output_tokens"),
    _count("cached_tokens"),
    _count("cost_nanousd"),
    _count("unpriced"),
    _count("answers"),
    _count("abstained"),
    _count("sentences"),
    _count("unsupported"),
    Column("latency", LargeBinary, nullable=False),  # see telemetry/sketch.py
    Column("first_token", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

rollup_dear = Table(
    "rollup_dear",
    metadata,
    _word("tenant", key=True),
    _number("day"),  # seconds since 1970
    _text("trace_id", key=True),
    _number("group_id"),
    _text("answer_id"),
    _count("cost_nanousd"),
    Index("ix_rollup_dear_cost", "tenant", "day", "cost_nanousd"),
    sqlite_with_rowid=False,
)

rollup_cursors = Table(
    "rollup_cursors",
    metadata,
    _word("tenant", key=True),
    _count("seq"),  # of the last span that was looked at
    _count("counted"),  # spans in the rollups, of whatever time
    sqlite_with_rowid=False,
)

rollup_own = Table(
    "rollup_own",
    metadata,
    _word("tenant", key=True),
    _number("day"),  # seconds since 1970
    _number("span"),  # the span's id as a number: this one is counted, and a later state of it will not be
    sqlite_with_rowid=False,
)

span_files = Table(
    "span_files",
    metadata,
    _word("tenant", key=True),
    _number("hour"),  # seconds since 1970
    _number("n"),  # from 1 within its hour
    _word("name"),  # below the place of archived spans
    _count("after_seq"),
    _count("through_seq"),  # it holds the spans of its hour with after_seq < seq <= through_seq
    _count("spans"),
    _count("bytes"),
    _word("digest"),  # SHA-256 of the file
    Column("traces", LargeBinary, nullable=False),  # which traces it may hold, see telemetry/archive_index.py
    _word("created_at"),
    sqlite_with_rowid=False,
)
