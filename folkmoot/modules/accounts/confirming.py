"""Whether somebody who is signed in knows the password of their account."""

from folkmoot.actions import Call
from folkmoot.addresses import place_of
from folkmoot.errors import WrongPassword
from folkmoot.modules.accounts import store


async def check_own_password(call: Call, password: str) -> None:
    """Raises WrongPassword; TooMany after as many wrong ones as a sign-in may have."""
    settings, user_id = call.core.settings, call.caller.user_id
    tries = f"confirm:{place_of(call.address)}:{user_id}"
    await call.core.limiter.spend(tries, limit=settings.sign_in_failures, window_s=settings.sign_in_window_s)
    async with call.core.database.connection() as connection:
        stored = await store.password_of(connection, user_id)
    if not await call.core.passwords.verify(stored, password):
        raise WrongPassword("That is not your password.")
    call.core.limiter.forget(tries)
