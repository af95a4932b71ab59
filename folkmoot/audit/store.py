"""The SQL that writes the audit log. Reading it is for the module of that name."""

import json
from collections.abc import Sequence
from datetime import datetime

from folkmoot.audit.entry import Entry
from folkmoot.database import Connection


async def insert(connection: Connection, entries: Sequence[Entry]) -> None:
    """Writes entries. An account that is not named gets its address, or a bot its name."""
    await connection.execute(
        """
        INSERT INTO audit_entries
               (action, outcome, reason, times, role, actor_id, actor_name, session_id,
                address, user_agent, request_id, target_kind, target_id, target_name, details)
        SELECT given.action, given.outcome, given.reason, given.times, given.role, given.actor_id, given.actor_name,
               given.session_id, given.address, given.user_agent, given.request_id,
               given.target_kind, given.target_id,
               coalesce(given.target_name, CASE WHEN u.role = 'bot' THEN u.name ELSE u.email END), given.details
          FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::text[],
                      $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[],
                      $15::jsonb[])
               AS given (action, outcome, reason, times, role, actor_id, actor_name, session_id,
                         address, user_agent, request_id, target_kind, target_id, target_name, details)
          LEFT JOIN users u ON given.target_kind = 'account' AND u.id = given.target_id
        """,
        *map(list, zip(*map(_columns, entries), strict=True)),
    )


async def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Removes the oldest entries from before a time, at most `limit`. This is the only way that any are removed."""
    removed: int = await connection.fetchval("SELECT prune_audit_entries($1, $2)", before, limit)
    return removed


def _columns(entry: Entry) -> tuple[object, ...]:
    target = entry.target or (None, None, None)
    return (
        entry.action,
        entry.outcome,
        entry.reason,
        entry.times,
        *entry.actor,
        *entry.origin,
        *target,
        json.dumps(entry.details),
    )
