"""Alembic's entry: runs the revisions over asyncpg, or prints them as SQL."""

from alembic import context

connection = context.config.attributes.get("connection")
table = context.config.attributes["version_table"]

if connection is None:  # offline: SQL on standard output
    # Named parameters, because the usual ones of PostgreSQL would double each percent sign of what is printed.
    options = {"paramstyle": "named"}
    context.configure(dialect_name="postgresql", literal_binds=True, dialect_opts=options, version_table=table)
else:
    context.configure(connection=connection, transaction_per_migration=True, version_table=table)

with context.begin_transaction():
    context.run_migrations()
