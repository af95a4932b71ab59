"""Telling people what has changed about their account, so that they notice what they did not do."""

from datetime import UTC, datetime

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.database import Connection
from folkmoot.errors import MailMissing
from folkmoot.modules.notices.schemas import Notice, What


@action(access=Access.ADMIN, reach=Reach.OWN, own_sign_in=True, cost=10)
async def try_out(call: Call, _: Nothing) -> Done:
    """Has a letter sent to the admin who asks, to see whether letters arrive. What goes wrong is among the jobs."""
    if not call.core.settings.sends_mail:
        raise MailMissing("This server sends no mail: FOLKMOOT_SMTP_HOST is not set.")
    async with call.core.database.connection() as connection:
        await tell(call, connection, call.caller.user_id, "trial")
    return Done()


async def tell(call: Call, connection: Connection, user_id: int, what: What) -> None:
    """Has the user told, exactly if the transaction commits. Nobody is where this server sends no mail."""
    if not call.core.settings.sends_mail:
        return
    notice = Notice(
        user_id=user_id, what=what, at=datetime.now(UTC), address=call.address, device=call.user_agent[:300]
    )
    await call.core.jobs.defer("notices.send", notice.model_dump(mode="json"), connection=connection)
