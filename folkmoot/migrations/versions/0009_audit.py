"""Who did what to what: a table that only grows, until what is old enough is pruned."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing here refers to another table: what happened stays true when an account or a room is gone.
    op.execute(
        """
        CREATE TABLE audit_entries (
            id          bigserial PRIMARY KEY,
            at          timestamptz NOT NULL DEFAULT now(),
            action      text NOT NULL,
            outcome     text NOT NULL CHECK (outcome IN ('done', 'refused')),
            reason      text,
            times       integer NOT NULL DEFAULT 1 CHECK (times > 0),
            role        text NOT NULL,
            actor_id    bigint,
            actor_name  text,
            session_id  bigint,
            address     text,
            user_agent  text,
            request_id  text,
            target_kind text,
            target_id   bigint,
            target_name text,
            details     jsonb NOT NULL DEFAULT '{}'
        )
        """
    )
    for name, columns in (
        ("at", "at"),
        ("action", "action, id"),
        ("actor", "actor_id, id"),
        ("target", "target_kind, target_id, id"),
    ):
        op.execute(f"CREATE INDEX audit_entries_{name} ON audit_entries ({columns})")

    # The one way out: a transaction that says before which time it prunes, and never what is younger than a week.
    op.execute(
        """
        CREATE FUNCTION audit_entries_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND OLD.at < now() - interval '7 days'
               AND OLD.at < nullif(current_setting('folkmoot.prune_audit_before', true), '')::timestamptz THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'The audit log only grows: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE ON audit_entries
            FOR EACH ROW EXECUTE FUNCTION audit_entries_only_grow()
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
            FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_only_grow()
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE audit_entries")
    op.execute("DROP FUNCTION audit_entries_only_grow")
