"""The tables of the first version: versions, records, pointers, leases."""

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
    op.create_table(
        "answers",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("question", WORD, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("snapshot", WORD, nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_tenant_app_id"), "answers", ["tenant", "app", "id"], unique=False)
    op.create_index(op.f("ix_answers_tenant_id"), "answers", ["tenant", "id"], unique=False)
    op.create_table(
        "blobs",
        sa.Column("digest", WORD, nullable=False),
        sa.Column("size", COUNT, nullable=False),
        sa.Column("media_type", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blobs")),
    )
    op.create_table(
        "calibrations",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
    )
    op.create_index(
        op.f("ix_calibrations_tenant_app_id"), "calibrations", ["tenant", "app", "id"], unique=False
    )
    op.create_table(
        "document_versions",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("content", WORD, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("marks", WORD, nullable=False),
        sa.Column("title", WORD, nullable=False),
        sa.Column("language", WORD, nullable=False),
        sa.Column("media_type", WORD, nullable=False),
        sa.Column("loader", WORD, nullable=False),
        sa.Column("loader_version", COUNT, nullable=False),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("chars", COUNT, nullable=False),
        sa.Column("size", COUNT, nullable=False),
        sa.Column("modified", COUNT, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "version", name=op.f("pk_document_versions")),
    )
    op.create_index(
        op.f("ix_document_versions_tenant_content"), "document_versions", ["tenant", "content"], unique=False
    )
    op.create_index(
        op.f("ix_document_versions_tenant_document_id"),
        "document_versions",
        ["tenant", "document_id"],
        unique=False,
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("command", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("request", WORD, nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "command", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_at"), "idempotency", ["at"], unique=False)
    op.create_table(
        "index_versions",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("index_name", WORD, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("location", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_index_versions")),
    )
    op.create_index(
        op.f("ix_index_versions_tenant_index_name"), "index_versions", ["tenant", "index_name"], unique=False
    )
    op.create_table(
        "ingests",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("index_name", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("started_at", WORD, nullable=False),
        sa.Column("finished_at", WORD, nullable=True),
        sa.Column("principal", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingests")),
    )
    op.create_index(
        op.f("ix_ingests_tenant_index_name_id"), "ingests", ["tenant", "index_name", "id"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("started_at", WORD, nullable=True),
        sa.Column("finished_at", WORD, nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"], unique=False)
    op.create_index(op.f("ix_jobs_tenant_id"), "jobs", ["tenant", "id"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("token", COUNT, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("boot", WORD, nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("renewed_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "pointer_moves",
        sa.Column("seq", COUNT, autoincrement=True, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("old", WORD, nullable=True),
        sa.Column("new", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pointer_moves")),
        sa.UniqueConstraint("id", name=op.f("uq_pointer_moves_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_pointer_moves_tenant_kind_name_seq"),
        "pointer_moves",
        ["tenant", "kind", "name", "seq"],
        unique=False,
    )
    op.create_table(
        "pointers",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("moved_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "name", name=op.f("pk_pointers")),
    )
    op.create_table(
        "snapshots",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("index_name", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("index_version", WORD, nullable=False),
        sa.Column("parent", WORD, nullable=True),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("ref", WORD, nullable=False),
        sa.Column("manifest", WORD, nullable=False),
        sa.Column("documents", COUNT, nullable=False),
        sa.Column("chunks", COUNT, nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("embedder", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "index_name", "id", name=op.f("pk_snapshots")),
    )
    op.create_index(
        op.f("ix_snapshots_tenant_index_name_seq"), "snapshots", ["tenant", "index_name", "seq"], unique=True
    )
    op.create_table(
        "sources",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("index_name", WORD, nullable=False),
        sa.Column("path", WORD, nullable=False),
        sa.Column("root", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("version", WORD, nullable=True),
        sa.Column("content", WORD, nullable=False),
        sa.Column("size", COUNT, nullable=False),
        sa.Column("mtime_ns", COUNT, nullable=False),
        sa.Column("ctime_ns", COUNT, nullable=False),
        sa.Column("inode", COUNT, nullable=False),
        sa.Column("media_type", WORD, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("message", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("seen_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "index_name", "path", name=op.f("pk_sources")),
    )
    op.create_index(op.f("ix_sources_tenant_content"), "sources", ["tenant", "content"], unique=False)
    op.create_index(
        op.f("ix_sources_tenant_index_name_document_id"),
        "sources",
        ["tenant", "index_name", "document_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sources_tenant_index_name_state"), "sources", ["tenant", "index_name", "state"], unique=False
    )
    op.create_table(
        "tombstones",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_tombstones")),
    )
    op.create_table(
        "answer_documents",
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["answers.id"],
            name=op.f("fk_answer_documents_answer_id_answers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("answer_id", "document_id", name=op.f("pk_answer_documents")),
    )
    op.create_index(
        op.f("ix_answer_documents_tenant_document_id"),
        "answer_documents",
        ["tenant", "document_id"],
        unique=False,
    )
