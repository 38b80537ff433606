"""Spans, traces, what lists look at, and the search index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen here: a migration says what the tables were, whatever `columns.py` says today.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _tables()
    if op.get_bind().dialect.name == "sqlite":
        # Without positions and without the text itself: which words stand in which span, and nothing else.
        op.execute(
            "CREATE VIRTUAL TABLE span_words USING fts5(words, content='', columnsize=0, detail=none, "
            'tokenize="unicode61 remove_diacritics 2")'
        )
    else:
        op.execute("CREATE TABLE span_words (seq BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX ix_span_words_words ON span_words USING gin (words)")


def _tables() -> None:
    op.create_table(
        "spans",
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("trace", COUNT, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("span_id", WORD, nullable=False),
        sa.Column("parent_id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("started_ns", COUNT, nullable=False),
        sa.Column("ended_ns", COUNT, nullable=False),
        sa.Column("service", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("model", WORD, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("key_id", WORD, nullable=False),
        sa.Column("prompt", WORD, nullable=False),
        sa.Column("snapshot", WORD, nullable=False),
        sa.Column("input_tokens", COUNT, nullable=True),
        sa.Column("output_tokens", COUNT, nullable=True),
        sa.Column("cost_nanousd", COUNT, nullable=True),
        sa.Column("metered", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_spans")),
    )
    op.create_index(
        "ix_spans_children", "spans", ["trace", "parent_id", "started_ns", "span_id"], unique=False
    )
    op.create_index(
        "ix_spans_list",
        "spans",
        [
            "tenant",
            "started_ns",
            "seq",
            "trace",
            "kind",
            "status",
            "model",
            "service",
            "name",
            "ended_ns",
            "cost_nanousd",
            "input_tokens",
            "output_tokens",
        ],
        unique=False,
    )
    op.create_index("ix_spans_tenant", "spans", ["tenant", "seq"], unique=False)
    op.create_index("ux_spans_trace_span", "spans", ["trace", "span_id"], unique=True)
    op.create_table(
        "span_bodies",
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("resource", WORD, nullable=False),
        sa.Column("input", WORD, nullable=False),
        sa.Column("output", WORD, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_span_bodies")),
    )
    op.create_table(
        "resources",
        sa.Column("digest", WORD, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("last_seq", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_resources")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "traces",
        sa.Column("num", COUNT, nullable=False, autoincrement=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("trace_id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("service", WORD, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("environment", WORD, nullable=False),
        sa.Column("user_id", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("seen_by", WORD, nullable=False),
        sa.Column("session_id", WORD, nullable=False),
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("feedback", WORD, nullable=False),
        sa.Column("started_ns", COUNT, nullable=False),
        sa.Column("ended_ns", COUNT, nullable=False),
        sa.Column("duration_ns", COUNT, nullable=False),
        sa.Column("spans", COUNT, nullable=False),
        sa.Column("errors", COUNT, nullable=False),
        sa.Column("input_tokens", COUNT, nullable=False),
        sa.Column("output_tokens", COUNT, nullable=False),
        sa.Column("tokens", COUNT, nullable=False),
        sa.Column("cost_nanousd", COUNT, nullable=False),
        sa.Column("first_token_ms", sa.Double(), nullable=True),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("rootless", sa.Boolean(), nullable=False),
        sa.Column("first_seq", COUNT, nullable=False),
        sa.Column("last_seq", COUNT, nullable=False),
        sa.Column("arrived_ns", COUNT, nullable=False),
        sa.Column("bytes", COUNT, nullable=False),
        sa.Column("input", WORD, nullable=False),
        sa.Column("output", WORD, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("num", name=op.f("pk_traces")),
    )
    op.create_index("ix_traces_cost", "traces", ["tenant", "cost_nanousd", "num"], unique=False)
    op.create_index("ix_traces_duration", "traces", ["tenant", "duration_ns", "num"], unique=False)
    op.create_index(
        "ix_traces_list",
        "traces",
        [
            "tenant",
            "started_ns",
            "num",
            "app",
            "release",
            "environment",
            "user_id",
            "session_id",
            "status",
            "errors",
            "feedback",
            "seen_by",
            "duration_ns",
            "cost_nanousd",
            "tokens",
        ],
        unique=False,
    )
    op.create_index(
        "ix_traces_feedback",
        "traces",
        ["tenant", "feedback", "started_ns", "num"],
        unique=False,
        sqlite_where=sa.text("feedback <> ''"),
        postgresql_where=sa.text("feedback <> ''"),
    )
    op.create_index(
        "ix_traces_session",
        "traces",
        ["tenant", "session_id", "started_ns", "num"],
        unique=False,
        sqlite_where=sa.text("session_id <> ''"),
        postgresql_where=sa.text("session_id <> ''"),
    )
    op.create_index("ix_traces_tokens", "traces", ["tenant", "tokens", "num"], unique=False)
    op.create_index(
        "ix_traces_user",
        "traces",
        ["tenant", "user_id", "started_ns", "num"],
        unique=False,
        sqlite_where=sa.text("user_id <> ''"),
        postgresql_where=sa.text("user_id <> ''"),
    )
    op.create_index("ux_traces_trace_id", "traces", ["tenant", "trace_id"], unique=True)
    op.create_table(
        "trace_values",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("field", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.Column("trace", COUNT, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("tenant", "field", "value", "trace", name=op.f("pk_trace_values")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "span_documents",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("tenant", "document_id", "seq", name=op.f("pk_span_documents")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_span_documents_seq", "span_documents", ["seq"], unique=False)
    op.create_table(
        "span_counts",
        sa.Column("name", WORD, nullable=False),
        sa.Column("value", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_span_counts")),
        sqlite_with_rowid=False,
    )
