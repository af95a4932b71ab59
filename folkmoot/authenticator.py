"""`folkmoot totp`: an authenticator app for a terminal. It knows the secret it is given, and nothing of any server."""

import base64
import binascii
import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from folkmoot.errors import CommandFailed
from folkmoot.modules.twofactor.codes import DIGITS, STEP_S, code_at

OURS = {"digits": str(DIGITS), "period": str(STEP_S), "algorithm": "SHA1"}
NOT_ONE = "That is no secret of an authenticator app: give its letters and digits, or the whole otpauth:// address."


def read_secret(given: str) -> bytes:
    """A secret in base32, however it is spaced, or out of an otpauth address. Raises CommandFailed."""
    if given.strip().startswith("otpauth://"):
        given = _of_address(given.strip())
    letters = re.sub(r"[\s-]", "", given).rstrip("=").upper()
    try:
        secret = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        raise CommandFailed(NOT_ONE) from None
    if not secret:
        raise CommandFailed(NOT_ONE)
    return secret


def codes_from_now(
    secret: bytes, *, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """The code of now, and each that follows, once, as soon as it is one."""
    last = -1
    while True:
        step = int(clock() // STEP_S)
        if step > last:
            yield code_at(secret, step)
            last = step
        sleep(max(0.01, (last + 1) * STEP_S - clock()))


def _of_address(address: str) -> str:
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    other = [f"{name}={query[name]}" for name, value in OURS.items() if query.get(name, value).upper() != value]
    if parts.netloc != "totp" or "secret" not in query or other:
        raise CommandFailed(f"This cannot show such codes ({', '.join(other) or parts.netloc or 'no secret'}).")
    return query["secret"]
