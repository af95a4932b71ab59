"""The SQL that reads the audit log. What writes and prunes it is in `folkmoot/audit/store.py`."""

import json

import asyncpg

from folkmoot.audit.entry import OPERATOR
from folkmoot.database import Connection
from folkmoot.modules.audit.schemas import AuditEntry, Wanted


async def entries(connection: Connection, wanted: Wanted, limit: int) -> list[AuditEntry]:
    """Those that are wanted, newest first. The operator has no account: they are found by their role."""
    rows = await connection.fetch(
        """
        SELECT id, at, action, outcome, reason, times, role, actor_id, actor_name, session_id,
               address, user_agent, request_id, target_kind, target_id, target_name, details
          FROM audit_entries
         WHERE id < $1
           AND ($2::bigint IS NULL OR actor_id = $2)
           AND ($3::text IS NULL OR role = $3)
           AND ($4::text IS NULL OR action = $4 OR action LIKE $4 || '.%')
           AND ($5::text IS NULL OR outcome = $5)
           AND ($6::text IS NULL OR target_kind = $6)
           AND ($7::bigint IS NULL OR target_id = $7)
           AND ($8::timestamptz IS NULL OR at >= $8)
           AND ($9::timestamptz IS NULL OR at < $9)
         ORDER BY id DESC
         LIMIT $10
        """,
        wanted.before,
        wanted.who or None,
        OPERATOR if wanted.who == 0 else None,
        wanted.what,
        wanted.outcome,
        wanted.target_kind,
        wanted.target_id,
        wanted.since,
        wanted.until,
        limit,
    )
    return [_entry(row) for row in rows]


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(**{**row, "details": json.loads(row["details"])})
