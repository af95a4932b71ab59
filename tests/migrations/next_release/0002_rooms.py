"""And so have rooms, in a step of its own: who holds one table and waits for another may wait for ever."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE rooms ADD COLUMN colour text")


def downgrade() -> None:
    op.execute("ALTER TABLE rooms DROP COLUMN colour")
