"""Sockets that do not say who they are."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.conftest import Start
from tests.people import enrol


async def test_an_address_has_a_limited_number_of_sockets_that_do_not_say_who_they_are(start: Start) -> None:
    async with start(sockets_waiting=3) as node:
        url = f"ws://127.0.0.1:{node.port}/connection/websocket"
        silent = [await connect(url) for _ in range(3)]
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)
        assert refused.value.response.status_code == 429
        await silent.pop().close()
        async with asyncio.timeout(5):
            while node.engine.heartbeat.strangers_at("127.0.0.1") == 3:
                await asyncio.sleep(0.01)
        async with enrol(node, "Ada") as ada, connect(url) as socket:
            await socket.send(json.dumps({"id": 1, "connect": {"token": ada.token}}))
            assert '"connect"' in str(await socket.recv())
            assert node.engine.heartbeat.strangers_at("127.0.0.1") == 2, "whoever is known is no stranger"
        for socket in silent:
            await socket.close()
