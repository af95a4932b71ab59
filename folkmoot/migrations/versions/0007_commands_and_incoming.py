"""Runs of slash commands, so that none is run twice; and addresses by which other programs post into a room."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE command_runs (
            user_id    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            room_id    bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
            client_id  uuid NOT NULL,
            started_at timestamptz NOT NULL DEFAULT now(),
            kind       text CHECK (kind IN ('command', 'message', 'alone')),
            body       text,
            PRIMARY KEY (user_id, room_id, client_id)
        )
        """
    )

    # The name of a hook is its bot's. A hook that is revoked is deleted; its bot stays, as what it said does.
    op.execute(
        """
        CREATE TABLE incoming_hooks (
            id         bigserial PRIMARY KEY,
            room_id    bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
            bot_id     bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            made_by    bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            token_hash bytea NOT NULL UNIQUE,
            made_at    timestamptz NOT NULL DEFAULT now(),
            used_at    timestamptz
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE incoming_hooks")
    op.execute("DROP TABLE command_runs")
