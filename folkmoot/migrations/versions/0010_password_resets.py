"""Links by which people choose a new password who forgot theirs."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # One a person: a newer link takes the place of the older. With another password a link is over, which the hash of
    # the password's hash tells.
    op.execute(
        """
        CREATE TABLE password_resets (
            user_id       bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
            token_hash    bytea NOT NULL UNIQUE,
            password_hash bytea NOT NULL,
            expires_at    timestamptz NOT NULL,
            used_at       timestamptz
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE password_resets")
