"""A name server for nginx to ask: it knows what a test tells it, and nothing else."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

HEAD = struct.Struct(">6H")
ANSWER = 0x8180  # a response, and all is well
NO_SUCH_NAME = 3
A = 1


class Names(asyncio.DatagramProtocol):
    """Answers questions for addresses (RFC 1035)."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.address = ""
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        number = HEAD.unpack_from(data)[0]
        end = data.index(0, HEAD.size) + 1
        kind = struct.unpack_from(">H", data, end)[0]
        question = data[HEAD.size : end + 4]
        name = ".".join(_labels(question))
        found = self.known.get(name, []) if kind == A else []
        status = ANSWER if name in self.known else ANSWER | NO_SUCH_NAME
        answer = HEAD.pack(number, status, 1, len(found), 0, 0) + question
        for address in found:  # its name is the one at byte 12, and it is good for an hour
            answer += struct.pack(">HHHIH", 0xC00C, A, 1, 3600, 4) + socket.inet_aton(address)
        assert self._transport is not None
        self._transport.sendto(answer, addr)


def _labels(question: bytes) -> list[str]:
    labels = []
    while length := question[0]:
        labels.append(question[1 : 1 + length].decode())
        question = question[1 + length :]
    return labels


@asynccontextmanager
async def name_server(**known: list[str]) -> AsyncIterator[Names]:
    transport, names = await asyncio.get_running_loop().create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    names.known = known
    try:
        yield names
    finally:
        transport.close()
