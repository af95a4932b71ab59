"""How somebody outside reaches a machine by a name that leads to it for nobody else, and what answers there."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress

import httpx
from websockets.asyncio.client import connect

from tests.realtime.wire import Wire

AT_ONCE = 800
ANSWER_S = 2.0  # for a port: the machine is next door, and may have much to do
HANDSHAKE_S = 20.0


class By(httpx.AsyncHTTPTransport):
    """Asks for whatever name the request has, of the server at this address."""

    def __init__(self, address: str, trusts: ssl.SSLContext) -> None:
        super().__init__(verify=trusts)
        self._address = address

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._address)
        return await super().handle_async_request(request)


async def socket_to(name: str, address: str, trusts: ssl.SSLContext) -> Wire:
    opening = connect(f"wss://{name}/ws", host=address, port=443, ssl=trusts, proxy=None)
    return Wire(await asyncio.wait_for(opening, HANDSHAKE_S))


async def open_ports(address: str, ports: Sequence[int]) -> set[int]:
    """Those of the ports that somebody can connect to."""
    some = asyncio.Semaphore(AT_ONCE)

    async def is_open(port: int) -> bool:
        with suppress(OSError, TimeoutError):
            async with some, asyncio.timeout(ANSWER_S):
                _, writer = await asyncio.open_connection(address, port)
                writer.close()
                return True
        return False

    answers = await asyncio.gather(*map(is_open, ports))
    return {port for port, answered in zip(ports, answers, strict=True) if answered}
