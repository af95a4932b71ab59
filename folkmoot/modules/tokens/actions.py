"""Access tokens: make one for a program, see when it was used, end it."""

from folkmoot.actions import Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Target
from folkmoot.errors import Conflict, Invalid
from folkmoot.modules.notices.actions import tell
from folkmoot.modules.sessions.actions import end_token, open_token, tell_ended, tokens_of
from folkmoot.modules.sessions.schemas import Token
from folkmoot.modules.tokens.schemas import IssuedToken, NewToken, TokenId, Tokens

DAY_S = 86_400


@action(reach=Reach.OWN)
async def mine(call: Call, _: Nothing) -> Tokens:
    """The caller's tokens, the newest first."""
    async with call.core.database.connection() as connection:
        return Tokens(tokens=await tokens_of(connection, call.caller.user_id))


@action(reach=Reach.OWN, own_sign_in=True, is_sensitive=True, audits=True)
async def issue(call: Call, given: NewToken) -> IssuedToken:
    """Makes a token of the caller for a program. It is shown once, and can do what its scopes name."""
    return await issue_to(call, call.caller.user_id, given)


@action(reach=Reach.OWN, own_sign_in=True, audits=True)
async def revoke(call: Call, given: TokenId) -> Done:
    """Ends a token of the caller, and closes its sockets at once."""
    await revoke_of(call, call.caller.user_id, given.token_id)
    return Done()


async def issue_to(call: Call, user_id: int, given: NewToken) -> IssuedToken:
    """Makes a token of that user."""
    check(call, given)
    scopes = sorted(set(given.scopes))
    async with call.core.database.transaction() as connection:
        if len(await tokens_of(connection, user_id)) >= call.core.settings.tokens_per_user:
            raise Conflict("There are as many tokens as there may be. End one that is not used.")
        token, session = await open_token(
            connection, call, user_id, name=given.name, scopes=scopes, lifetime_s=given.days * DAY_S
        )
        about = Target("token", session.id, given.name)
        await tell(call, connection, user_id, "token_made")
        await call.note(connection, about, account=user_id, scopes=scopes, days=given.days)
    shown = Token(
        id=session.id,
        name=given.name,
        scopes=scopes,
        created_at=session.created_at,
        used_at=None,
        expires_at=session.expires_at,
    )
    return IssuedToken(token=token, about=shown)


async def revoke_of(call: Call, user_id: int, token_id: int) -> None:
    """Ends a token of that user. Raises NotFound."""
    async with call.core.database.transaction() as connection:
        ended = await end_token(connection, user_id, token_id)
        await call.note(connection, Target("token", token_id), account=user_id)
    await tell_ended(call.core, [ended])


def check(call: Call, given: NewToken) -> None:
    """Raises Invalid for scopes that nothing has, and for more days than the operator allows."""
    if unknown := [scope for scope in given.scopes if not call.core.registry.knows_scope(scope)]:
        raise Invalid(fields={"scopes": [f"There is no module or action {scope}." for scope in unknown]})
    if given.days > (most := call.core.settings.token_days):
        raise Invalid(fields={"days": [f"At most {most}."]})
