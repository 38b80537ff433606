"""How far those who make or hand on spans have come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Frozen here: a migration says what the tables were, whatever `columns.py` says today.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cursors",
        sa.Column("name", WORD, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", COUNT, nullable=False),
        sa.Column("updated_at", WORD, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("cursors")
