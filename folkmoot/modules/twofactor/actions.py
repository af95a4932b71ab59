"""The second factor: turn it on and off, sign in with it, and check a code of it."""

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import OPERATOR, Actor, Target
from folkmoot.core import Core
from folkmoot.database import Connection
from folkmoot.errors import Conflict, NotSignedIn, WrongCode
from folkmoot.modules.accounts.confirming import check_own_password
from folkmoot.modules.notices.actions import tell
from folkmoot.modules.sessions.actions import (
    end_sessions,
    end_sign_ins,
    lock_account,
    renew_session,
    tell_ended,
    tell_renewed,
)
from folkmoot.modules.sessions.keeper import needs_second_factor
from folkmoot.modules.sessions.schemas import Grant
from folkmoot.modules.twofactor import challenges, codes, store
from folkmoot.modules.twofactor.checking import WRONG, Tries, check_code, check_time_code, find_step, owner_of
from folkmoot.modules.twofactor.schemas import (
    Checked,
    Enrolment,
    GivenCode,
    RecoveryCodes,
    SecondStep,
    State,
    TurnedOn,
    TurningOff,
)

OFF = "Two-step sign-in is not on."
ON = "Two-step sign-in is on already. Turn it off first."
AT_ONCE = 100  # secrets that are locked anew at a time


@action(access=Access.ANYONE, reach=Reach.HOLDER, audits=True)
async def sign_in(call: Call, given: SecondStep) -> Grant:
    """Signs a browser in whose password was right."""
    return await challenges.answer(call, given, "browser")


@action(access=Access.ANYONE, reach=Reach.HOLDER, audits=True)
async def sign_in_program(call: Call, given: SecondStep) -> Grant:
    """Signs a program in whose password was right."""
    return await challenges.answer(call, given, "program")


@action(reach=Reach.OWN, while_enrolling=True)
async def state(call: Call, _: Nothing) -> State:
    """Whether the caller has a second factor, and must have one."""
    async with call.core.database.connection() as connection:
        since, left = await store.state(connection, call.caller.user_id)
    return State(
        on=since is not None,
        since=since,
        recovery_codes_left=left,
        required=needs_second_factor(call.core.settings, call.caller.role),
        possible=bool(call.core.keys.ids),
    )


@action(reach=Reach.OWN, own_sign_in=True, is_sensitive=True, while_enrolling=True, rest_only=True, audits=True)
async def enrol(call: Call, _: Nothing) -> Enrolment:
    """Makes a secret for an authenticator app. It is shown once, and in force when a code of it has confirmed it."""
    user_id, secret = call.caller.user_id, codes.new_secret()
    locked = call.core.keys.lock(secret, owner_of(user_id))
    async with call.core.database.transaction() as connection:
        email = await store.email_of(connection, user_id)
        if email is None:
            raise NotSignedIn
        if not await store.enrol(connection, user_id, locked):
            raise Conflict(ON)
        await call.note(connection, Target("account", user_id))
    address = codes.address_of(secret, issuer=call.core.settings.issuer, account=email)
    return Enrolment(secret=codes.spelled(secret), address=address, picture=codes.picture_of(address))


@action(reach=Reach.OWN, own_sign_in=True, is_sensitive=True, while_enrolling=True, rest_only=True, audits=True)
async def confirm(call: Call, given: GivenCode) -> TurnedOn:
    """Turns two-step sign-in on, with a first code. It ends all other sign-ins, which had no second step."""
    user_id, made = call.caller.user_id, codes.new_recovery_codes()
    async with Tries(call, f"totp:{user_id}") as tries, call.core.database.transaction() as connection:
        await lock_account(connection, user_id)
        await _confirm(connection, call, given.code)
        await store.replace_recovery_codes(connection, user_id, [codes.hash_recovery_code(code) for code in made])
        renewal, old_hash = await renew_session(connection, call.caller, "totp")
        ended = await end_sign_ins(connection, user_id, kept=call.caller.session_id)
        await tell(call, connection, user_id, "second_factor_on")
        await call.note(connection, Target("account", user_id), ended=len(ended))
        tries.good = True
    await tell_renewed(call.core, old_hash)
    await tell_ended(call.core, ended)
    return TurnedOn(recovery_codes=made, renewal=renewal)


