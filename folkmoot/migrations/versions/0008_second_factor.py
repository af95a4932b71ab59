"""Second factors with their recovery codes, the second step of a sign-in, and how each session was made."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The secret is locked with the key of that id. A code counts once: its step must be later than the last one.
    op.execute(
        """
        CREATE TABLE totp (
            user_id      bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
            enrolment    uuid NOT NULL DEFAULT gen_random_uuid(),
            key_id       text NOT NULL,
            secret       bytea NOT NULL,
            last_step    bigint NOT NULL DEFAULT 0,
            made_at      timestamptz NOT NULL DEFAULT now(),
            confirmed_at timestamptz
        )
        """
    )
    op.execute(
        """
        CREATE TABLE recovery_codes (
            user_id   bigint NOT NULL REFERENCES totp ON DELETE CASCADE,
            code_hash bytea NOT NULL,
            used_at   timestamptz,
            PRIMARY KEY (user_id, code_hash)
        )
        """
    )
    # Whose password was right. With another password the challenge is over, which the hash of its hash tells.
    op.execute(
        """
        CREATE TABLE sign_in_challenges (
            token_hash    bytea PRIMARY KEY,
            user_id       bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            kind          text NOT NULL CHECK (kind IN ('browser', 'program')),
            password_hash bytea NOT NULL,
            tries         integer NOT NULL DEFAULT 0,
            expires_at    timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX sign_in_challenges_expires_at ON sign_in_challenges (expires_at)")

    op.execute(
        """
        ALTER TABLE sessions
            ADD COLUMN made_with    text[] NOT NULL DEFAULT '{password}',
            ADD COLUMN confirmed_at timestamptz NOT NULL DEFAULT now()
        """
    )
    op.execute("UPDATE sessions SET confirmed_at = created_at")
    op.execute("UPDATE sessions SET made_with = '{token}' WHERE kind = 'token'")


def downgrade() -> None:
    op.execute("ALTER TABLE sessions DROP COLUMN confirmed_at, DROP COLUMN made_with")
    op.execute("DROP TABLE sign_in_challenges")
    op.execute("DROP TABLE recovery_codes")
    op.execute("DROP TABLE totp")
