"""Background jobs, what went wrong with them, and the addresses that hear what is said in a room."""

from importlib.util import find_spec
from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The tables and functions of procrastinate are made by its own steps, which stay as they are for ever. A version of it
# that has further ones needs a revision of ours for them; a test sees that.
LAST_STEP = "03.04.00_50_post_add_retry_failed_job_procedure.sql"


def upgrade() -> None:
    for step in _steps():
        # A driver takes one statement at a time, and PostgreSQL any number of them within EXECUTE.
        op.execute(f"DO $folkmoot$ BEGIN EXECUTE $step${step}$step$; END $folkmoot$")
    op.execute(
        """
        CREATE TABLE job_errors (
            job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs ON DELETE CASCADE,
            error  text NOT NULL,
            at     timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute(
        """
        CREATE TABLE webhooks (
            id              bigserial PRIMARY KEY,
            room_id         bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
            url             text NOT NULL,
            state           text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'failing', 'gone')),
            delivered_seq   bigint NOT NULL,
            secret          bytea NOT NULL,
            previous_secret bytea,
            previous_until  timestamptz,
            created_by      bigint REFERENCES users ON DELETE SET NULL,
            created_at      timestamptz NOT NULL DEFAULT now(),
            delivered_at    timestamptz,
            failures        integer NOT NULL DEFAULT 0,
            failing_since   timestamptz,
            error           text
        )
        """
    )
    op.execute("CREATE INDEX webhooks_of_room ON webhooks (room_id)")


def downgrade() -> None:
    op.execute("DROP TABLE webhooks")
    op.execute("DROP TABLE job_errors")
    # With their triggers, and the functions that give rows of them.
    op.execute(
        """
        DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers
        CASCADE
        """
    )
    op.execute(
        """
        DO $$
        DECLARE
            theirs regprocedure;
        BEGIN
            FOR theirs IN SELECT oid FROM pg_proc
                           WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate\\_%'
            LOOP
                EXECUTE 'DROP FUNCTION ' || theirs;
            END LOOP;
        END $$
        """
    )
    op.execute("DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type")


def _steps() -> list[str]:
    """The SQL of procrastinate's steps up to the last one that this revision knows, in their order.

    The package is looked at and not imported, which would take longer than all of it. Alembic prints no tabs.
    """
    package = find_spec("procrastinate")
    if package is None or package.origin is None:
        raise RuntimeError("procrastinate is not installed")
    steps = sorted((Path(package.origin).parent / "sql" / "migrations").glob("*.sql"))
    return [step.read_text(encoding="utf-8").replace("\t", "    ") for step in steps if step.name <= LAST_STEP]
