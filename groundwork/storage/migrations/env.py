"""What Alembic runs: the pending migrations of one chain, inside the transaction open on the connection it was given."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,  # SQLite cannot change most things of a table in place
    transactional_ddl=True,  # the caller's transaction holds them all
)
context.run_migrations()
