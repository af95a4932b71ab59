"""The users of the example."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA example")
    op.execute(
        """
        CREATE TABLE example.users (
            id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name     text        NOT NULL UNIQUE,
            email    text,
            seen_at  timestamptz NOT NULL DEFAULT now()
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA example CASCADE")
