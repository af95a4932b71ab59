"""The keys that lock what is secret in the database, so that a stolen copy of it opens nothing.

Several may be known: the first locks, all of them unlock. So a new one can be put first, everything be locked anew with
`folkmoot keys rotate`, and the old one be thrown away.
"""

import base64
import binascii
import os
import re
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from folkmoot.errors import KeyMissing

KEY_BYTES = 32
NONCE_BYTES = 12
NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
FORM = "each must read id:key, where the key is 32 bytes in base64: make one with `folkmoot keys new`"
ADVICE = "This server has no key for secrets. Its operator can set one: FOLKMOOT_KEYS."


@dataclass(frozen=True, slots=True)
class Locked:
    """A secret, as it is stored: the id of its key; and nonce, ciphertext and tag in a row."""

    key_id: str
    box: bytes


class Keys:
    """AES-256-GCM. What a secret belongs to is part of the lock: moved to somebody else's row, it opens nothing."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._first = next(iter(keys), None)

    @property
    def first(self) -> str:
        """The id of the key that locks. Raises KeyMissing."""
        if self._first is None:
            raise KeyMissing(ADVICE)
        return self._first

    @property
    def ids(self) -> list[str]:
        return list(self._ciphers)

    def lock(self, secret: bytes, belongs_to: str) -> Locked:
        """Raises KeyMissing when there is none."""
        nonce = os.urandom(NONCE_BYTES)
        box = self._ciphers[self.first].encrypt(nonce, secret, belongs_to.encode())
        return Locked(self.first, nonce + box)

    def unlock(self, locked: Locked, belongs_to: str) -> bytes:
        """Raises KeyMissing when the key is not known, or is another one of the same id."""
        cipher = self._ciphers.get(locked.key_id)
        if cipher is None:
            raise KeyMissing(f"The key {locked.key_id} is not among those of this server (FOLKMOOT_KEYS).")
        try:
            return cipher.decrypt(locked.box[:NONCE_BYTES], locked.box[NONCE_BYTES:], belongs_to.encode())
        except InvalidTag:
            raise KeyMissing(f"The key {locked.key_id} is another one than what this was locked with.") from None


def read_keys(text: str) -> dict[str, bytes]:
    """Keys as `id:base64`, with spaces, commas or line breaks between. Raises ValueError, which repeats no secret."""
    found: dict[str, bytes] = {}
    for entry in re.split(r"[\s,]+", text.strip()):
        if not entry:
            continue
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(FORM) from None
        if not NAME.fullmatch(key_id) or len(key) != KEY_BYTES:
            raise ValueError(FORM)
        if key_id in found:
            raise ValueError(f"the id {key_id} is there twice")
        found[key_id] = key
    return found


def new_key() -> str:
    """A new key as it is written down. Its id is not told from the key."""
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
