"""Rollups of spans by minute, hour and day; archived spans."""

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
        "rollup_groups",
        sa.Column("id", COUNT, nullable=False, autoincrement=True),
        *_words(
            "tenant", "app", "service", "release", "provider", "model", "key_id", "principal", "kind"
        ),
        sa.Column("root", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_groups")),
        sa.UniqueConstraint(
            "tenant", "app", "service", "release", "provider", "model", "key_id", "principal", "kind", "root",
            name=op.f("uq_rollup_groups"),
        ),
    )  # fmt: skip
    op.create_table(
        "rollups",
        *_words("tenant"),
        *_numbers("tier", "start", "group_id"),
        *_counts(
            "spans", "errors", "cached", "input_tokens", "output_tokens", "cached_tokens", "cost_nanousd",
            "unpriced", "answers", "abstained", "sentences", "unsupported",
        ),
        sa.Column("latency", sa.LargeBinary(), nullable=False),
        sa.Column("first_token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tier", "start", "group_id", name=op.f("pk_rollups")),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "rollup_dear",
        *_words("tenant"),
        *_numbers("day"),
        *_words("trace_id"),
        *_numbers("group_id"),
        *_words("answer_id"),
        *_counts("cost_nanousd"),
        sa.PrimaryKeyConstraint("tenant", "day", "trace_id", "group_id", name=op.f("pk_rollup_dear")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rollup_dear_cost", "rollup_dear", ["tenant", "day", "cost_nanousd"], unique=False)
    op.create_table(
        "rollup_cursors",
        *_words("tenant"),
        *_counts("seq", "counted"),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_rollup_cursors")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_own",
        *_words("tenant"),
        *_numbers("day", "span"),
        sa.PrimaryKeyConstraint("tenant", "day", "span", name=op.f("pk_rollup_own")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "span_files",
        *_words("tenant"),
        *_numbers("hour", "n"),
        *_words("name"),
        *_counts("after_seq", "through_seq", "spans", "bytes"),
        *_words("digest"),
        sa.Column("traces", sa.LargeBinary(), nullable=False),
        *_words("created_at"),
        sa.PrimaryKeyConstraint("tenant", "hour", "n", name=op.f("pk_span_files")),
        sqlite_with_rowid=False,
    )


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, WORD, nullable=False) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, COUNT, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, COUNT, nullable=False, autoincrement=False) for name in names]
