"""Sessions: look at them, end them, and open a socket from one."""

from collections.abc import Sequence

from folkmoot.actions import Call, Done, Nothing, action
from folkmoot.core import Core
from folkmoot.database import Connection
from folkmoot.errors import NotFound, NotSignedIn, Unavailable
from folkmoot.modules.sessions import keeper, store
from folkmoot.modules.sessions.schemas import (
    CurrentSession,
    Grant,
    Kind,
    Session,
    SessionId,
    Sessions,
    Ticket,
    Token,
    User,
)
from folkmoot.modules.sessions.tokens import hash_token, new_marked_token, new_token

LONGEST_USER_AGENT = 300

Ended = tuple[int, bytes]  # the id of a session, and the hash of its token


@action()
async def current(call: Call, _: Nothing) -> CurrentSession:
    """Who is signed in, and the session they use."""
    async with call.core.database.connection() as connection:
        found = await store.current(connection, call.caller.user_id, call.caller.session_id)
    if found is None:
        raise NotSignedIn
    user, session = found
    return CurrentSession(user=user, session=session)


@action()
async def mine(call: Call, _: Nothing) -> Sessions:
    """All sessions of the caller, the last used first."""
    async with call.core.database.connection() as connection:
        sessions = await store.of_user(connection, call.caller.user_id, call.caller.session_id)
    return Sessions(sessions=sessions)


@action()
async def revoke(call: Call, given: SessionId) -> Done:
    """Ends a session of the caller, and closes its sockets at once."""
    await _end_one(call, given.session_id)
    return Done()


@action()
async def sign_out(call: Call, _: Nothing) -> Done:
    """Ends the session that calls."""
    await _end_one(call, call.caller.session_id)
    return Done()


@action()
async def ticket(call: Call, _: Nothing) -> Ticket:
    """A ticket that opens one socket as this session, once, within half a minute."""
    async with call.core.database.connection() as connection:
        token_hash = await store.token_hash_of(connection, call.caller.user_id, call.caller.session_id)
    if token_hash is None:
        raise NotSignedIn
    made = new_token()
    if not await keeper.keep_ticket(call.core.bus, made, token_hash):
        raise Unavailable("Tickets cannot be made right now. Try again in a moment.")
    return Ticket(ticket=made, expires_in_s=keeper.TICKET_S)


async def open_session(
    connection: Connection, call: Call, user: User, kind: Kind, *, password: str | None = None
) -> tuple[Grant, list[Ended]] | None:
    """Signs the user in from where the call comes. Also gives the oldest sessions, which end beyond the limit.

    `password` is the hash that was checked: None when the account is not any more as it was then.
    """
    settings, token = call.core.settings, new_token()
    session = await store.insert(
        connection,
        user_id=user.id,
        token_hash=hash_token(token),
        kind=kind,
        address=call.address,
        user_agent="".join(filter(str.isprintable, call.user_agent))[:LONGEST_USER_AGENT],
        lifetime_s=settings.session_admin_s if user.role == "admin" else settings.session_s,
        idle_s=settings.session_idle_s,
        password=password,
    )
    if session is None:
        return None
    ended = await store.delete_beyond(connection, user.id, settings.sessions_per_user)
    return Grant(token=token, user=user, session=session), ended


async def open_token(
    connection: Connection, call: Call, user_id: int, *, name: str, scopes: Sequence[str], lifetime_s: int
) -> tuple[str, Session]:
    """Makes a token of the user for a program. It holds until its end, used or not."""
    token = new_marked_token()
    session = await store.insert(
        connection,
        user_id=user_id,
        token_hash=hash_token(token),
        kind="token",
        address=call.address,
        user_agent="",
        lifetime_s=lifetime_s,
        idle_s=lifetime_s,
        name=name,
        scopes=scopes,
    )
    if session is None:
        raise NotFound("There is no such account.")
    return token, session


async def tokens_of(connection: Connection, user_id: int) -> list[Token]:
    """The user's tokens that still hold, the newest first."""
    return await store.tokens_of(connection, user_id)


async def end_token(connection: Connection, user_id: int, token_id: int) -> Ended:
    """Ends a token of the user. What it gives is to be told once the transaction is safe."""
    token_hash = await store.delete_token(connection, user_id, token_id)
    if token_hash is None:
        raise NotFound("There is no such token.")
    return token_id, token_hash


async def end_sessions(connection: Connection, user_id: int) -> list[Ended]:
    """Signs the user out everywhere. What it gives is to be told once the transaction is safe."""
    return await store.delete_all(connection, user_id)


async def tell_ended(core: Core, ended: list[Ended]) -> None:
    """Closes the sockets of sessions that have ended, and keeps look-ups from bringing them back."""
    if ended:
        core.sockets.revoke([session_id for session_id, _ in ended])
        await keeper.forget(core.bus, [token_hash for _, token_hash in ended])


async def _end_one(call: Call, session_id: int) -> None:
    async with call.core.database.connection() as connection:
        token_hash = await store.delete(connection, call.caller.user_id, session_id)
    if token_hash is None:
        raise NotFound("There is no such session among yours.")
    await tell_ended(call.core, [(session_id, token_hash)])
