"""Sessions: look at them, end them, and open a socket from one."""

from collections.abc import Sequence

from folkmoot.actions import Call, Caller, Done, Nothing, Reach, action
from folkmoot.audit.entry import Actor, Target
from folkmoot.core import Core
from folkmoot.database import Connection
from folkmoot.errors import NotFound, NotSignedIn, Unavailable
from folkmoot.modules.notices.actions import tell
from folkmoot.modules.sessions import keeper, known, store
from folkmoot.modules.sessions.keeper import needs_second_factor
from folkmoot.modules.sessions.schemas import (
    Confirmation,
    CurrentSession,
    Grant,
    Kind,
    Proof,
    Renewal,
    Session,
    SessionId,
    Sessions,
    Ticket,
    Token,
    User,
)
from folkmoot.modules.sessions.tokens import hash_token, new_marked_token, new_token
from folkmoot.modules.twofactor.checking import check_again

LONGEST_USER_AGENT = 300

Ended = tuple[int, bytes]  # the id of a session, and the hash of its token


@action(reach=Reach.OWN, while_enrolling=True)
async def current(call: Call, _: Nothing) -> CurrentSession:
    """Who is signed in, and the session they use."""
    async with call.core.database.connection() as connection:
        found = await store.current(connection, call.caller.user_id, call.caller.session_id)
    if found is None:
        raise NotSignedIn
    user, session = found
    return CurrentSession(user=user, session=session, must_enrol=call.caller.must_enrol)


@action(reach=Reach.OWN)
async def mine(call: Call, _: Nothing) -> Sessions:
    """All sessions of the caller, the last used first."""
    async with call.core.database.connection() as connection:
        sessions = await store.of_user(connection, call.caller.user_id, call.caller.session_id)
    return Sessions(sessions=sessions)


@action(reach=Reach.OWN, audits=True)
async def revoke(call: Call, given: SessionId) -> Done:
    """Ends a session of the caller, and closes its sockets at once."""
    await _end_one(call, given.session_id)
    return Done()


@action(reach=Reach.OWN, audits=True)
async def revoke_others(call: Call, _: Nothing) -> Done:
    """Ends all sign-ins of the caller but this one, and closes their sockets at once. Tokens hold."""
    call.caller.need_own_sign_in()
    async with call.core.database.transaction() as connection:
        ended = await end_sign_ins(connection, call.caller.user_id, kept=call.caller.session_id)
        await call.note(connection, Target("account", call.caller.user_id), ended=len(ended))
    await tell_ended(call.core, ended)
    return Done()


@action(reach=Reach.OWN, while_enrolling=True, audits=True)
async def sign_out(call: Call, _: Nothing) -> Done:
    """Ends the session that calls."""
    await _end_one(call, call.caller.session_id)
    return Done()


@action(reach=Reach.OWN, own_sign_in=True, while_enrolling=True, rest_only=True, audits=True)
async def confirm(call: Call, given: Confirmation) -> Renewal:
    """Confirms that it is still the same person who signed in. The session gets another token; the old one is dead."""
    proof = await check_again(call, given)
    async with call.core.database.transaction() as connection:
        renewal, old_hash = await renew_session(connection, call.caller, proof)
        await call.note(connection, Target("session", call.caller.session_id), proof=proof)
    await tell_renewed(call.core, old_hash)
    return renewal


@action(reach=Reach.OWN)
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
    connection: Connection,
    call: Call,
    user: User,
    kind: Kind,
    *,
    password: str | None = None,
    made_with: Sequence[Proof] = ("password",),
) -> tuple[Grant, list[Ended]] | None:
    """Signs the user in from where the call comes. Also gives the oldest sessions, which end beyond the limit.

    They are told of it when it is somewhere new: in a browser that they have not used before, while they have used
    another; by a program, when none of their sign-ins is from that address.

    `password` is the hash that was checked: None when the account is not any more as it was then.
    """
    settings, token = call.core.settings, new_token()
    is_new = await _is_somewhere_new(connection, call, user.id, kind)
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
        made_with=made_with,
    )
    if session is None:
        return None
    device = await known.remember(connection, user.id, call.device) if kind == "browser" else None
    if is_new:
        await tell(call, connection, user.id, "sign_in")
    ended = await store.delete_beyond(connection, user.id, settings.sessions_per_user)
    by = Actor(user.role, user.id, user.name, session.id)
    about = Target("session", session.id)
    await call.note(connection, about, action="sessions.open", by=by, made_with=list(made_with))
    must_enrol = list(made_with) == ["password"] and needs_second_factor(settings, user.role)
    return Grant(token=token, user=user, session=session, must_enrol=must_enrol, device=device), ended


async def _is_somewhere_new(connection: Connection, call: Call, user_id: int, kind: Kind) -> bool:
    if kind == "program":
        sessions = await store.of_user(connection, user_id, 0)
        return bool(sessions) and all(session.address != call.address for session in sessions)
    return await known.is_somewhere_new(connection, user_id, call.device)


async def renew_session(connection: Connection, caller: Caller, proof: Proof) -> tuple[Renewal, bytes]:
    """Gives the caller's session another token, now that they have given a proof. What it gives besides, the hash of
    the old token, is to be told once the transaction is safe.
    """
    token = new_token()
    renewed = await store.renew(connection, caller.user_id, caller.session_id, hash_token(token), proof)
    if renewed is None:
        raise NotSignedIn
    session, old_hash = renewed
    return Renewal(token=token, session=session), old_hash


async def tell_renewed(core: Core, old_hash: bytes) -> None:
    """Keeps look-ups from bringing an old token back. Sockets stay: the session is the same."""
    await keeper.forget(core.bus, [old_hash])


async def end_sign_ins(connection: Connection, user_id: int, *, kept: int | None = None) -> list[Ended]:
    """Signs the user out, but for one session; tokens hold. What it gives is to be told as above."""
    return await store.delete_sign_ins(connection, user_id, kept)


async def lock_account(connection: Connection, user_id: int) -> None:
    """Lets nobody sign in to the account, nor change it, until the transaction ends."""
    await store.lock_account(connection, user_id)


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
        made_with=("token",),
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
    """Signs the user out everywhere, and knows no browser of theirs any more. What it gives is to be told once the
    transaction is safe.
    """
    await known.forget_all(connection, user_id)
    return await store.delete_all(connection, user_id)


async def tell_ended(core: Core, ended: list[Ended]) -> None:
    """Closes the sockets of sessions that have ended, and keeps look-ups from bringing them back."""
    if ended:
        core.sockets.revoke([session_id for session_id, _ in ended])
        await keeper.forget(core.bus, [token_hash for _, token_hash in ended])


async def _end_one(call: Call, session_id: int) -> None:
    async with call.core.database.transaction() as connection:
        token_hash = await store.delete(connection, call.caller.user_id, session_id)
        if token_hash is None:
            raise NotFound("There is no such session among yours.")
        await call.note(connection, Target("session", session_id))
    await tell_ended(call.core, [(session_id, token_hash)])
