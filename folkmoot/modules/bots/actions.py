"""Bots: an admin makes them and hands out their tokens; a room takes them in as it does anybody."""

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Target
from folkmoot.errors import NotFound
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.accounts.schemas import Account
from folkmoot.modules.bots.schemas import Bot, BotId, Bots, BotTokenId, NewBot, NewBotToken
from folkmoot.modules.sessions.actions import tokens_of
from folkmoot.modules.tokens.actions import issue_to, revoke_of
from folkmoot.modules.tokens.schemas import IssuedToken, Tokens


@action(access=Access.ADMIN, reach=Reach.ALL, is_sensitive=True, audits=True)
async def add(call: Call, given: NewBot) -> Bot:
    """Makes a bot. It is in no room yet, and can do nothing without a token."""
    async with call.core.database.transaction() as connection:
        account = await accounts.add_bot(connection, given.name)
        await call.note(connection, Target("account", account.id))
    return _bot(account)


@action(access=Access.ADMIN, reach=Reach.ALL)
async def bots(call: Call, _: Nothing) -> Bots:
    """All bots, the oldest first. They are disabled and enabled as other accounts are."""
    found = await accounts.accounts(call, Nothing())
    return Bots(bots=[_bot(account) for account in found.accounts if account.role == "bot"])


@action(access=Access.ADMIN, reach=Reach.ALL)
async def tokens(call: Call, given: BotId) -> Tokens:
    """The tokens of a bot, the newest first."""
    await _find(call, given.bot_id)
    async with call.core.database.connection() as connection:
        return Tokens(tokens=await tokens_of(connection, given.bot_id))


@action(access=Access.ADMIN, reach=Reach.ALL, own_sign_in=True, is_sensitive=True, audits=True)
async def issue_token(call: Call, given: NewBotToken) -> IssuedToken:
    """Makes a token of a bot. It is shown once, and can do what its scopes name."""
    await _find(call, given.bot_id)
    return await issue_to(call, given.bot_id, given)


@action(access=Access.ADMIN, reach=Reach.ALL, own_sign_in=True, audits=True)
async def revoke_token(call: Call, given: BotTokenId) -> Done:
    """Ends a token of a bot, and closes its sockets at once."""
    await _find(call, given.bot_id)
    await revoke_of(call, given.bot_id, given.token_id)
    return Done()


async def _find(call: Call, bot_id: int) -> None:
    """Raises NotFound for people: nobody makes tokens in somebody's name."""
    found = await bots(call, Nothing())
    if all(bot.id != bot_id for bot in found.bots):
        raise NotFound("There is no such bot.")


def _bot(account: Account) -> Bot:
    return Bot(id=account.id, name=account.name, created_at=account.created_at, disabled=account.disabled)
