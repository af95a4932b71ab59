"""Serving HTTP and WebSockets on one socket, and stopping so that nobody loses an answer."""

import asyncio
import socket
from collections.abc import Awaitable

from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.server.async_server import AsyncioServer
from sanic.server.protocols.http_protocol import HttpProtocol

from folkmoot.http.application import Application
from folkmoot.listening import BACKLOG
from folkmoot.realtime import codes
from folkmoot.realtime.accepting import Acceptor
from folkmoot.realtime.port import Door, protocols

TURNS = 100  # of the loop; it needs two
IDLE_S = 1.0  # how long a stopping node keeps a connection that asks nothing


class Serving:
    """Both protocols on their one port, from `start` until they are drained."""

    def __init__(
        self, http: Application, door: Door, server: AsyncioServer, acceptor: Acceptor, listening: socket.socket
    ) -> None:
        self._listening = listening
        self._http = http
        self._door = door
        self._server = server
        self._acceptor = acceptor

    @classmethod
    async def start(cls, http: Application, door: Door, listening: socket.socket) -> "Serving":
        # Sanic looks here whether it should offer HTTP/3 with every answer.
        http.state.server_info.append(ApplicationServerInfo(settings={"version": HTTP.VERSION_1}))
        server = await http.create_server(
            sock=listening,
            backlog=BACKLOG,
            return_asyncio_server=True,
            asyncio_server_kwargs={"start_serving": False},
        )
        if server is None:
            raise RuntimeError("Sanic gave no server")
        # Sanic rewrites its own classes when an application starts, and cannot do it again for a second node.
        http.config.TOUCHUP = not getattr(HttpProtocol, "__touched__", False)
        await server.startup()
        # Sanic's server counts connections, but takes none by itself.
        acceptor = Acceptor(listening.dup(), protocols(door, http, server.connections), lambda: door.is_crowded)
        return cls(http, door, server, acceptor, listening)

    async def drain(self, within_s: float, *others: Awaitable[None]) -> None:
        """Lets nobody in any more, answers what was begun, and sends everybody away. `others` are done meanwhile."""
        self._door.connections.is_draining = True  # before anything waits: who asks whether we are ready hears it now
        self._http.config.KEEP_ALIVE = False
        self._server.close()
        await self._closes_listening()
        self._acceptor.close()
        await self._acceptor.wait_closed()
        self._door.clear_the_porch()
        await asyncio.gather(
            self._door.connections.drain(codes.SHUTDOWN, within_s), self._end_requests(within_s), *others
        )
        await self._door.close()
        await self._server.wait_closed()

    async def _closes_listening(self) -> None:
        """Waits until the loop has let go of the listening socket, so that it ends when the acceptor closes its own.

        In between the kernel would go on taking connections that nobody answers.
        """
        for _ in range(TURNS):
            if self._listening.fileno() == -1:
                return
            await asyncio.sleep(0)

    async def _end_requests(self, within_s: float) -> None:
        """Every answer from now on is the last one on its connection, and says so.

        Connections without a request are kept for a moment: their owners may be about to use them, and would not know
        whether a request that met the end of its connection was heard.
        """
        connections = self._server.connections
        now = asyncio.get_running_loop().time
        begun_at = now()
        for connection in connections:
            connection.end_after_answer()
        while connections and now() - begun_at < within_s:
            if now() - begun_at >= IDLE_S:
                for connection in list(connections):
                    connection.close_if_idle()
            await asyncio.sleep(0.02)
        for connection in list(connections):
            connection.close_if_idle() or connection.abort()
