"""What the doctor says of one thing, and the words that all of its looks share."""

from dataclasses import dataclass
from urllib.parse import urlsplit

ANSWER_S = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` is what to do, and empty when it is well.

    What is ok and has advice all the same keeps nothing from working.
    """

    name: str
    ok: bool
    says: str
    advice: str = ""


def where(address: str) -> str:
    """An address without its secrets."""
    parts = urlsplit(address)
    if not parts.hostname:
        return "a local socket"
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname


def reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
