"""An index of a table that may be large."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS events_by_language")  # what a try that was broken off left
        op.execute("CREATE INDEX CONCURRENTLY events_by_language ON events (room_id, language)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS events_by_language")
