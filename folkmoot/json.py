"""JSON as the product writes it: one place, so that every door writes the same. The table is docs/reference/json.md."""

import base64
import binascii
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any

import asyncpg
import msgspec
from pydantic import BeforeValidator, WithJsonSchema

ADDRESSES = (IPv4Address, IPv6Address, IPv4Network, IPv6Network)


def encode(value: object) -> bytes:
    """JSON of what an action gives. Raises TypeError for what the table does not know."""
    return _encoder.encode(value)


def _other(value: object) -> object:
    if isinstance(value, asyncpg.Record):
        return dict(value)
    if isinstance(value, ADDRESSES):
        return str(value)
    raise TypeError(f"A {type(value).__name__} has no JSON: see docs/reference/json.md for what has.")


def _bytes(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Not valid base64.") from None


_encoder = msgspec.json.Encoder(enc_hook=_other)

Base64: Any = Annotated[bytes, BeforeValidator(_bytes), WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
"""Bytes in an action's input: base64 in JSON."""
