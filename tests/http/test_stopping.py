"""Who had knocked when the server was told to stop is answered: a proxy may not send such a request anywhere else."""

import asyncio
import socket

from tests.conftest import Start

KNOCK = (
    b"POST /v1.0/user/auth HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


async def test_whoever_the_kernel_has_let_in_is_answered(start: Start) -> None:
    """All of them connect and ask while the loop stands still, so that nobody has been taken when the drain begins."""
    async with start(drain_s=5) as node:
        address = ("127.0.0.1", node.port)
        callers = [socket.create_connection(address) for _ in range(100)]
        for caller in callers:
            caller.send(KNOCK)
    for caller in callers:
        caller.setblocking(False)
        answer = await asyncio.get_running_loop().sock_recv(caller, 1024)
        caller.close()
        assert answer.startswith(b"HTTP/1.1 400 ")
