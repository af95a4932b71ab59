"""One client for each door, as lean as Python has them, that makes the same two calls and decodes what it is given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import msgspec
from websockets.asyncio.client import connect

from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.folkmoot_pb2_grpc import FolkmootStub

PAGE = 10  # events that one call reads
BODY = "A message of about one hundred characters, which is what people write when they answer each other. OK"

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the doors are, whose token it is, and the room that is read and written."""

    port: int
    grpc_port: int
    token: str
    room: int


@dataclass(frozen=True, slots=True)
class Door:
    read: Call
    write: Call


@asynccontextmanager
async def rest(target: Target, at_a_time: int) -> AsyncIterator[Door]:
    """HTTP/1.1 with a connection for each call at a time, as HTTP clients keep them."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(at_a_time):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", target.port))
    head = f"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.token}\r\n"
    asked = f"GET /api/v1.0/rooms/{target.room}/events?limit={PAGE} {head}\r\n".encode()
    path = f"POST /api/v1.0/rooms/{target.room}/messages {head}Content-Type: application/json\r\nContent-Length: "

    async def ask(request: bytes) -> object:
        reader, writer = await free.get()
        writer.write(request)
        headers = await reader.readuntil(b"\r\n\r\n")
        if not headers.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(headers.decode())
        size = int(headers.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(size)
        free.put_nowait((reader, writer))
        return msgspec.json.decode(body)

    async def write() -> object:
        body = msgspec.json.encode({"body": BODY, "client_id": str(uuid4())})
        return await ask(f"{path}{len(body)}\r\n\r\n".encode() + body)

    try:
        yield Door(lambda: ask(asked), write)
    finally:
        while not free.empty():
            free.get_nowait()[1].close()


@asynccontextmanager
async def socket(target: Target, at_a_time: int) -> AsyncIterator[Door]:
    """One WebSocket with all calls at a time on it."""
    answers: dict[int, asyncio.Future[object]] = {}
    last = 0
    async with connect(f"ws://127.0.0.1:{target.port}/connection/websocket", compression=None, proxy=None) as wire:

        async def ask(name: str, request: dict[str, object]) -> object:
            nonlocal last
            last += 1
            answer = answers[last] = asyncio.get_running_loop().create_future()
            await wire.send(msgspec.json.encode({"id": last, name: request}), text=True)
            return await answer

        async def hear() -> None:
            async for frame in wire:
                for line in frame.splitlines():
                    said = msgspec.json.decode(line)
                    if (answer := answers.pop(said.get("id", 0), None)) is not None:
                        answer.set_exception(RuntimeError(line)) if "error" in said else answer.set_result(said)

        hearing = asyncio.create_task(hear())
        await ask("connect", {"token": target.token})
        given = {"room_id": target.room, "limit": PAGE}

        async def write() -> object:
            sent = {"room_id": target.room, "body": BODY, "client_id": str(uuid4())}
            return await ask("rpc", {"method": "messages.send", "data": sent})

        try:
            yield Door(lambda: ask("rpc", {"method": "messages.history", "data": given}), write)
        finally:
            hearing.cancel()


@asynccontextmanager
async def _stub(target: Target) -> AsyncIterator[tuple[FolkmootStub, Mapping[str, Any]]]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{target.grpc_port}", options=options) as channel:
        stub = FolkmootStub(channel)
        yield stub, {"metadata": (("authorization", f"Bearer {target.token}"),)}


@asynccontextmanager
async def grpc_own(target: Target, at_a_time: int) -> AsyncIterator[Door]:
    """History and Send: one connection, messages of the contract."""
    async with _stub(target) as (stub, who):

        async def write() -> object:
            given = pb.SendRequest(room_id=target.room, body=BODY, client_id=str(uuid4()))
            return await stub.Send(given, **who)

        yield Door(lambda: stub.History(pb.HistoryRequest(room_id=target.room, limit=PAGE), **who), write)


@asynccontextmanager
async def grpc_call(target: Target, at_a_time: int) -> AsyncIterator[Door]:
    """Call: one connection, JSON inside the messages of the contract."""
    async with _stub(target) as (stub, who):

        async def ask(action: str, given: dict[str, object]) -> object:
            asked = pb.CallRequest(module="messages", action=action, json=msgspec.json.encode(given).decode())
            return msgspec.json.decode((await stub.Call(asked, **who)).json)

        async def write() -> object:
            return await ask("send", {"room_id": target.room, "body": BODY, "client_id": str(uuid4())})

        yield Door(lambda: ask("history", {"room_id": target.room, "limit": PAGE}), write)


DOORS = {"REST": rest, "socket rpc": socket, "gRPC History/Send": grpc_own, "gRPC Call": grpc_call}


class Counter:
    """A relay that counts what passes."""

    def __init__(self) -> None:
        self.passed = [0, 0]  # to the server, and back

    @asynccontextmanager
    async def to(self, port: int) -> AsyncIterator[int]:
        """The port that leads to this one."""
        async with AsyncExitStack() as closing:

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there = await asyncio.open_connection("127.0.0.1", port)
                closing.callback(writer.transport.abort)
                closing.callback(there[1].transport.abort)
                await asyncio.gather(self._carry(reader, there[1], 0), self._carry(there[0], writer, 1))

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            closing.callback(server.close)
            yield int(server.sockets[0].getsockname()[1])

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: int) -> None:
        while data := await reader.read(1 << 16):
            self.passed[way] += len(data)
            writer.write(data)
        writer.close()
