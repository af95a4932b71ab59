"""Access tokens that may do some things only, and accounts of programs."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE users
            DROP CONSTRAINT users_role_check,
            ADD CONSTRAINT users_role_check CHECK (role IN ('member', 'admin', 'bot'))
        """
    )
    # A token is a session that somebody made for a program; without scopes it may do all that its owner may.
    op.execute(
        """
        ALTER TABLE sessions
            ADD COLUMN name   text NOT NULL DEFAULT '',
            ADD COLUMN scopes text[],
            DROP CONSTRAINT sessions_kind_check,
            ADD CONSTRAINT sessions_kind_check CHECK (kind IN ('browser', 'program', 'token')),
            ADD CONSTRAINT sessions_scopes_check CHECK ((kind = 'token') = (scopes IS NOT NULL))
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM sessions WHERE kind = 'token'")
    op.execute(
        """
        ALTER TABLE sessions
            DROP CONSTRAINT sessions_scopes_check,
            DROP CONSTRAINT sessions_kind_check,
            ADD CONSTRAINT sessions_kind_check CHECK (kind IN ('browser', 'program')),
            DROP COLUMN scopes,
            DROP COLUMN name
        """
    )
    op.execute("UPDATE users SET role = 'member', disabled_at = coalesce(disabled_at, now()) WHERE role = 'bot'")
    op.execute(
        """
        ALTER TABLE users
            DROP CONSTRAINT users_role_check,
            ADD CONSTRAINT users_role_check CHECK (role IN ('member', 'admin'))
        """
    )
