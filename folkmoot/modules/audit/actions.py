"""The audit log: who did what to what, from where, when, and what came of it. For admins."""

from folkmoot.actions import Access, Call, Reach, action
from folkmoot.database import Connection
from folkmoot.json import encode
from folkmoot.modules.audit import store
from folkmoot.modules.audit.schemas import AuditEntry, AuditPage, Export, Exported, PageOf


@action(access=Access.ADMIN, reach=Reach.ALL, cost=5)
async def entries(call: Call, given: PageOf) -> AuditPage:
    """What people, programs and the operator did, newest first."""
    async with call.core.database.connection() as connection:
        found = await store.entries(connection, given, given.limit + 1)
    return AuditPage(entries=found[: given.limit], more=len(found) > given.limit)


@action(access=Access.ADMIN, reach=Reach.ALL, is_sensitive=True, audits=True, cost=10)
async def export(call: Call, given: Export) -> Exported:
    """The same as JSON lines, to be kept elsewhere. The next ones begin before the id of the last line."""
    async with call.core.database.transaction() as connection:
        found = await listed(connection, given)
        await call.note(connection, entries=len(found))
    return Exported(lines="".join(f"{encode(entry).decode()}\n" for entry in found))


async def listed(connection: Connection, wanted: Export) -> list[AuditEntry]:
    """As many as are wanted, newest first."""
    return await store.entries(connection, wanted, wanted.limit)
