"""Calling as programs do, byte by byte where it matters."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as described
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from folkmoot.app import Node
from folkmoot.events.event import Draft, Person
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.folkmoot_pb2_grpc import FolkmootStub
from folkmoot.rpc.status import CODE
from tests.people import Member

Metadata = tuple[tuple[str, str], ...]
WITHIN_S = 30.0
AS_IT_IS: dict[str, Any] = {"request_serializer": None, "response_deserializer": None}  # of bytes
EOF = grpc.aio.EOF  # type: ignore[attr-defined]  # its stubs do not know it


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


@asynccontextmanager
async def channel_to(node: Node, *options: tuple[str, object]) -> AsyncIterator[grpc.aio.Channel]:
    """A connection of its own: channels of one process share one otherwise."""
    own = [("grpc.use_local_subchannel_pool", 1), *options]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{node.grpc_port}", options=own) as channel:
        yield channel


@dataclass
class Program:
    """Somebody's program."""

    channel: grpc.aio.Channel
    token: str

    @property
    def stub(self) -> FolkmootStub:
        return FolkmootStub(self.channel)

    @property
    def metadata(self) -> Metadata:
        return bearer(self.token)

    async def say(self, room: int, body: str, client_id: str | None = None) -> pb.Event:
        given = pb.SendRequest(room_id=room, body=body, client_id=client_id or str(uuid4()))
        sent: pb.Event = await self.stub.Send(given, metadata=self.metadata, timeout=WITHIN_S)
        return sent

    async def history(self, room: int, **page: int) -> pb.Page:
        given = pb.HistoryRequest(room_id=room, **page)
        found: pb.Page = await self.stub.History(given, metadata=self.metadata, timeout=WITHIN_S)
        return found

    async def call(self, module: str, action: str, json: str = "") -> str:
        given = pb.CallRequest(module=module, action=action, json=json)
        return str((await self.stub.Call(given, metadata=self.metadata, timeout=WITHIN_S)).json)

    async def listen(self, room: int, offset: int | None = None, epoch: str = "") -> "Listening":
        """Returns when the stream has begun."""
        stream = self.stub.Subscribe(
            pb.SubscribeRequest(room_id=room, offset=offset, epoch=epoch), metadata=self.metadata
        )
        return Listening(stream, await stream.read())


class Listening:
    def __init__(self, stream: "grpc.aio.UnaryStreamCall[pb.SubscribeRequest, pb.Heard]", first: pb.Heard) -> None:
        assert not first.events
        self.stream = stream
        self.epoch = first.epoch
        self.offset = first.offset
        self.events: list[pb.Event] = []

    async def hears(self, seq: int) -> list[pb.Event]:
        """All events up to that one, each once and in order."""
        while self.offset < seq:
            heard = await self.stream.read()
            assert isinstance(heard, pb.Heard), (await self.stream.code(), await self.stream.details())
            assert [event.seq for event in heard.events] == list(range(self.offset + 1, heard.offset + 1))
            self.events += heard.events
            self.offset = heard.offset
        return self.events

    async def ends(self) -> tuple[grpc.StatusCode, str]:
        """The status that it ends with, and our code; what it says before is dropped."""
        with suppress(grpc.aio.AioRpcError):
            while await self.stream.read() is not EOF:
                pass
        return await self.stream.code(), code_in(await self.stream.trailing_metadata())


def told(metadata: "Iterable[Any] | None") -> dict[str, str]:
    """What stands in the metadata of an answer, by its names."""
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in metadata or ()}


def code_in(metadata: "Iterable[Any] | None") -> str:
    return told(metadata).get(CODE, "")


@asynccontextmanager
async def refused(status: grpc.StatusCode, code: str) -> AsyncIterator[None]:
    """What is in the block must be refused like this."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    assert (caught.value.code(), code_in(caught.value.trailing_metadata())) == (status, code), caught.value


async def outcome(
    channel: grpc.aio.Channel, method: str, metadata: Metadata = (), given: bytes = b""
) -> tuple[str, str]:
    """The status and the code of a call of any method with these bytes, and nothing of what it answers."""
    call = channel.unary_stream(method, **AS_IT_IS)(given, metadata=metadata, timeout=WITHIN_S)
    try:
        async for _ in call:
            break
        else:
            return (await call.code()).name, ""
    except grpc.aio.AioRpcError as error:
        return error.code().name, code_in(error.trailing_metadata())
    call.cancel()
    return "OK", ""


async def all_methods(channel: grpc.aio.Channel, metadata: Metadata) -> list[str]:
    """The full names of all methods of the server, as its reflection service tells them."""
    stub = ServerReflectionStub(channel)

    async def ask(request: described.ServerReflectionRequest) -> described.ServerReflectionResponse:
        call = stub.ServerReflectionInfo(iter([request]), metadata=metadata, timeout=WITHIN_S)
        return await anext(aiter(call))

    listed = await ask(described.ServerReflectionRequest(list_services=""))
    methods = []
    for service in listed.list_services_response.service:
        answer = await ask(described.ServerReflectionRequest(file_containing_symbol=service.name))
        for encoded in answer.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(encoded)
            methods += [
                f"/{service.name}/{method.name}"
                for one in file.service
                if f"{file.package}.{one.name}" == service.name
                for method in one.method
            ]
    return methods


async def fill(node: Node, author: Member, room: int, bodies: Iterable[str]) -> None:
    """Says all of it at once, without a door."""
    person = Person(author.id, author.name)
    await asyncio.gather(*(node.core.writer.append(Draft(room, "message", person, body)) for body in bodies))


def program_of(member: Member, channel: grpc.aio.Channel) -> Program:
    return Program(channel, member.token)
