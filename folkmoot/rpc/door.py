"""The door of gRPC: nobody comes in without a token, except to what the operator opened by name.

It stands before every method, whatever service adds it, and before methods that are not there. Behind it an error of
the tree becomes a status, a fault becomes one that says nothing, and every call has a bound.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import grpc
import structlog
from google.protobuf.message import DecodeError
from structlog.contextvars import bind_contextvars

from folkmoot.actions import Caller
from folkmoot.addresses import client_address, place_of
from folkmoot.errors import Error, Malformed, NotSignedIn, UnknownMethod
from folkmoot.rpc.budgets import Allowed, Budgets
from folkmoot.rpc.metrics import CALLS, SECONDS, STREAMS
from folkmoot.rpc.status import Context, TooLong, is_over, refuse, status_of
from folkmoot.settings import Settings
from folkmoot.telemetry import tracing
from folkmoot.telemetry.clean import session_hash

log = structlog.get_logger(__name__)

Authenticate = Callable[[str], Awaitable[Caller]]
Metadata = Iterable[tuple[str, str | bytes]]
Handler = Any  # the library's own has no useful types: four fields, of which one is a function


@dataclass(frozen=True, slots=True)
class Guest:
    """Who makes the call that runs now, and from where."""

    signed_in: Caller | None
    address: str

    @property
    def caller(self) -> Caller:
        if self.signed_in is None:
            raise NotSignedIn
        return self.signed_in


_guest: ContextVar[Guest] = ContextVar("guest")


def guest() -> Guest:
    """Whoever the door let in, for the servicers behind it. Each call has a context of its own."""
    return _guest.get()


class Door(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs only
    """`opened` are the full names of services that need no token."""

    def __init__(self, settings: Settings, authenticate: Authenticate, opened: Iterable[str]) -> None:
        self._authenticate = authenticate
        self._opened = frozenset(opened)
        self._call_s = settings.grpc_call_s
        self._trusted = settings.trusted_proxies
        self._budgets = Budgets(
            Allowed(settings.grpc_calls_per_s, settings.grpc_calls_in_flight, settings.grpc_streams_per_user)
        )

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], handler_call_details: Any
    ) -> Handler:
        """The handler of a call, behind our guard. It is known who calls before anything more of the call is read."""
        method: str = handler_call_details.method
        handler = await continuation(handler_call_details)
        known = "unknown" if handler is None else method
        try:
            caller = None
            if method.rpartition("/")[0].removeprefix("/") not in self._opened:
                caller = await self._authenticate(_bearer(handler_call_details.invocation_metadata))
            if handler is None:
                raise UnknownMethod
        except Error as error:
            return _refusing(known, error)
        except Exception:  # a fault of ours is answered, like every other refusal
            log.exception("grpc.door_failed")
            return _refusing(known, Error())
        return self._guarded(method, handler, caller)

    def _guarded(self, method: str, handler: Handler, caller: Caller | None) -> Handler:
        if not handler.request_streaming and not handler.response_streaming:

            async def answer(given: bytes, context: Context) -> object:
                async with self._watched(method, context, caller, is_stream=False):
                    return await self._in_time(handler.unary_unary(_read(handler, given), context))

            return grpc.unary_unary_rpc_method_handler(answer, None, _writer(handler))
        if not handler.request_streaming:

            async def stream(given: bytes, context: Context) -> None:
                async with self._watched(method, context, caller, is_stream=True):
                    await _pour(handler.unary_stream, _read(handler, given), context)

            return grpc.unary_stream_rpc_method_handler(stream, None, _writer(handler))

        async def converse(given: AsyncIterator[bytes], context: Context) -> None:
            async with self._watched(method, context, caller, is_stream=True):
                await _pour(handler.stream_stream, (_read(handler, one) async for one in given), context)

        return grpc.stream_stream_rpc_method_handler(converse, None, _writer(handler))

    async def _in_time(self, answer: Awaitable[object]) -> object:
        """A caller's deadline ends the call from outside; this is for callers who set none, or a far one."""
        try:
            async with asyncio.timeout(self._call_s) as bound:
                return await answer
        except TimeoutError:
            if bound.expired():
                raise TooLong from None
            raise

    @asynccontextmanager
    async def _watched(
        self, method: str, context: Context, caller: Caller | None, *, is_stream: bool
    ) -> AsyncIterator[None]:
        began = time.perf_counter()
        texts = _texts(context.invocation_metadata())
        address, traceparent = client_address(_peer(context.peer()), texts, self._trusted), texts.get("traceparent")
        _guest.set(Guest(caller, address))
        bind_contextvars(request_id=uuid4().hex)  # each call is a task with a context of its own
        status = "CANCELLED"  # unless we hear otherwise, who called has gone
        try:
            with self._budgets.call(place_of(address) if caller is None else caller.user_id, is_stream=is_stream):
                STREAMS.inc(is_stream)
                try:
                    with tracing.step(method, kind="server", traceparent=traceparent, rpc__system="grpc"):
                        yield
                finally:
                    STREAMS.dec(is_stream)
            status = "OK"
        except Error as error:
            await refuse(context, error)
        except Exception as error:  # as above, unless the library says by it that the call is over
            if is_over(error):
                raise
            log.exception("grpc.call_failed", grpc_method=method)
            await refuse(context, Error())
        finally:
            took_s = time.perf_counter() - began
            status = code.name if (code := context.code()) is not None else status
            CALLS.labels(method, status).inc()
            if not is_stream:
                SECONDS.labels(method).observe(took_s)
            log.info(
                "grpc.call",
                grpc_method=method,
                grpc_status=status,
                duration_s=round(took_s, 6),
                address=address,
                user=caller.user_id if caller else None,
                session=session_hash(caller.session_id) if caller else None,
            )


def _bearer(metadata: Metadata) -> str:
    given = [value for name, value in metadata if name == "authorization"]
    scheme, _, token = str(given[0]).partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("Send the metadata `authorization: Bearer TOKEN`, once.")
    return token.strip()


def _refusing(method: str, error: Error) -> Handler:
    """A handler that reads nothing."""

    async def answer(given: object, context: Context) -> None:
        CALLS.labels(method, status_of(type(error)).name).inc()
        log.info(
            "grpc.call", grpc_method=method, grpc_status=status_of(type(error)).name, address=_peer(context.peer())
        )
        await refuse(context, error)

    return grpc.stream_stream_rpc_method_handler(answer)


def _read(handler: Handler, given: bytes) -> object:
    try:
        return handler.request_deserializer(given)
    except DecodeError:
        raise Malformed("This is not the message that the method takes.") from None


def _writer(handler: Handler) -> Callable[[object], bytes]:
    """What is said to many at once is encoded once, before it comes here."""

    def written(message: object) -> bytes:
        encoded: bytes = message if isinstance(message, bytes) else handler.response_serializer(message)
        return encoded

    return written


async def _pour(behaviour: Callable[..., Any], given: object, context: Context) -> None:
    """Sends what a method gives, each message when the one before has been taken."""
    if not isasyncgenfunction(behaviour):
        await behaviour(given, context)
        return
    async with aclosing(behaviour(given, context)) as messages:
        async for message in messages:
            await context.write(message)


def _texts(metadata: Metadata) -> dict[str, str]:
    return {name: value for name, value in metadata if isinstance(value, str)}


def _peer(named: str) -> str:
    """The address in `ipv4:127.0.0.1:50` or `ipv6:%5B::1%5D:50`."""
    kind, _, rest = unquote(named).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else named