@action(reach=Reach.OWN, own_sign_in=True, is_sensitive=True, rest_only=True, audits=True)
async def renew_recovery_codes(call: Call, _: Nothing) -> RecoveryCodes:
    """Makes ten recovery codes, and the earlier ones good for nothing."""
    user_id, made = call.caller.user_id, codes.new_recovery_codes()
    async with call.core.database.transaction() as connection:
        await lock_account(connection, user_id)
        if not await store.is_on(connection, user_id):
            raise Conflict(OFF)
        await store.replace_recovery_codes(connection, user_id, [codes.hash_recovery_code(code) for code in made])
        await tell(call, connection, user_id, "recovery_codes_renewed")
        await call.note(connection, Target("account", user_id))
    return RecoveryCodes(recovery_codes=made)


@action(reach=Reach.OWN, own_sign_in=True, is_sensitive=True, rest_only=True, audits=True)
async def turn_off(call: Call, given: TurningOff) -> Done:
    """Turns two-step sign-in off, with the password and a code. It ends all other sign-ins.

    Where the operator requires a second factor it ends this one too: the next begins with another secret.
    """
    user_id = call.caller.user_id
    async with call.core.database.connection() as connection:
        if not await store.is_on(connection, user_id):
            raise Conflict(OFF)
    await check_own_password(call, given.password)
    await check_code(call, user_id, given.code)
    is_required = needs_second_factor(call.core.settings, call.caller.role)
    async with call.core.database.transaction() as connection:
        await lock_account(connection, user_id)
        await store.delete(connection, user_id)
        ended = await end_sign_ins(connection, user_id, kept=None if is_required else call.caller.session_id)
        await tell(call, connection, user_id, "second_factor_off")
        await call.note(connection, Target("account", user_id), ended=len(ended))
    await tell_ended(call.core, ended)
    return Done()


@action(reach=Reach.OWN)
async def check(call: Call, given: GivenCode) -> Checked:
    """Whether this is a code of the caller's app. It is used up by asking."""
    code = codes.plain(given.code)
    return Checked(status=codes.is_time_code(code) and await check_time_code(call, call.caller.user_id, code))


async def reset(call: Call, user_id: int) -> bool:
    """Forgets an account's second factor, and signs it out everywhere. False when it had none. For the operator."""
    async with call.core.database.transaction() as connection:
        await lock_account(connection, user_id)
        had_one = await store.delete(connection, user_id)
        ended = await end_sessions(connection, user_id) if had_one else []
        if had_one:
            await tell(call, connection, user_id, "second_factor_reset")
            await call.note(connection, Target("account", user_id), action="twofactor.reset", ended=len(ended))
    await tell_ended(call.core, ended)
    return had_one


async def lock_anew(core: Core) -> int:
    """Locks all secrets with the first key. Returns how many were locked with another. Raises KeyMissing."""
    moved = 0
    while True:
        async with core.database.transaction() as connection:
            found = await store.locked_otherwise(connection, core.keys.first, AT_ONCE)
            for user_id, enrolment, locked in found:
                secret = core.keys.unlock(locked, owner_of(user_id))
                await store.lock_anew(connection, user_id, enrolment, core.keys.lock(secret, owner_of(user_id)))
            if found:
                by = Actor(OPERATOR)
                await Call(core).note(connection, action="twofactor.lock_anew", by=by, secrets=len(found))
        moved += len(found)
        if len(found) < AT_ONCE:
            return moved


async def _confirm(connection: Connection, call: Call, given: str) -> None:
    """Puts the caller's secret in force. Raises Conflict, WrongCode."""
    user_id = call.caller.user_id
    enrolled = await store.find(connection, user_id)
    if enrolled is None or enrolled.confirmed:
        raise Conflict(ON if enrolled else "Begin with a new secret.")
    step = find_step(call.core, user_id, enrolled, codes.plain(given))
    if step is None or not await store.confirm(connection, user_id, enrolled.enrolment, step):
        raise WrongCode(WRONG)
