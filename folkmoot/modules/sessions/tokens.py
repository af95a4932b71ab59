"""Tokens: 256 random bits for whoever holds them, a hash for us.

A token that is handed to a program is marked: a prefix by which scanners of leaked secrets know it, and a checksum by
which a mistyped one is refused without asking anybody.
"""

import hashlib
import secrets
import zlib

PREFIX = "fmt_"
HOOK_PREFIX = "fmh_"  # of tokens in the addresses of incoming hooks
CHECKSUM_CHARS = 8


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_marked_token(prefix: str = PREFIX) -> str:
    secret = secrets.token_urlsafe(32)
    return f"{prefix}{secret}{_checksum(secret)}"


def can_be_token(token: str) -> bool:
    """False for what we can never have made."""
    return not token.startswith(PREFIX) or has_mark(token, PREFIX)


def has_mark(token: str, prefix: str) -> bool:
    """Whether it is marked so, and written without a mistake."""
    secret = token[len(prefix) : -CHECKSUM_CHARS]
    return token.startswith(prefix) and token.endswith(_checksum(secret)) and len(secret) == 43


def hash_token(token: str) -> bytes:
    """SHA-256 is enough: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(_bytes(token)).digest()


def _checksum(secret: str) -> str:
    return f"{zlib.crc32(_bytes(secret)):08x}"


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
