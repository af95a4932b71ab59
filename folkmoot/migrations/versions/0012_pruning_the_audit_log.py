"""Pruning the audit log is the owner's: servers add to it, and ask for what is old enough to go."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # It runs as whoever owns the table. The trigger of the table lets nothing go that is younger than a week.
    op.execute(
        """
        CREATE FUNCTION prune_audit_entries(before timestamptz, at_most integer) RETURNS bigint
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE removed bigint;
        BEGIN
            PERFORM set_config('folkmoot.prune_audit_before', before::text, true);
            DELETE FROM public.audit_entries
             WHERE id IN (SELECT id FROM public.audit_entries WHERE at < before ORDER BY at LIMIT at_most);
            GET DIAGNOSTICS removed = ROW_COUNT;
            RETURN removed;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION prune_audit_entries")
