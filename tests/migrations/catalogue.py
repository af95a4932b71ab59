"""What a database holds, as text that can be compared: tables, columns, constraints, indexes, sequences, types."""

import asyncpg

COLUMNS = """
SELECT format('%I.%I %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
              coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''))
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v', 'm', 'p')
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
"""
CONSTRAINTS = """
SELECT format('%s: constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
SEQUENCES = "SELECT format('sequence %I %s', sequencename, data_type) FROM pg_sequences WHERE schemaname = 'public'"
OTHERS = """
SELECT format('type %I', typname) FROM pg_type
 WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
 UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL SELECT format('extension %I', extname) FROM pg_extension WHERE extname <> 'plpgsql'
 UNION ALL SELECT format('schema %I', nspname) FROM pg_namespace
            WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')
"""


async def catalogue(dsn: str) -> list[str]:
    """Everything in the database, one line each, in order. The version of the schema is left to other tests."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = [
            str(row[0])
            for query in (COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES, OTHERS)
            for row in await connection.fetch(query)
        ]
    finally:
        await connection.close()
    return sorted(row for row in rows if "alembic_version" not in row)


async def relations(dsn: str) -> list[str]:
    """The names of all tables, indexes, sequences and views, ours or not."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        )
    finally:
        await connection.close()
    return [row["relname"] for row in rows]
