"""What the role that servers sign in with may do in the database, as statements of PostgreSQL.

Servers read and write. They change no schema, empty no table, add to the audit log and take nothing out of it, and do
not say at which revision the schema is.
"""

from typing import cast

from folkmoot.database import Connection

# What is still to be granted or taken away. Each name in it was quoted by PostgreSQL. Nothing is said twice: two that
# change the rights of one table at the same time fail, and each start would leave dead rows in the catalogue.
WANTING = """
WITH server AS (SELECT oid, quote_ident(rolname) AS name FROM pg_roles WHERE rolname = $1),
place AS (
    SELECT oid, nspname, quote_ident(nspname) AS name, nspacl
      FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
thing AS (
    SELECT c.oid, place.name || '.' || quote_ident(relname) AS name,
           CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
           CASE WHEN relkind = 'S' THEN ARRAY['USAGE', 'SELECT']
                WHEN relkind IN ('v', 'm') THEN ARRAY['SELECT']
                WHEN nspname = 'public' AND relname = 'audit_entries' THEN ARRAY['SELECT', 'INSERT']
                WHEN nspname = 'public' AND (relname = 'alembic_version' OR starts_with(relname, 'folkmoot_module_'))
                    THEN ARRAY['SELECT']
                ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
           END AS rights
      FROM pg_class c JOIN place ON place.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_has_role(current_user, relowner, 'USAGE')
),
held AS (
    SELECT thing.name, thing.kind, right_, right_ = ANY (rights) AS wanted,
           CASE kind WHEN 'SEQUENCE' THEN has_sequence_privilege(server.oid, thing.oid, right_)
                     ELSE has_table_privilege(server.oid, thing.oid, right_) END AS held
      FROM server, thing, unnest(CASE kind WHEN 'SEQUENCE' THEN ARRAY['USAGE', 'SELECT', 'UPDATE'] ELSE
           ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'] END) AS right_
),
by_default (kind, code, rights) AS (
    VALUES ('TABLES', 'r', 'SELECT, INSERT, UPDATE, DELETE'), ('SEQUENCES', 'S', 'USAGE, SELECT')
)
SELECT format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC', place.name)
  FROM place, aclexplode(nspacl) AS acl WHERE acl.grantee = 0 AND acl.privilege_type = 'CREATE'
UNION ALL
SELECT format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', datname)
  FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
 WHERE datname = current_database() AND acl.grantee = 0 AND acl.privilege_type = 'TEMPORARY'
   AND pg_has_role(current_user, datdba, 'USAGE')
UNION ALL
SELECT format('GRANT CONNECT ON DATABASE %I TO %s', current_database(), server.name)
  FROM server WHERE NOT has_database_privilege(server.oid, current_database(), 'CONNECT')
UNION ALL
SELECT format('GRANT USAGE ON SCHEMA %s TO %s', place.name, server.name)
  FROM server, place WHERE NOT has_schema_privilege(server.oid, place.oid, 'USAGE')
   AND has_schema_privilege(place.oid, 'USAGE WITH GRANT OPTION')
UNION ALL
SELECT format('GRANT %s ON %s %s TO %s', string_agg(right_, ', '), kind, held.name, server.name)
  FROM server, held WHERE wanted AND NOT held GROUP BY kind, held.name, server.name
UNION ALL
SELECT format('REVOKE %s ON %s %s FROM %s', string_agg(right_, ', '), kind, held.name, server.name)
  FROM server, held WHERE held AND NOT wanted GROUP BY kind, held.name, server.name
UNION ALL
SELECT format('GRANT EXECUTE ON ROUTINE %s TO %s', p.oid::regprocedure, server.name)
  FROM server, place, pg_proc p WHERE p.pronamespace = place.oid AND pg_has_role(current_user, p.proowner, 'USAGE')
   AND NOT has_function_privilege(server.oid, p.oid, 'EXECUTE')
UNION ALL
SELECT format('ALTER DEFAULT PRIVILEGES GRANT %s ON %s TO %s', by_default.rights, by_default.kind, server.name)
  FROM server, by_default
 WHERE NOT EXISTS (
           SELECT FROM pg_default_acl, aclexplode(defaclacl) AS acl
            WHERE defaclrole = quote_ident(current_user)::regrole AND defaclnamespace = 0
              AND defaclobjtype = by_default.code::"char" AND acl.grantee = server.oid)
"""

# Why a role is more than one that reads and writes.
BEYOND = """
SELECT array_remove(ARRAY[
           CASE WHEN rolsuper THEN 'is a superuser' END,
           CASE WHEN rolcreaterole THEN 'may make roles' END,
           CASE WHEN rolcreatedb THEN 'may make databases' END,
           CASE WHEN pg_has_role(role.oid, datdba, 'MEMBER') THEN 'owns the database' END,
           CASE WHEN EXISTS (
               SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                  AND pg_has_role(role.oid, relowner, 'MEMBER')) THEN 'owns tables' END,
           CASE WHEN has_database_privilege(role.oid, datname, 'CREATE') THEN 'may make schemas' END,
           CASE WHEN EXISTS (
               SELECT FROM pg_namespace n
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                  AND has_schema_privilege(role.oid, n.oid, 'CREATE')) THEN 'may make tables' END
       ], NULL)
  FROM pg_roles role, pg_database
 WHERE role.rolname = $1 AND datname = current_database()
"""


async def grant(connection: Connection, server: str) -> None:
    """Gives that role what it needs and takes what it does not; a statement for each thing that is not so already."""
    for row in await connection.fetch(WANTING, server):
        await connection.execute(row[0])


async def beyond(connection: Connection, role: str) -> list[str]:
    """What a role may do or is beyond reading and writing, in words; nothing when there is no such role."""
    return cast("list[str]", await connection.fetchval(BEYOND, role) or [])
