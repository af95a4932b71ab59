"""Whether a code is good: counted, checked, and used up."""

from folkmoot.actions import Call
from folkmoot.addresses import place_of
from folkmoot.core import Core
from folkmoot.errors import WrongCode
from folkmoot.limits import Try
from folkmoot.modules.accounts.confirming import check_own_password
from folkmoot.modules.sessions.schemas import Confirmation, Proof
from folkmoot.modules.twofactor import codes, store

WRONG = "That is not the code of now, or it was used already. Wait for the next one."
WRONG_RECOVERY = "That is not one of your recovery codes, or it was used already."


async def check_again(call: Call, given: Confirmation) -> Proof:
    """Checks what the caller gave to confirm that it is them. Raises WrongPassword, WrongCode, TooMany."""
    if given.password is not None:
        await check_own_password(call, given.password)
        return "password"
    return await check_code(call, call.caller.user_id, given.code or "")


async def check_code(call: Call, user_id: int, given: str) -> Proof:
    """Uses up a code of the user's app, or a recovery code. Raises WrongCode, TooMany, KeyMissing.

    Codes of the app are few, so tries are counted by account, wherever they come from. Recovery codes cannot be
    guessed: they are counted by address too, so that a stranger who knows the password locks nobody out.
    """
    code = codes.plain(given)
    if codes.is_time_code(code):
        if not await check_time_code(call, user_id, code):
            raise WrongCode(WRONG)
        return "totp"
    counted = Tries(call, f"recovery:{place_of(call.address)}:{user_id}")
    async with counted as tries, call.core.database.connection() as connection:
        tries.good = await store.use_recovery_code(connection, user_id, codes.hash_recovery_code(code))
    if not tries.good:
        raise WrongCode(WRONG_RECOVERY)
    return "recovery"


async def check_time_code(call: Call, user_id: int, code: str) -> bool:
    """Uses up a code of the user's app. Raises TooMany, KeyMissing."""
    async with Tries(call, f"totp:{user_id}") as tries, call.core.database.connection() as connection:
        enrolled = await store.find(connection, user_id)
        if enrolled is not None and enrolled.confirmed:
            step = find_step(call.core, user_id, enrolled, code)
            tries.good = step is not None and await store.accept(connection, user_id, enrolled.enrolment, step)
    return tries.good


def find_step(core: Core, user_id: int, enrolled: store.Enrolled, code: str) -> int | None:
    """The step whose code this is. Raises KeyMissing."""
    secret = core.keys.unlock(enrolled.locked, owner_of(user_id))
    return codes.step_of(secret, code, enrolled.now_s)


def owner_of(user_id: int) -> str:
    """What a secret is bound to when it is locked."""
    return f"totp:{user_id}"


class Tries:
    """Counts a try before it is made, and forgets those before once one was good. Entering raises TooMany."""

    def __init__(self, call: Call, key: str) -> None:
        settings = call.core.settings
        self._limiter = call.core.limiter
        self._try = Try(key, settings.second_factor_tries, settings.second_factor_window_s)
        self.good = False

    async def __aenter__(self) -> "Tries":
        await self._limiter.spend_all(self._try)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.good:
            self._limiter.forget(self._try.key)
