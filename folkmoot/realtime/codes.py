"""Numbers of the wire: error codes in replies, close codes of connections.

They are an API: a client decides from the number alone whether to retry, to sign in again or to stop. The values are
those of the Centrifuge protocol (its `errors` and `disconnect` pages); actions add their own from 400 on.
"""

from enum import IntEnum
from typing import NamedTuple


class ErrorCode(IntEnum):
    """What a reply's `error.code` may be when the protocol itself refuses a command."""

    INTERNAL = 100
    UNAUTHORIZED = 101
    UNKNOWN_CHANNEL = 102
    PERMISSION_DENIED = 103
    METHOD_NOT_FOUND = 104
    ALREADY_SUBSCRIBED = 105
    LIMIT_EXCEEDED = 106
    BAD_REQUEST = 107
    NOT_AVAILABLE = 108
    TOKEN_EXPIRED = 109
    EXPIRED = 110
    TOO_MANY_REQUESTS = 111
    UNRECOVERABLE_POSITION = 112


class Close(NamedTuple):
    """Why the server ends a connection. Below 3500 the client comes back; from 3500 on it does not."""

    code: int
    reason: str


NORMAL = Close(1000, "")
CONNECTION_CLOSED = Close(3000, "connection closed")
SHUTDOWN = Close(3001, "shutdown")
SERVER_ERROR = Close(3004, "internal server error")
EXPIRED = Close(3005, "connection expired")
SLOW = Close(3008, "slow")
WRITE_ERROR = Close(3009, "write error")
INSUFFICIENT_STATE = Close(3010, "insufficient state")
FORCE_RECONNECT = Close(3011, "force reconnect")
NO_PONG = Close(3012, "no pong")
TOO_MANY_REQUESTS = Close(3013, "too many requests")

INVALID_TOKEN = Close(3500, "invalid token")
BAD_REQUEST = Close(3501, "bad request")
STALE = Close(3502, "stale")
FORCE_DISCONNECT = Close(3503, "force disconnect")
CONNECTION_LIMIT = Close(3504, "connection limit")
CHANNEL_LIMIT = Close(3505, "channel limit")
PERMISSION_DENIED = Close(3507, "permission denied")

# Why the server ends one subscription (2000 to 2499: the client does not subscribe again by itself).
SERVER_UNSUBSCRIBE = Close(2000, "server unsubscribe")
