"""Codes, and how they are told: time-based ones (RFC 6238: SHA-1, six digits, 30 seconds), and recovery codes."""

import base64
import hashlib
import hmac
import secrets

import pyotp
import segno

DIGITS = 6
STEP_S = 30
SECRET_BYTES = 20  # 160 bits, as RFC 4226 asks
STEPS_AROUND = (-1, 0, 1)  # a clock may be half a minute off, and typing takes time
RECOVERY_CODES = 10
RECOVERY_BYTES = 15  # 120 bits: nothing to guess, so a fast hash will do
GROUP = 4


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def spelled(secret: bytes) -> str:
    """The secret as people type it into an app."""
    return base64.b32encode(secret).decode()


def code_at(secret: bytes, step: int) -> str:
    """The code of a step: steps are counted in half minutes since 1970."""
    return pyotp.TOTP(spelled(secret), digits=DIGITS, interval=STEP_S).generate_otp(step)


def step_of(secret: bytes, code: str, now_s: float) -> int | None:
    """The step near `now_s` (Unix time) whose code this is; None when it is none's. It takes as long either way."""
    now, given, found = int(now_s // STEP_S), code.encode(), None
    for step in (now + around for around in STEPS_AROUND):
        if hmac.compare_digest(code_at(secret, step).encode(), given):
            found = step
    return found


def address_of(secret: bytes, *, issuer: str, account: str) -> str:
    """The `otpauth` address that apps read, which names the server and the account."""
    return pyotp.TOTP(spelled(secret), digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=account, issuer_name=issuer
    )


def picture_of(address: str) -> str:
    """The address as a QR code: an SVG in a `data:` address, dark on white so that every camera reads it."""
    code = segno.make_qr(address, error="m")
    return code.svg_data_uri(scale=4, border=4, dark="#000", light="#fff")


def is_time_code(given: str) -> bool:
    """Whether it is written as a code of an app; otherwise it can only be a recovery code."""
    return len(given) == DIGITS and given.isascii() and given.isdigit()


def plain(given: str) -> str:
    """A code as it is compared: people add spaces and dashes, and write small letters."""
    return "".join(character for character in given if not character.isspace() and character != "-").upper()


def new_recovery_codes() -> list[str]:
    return [_grouped(base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(code: str) -> bytes:
    return hashlib.sha256(plain(code).encode()).digest()


def _grouped(text: str) -> str:
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP)).lower()
