"""Sending notices."""

from folkmoot.jobs.job import GiveUp, Work, job
from folkmoot.mail.device import device_of
from folkmoot.mail.letters import notice_letter
from folkmoot.modules.notices import store
from folkmoot.modules.notices.schemas import Notice


@job(retries=12)
async def send(work: Work, given: Notice) -> None:
    """Tells somebody what has changed about their account. After a crash they may be told twice."""
    # Only a process that sends letters needs a client for it.
    from folkmoot.mail.sender import NeverSent
    from folkmoot.mail.sender import send as send_letter

    async with work.core.database.connection() as connection:
        found = await store.addressee(connection, given.user_id)
    if found is None:
        return
    name, email = found
    letter = notice_letter(
        given.what,
        server=work.core.settings.public_url,
        name=name,
        email=email,
        address=given.address,
        at=given.at,
        device=device_of(given.device),
    )
    try:
        await send_letter(work.core.settings, letter, email)
    except NeverSent as error:
        raise GiveUp(str(error)) from error
