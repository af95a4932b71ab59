"""What may stand in a log line: no secret, nothing that pretends to be another line, and nothing endless."""

import hashlib
import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Literal

MOST_CHARS = 1_000  # of a value
MOST_TRACE_CHARS = 16_000
OURS = frozenset({"timestamp", "level", "request_id", "session", "client"})  # made here: nothing can be in them

# Whatever moves a cursor, ends a line, turns what follows, or is no character.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_IN_TRACE = re.compile(_CONTROL.pattern.replace("\\x00-\\x1f", "").replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))

_SECRET = re.compile(
    r"""(?xi)
    (?P<name> \b (?:[\w-]*(?:token|secret|password|passwd) | ticket | cookie | sid | authorization)
        ["']? \s* [=:] \s* ["']? )
        (?: (?:bearer|basic)\s+ )? [^\s&"',;]+
    | (?P<scheme> \b (?:bearer|basic) \s+ ) [\w.~+/=-]{8,}
    | (?P<account> :// [^\s:/@]* : ) [^\s@]+ (?= @ )
    | (?<! [\w-] ) fm[a-z]_ [\w-]{16,}
    | (?<! [\w-] ) (?= [\w-]{43} ) (?-i: (?= [a-z_-]* [A-Z0-9] ) ) [\w-]{43,} (?! [\w-] )
    """
)
_TELLING = re.compile(r"[=: _]")  # without one of these a text is a word, and no secret unless it is long
SHORT = 43
_GONE = "[redacted]"
_KEPT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What stands in a path and is secret: who posts by a hook, as in the addresses of other chats; and a code.
_IN_PATH = re.compile(r"(?<=/hooks/).+|(?<=/totp/check/).+")
_SEGMENT = re.compile(r"(?<=/)[\w~-]{22,}(?![^/])", re.ASCII)


def without_secrets(text: str) -> str:
    """The text without what looks like a token, a password or the value of a parameter of such a name."""
    if len(text) < SHORT and not _TELLING.search(text):
        return text
    return _SECRET.sub(_hidden, text)


@lru_cache(10_000)
def session_hash(session_id: int) -> str:
    """Names a session in logs: the same one each time, and of no use for anything else."""
    return hashlib.sha256(f"session {session_id}".encode()).hexdigest()[:16]


def path_without_secrets(path: str) -> str:
    """An address without its query, and without a part that is long enough to be a token and no UUID."""
    path = _IN_PATH.sub(_GONE, path.partition("?")[0])
    if len(path) < 22:
        return path
    return _SEGMENT.sub(lambda part: part[0] if _KEPT.fullmatch(part[0]) else _GONE, path)


def one_line(text: str) -> str:
    """The text without secrets, with everything escaped that is more than a character of a line, and not endless."""
    return _shown(text, without_secrets)


def trace_lines(text: str) -> str:
    """A stack trace: several lines, and otherwise as clean. Of a long one the middle is left out."""
    if len(text) > MOST_TRACE_CHARS:
        half = MOST_TRACE_CHARS // 2
        text = f"{text[:half]}\n… ({len(text) - 2 * half} characters)\n{text[-half:]}"
    return _CONTROL_IN_TRACE.sub(_escaped, without_secrets(text))


class Addresses:
    """How much of a client's address is kept."""

    def __init__(self, kept: Literal["full", "network", "none"]) -> None:
        self._kept = kept

    def __call__(self, _: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if self._kept != "full" and "address" in line:
            line["address"] = kept_of_address(str(line["address"]), self._kept)
        return line


def kept_of_address(address: str, kept: Literal["full", "network", "none"]) -> str | None:
    """What is kept of a client's address."""
    if kept == "network":
        return _network_of(address)
    return address if kept == "full" else None


def _network_of(address: str) -> str | None:
    """The first address of the network around it: too large to be one household, and still an address."""
    try:
        return str(ip_network((address, 48 if ":" in address else 24), strict=False).network_address)
    except ValueError:
        return None


def clean(line: Mapping[str, object]) -> dict[str, object]:
    """A line whose values are numbers, or text that may be shown. What is None is left out."""
    return {
        name: value
        if isinstance(value, (int, float)) or name in OURS
        else _shown(str(value), path_without_secrets if name == "path" else without_secrets)
        for name, value in line.items()
        if value is not None
    }


def _shown(text: str, cleaned: Callable[[str], str]) -> str:
    length = len(text)
    # More than is shown is looked through, or a secret might be cut in two; and no more than that.
    text = cleaned(text[: 2 * MOST_CHARS])[:MOST_CHARS]
    if not (text.isascii() and text.isprintable()):
        text = _CONTROL.sub(_escaped, text)
    return text if length <= MOST_CHARS else f"{text}… ({length} characters)"


def _hidden(found: "re.Match[str]") -> str:
    return f"{found['name'] or found['scheme'] or found['account'] or ''}{_GONE}"


def _escaped(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
