"""Pathways: plans, labs, quizzes, attestations, reflections and proofs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Frozen here: a migration says what the tables were, whatever `columns.py` says today.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "catalogue_versions",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_catalogue_versions")),
    )
    op.create_table(
        "path_profiles",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "owner", "seq", name=op.f("pk_path_profiles")),
    )
    op.create_table(
        "path_plans",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("inputs", WORD, nullable=False),
        sa.Column("catalogue", WORD, nullable=False),
        sa.Column("previous", WORD, nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_path_plans")),
    )
    op.create_index(
        op.f("ix_path_plans_tenant_owner_id"), "path_plans", ["tenant", "owner", "id"], unique=False
    )
    op.create_table(
        "lab_runs",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("lab", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("test_out", sa.Boolean(), nullable=False),
        sa.Column("draw", sa.Text(), nullable=False),
        sa.Column("points", COUNT, nullable=False, autoincrement=False),
        sa.Column("total", COUNT, nullable=False, autoincrement=False),
        sa.Column("minutes", sa.Double(), nullable=True),
        sa.Column("started_at", WORD, nullable=False),
        sa.Column("finished_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_runs")),
    )
    op.create_index(
        op.f("ix_lab_runs_tenant_owner_lab_id"), "lab_runs", ["tenant", "owner", "lab", "id"], unique=False
    )
    op.create_table(
        "lab_events",
        sa.Column("run_id", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_lab_events")),
    )
    op.create_table(
        "quiz_results",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("quiz", WORD, nullable=False),
        sa.Column("catalogue", WORD, nullable=False),
        sa.Column("draw", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=True),
        sa.Column("score", COUNT, nullable=False, autoincrement=False),
        sa.Column("total", COUNT, nullable=False, autoincrement=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("finished_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quiz_results")),
    )
    op.create_index(
        op.f("ix_quiz_results_tenant_owner_quiz_id"),
        "quiz_results",
        ["tenant", "owner", "quiz", "id"],
        unique=False,
    )
    op.create_table(
        "attestations",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("statement", WORD, nullable=False),
        sa.Column("link", WORD, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("withdrawn_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestations")),
    )
    op.create_index(
        op.f("ix_attestations_tenant_owner_subject"),
        "attestations",
        ["tenant", "owner", "subject"],
        unique=False,
    )
    op.create_table(
        "reflections",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("question", WORD, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reflections")),
    )
    op.create_index(
        op.f("ix_reflections_tenant_owner_id"), "reflections", ["tenant", "owner", "id"], unique=False
    )
    op.create_table(
        "proofs",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("subject_kind", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("catalogue", WORD, nullable=False),
        sa.Column("check_digest", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("previous", WORD, nullable=False),
        sa.Column("position", COUNT, nullable=False, autoincrement=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
    )
    op.create_index(
        op.f("ix_proofs_tenant_owner_subject_id"),
        "proofs",
        ["tenant", "owner", "subject", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_proofs_tenant_position"), "proofs", ["tenant", "position"], unique=True)
    op.create_table(
        "cosignatures",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("proof_id", WORD, nullable=False),
        sa.Column("keyid", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("grade", WORD, nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cosignatures")),
    )
    op.create_index(
        op.f("ix_cosignatures_tenant_proof_id"), "cosignatures", ["tenant", "proof_id"], unique=False
    )
    op.create_table(
        "portfolio_exports",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolio_exports")),
    )
    op.create_index(
        op.f("ix_portfolio_exports_tenant_owner_id"),
        "portfolio_exports",
        ["tenant", "owner", "id"],
        unique=False,
    )
    # What predicates over records ask, and no room had written down: tools that were called, and what replays came to.
    op.add_column("calls", sa.Column("tool_calls", COUNT, nullable=False, server_default="0"))
    op.create_table(
        "answer_replays",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("result", WORD, nullable=False),
        sa.Column("times", COUNT, nullable=False, autoincrement=False),
        sa.Column("first_at", WORD, nullable=False),
        sa.Column("last_at", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["answers.id"],
            name=op.f("fk_answer_replays_answer_id_answers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "answer_id", "result", name=op.f("pk_answer_replays")),
    )
    op.create_index(op.f("ix_answer_replays_answer_id"), "answer_replays", ["answer_id"], unique=False)
