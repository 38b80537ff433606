"""What Alembic runs: the pending migrations, inside the transaction open on the connection it was given."""

from __future__ import annotations

from alembic import context

from groundwork.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot change most things of a table in place
    transactional_ddl=True,  # the caller's transaction holds them all
)
context.run_migrations()
