"""Accounts: who there is, and signing in."""

import secrets
from dataclasses import dataclass

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Actor, Target
from folkmoot.database import Connection
from folkmoot.errors import Busy, Conflict, NotFound, NotSignedIn, WrongCredentials
from folkmoot.modules.accounts import store
from folkmoot.modules.accounts.choosing import check_choice
from folkmoot.modules.accounts.confirming import check_own_password
from folkmoot.modules.accounts.schemas import (
    Account,
    AccountId,
    Accounts,
    Credentials,
    Greeting,
    NewAccount,
    NewPasswordOf,
    OwnPassword,
    People,
)
from folkmoot.modules.accounts.trying import forgive, spend_try
from folkmoot.modules.notices.actions import tell
from folkmoot.modules.rooms.actions import welcome
from folkmoot.modules.sessions.actions import (
    Ended,
    end_sessions,
    end_sign_ins,
    lock_account,
    open_session,
    renew_session,
    tell_ended,
    tell_renewed,
)
from folkmoot.modules.sessions.schemas import Grant, Renewal, SignIn, User
from folkmoot.modules.twofactor.challenges import challenge, is_on

FIRST_ADMIN = "Admin"
SIGN_IN_ROUNDS = 3  # an account that changes while its password is checked is checked again


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """How the first admin signs in: to be shown once."""

    email: str
    password: str


@action(access=Access.ANYONE, reach=Reach.ALL)
async def hello(call: Call, _: Nothing) -> Greeting:
    """Says hello, so that a client can find out whether it talks to the right server."""
    return Greeting(hello="world")


@action(access=Access.ANYONE, reach=Reach.HOLDER, audits=True)
async def sign_in(call: Call, given: Credentials) -> Grant:
    """Signs a browser in."""
    return await _sign_in(call, given, "browser")


@action(access=Access.ANYONE, reach=Reach.HOLDER, audits=True)
async def sign_in_program(call: Call, given: Credentials) -> Grant:
    """Signs a program in, with an access token of its own each time."""
    return await _sign_in(call, given, "program")


@action(reach=Reach.ALL)
async def people(call: Call, _: Nothing) -> People:
    """Everybody on this server, by name."""
    async with call.core.database.connection() as connection:
        return People(people=await store.people(connection))


@action(access=Access.ADMIN, reach=Reach.ALL)
async def accounts(call: Call, _: Nothing) -> Accounts:
    """All accounts, with what only an admin sees."""
    async with call.core.database.connection() as connection:
        return Accounts(accounts=await store.accounts(connection))


@action(access=Access.ADMIN, reach=Reach.ALL, is_sensitive=True, audits=True)
async def add(call: Call, given: NewAccount) -> Account:
    """Makes an account, and lets it into the rooms that welcome everybody."""
    check_choice(call.core.settings, given.password, has_second_factor=False)
    password = await call.core.passwords.hash(given.password)
    async with call.core.database.transaction() as connection:
        account = await store.insert(connection, email=given.email, name=given.name, role=given.role, password=password)
        if account is None:
            raise Conflict("There is an account with this email address already.")
        joined = await welcome(connection, account.id, account.name)
        await call.note(connection, Target("account", account.id), role=account.role)
    call.core.announce(joined)
    return account


@action(access=Access.ADMIN, reach=Reach.ALL, is_sensitive=True, audits=True)
async def set_password(call: Call, given: NewPasswordOf) -> Done:
    """Gives an account another password, and signs it out everywhere."""
    async with call.core.database.connection() as connection:
        has_second_factor = await is_on(connection, given.user_id)
    check_choice(call.core.settings, given.password, has_second_factor=has_second_factor)
    password = await call.core.passwords.hash(given.password)
    async with call.core.database.transaction() as connection:
        ended = await replace_password(connection, given.user_id, password)
        await tell(call, connection, given.user_id, "password_set")
        await call.note(connection, Target("account", given.user_id), ended=len(ended))
    await tell_ended(call.core, ended)
    return Done()


@action(reach=Reach.OWN, rest_only=True, audits=True)
async def change_password(call: Call, given: OwnPassword) -> Renewal:
    """Changes the caller's password, with the one they have. It ends all their other sign-ins; tokens hold."""
    call.caller.need_own_sign_in()
    user_id = call.caller.user_id
    await check_own_password(call, given.password)
    async with call.core.database.connection() as connection:
        has_second_factor = await is_on(connection, user_id)
    check_choice(call.core.settings, given.new_password, has_second_factor=has_second_factor, field="new_password")
    password = await call.core.passwords.hash(given.new_password)
    async with call.core.database.transaction() as connection:
        await lock_account(connection, user_id)
        if not await store.set_password(connection, user_id, password):
            raise NotSignedIn
        renewal, old_hash = await renew_session(connection, call.caller, "password")
        ended = await end_sign_ins(connection, user_id, kept=call.caller.session_id)
        await tell(call, connection, user_id, "password_changed")
        await call.note(connection, Target("account", user_id), ended=len(ended))
    await tell_renewed(call.core, old_hash)
    await tell_ended(call.core, ended)
    return renewal


