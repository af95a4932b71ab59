"""Appending to the log becomes one statement, and what protects it costs nothing for each event (decision 6)."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rows are found by their keys, whatever the planner believes of the size of a table: look-ups are subqueries. It
    # may not read `rooms` from end to end, which is long with dead versions of rows under load. `seqs` says for each
    # draft, in the order given: its number; or 0, its author is not in the room; or minus the number of the event that
    # was written under its identity before.
    op.execute(
        """
        CREATE FUNCTION append_events(
            room_ids bigint[], kinds text[], author_ids bigint[], client_ids uuid[], bodies text[],
            OUT seqs bigint[], OUT moment timestamptz
        ) LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
        AS $$
        BEGIN
            -- In the order of their ids, which keeps two writers from a deadlock. A stranger's drafts lock no room.
            PERFORM FROM rooms WHERE id = ANY (ARRAY(
                SELECT asked.room_id FROM unnest(room_ids, author_ids) AS asked (room_id, user_id)
                 WHERE (SELECT true FROM members m WHERE m.room_id = asked.room_id AND m.user_id = asked.user_id)
            )) ORDER BY id FOR UPDATE;
            -- From here on nobody else changes these rooms: times follow numbers, and what is looked up stays true.
            moment := clock_timestamp();
            WITH looked_up AS MATERIALIZED (
                SELECT given.*,
                       (SELECT m.user_id FROM members m
                         WHERE m.room_id = given.room_id AND m.user_id = given.author_id) AS member_id,
                       (SELECT e.seq FROM events e
                         WHERE e.room_id = given.room_id AND e.author_id = given.author_id
                           AND e.client_id = given.client_id) AS known_seq
                  FROM unnest(room_ids, kinds, author_ids, client_ids, bodies)
                       WITH ORDINALITY AS given (room_id, kind, author_id, client_id, body, place)
            ), numbered AS MATERIALIZED (
                SELECT looked_up.*,
                       (SELECT head_seq FROM rooms WHERE id = room_id)
                       + row_number() OVER (PARTITION BY room_id ORDER BY place) AS seq
                  FROM looked_up
                 WHERE member_id IS NOT NULL AND known_seq IS NULL
            ), written AS (
                INSERT INTO events (room_id, seq, kind, author_id, client_id, body, created_at)
                SELECT room_id, seq, kind, author_id, client_id, body, moment FROM numbered
            ), moved AS (
                UPDATE rooms SET head_seq = heads.seq
                  FROM (SELECT room_id, max(seq) AS seq FROM numbered GROUP BY room_id) AS heads
                 WHERE rooms.id = heads.room_id
            )
            SELECT array_agg(outcome.seq ORDER BY outcome.place)
              INTO seqs
              FROM (
                  SELECT place, seq FROM numbered
                  UNION ALL
                  SELECT place, CASE WHEN member_id IS NULL THEN 0 ELSE -known_seq END
                    FROM looked_up WHERE member_id IS NULL OR known_seq IS NOT NULL
              ) AS outcome;
        END $$
        """
    )
    # What the foreign keys of `events` asked again for each event, the function has just found and locked. Their other
    # half, what becomes of events when a room or a person is deleted, stays.
    op.execute("ALTER TABLE events DROP CONSTRAINT events_room_id_fkey, DROP CONSTRAINT events_author_id_fkey")
    op.execute(
        """
        CREATE FUNCTION delete_events_of_room() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM events WHERE room_id = OLD.id;
            RETURN OLD;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_authors() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM events WHERE author_id = OLD.id) THEN
                RAISE foreign_key_violation USING MESSAGE = 'Somebody who has said something cannot be deleted.';
            END IF;
            RETURN OLD;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER events_go_with_their_room BEFORE DELETE ON rooms"
        " FOR EACH ROW EXECUTE FUNCTION delete_events_of_room()"
    )
    op.execute("CREATE TRIGGER authors_stay BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION keep_authors()")


def downgrade() -> None:
    op.execute("DROP TRIGGER authors_stay ON users")
    op.execute("DROP TRIGGER events_go_with_their_room ON rooms")
    op.execute("DROP FUNCTION keep_authors")
    op.execute("DROP FUNCTION delete_events_of_room")
    op.execute("DROP FUNCTION append_events")
    op.execute(
        """
        ALTER TABLE events
            ADD CONSTRAINT events_room_id_fkey FOREIGN KEY (room_id) REFERENCES rooms ON DELETE CASCADE,
            ADD CONSTRAINT events_author_id_fkey FOREIGN KEY (author_id) REFERENCES users
        """
    )
