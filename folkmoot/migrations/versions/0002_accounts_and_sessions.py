"""Names, roles, and sessions."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE users
            ADD COLUMN name        text NOT NULL DEFAULT '',
            ADD COLUMN role        text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
            ADD COLUMN disabled_at timestamptz
        """
    )
    op.execute(
        """
        CREATE TABLE sessions (
            id         bigserial PRIMARY KEY,
            user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            token_hash bytea NOT NULL UNIQUE,
            kind       text NOT NULL CHECK (kind IN ('browser', 'program')),
            address    text NOT NULL,
            user_agent text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            used_at    timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            idle_s     bigint NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX sessions_of_user ON sessions (user_id, created_at)")


def downgrade() -> None:
    op.execute("DROP TABLE sessions")
    op.execute("ALTER TABLE users DROP COLUMN name, DROP COLUMN role, DROP COLUMN disabled_at")
