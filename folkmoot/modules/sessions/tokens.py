"""Tokens: 256 random bits for whoever holds them, a hash for us.

A token that is handed to a program is marked: a prefix by which scanners of leaked secrets know it, and a checksum by
which a mistyped one is refused without asking anybody.
"""

import hashlib
import secrets
import zlib

PREFIX = "fmt_"
CHECKSUM_CHARS = 8


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_marked_token() -> str:
    secret = secrets.token_urlsafe(32)
    return f"{PREFIX}{secret}{_checksum(secret)}"


def can_be_token(token: str) -> bool:
    """False for what we can never have made."""
    if not token.startswith(PREFIX):
        return True
    secret = token[len(PREFIX) : -CHECKSUM_CHARS]
    return token.endswith(_checksum(secret)) and len(secret) == 43


def hash_token(token: str) -> bytes:
    """SHA-256 is enough: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(_bytes(token)).digest()


def _checksum(secret: str) -> str:
    return f"{zlib.crc32(_bytes(secret)):08x}"


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
