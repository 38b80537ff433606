"""Datasets, evaluations, judges, gates and releases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Frozen here: a migration says what the tables were, whatever `columns.py` says today.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dataset_versions",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("number", COUNT, nullable=False, autoincrement=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("parent", WORD, nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("examples", COUNT, nullable=False),
        sa.Column("note", WORD, nullable=False),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "number", name=op.f("pk_dataset_versions")),
    )
    op.create_index(
        op.f("ix_dataset_versions_tenant_digest"), "dataset_versions", ["tenant", "digest"], unique=False
    )
    op.create_table(
        "dataset_members",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("example_id", WORD, nullable=False),
        sa.Column("example", WORD, nullable=False),
        sa.Column("split", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "version", "seq", name=op.f("pk_dataset_members")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_dataset_members_tenant_example"), "dataset_members", ["tenant", "example"], unique=False
    )
    op.create_table(
        "dataset_examples",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_dataset_examples")),
    )
    op.create_table(
        "dataset_documents",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "document_id", "digest", name=op.f("pk_dataset_documents")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dataset_candidates",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("dataset", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("origin", WORD, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("decided_at", WORD, nullable=True),
        sa.Column("decided_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_candidates")),
    )
    op.create_index(
        op.f("ix_dataset_candidates_tenant_dataset_origin"),
        "dataset_candidates",
        ["tenant", "dataset", "origin"],
        unique=True,
    )
    op.create_index(
        op.f("ix_dataset_candidates_tenant_dataset_state_id"),
        "dataset_candidates",
        ["tenant", "dataset", "state", "id"],
        unique=False,
    )
    op.create_table(
        "evaluations",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("title", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("dataset", WORD, nullable=False),
        sa.Column("dataset_version", WORD, nullable=False),
        sa.Column("split", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("plan", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("cost_nanousd", COUNT, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("job_id", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("started_at", WORD, nullable=True),
        sa.Column("finished_at", WORD, nullable=True),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    op.create_index(
        op.f("ix_evaluations_tenant_app_id"), "evaluations", ["tenant", "app", "id"], unique=False
    )
    op.create_index(
        op.f("ix_evaluations_tenant_dataset_version_id"),
        "evaluations",
        ["tenant", "dataset_version", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_evaluations_tenant_id"), "evaluations", ["tenant", "id"], unique=False)
    op.create_table(
        "evaluation_results",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("evaluation_id", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("repeat", COUNT, nullable=False, autoincrement=False),
        sa.Column("example_id", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("answer_id", WORD, nullable=False),
        sa.Column("trace_id", WORD, nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("cost_nanousd", COUNT, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "evaluation_id", "seq", "repeat", name=op.f("pk_evaluation_results")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_evaluation_results_tenant_answer_id"),
        "evaluation_results",
        ["tenant", "answer_id"],
        unique=False,
    )
    op.create_table(
        "evaluation_documents",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("document_id", WORD, nullable=False),
        sa.Column("evaluation_id", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("repeat", COUNT, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint(
            "tenant", "document_id", "evaluation_id", "seq", "repeat", name=op.f("pk_evaluation_documents")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tunings",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("dataset", WORD, nullable=False),
        sa.Column("dataset_version", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("job_id", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("finished_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tunings")),
    )
    op.create_index(op.f("ix_tunings_tenant_id"), "tunings", ["tenant", "id"], unique=False)
    op.create_table(
        "tuning_scores",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("tuning_id", WORD, nullable=False),
        sa.Column("configuration", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("applies", sa.Boolean(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("cost_nanousd", COUNT, nullable=False, autoincrement=False),
        sa.Column("error", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tuning_id", "configuration", "seq", name=op.f("pk_tuning_scores")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "judge_samples",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("judge", WORD, nullable=False),
        sa.Column("evaluation_id", WORD, nullable=False),
        sa.Column("draw", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_samples")),
    )
    op.create_index(
        op.f("ix_judge_samples_tenant_judge_id"), "judge_samples", ["tenant", "judge", "id"], unique=False
    )
    op.create_table(
        "judge_labels",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("sample_id", WORD, nullable=False),
        sa.Column("item", WORD, nullable=False),
        sa.Column("label", WORD, nullable=False),
        sa.Column("comment", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_labels")),
    )
    op.create_index(
        op.f("ix_judge_labels_tenant_sample_id_item_principal"),
        "judge_labels",
        ["tenant", "sample_id", "item", "principal"],
        unique=True,
    )
    op.create_table(
        "judge_cards",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("judge", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_cards")),
    )
    op.create_index(
        op.f("ix_judge_cards_tenant_judge_kind_id"),
        "judge_cards",
        ["tenant", "judge", "kind", "id"],
        unique=False,
    )
    op.create_table(
        "gate_plans",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("gate", WORD, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_gate_plans")),
    )
    op.create_index(op.f("ix_gate_plans_tenant_gate"), "gate_plans", ["tenant", "gate"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("gate", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("plan", WORD, nullable=False),
        sa.Column("baseline", WORD, nullable=False),
        sa.Column("candidate", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    )
    op.create_index(op.f("ix_verdicts_tenant_candidate"), "verdicts", ["tenant", "candidate"], unique=False)
    op.create_index(op.f("ix_verdicts_tenant_id"), "verdicts", ["tenant", "id"], unique=False)
    op.create_table(
        "verdict_overrides",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("verdict_id", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict_overrides")),
    )
    op.create_index(
        op.f("ix_verdict_overrides_tenant_verdict_id"),
        "verdict_overrides",
        ["tenant", "verdict_id"],
        unique=False,
    )
    op.create_table(
        "releases",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("number", COUNT, nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("note", WORD, nullable=False),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_releases")),
    )
    op.create_index(
        op.f("ix_releases_tenant_app_number"), "releases", ["tenant", "app", "number"], unique=True
    )
    op.create_index(op.f("ix_releases_tenant_digest"), "releases", ["tenant", "digest"], unique=False)
    op.create_table(
        "deployments",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("app", WORD, nullable=False),
        sa.Column("environment", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("previous", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("verdict_id", WORD, nullable=False),
        sa.Column("override_id", WORD, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("created_at", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("ended_at", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
    )
    op.create_index(
        op.f("ix_deployments_tenant_app_environment_id"),
        "deployments",
        ["tenant", "app", "environment", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_deployments_tenant_id"), "deployments", ["tenant", "id"], unique=False)
    op.create_table(
        "release_approvals",
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("release", WORD, nullable=False),
        sa.Column("environment", WORD, nullable=False),
        sa.Column("decision", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("comment", WORD, nullable=False),
        sa.Column("principal", WORD, nullable=False),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_approvals")),
    )
    op.create_index(
        op.f("ix_release_approvals_tenant_release_environment"),
        "release_approvals",
        ["tenant", "release", "environment"],
        unique=False,
    )
    op.create_table(
        "canary_requests",
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("deployment_id", WORD, nullable=False),
        sa.Column("seq", COUNT, nullable=False, autoincrement=False),
        sa.Column("unit", WORD, nullable=False),
        sa.Column("arm", WORD, nullable=False),
        sa.Column("baseline_answer", WORD, nullable=False),
        sa.Column("candidate_answer", WORD, nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "deployment_id", "seq", name=op.f("pk_canary_requests")),
        sqlite_with_rowid=False,
    )
