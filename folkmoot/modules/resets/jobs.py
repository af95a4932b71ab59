"""Sending the link for a new password.

The token is made here and not where the letter is asked for: so the jobs table never holds one, whoever reads it; and
each attempt makes another, so a letter that is sent twice has one link that works, the later one.
"""

from folkmoot.jobs.job import GiveUp, Work, job
from folkmoot.mail.letters import reset_letter
from folkmoot.modules.resets import store
from folkmoot.modules.resets.schemas import Wanted
from folkmoot.modules.sessions.tokens import hash_token, new_marked_token

PREFIX = "fmr_"  # by which logs and scanners of leaked secrets know the token of a link


@job(retries=8, first_s=5.0, longest_s=300.0)
async def send(work: Work, given: Wanted) -> None:
    """Sends the letter, if somebody signs in with that address. Whoever asked has gone after about 20 minutes."""
    # Only a process that sends letters needs a client for it.
    from folkmoot.mail.sender import NeverSent
    from folkmoot.mail.sender import send as send_letter

    settings, token = work.core.settings, new_marked_token(PREFIX)
    async with work.core.database.connection() as connection:
        whose = await store.make(connection, given.email, hash_token(token), settings.reset_s)
    if whose is None:
        return
    letter = reset_letter(
        server=settings.public_url, name=whose.name, email=whose.email, token=token, lifetime_s=settings.reset_s
    )
    try:
        await send_letter(settings, letter, whose.email)
    except NeverSent as error:
        raise GiveUp(str(error)) from error
