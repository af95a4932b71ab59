"""JSON as the product writes it: one place, so that every door writes the same. The table is docs/reference/json.md."""

import base64
import binascii
import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any

import asyncpg
import msgspec
from pydantic import BeforeValidator, WithJsonSchema

ADDRESSES = (IPv4Address, IPv6Address, IPv4Network, IPv6Network)


def encode(value: object) -> bytes:
    """JSON of what an action gives. Raises TypeError for what the table does not know."""
    return _encoder.encode(value)


class BadJson(ValueError):
    """The words say what it does, and follow what it is: `The body` … `is not JSON.`"""


def decode(given: bytes) -> object:
    """What JSON says. Raises BadJson."""
    try:
        return msgspec.json.decode(given)
    except RecursionError:
        raise BadJson("is nested too deeply.") from None
    except msgspec.ValidationError:
        raise BadJson("holds a number that is out of range.") from None
    except UnicodeDecodeError:
        raise BadJson("is not UTF-8.") from None
    except msgspec.DecodeError:
        if _has_halves(given):
            raise BadJson("holds half of a character, as \\ud800 is.") from None
        raise BadJson("is not JSON.") from None


def _has_halves(given: bytes) -> bool:
    """Whether it is the JSON that Python reads and msgspec does not: halves of characters are all that differs."""
    try:
        json.loads(given.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> object:
    raise ValueError(f"JSON has no {name}")


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
