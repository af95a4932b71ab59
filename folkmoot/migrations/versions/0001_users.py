"""Users."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE users (
            id         bigserial PRIMARY KEY,
            email      varchar(64) NOT NULL UNIQUE,
            password   text NOT NULL,
            created_on timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
            confirmed  boolean NOT NULL DEFAULT false
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE users")
