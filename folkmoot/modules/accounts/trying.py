"""How often somebody may try to sign in, so that nobody guesses a password and nobody is kept from their own account.

Tries are counted by address, by account and address, and by account alone. A browser that signed in to the account
before is counted by itself and by nothing else: whatever strangers do, its owner gets in.
"""

import hashlib

from folkmoot.actions import Call
from folkmoot.addresses import place_of
from folkmoot.limits import Pace, Try
from folkmoot.modules.sessions.known import is_known


async def spend_try(call: Call, email: str) -> None:
    """Counts a try to sign in. Raises TooMany when there were too many, or when the next one must wait."""
    settings, limiter = call.core.settings, call.core.limiter
    if await _is_known(call, email):
        await limiter.spend_all(Try(_of_device(call, email), settings.sign_in_failures, settings.sign_in_window_s))
        return
    pace = Pace(settings.sign_in_account_failures, settings.sign_in_longest_wait_s, settings.sign_in_most_failures)
    await limiter.slow_down(
        _of_account(email),
        pace,
        Try(f"sign-in:{place_of(call.address)}", settings.sign_in_per_minute, window_s=60),
        Try(_of_pair(call, email), settings.sign_in_failures, settings.sign_in_window_s),
    )


def forgive(call: Call, email: str) -> None:
    """Forgets the failures of an account: somebody has just shown that it is theirs."""
    for key in (_of_account(email), _of_pair(call, email), *([_of_device(call, email)] if call.device else [])):
        call.core.limiter.forget(key)


async def _is_known(call: Call, email: str) -> bool:
    if not call.device:
        return False
    async with call.core.database.connection() as connection:
        return await is_known(connection, email, call.device)


def _of_account(email: str) -> str:
    return f"sign-in:account:{_short(email)}"


def _of_pair(call: Call, email: str) -> str:
    return f"sign-in:{place_of(call.address)}:{_short(email)}"


def _of_device(call: Call, email: str) -> str:
    return f"sign-in:device:{_short(call.device)}:{_short(email)}"


def _short(text: str) -> str:
    """Names what is counted, without saying it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
