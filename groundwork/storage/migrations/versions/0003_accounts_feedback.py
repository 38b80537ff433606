"""Accounts, feedback and saved views; keys get a role."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Frozen here: a migration says what the tables were, whatever `columns.py` says today.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("role", WORD, nullable=True))
    op.create_table(
        "tenants",
        sa.Column("name", WORD, nullable=False),
        sa.Column("title", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tenants")),
    )
    op.create_table(
        "users",
        sa.Column("id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("title", WORD, nullable=False),
        sa.Column("password", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=True),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("disabled_at", WORD, nullable=True),
        sa.Column("last_seen_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sa.UniqueConstraint("subject", name=op.f("uq_users_subject")),
    )
    op.create_table(
        "memberships",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("user_id", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("access", sa.Text(), nullable=True),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("digest", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("user_id", WORD, nullable=False),
        sa.Column("key_id", WORD, nullable=False),
        sa.Column("agent", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("last_seen_at", WORD, nullable=False),
        sa.Column("expires_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "feedback",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("trace_id", WORD, nullable=False),
        sa.Column("span_id", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("withdrawn_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    for column in ("id", "answer_id", "trace_id"):
        op.create_index(op.f(f"ix_feedback_tenant_{column}"), "feedback", ["tenant", column], unique=False)
    op.create_table(
        "saved_views",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("page", WORD, nullable=False),
        sa.Column("query", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index(op.f("ix_saved_views_tenant_page"), "saved_views", ["tenant", "page"], unique=False)
