"""A client of Folkmoot for Python programs, over gRPC. It needs nothing of the server but `folkmoot.proto`.

    async with Client("chat.example.org:50051", token=TOKEN) as client:
        async for event in client.subscribe(room_id):
            if event.kind == "message" and event.body == "ping":
                await client.send(room_id, "pong")

What can be tried again without harm is: a message that may or may not have been written is sent again with the same
`client_id`, and a stream that breaks is taken up where it stood, without a gap and without a repeat.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

import grpc
from grpc import StatusCode

from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.folkmoot_pb2_grpc import FolkmootStub

T = TypeVar("T")

PASSING = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.CANCELLED,
    }
)
"""After these, trying again makes sense; every other status says that it would be the same again."""

SILENCE_S = 25  # after which the server is asked whether it is still there
ANSWER_S = 10


class Refused(Exception):
    """The server said no. `code` is its stable one, as in the JSON of REST; empty when there was no server."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        said: dict[str, str | bytes] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
        self.status = error.code()
        self.code = str(said.get("folkmoot-code", ""))
        self.detail = error.details() or ""
        self.fields: dict[str, list[str]] = json.loads(said.get("folkmoot-fields-bin", b"{}"))
        self.retry_after_s = float(str(said.get("folkmoot-retry-after-s", 0)))
        super().__init__(f"{self.status.name}: {self.detail}")


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the log of a room. There are other kinds than "message"; take them as they come."""

    room_id: int
    seq: int
    kind: str
    author: Person
    client_id: UUID
    body: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Events, oldest first. `more`: there are others beyond, in the direction that was asked for."""

    events: list[Event]
    epoch: str
    head_seq: int
    more: bool


@dataclass(frozen=True, slots=True)
class Position:
    """How far a room was heard. Keep it, and a program that starts again goes on from there."""

    offset: int
    epoch: str = ""


@dataclass
class Subscription:
    """`async for event in subscription:`, for ever. `position` is what has been given out so far.

    It comes back by itself when the server or the network was away. Raises Refused when that would not help: the token
    does not hold any more, one is not in the room any more, the log is another one (start without a position).
    """

    client: "Client"
    room_id: int
    position: Position | None = None
    failures: int = field(default=0, init=False)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            stream = self.client._subscribe(self.room_id, self.position)
            try:
                async for heard in stream:
                    self.failures = 0
                    if self.position is None or heard.epoch:
                        self.position = Position(heard.offset, heard.epoch)
                    for event in heard.events:
                        self.position = Position(event.seq, self.position.epoch)
                        yield _event(event)
            except grpc.aio.AioRpcError as error:
                if error.code() not in PASSING:
                    raise Refused(error) from None
                self.failures += 1
                await self.client._wait(self.failures, Refused(error))
            finally:
                stream.cancel()


class Client:
    """A connection to a server; it may be used by many tasks at once.

    `certificates` are those of the authorities to trust (PEM), b"" for the machine's own; None is a connection without
    TLS, for servers in the same network. `back_off_s` are the first and the longest wait before trying again.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str,
        certificates: bytes | None = None,
        within_s: float = 30.0,
        back_off_s: tuple[float, float] = (0.5, 20.0),
    ) -> None:
        self._address = address
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._certificates = certificates
        self._within_s = within_s
        self._back_off_s = back_off_s

    async def __aenter__(self) -> Self:
        first_ms, longest_ms = (round(seconds * 1000) for seconds in self._back_off_s)
        options = [
            ("grpc.keepalive_time_ms", SILENCE_S * 1000),
            ("grpc.keepalive_timeout_ms", ANSWER_S * 1000),
            ("grpc.initial_reconnect_backoff_ms", first_ms),
            ("grpc.min_reconnect_backoff_ms", first_ms),
            ("grpc.max_reconnect_backoff_ms", longest_ms),
        ]
        if self._certificates is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=options)
        else:
            credentials = grpc.ssl_channel_credentials(self._certificates or None)
            self._channel = grpc.aio.secure_channel(self._address, credentials, options=options)
        self._stub = FolkmootStub(self._channel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close(None)

    async def send(self, room_id: int, body: str, *, client_id: UUID | None = None) -> Event:
        """Says something. Returns once it would survive a power cut; tries again until then, for `within_s`."""
        request = pb.SendRequest(room_id=room_id, body=body, client_id=str(client_id or uuid4()))
        return _event(await self._patiently(lambda left_s: self._ask(self._stub.Send, request, left_s)))

    async def history(
        self, room_id: int, *, before: int | None = None, after: int | None = None, limit: int = 0
    ) -> Page:
        """Events before or after one, or the newest."""
        request = pb.HistoryRequest(room_id=room_id, before=before, after=after, limit=limit)
        page = await self._patiently(lambda left_s: self._ask(self._stub.History, request, left_s))
        return Page([_event(event) for event in page.events], page.epoch, page.head_seq, page.more)

    def subscribe(self, room_id: int, *, after: Position | int | None = None) -> Subscription:
        """What is said in a room, from a position on (0: from the very beginning), or from now on."""
        return Subscription(self, room_id, Position(after) if isinstance(after, int) else after)

    async def call(self, module: str, action: str, **given: object) -> Any:
        """Any action by its name. It is tried once: not every action can be repeated without harm."""
        request = pb.CallRequest(module=module, action=action, json=json.dumps(given))
        return json.loads((await self._ask(self._stub.Call, request, self._within_s)).json)

    async def _ask(self, method: Callable[..., Awaitable[T]], request: object, within_s: float) -> T:
        try:
            return await method(request, metadata=self._metadata, timeout=within_s)
        except grpc.aio.AioRpcError as error:
            raise Refused(error) from None

    async def _patiently(self, ask: Callable[[float], Awaitable[T]]) -> T:
        loop, failures = asyncio.get_running_loop(), 0
        until_s = loop.time() + self._within_s
        while True:
            try:
                return await ask(until_s - loop.time())
            except Refused as refused:
                failures += 1
                if refused.status not in PASSING or loop.time() + self._longest_wait_s(failures) > until_s:
                    raise
                await self._wait(failures, refused)

    async def _wait(self, failures: int, refused: Refused) -> None:
        jittered = random.uniform(0, self._longest_wait_s(failures))  # noqa: S311 - chance, not secrecy
        await asyncio.sleep(max(jittered, refused.retry_after_s))

    def _longest_wait_s(self, failures: int) -> float:
        first_s, longest_s = self._back_off_s
        return min(longest_s, first_s * 2.0 ** min(failures - 1, 16))

    def _subscribe(self, room_id: int, position: Position | None) -> Any:
        request = pb.SubscribeRequest(room_id=room_id)
        if position is not None:
            request.offset, request.epoch = position.offset, position.epoch
        return self._stub.Subscribe(request, metadata=self._metadata, wait_for_ready=False)


def _event(event: pb.Event) -> Event:
    return Event(
        room_id=event.room_id,
        seq=event.seq,
        kind=event.kind,
        author=Person(event.author.id, event.author.name),
        client_id=UUID(event.client_id),
        body=event.body if event.HasField("body") else None,
        created_at=event.created_at.ToDatetime(UTC),
    )
