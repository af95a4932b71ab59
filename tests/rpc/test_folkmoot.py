"""Folkmoot's own service: send, read back, listen, call."""

from uuid import uuid4

import grpc

from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.folkmoot_pb2_grpc import FolkmootStub
from tests.people import Member
from tests.rpc.conftest import bearer


async def test_what_is_sent_is_in_the_log_and_heard(channel: grpc.aio.Channel, ada: Member) -> None:
    room = await ada.make_room()
    stub = FolkmootStub(channel)
    stream = stub.Subscribe(pb.SubscribeRequest(room_id=room, offset=0), metadata=bearer(ada.token))
    first = await stream.read()
    assert first.epoch
    said = await stub.Send(
        pb.SendRequest(room_id=room, body="Hello", client_id=str(uuid4())), metadata=bearer(ada.token)
    )
    page = await stub.History(pb.HistoryRequest(room_id=room), metadata=bearer(ada.token))
    assert page.events[-1] == said
    heard = []
    while len(heard) < said.seq:
        heard += (await stream.read()).events
    assert [event.seq for event in heard] == list(range(1, said.seq + 1))
    assert heard[-1] == said
    stream.cancel()
