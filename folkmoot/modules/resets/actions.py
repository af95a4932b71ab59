"""Forgotten passwords: ask for a letter, and choose a new password with the link in it.

Nobody learns here whether there is an account: asking puts the same job off for everybody, and only that job looks.
"""

import hashlib

from folkmoot.actions import Access, Call, Nothing, Reach, action
from folkmoot.addresses import place_of
from folkmoot.audit.entry import Target
from folkmoot.errors import MailMissing, ResetOver
from folkmoot.limits import Try
from folkmoot.modules.accounts.actions import replace_password
from folkmoot.modules.accounts.choosing import check_choice
from folkmoot.modules.accounts.trying import forgive
from folkmoot.modules.notices.actions import tell
from folkmoot.modules.resets import store
from folkmoot.modules.resets.schemas import Changed, Chosen, Link, LinkState, Offer, Sent, State, Wanted
from folkmoot.modules.sessions.actions import lock_account, tell_ended
from folkmoot.modules.sessions.known import remember
from folkmoot.modules.sessions.tokens import hash_token
from folkmoot.modules.twofactor.challenges import is_on

NO_MAIL = "This server sends no mail. Ask an admin for a new password."
SAYS: dict[State, str] = {
    "used": "This link was used already.",
    "expired": "This link is too old.",
    "over": "This link does not work any more: there is a newer one, or another password.",
}


@action(access=Access.ANYONE, reach=Reach.ALL)
async def offer(call: Call, _: Nothing) -> Offer:
    """Whether people who forgot their password can have a letter."""
    return Offer(offered=call.core.settings.sends_mail)


@action(access=Access.ANYONE, reach=Reach.HOLDER)
async def ask(call: Call, given: Wanted) -> Sent:
    """Has a letter sent to the address, if somebody signs in with it. The answer is the same if nobody does."""
    core, settings = call.core, call.core.settings
    if not settings.sends_mail:
        raise MailMissing(NO_MAIL)
    account = hashlib.sha256(given.email.encode()).hexdigest()[:32]
    await core.limiter.spend_all(
        Try(f"reset:{place_of(call.address)}", settings.resets_per_address, settings.reset_window_s),
        Try(f"reset:{account}", settings.resets_per_account, settings.reset_window_s),
    )
    await core.jobs.defer("resets.send", {"email": given.email}, one_by_one=f"resets.send:{account}")
    return Sent(lifetime_s=settings.reset_s)


@action(access=Access.ANYONE, reach=Reach.HOLDER)
async def look(call: Call, given: Link) -> LinkState:
    """Whether a link still works, so that nobody thinks of a password in vain."""
    await _spend_try(call)
    _, state = await _find(call, hash_token(given.token))
    return LinkState(state=state)


@action(access=Access.ANYONE, reach=Reach.HOLDER, audits=True)
async def choose(call: Call, given: Chosen) -> Changed:
    """Changes the password with a link, and signs the account out everywhere. It signs nobody in.

    A second factor stays on, and is asked for at the next sign-in. Access tokens end, too: whoever had the old password
    may have made some. The browser is known from now on, and need not wait while strangers guess.
    """
    await _spend_try(call)
    token_hash = hash_token(given.token)
    found, state = await _find(call, token_hash)
    if found is None or state != "good":
        raise ResetOver(SAYS[state])
    async with call.core.database.connection() as connection:
        has_second_factor = await is_on(connection, found.user_id)
    check_choice(call.core.settings, given.password, has_second_factor=has_second_factor)
    password = await call.core.passwords.hash(given.password)
    async with call.core.database.transaction() as connection:
        await lock_account(connection, found.user_id)
        if not await store.use_up(connection, token_hash):
            raise ResetOver(SAYS["over"])
        ended = await replace_password(connection, found.user_id, password)
        device = await remember(connection, found.user_id, call.device)
        await tell(call, connection, found.user_id, "password_reset")
        await call.note(connection, Target("account", found.user_id), ended=len(ended))
    forgive(call, found.email)
    await tell_ended(call.core, ended)
    return Changed(device=device)


async def _find(call: Call, token_hash: bytes) -> tuple[store.Found | None, State]:
    async with call.core.database.connection() as connection:
        found = await store.find(connection, token_hash)
    if found is None:
        return None, "over"
    if found.used:
        return found, "used"
    if found.expired:
        return found, "expired"
    return found, "over" if found.over else "good"


async def _spend_try(call: Call) -> None:
    """Nobody guesses 256 bits; this keeps anybody from having us look and hash without end."""
    limit = call.core.settings.sign_in_per_minute
    await call.core.limiter.spend(f"reset-link:{place_of(call.address)}", limit=limit, window_s=60)
