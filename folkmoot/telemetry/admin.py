"""The admin port: `/metrics`, `/live` and `/ready`, for those who look after a node or a worker.

It is answered in a thread. A loop that hangs is when its operator looks, and a probe that hangs with it would say less
than one that answers how long it has hung. It asks nobody who they are: it listens on the loopback, or in a network
that strangers are not in.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Any, ClassVar

import structlog

from folkmoot import __version__
from folkmoot.telemetry.parts import ProcessParts

log = structlog.get_logger(__name__)

STUCK_S = 5.0  # a loop that has not turned for so long is stuck
ANSWER_S = 5.0  # what readiness may take, beyond the waits for databases in it
AT_ONCE = 8
PAUSE_S = 0.1


async def open_admin_port(
    closing: AsyncExitStack,
    listening: socket.socket,
    parts: ProcessParts,
    *,
    ready: Callable[[], Awaitable[Mapping[str, bool]]],
    is_draining: Callable[[], bool],
) -> None:
    """Answers on the socket until the stack is closed."""
    from folkmoot.telemetry.metrics import metrics_of  # with its library, which nobody needs whom nobody asks

    admin = Admin(
        metrics=metrics_of(parts).exposition,
        silence_s=lambda: parts.pulse.silence_s,
        ready=ready,
        is_draining=is_draining,
    )
    port = AdminPort(listening, admin)
    port.start()
    closing.push_async_callback(port.close)


class Admin:
    """What the port tells. `silence_s` and `metrics` may be called from any thread, `ready` only in the loop."""

    def __init__(
        self,
        *,
        metrics: Callable[[], tuple[str, bytes]],
        silence_s: Callable[[], float],
        ready: Callable[[], Awaitable[Mapping[str, bool]]],
        is_draining: Callable[[], bool],
    ) -> None:
        self.metrics = metrics
        self._silence_s = silence_s
        self._ready = ready
        self._is_draining = is_draining
        self._loop = asyncio.get_running_loop()

    def live(self) -> tuple[bool, dict[str, object]]:
        silence_s = self._silence_s()
        return silence_s < STUCK_S, {"loop_silence_s": round(silence_s, 3)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """A node that drains or hangs is not ready, and that is known without asking it."""
        if self._is_draining():
            return False, {"accepting": False}
        is_live, why = self.live()
        if not is_live:
            return False, why
        asking = asyncio.run_coroutine_threadsafe(self._ask(), self._loop)
        try:
            parts = asking.result(ANSWER_S)
        except (TimeoutError, CancelledError):
            asking.cancel()
            return False, {"answering": False}
        return all(parts.values()), dict(parts)

    async def _ask(self) -> Mapping[str, bool]:
        return await self._ready()


class AdminPort:
    """The server of the port, in its own thread. `close` may wait a moment for it."""

    def __init__(self, listening: socket.socket, admin: Admin) -> None:
        self.port: int = listening.getsockname()[1]
        handler = type("NodeHandler", (_Handler,), {"admin": admin})
        self._server = _Server(listening.getsockname()[:2], handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listening
        self._thread = Thread(target=self._server.serve_forever, args=(PAUSE_S,), name="admin", daemon=True)

    def start(self) -> None:
        self._thread.start()
        host = self._server.server_address[0]
        log.info("admin.listening", host=host, port=self.port)

    async def close(self) -> None:
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # who asks slowly keeps no node from ending

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._places = BoundedSemaphore(AT_ONCE)
        super().__init__(*arguments, **more)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("admin.failed", exc_info=True)  # who asks has hung up, as a rule


class _Handler(BaseHTTPRequestHandler):
    admin: ClassVar[Admin]
    server_version = f"Folkmoot/{__version__}"
    sys_version = ""
    timeout = 5.0  # for what is slow to ask, or to take the answer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, *self.admin.metrics())
        elif path == "/live":
            self._say("live", *self.admin.live())
        elif path == "/ready":
            self._say("ready", *self.admin.ready())
        else:
            self._answer(404, "text/plain; charset=utf-8", b"There are /metrics, /live and /ready.\n")

    do_HEAD = do_GET  # noqa: N815 - a name of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - a name of the base class
        """Says nothing: who scrapes comes every few seconds."""

    def _say(self, name: str, is_so: bool, why: Mapping[str, object]) -> None:
        body = json.dumps({name: is_so, **why}).encode() + b"\n"
        self._answer(200 if is_so else 503, "application/json", body)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
