"""Errors of the tree as statuses of gRPC: a code that its libraries know, and our own stable one beside it."""

from collections.abc import Mapping
from typing import NoReturn, Protocol

import grpc
import msgspec
from grpc import StatusCode

from folkmoot.errors import (
    Conflict,
    Error,
    Forbidden,
    Invalid,
    NotAllowedHere,
    NotFound,
    NotSignedIn,
    ServiceFailed,
    ServiceRefused,
    TooLarge,
    TooMany,
    Unavailable,
    UnknownMethod,
    WrongType,
)

CODE = "folkmoot-code"
RETRY_AFTER_S = "folkmoot-retry-after-s"
FIELDS = "folkmoot-fields-bin"

# All metadata of an answer must fit into 8 kB, and a caller may have named the fields.
LONGEST_DETAIL_CHARS = 500
LONGEST_FIELDS_BYTES = 3_000


class OtherLog(Conflict):
    """The position is none of this log: a backup was restored, or it was made up."""

    code = "other_log"
    title = "The log is another one"


class TooLong(Unavailable):
    """What was asked for took longer than the server lets anything take."""

    code = "too_long"
    title = "This took too long"


STATUSES: Mapping[type[Error], StatusCode] = {
    Error: StatusCode.INTERNAL,
    Invalid: StatusCode.INVALID_ARGUMENT,
    NotSignedIn: StatusCode.UNAUTHENTICATED,
    Forbidden: StatusCode.PERMISSION_DENIED,
    NotFound: StatusCode.NOT_FOUND,
    UnknownMethod: StatusCode.UNIMPLEMENTED,
    NotAllowedHere: StatusCode.UNIMPLEMENTED,
    Conflict: StatusCode.ALREADY_EXISTS,
    OtherLog: StatusCode.FAILED_PRECONDITION,
    TooLarge: StatusCode.INVALID_ARGUMENT,
    WrongType: StatusCode.INVALID_ARGUMENT,
    TooMany: StatusCode.RESOURCE_EXHAUSTED,
    ServiceRefused: StatusCode.FAILED_PRECONDITION,
    ServiceFailed: StatusCode.UNAVAILABLE,
    Unavailable: StatusCode.UNAVAILABLE,
    TooLong: StatusCode.DEADLINE_EXCEEDED,
}


class Context(Protocol):
    """What we use of the library's context of a call."""

    async def abort(
        self, code: StatusCode, details: str = "", trailing_metadata: tuple[tuple[str, str | bytes], ...] = ()
    ) -> NoReturn: ...

    async def write(self, message: object) -> None: ...

    def peer(self) -> str: ...

    def code(self) -> StatusCode | None: ...

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]: ...


def status_of(error: type[Error]) -> StatusCode:
    """The status of the nearest kind of error that has one."""
    return next(STATUSES[kind] for kind in error.__mro__ if kind in STATUSES)


def metadata_of(error: Error) -> tuple[tuple[str, str | bytes], ...]:
    """What follows the status."""
    metadata: list[tuple[str, str | bytes]] = [(CODE, error.code)]
    if error.retry_after_s is not None:
        metadata.append((RETRY_AFTER_S, str(error.retry_after_s)))
    if isinstance(error, Invalid) and error.fields:
        fields = msgspec.json.encode(error.fields)
        if len(fields) <= LONGEST_FIELDS_BYTES:
            metadata.append((FIELDS, fields))
    return tuple(metadata)


async def refuse(context: Context, error: Error) -> NoReturn:
    """Ends the call with an error. Raises what the library ends it with."""
    await context.abort(status_of(type(error)), error.detail[:LONGEST_DETAIL_CHARS], metadata_of(error))


def is_over(error: BaseException) -> bool:
    """Whether this only says that the call has ended: we refused it, or who called has gone."""
    return isinstance(error, grpc.aio.BaseError)
