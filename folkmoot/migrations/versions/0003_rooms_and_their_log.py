"""Rooms, who is in them, and the log of what happened there."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE rooms (
            id         bigserial PRIMARY KEY,
            name       text NOT NULL,
            topic      text NOT NULL DEFAULT '',
            visibility text NOT NULL CHECK (visibility IN ('open', 'private')),
            welcome    boolean NOT NULL DEFAULT false,
            epoch      text NOT NULL DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 8),
            head_seq   bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute(
        """
        CREATE TABLE members (
            room_id   bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
            user_id   bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            read_seq  bigint NOT NULL DEFAULT 0,
            joined_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (room_id, user_id)
        )
        """
    )
    op.execute("CREATE INDEX members_of_user ON members (user_id)")
    op.execute(
        """
        CREATE TABLE events (
            room_id    bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
            seq        bigint NOT NULL,
            kind       text NOT NULL,
            author_id  bigint NOT NULL REFERENCES users,
            client_id  uuid NOT NULL,
            body       text,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (room_id, seq),
            UNIQUE (room_id, author_id, client_id)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE events")
    op.execute("DROP TABLE members")
    op.execute("DROP TABLE rooms")
