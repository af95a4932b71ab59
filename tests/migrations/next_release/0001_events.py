"""What everybody writes to has a column more."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE events ADD COLUMN language text NOT NULL DEFAULT 'en'")


def downgrade() -> None:
    op.execute("ALTER TABLE events DROP COLUMN language")
