"""What stands in an input: integers as addresses and JSON write them, and text that can be stored and shown."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

MAX_ID = 2**63 - 1
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")


class Written(str):
    """A value out of an address, which knows no types: there digits are an integer, in JSON they are not."""

    __slots__ = ()


def _integer(given: object) -> object:
    """Reads what is an integer in another spelling: digits in an address, and 3.0, which is 3 in JSON."""
    if isinstance(given, Written) and INTEGER.fullmatch(given):
        return int(given)
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _printable(text: str) -> str:
    """PostgreSQL has no NUL in text, and UTF-8 has no lone surrogates."""
    if "\x00" in text or not _is_whole(text):
        raise ValueError("Must not contain NUL or half of a character.")
    return text


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


TURNERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn what stands after a name


def _one_line(text: str) -> str:
    """Names are shown in lists, logs and terminals, where a line break or an escape could pretend to be ours."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in TURNERS for character in text):
        raise ValueError("Must not contain line breaks or control characters.")
    return text


DIGITS = BeforeValidator(_integer)  # beside `strict=True`, which takes no other spelling
Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID), DIGITS]
Seq = Annotated[int, Field(strict=True, ge=0, le=MAX_ID), DIGITS]
PRINTABLE = AfterValidator(_printable)
ONE_LINE = AfterValidator(_one_line)
