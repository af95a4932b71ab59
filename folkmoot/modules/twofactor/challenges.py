"""The second step of a sign-in: a challenge that is good for giving a code, and a session when the code is."""

from folkmoot.actions import Call
from folkmoot.audit.entry import Target
from folkmoot.database import Connection
from folkmoot.errors import ChallengeOver, SecondFactorNeeded, TooMany
from folkmoot.modules.accounts.trying import forgive
from folkmoot.modules.notices.actions import tell
from folkmoot.modules.sessions.actions import open_session, tell_ended
from folkmoot.modules.sessions.schemas import Grant, SignIn
from folkmoot.modules.sessions.tokens import hash_token, new_token
from folkmoot.modules.twofactor import store
from folkmoot.modules.twofactor.checking import check_code
from folkmoot.modules.twofactor.schemas import SecondStep

CHALLENGE_S = 300
CHALLENGE_TRIES = 5
OVER = "This sign-in has taken too long, or too many tries. Begin again with your password."


async def is_on(connection: Connection, user_id: int) -> bool:
    """Whether the account has a second factor in force."""
    return await store.is_on(connection, user_id)


async def challenge(connection: Connection, user_id: int, kind: SignIn, password: str) -> SecondFactorNeeded:
    """What is answered instead of a session. `password` is the hash that was checked."""
    token = new_token()
    await store.add_challenge(
        connection,
        token_hash=hash_token(token),
        user_id=user_id,
        kind=kind,
        password=password,
        lifetime_s=CHALLENGE_S,
    )
    return SecondFactorNeeded(token, CHALLENGE_S)


async def answer(call: Call, given: SecondStep, kind: SignIn) -> Grant:
    """Signs in with the challenge and a code. Raises ChallengeOver, WrongCode, TooMany, KeyMissing."""
    token_hash = hash_token(given.challenge)
    async with call.core.database.connection() as connection:
        found = await store.try_challenge(connection, token_hash, kind, CHALLENGE_TRIES)
    if found is None:
        raise ChallengeOver(OVER)
    call.concerns(Target("account", found.user.id))
    try:
        proof = await check_code(call, found.user.id, given.code)
    except TooMany:  # the next try begins with the password
        async with call.core.database.connection() as connection:
            await store.end_challenge(connection, token_hash)
        raise
    async with call.core.database.transaction() as connection:
        if not await store.end_challenge(connection, token_hash):
            raise ChallengeOver(OVER)
        opened = await open_session(
            connection, call, found.user, kind, password=found.password, made_with=("password", proof)
        )
        if opened is None:
            raise ChallengeOver(OVER)
        if proof == "recovery":
            await tell(call, connection, found.user.id, "recovery_code_used")
    forgive(call, found.user.email)
    grant, ended = opened
    await tell_ended(call.core, ended)
    return grant