@action(access=Access.ADMIN, reach=Reach.ALL, is_sensitive=True, audits=True)
async def disable(call: Call, given: AccountId) -> Done:
    """Shuts an account: its sessions and sockets end at once, what it wrote stays."""
    async with call.core.database.transaction() as connection:
        await store.lock_first_admin(connection)  # two admins do not disable each other at once
        if await store.is_last_admin(connection, given.user_id):
            raise Conflict("This is the last admin. Make another one first.")
        if not await store.disable(connection, given.user_id):
            raise NotFound("There is no such account.")
        ended = await end_sessions(connection, given.user_id)
        await call.note(connection, Target("account", given.user_id), ended=len(ended))
    await tell_ended(call.core, ended)
    return Done()


@action(access=Access.ADMIN, reach=Reach.ALL, is_sensitive=True, audits=True)
async def enable(call: Call, given: AccountId) -> Done:
    """Opens a disabled account again. Its password is the old one."""
    async with call.core.database.transaction() as connection:
        if not await store.enable(connection, given.user_id):
            raise NotFound("There is no such account.")
        await call.note(connection, Target("account", given.user_id))
    return Done()


async def replace_password(connection: Connection, user_id: int, password: str) -> list[Ended]:
    """Gives an account another hash, and ends its sessions and tokens. What it gives is to be told afterwards."""
    if not await store.set_password(connection, user_id, password):
        raise NotFound("There is no such account.")
    return await end_sessions(connection, user_id)


async def add_bot(connection: Connection, name: str) -> Account:
    """Makes an account without a password: nobody signs in as it, it has tokens."""
    email = f"{secrets.token_hex(8)}@bots.invalid"
    account = await store.insert(connection, email=email, name=name, role="bot", password="")
    if account is None:
        raise Conflict("There is a bot with this address already. Try again.")
    return account


async def add_first_admin(call: Call, email: str, password: str) -> FirstAdmin | None:
    """Makes the first admin of a fresh server, with a password of its own if none is given; None when there is one."""
    async with call.core.database.connection() as connection:
        if await store.has_admin(connection):
            return None
    password = password or secrets.token_urlsafe(12)
    made = add.parse({"email": email, "name": FIRST_ADMIN, "password": password, "role": "admin"})
    if call.core.settings.api_mode != "dev":  # where everybody may know it
        check_choice(call.core.settings, made.password, has_second_factor=False)
    hashed = await call.core.passwords.hash(made.password)
    async with call.core.database.transaction() as connection:
        await store.lock_first_admin(connection)
        if await store.has_admin(connection):  # another server was faster
            return None
        account = await store.insert(connection, email=made.email, name=made.name, role="admin", password=hashed)
        if account is None:
            raise Conflict(f"{made.email} has an account already, which is no admin.")
        await welcome(connection, account.id, account.name)
        await call.note(connection, Target("account", account.id), action="accounts.add", role="admin")
    return FirstAdmin(account.email, made.password)


async def _sign_in(call: Call, given: Credentials, kind: SignIn) -> Grant:
    await spend_try(call, given.email)
    for _ in range(SIGN_IN_ROUNDS):
        login = await _check_password(call, given)
        grant = await _open_session(call, given, login, kind)
        if grant is not None:
            forgive(call, given.email)
            return grant
    raise Busy("This account is being changed. Try again in a moment.")


async def _check_password(call: Call, given: Credentials) -> store.Login:
    """The account that the credentials fit. An unknown one takes as long, and is answered alike."""
    async with call.core.database.connection() as connection:
        login = await store.find_login(connection, given.email)
    if login is not None:
        call.concerns(Target("account", login.id))
    has_password = login is not None and login.role != "bot"
    fits = await call.core.passwords.verify(login.password if login and has_password else None, given.password)
    if login is None or not fits or login.disabled:
        raise WrongCredentials("Wrong email or password")
    return login


async def _open_session(call: Call, given: Credentials, login: store.Login, kind: SignIn) -> Grant | None:
    """Signs in, and hashes an old password anew; None when the account is not any more as it was checked."""
    password = login.password
    if call.core.passwords.is_outdated(password):
        password = await call.core.passwords.hash(given.password)
    user = User(id=login.id, email=login.email, name=login.name, role=login.role)
    async with call.core.database.transaction() as connection:
        await lock_account(connection, login.id)  # so that no second factor is turned on meanwhile
        if password != login.password and not await store.renew_password(connection, login, password):
            return None
        needed = await is_on(connection, login.id)
        if needed:
            asked = await challenge(connection, login.id, kind, password)
            by = Actor(login.role, login.id, login.name)
            await call.note(connection, Target("account", login.id), by=by, next="second_factor")
        else:
            opened = await open_session(connection, call, user, kind, password=password)
    if needed:
        raise asked
    if opened is None:
        return None
    grant, ended = opened
    if ended:
        await tell_ended(call.core, ended)
    return grant
