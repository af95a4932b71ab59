"""Alembic's entry: runs the revisions over asyncpg, or prints them as SQL."""

from alembic import context

connection = context.config.attributes.get("connection")

if connection is None:  # offline: SQL on standard output
    context.configure(dialect_name="postgresql", literal_binds=True)
else:
    context.configure(connection=connection, transaction_per_migration=True)

with context.begin_transaction():
    context.run_migrations()
