"""The browsers that people have signed in with."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A browser that signed in keeps a token by which it is known, and need not wait where strangers must.
    op.execute(
        """
        CREATE TABLE known_devices (
            user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            token_hash bytea NOT NULL,
            used_at    timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (token_hash, user_id)
        )
        """
    )
    op.execute("CREATE INDEX known_devices_user_id ON known_devices (user_id, used_at)")


def downgrade() -> None:
    op.execute("DROP TABLE known_devices")
