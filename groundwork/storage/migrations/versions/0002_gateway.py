"""Gateway, prompts and conversations: keys, calls, budgets, cache, secrets, prompt versions, turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Frozen here: a migration says what the tables were, whatever `columns.py` says today.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("prefix", WORD, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=True),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("expires_at", WORD, nullable=True),
        sa.Column("revoked_at", WORD, nullable=True),
        sa.Column("last_used_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_tenant_id"), "api_keys", ["tenant", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("call_id", WORD, nullable=False),
        sa.Column("n", COUNT, autoincrement=False, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("model", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("status", COUNT, nullable=True),
        sa.Column("failure", WORD, nullable=False),
        sa.Column("input_tokens", COUNT, nullable=False),
        sa.Column("output_tokens", COUNT, nullable=False),
        sa.Column("cost_nanousd", COUNT, nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("first_token_ms", sa.Double(), nullable=True),
        sa.Column("started_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("call_id", "n", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budget_windows",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("scope", WORD, nullable=False),
        sa.Column("period", WORD, nullable=False),
        sa.Column("start", WORD, nullable=False),
        sa.Column("reserved_nanousd", COUNT, nullable=False),
        sa.Column("spent_nanousd", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "period", "start", name=op.f("pk_budget_windows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cached_completions",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("model", WORD, nullable=False),
        sa.Column("completion", sa.Text(), nullable=False),
        sa.Column("hits", COUNT, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("expires_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_cached_completions")),
    )
    op.create_index(
        op.f("ix_cached_completions_tenant_created_at"),
        "cached_completions",
        ["tenant", "created_at"],
        unique=False,
    )
    op.create_table(
        "cached_documents",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "document_id", "key", name=op.f("pk_cached_documents")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_cached_documents_tenant_key"), "cached_documents", ["tenant", "key"], unique=False
    )
    op.create_table(
        "calls",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("key_id", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("parent", WORD, nullable=False),
        sa.Column("dialect", WORD, nullable=False),
        sa.Column("operation", WORD, nullable=False),
        sa.Column("model", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("served_model", WORD, nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("structured", WORD, nullable=False),
        sa.Column("error", WORD, nullable=False),
        sa.Column("input_tokens", COUNT, nullable=False),
        sa.Column("output_tokens", COUNT, nullable=False),
        sa.Column("cached_input_tokens", COUNT, nullable=False),
        sa.Column("cache_write_tokens", COUNT, nullable=False),
        sa.Column("reasoning_tokens", COUNT, nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("reserved_nanousd", COUNT, nullable=False),
        sa.Column("cost_nanousd", COUNT, nullable=False),
        sa.Column("energy_uwh", COUNT, nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("first_token_ms", sa.Double(), nullable=True),
        sa.Column("prompt", WORD, nullable=False),
        sa.Column("snapshot", WORD, nullable=False),
        sa.Column("trace_id", WORD, nullable=False),
        sa.Column("span_id", WORD, nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("started_at", WORD, nullable=False),
        sa.Column("finished_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_calls_answer_id",
        "calls",
        ["answer_id"],
        unique=False,
        sqlite_where=sa.text("answer_id <> ''"),
        postgresql_where=sa.text("answer_id <> ''"),
    )
    op.create_index(
        "ix_calls_open",
        "calls",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_calls_tenant_key_id_id"), "calls", ["tenant", "key_id", "id"], unique=False)
    op.create_table(
        "prompt_runs",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("model", WORD, nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_runs")),
    )
    op.create_index(
        op.f("ix_prompt_runs_tenant_name_id"), "prompt_runs", ["tenant", "name", "id"], unique=False
    )
    op.create_table(
        "prompt_versions",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", "name", name=op.f("pk_prompt_versions")),
    )
    op.create_index(
        op.f("ix_prompt_versions_tenant_name_created_at"),
        "prompt_versions",
        ["tenant", "name", "created_at"],
        unique=False,
    )
    op.create_table(
        "rate_buckets",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("scope", WORD, nullable=False),
        sa.Column("unit", WORD, nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("boot", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "unit", name=op.f("pk_rate_buckets")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "secrets",
        sa.Column("name", WORD, nullable=False),
        sa.Column("sealed", WORD, nullable=False),
        sa.Column("master", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "usage_days",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("day", WORD, nullable=False),
        sa.Column("key_id", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("model", WORD, nullable=False),
        sa.Column("calls", COUNT, nullable=False),
        sa.Column("failed", COUNT, nullable=False),
        sa.Column("cached", COUNT, nullable=False),
        sa.Column("input_tokens", COUNT, nullable=False),
        sa.Column("output_tokens", COUNT, nullable=False),
        sa.Column("cost_nanousd", COUNT, nullable=False),
        sa.Column("energy_uwh", COUNT, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "day", "key_id", "app", "release", "provider", "model", name=op.f("pk_usage_days")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "conversation_turns",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("conversation_id", WORD, nullable=False),
        sa.Column("seq", COUNT, autoincrement=False, nullable=False),
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["answers.id"],
            name=op.f("fk_conversation_turns_answer_id_answers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "conversation_id", "seq", name=op.f("pk_conversation_turns")),
    )
    op.create_index(
        op.f("ix_conversation_turns_answer_id"), "conversation_turns", ["answer_id"], unique=False
    )
    # ### end Alembic commands ###
