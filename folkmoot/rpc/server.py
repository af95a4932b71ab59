"""The gRPC server of a node, on a port of its own. Loaded only where it is switched on: its libraries take 20 MB."""

import asyncio
import os
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its library would write lines of its own between ours

import grpc
import structlog
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from folkmoot.core import Core
from folkmoot.listening import PortTaken, check_grpc_port
from folkmoot.proto import api_pb2_grpc, folkmoot_pb2_grpc
from folkmoot.realtime.engine import Engine
from folkmoot.rpc import articles, health, servicer
from folkmoot.rpc.door import Authenticate, Door
from folkmoot.rpc.streams import Streams
from folkmoot.rpc.tls import credentials
from folkmoot.settings import Settings

log = structlog.get_logger(__name__)

OPENED = {"api": articles.NAME, "reflection": reflection.SERVICE_NAME}  # what FOLKMOOT_GRPC_OPEN may name
IDLE_S = 300  # a connection without a call is closed then
CONNECTION_STREAMS = 1_000  # calls of one connection at a time; its further ones wait in the client
ALL_CALLS = 10_000  # of everybody at a time; beyond it they are refused
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Remote:
    """`start`, then `drain` and `close`."""

    def __init__(
        self, core: Core, engine: Engine, authenticate: Authenticate, ready: health.Ready, *, is_shared: bool
    ) -> None:
        settings = core.settings
        self._settings = settings
        self.port = 0  # once it is started
        self._is_shared = is_shared  # the port, with the other workers
        self._streams = Streams(engine.hub)
        opened = [health.NAME, *(OPENED[name] for name in settings.grpc_open)]
        self._server = grpc.aio.server(
            interceptors=[Door(settings, authenticate, opened)],
            options=_options(settings, is_shared),
            maximum_concurrent_rpcs=ALL_CALLS,
        )
        named = (servicer.NAME, articles.NAME)
        own = servicer.Folkmoot(core, engine.hub, engine.broker, self._streams)
        folkmoot_pb2_grpc.add_FolkmootServicer_to_server(own, self._server)
        items = articles.Articles(settings.grpc_items, lambda: self._streams.is_stopping)
        api_pb2_grpc.add_ApiServicer_to_server(items, self._server)
        checks = health.Health(named, (articles.NAME,), ready, self._streams)
        health_pb2_grpc.add_HealthServicer_to_server(checks, self._server)
        reflection.enable_server_reflection((*named, health.NAME, reflection.SERVICE_NAME), self._server)

    async def start(self) -> None:
        """Raises PortTaken, and BadSettings when the certificate cannot be used."""
        settings = self._settings
        if not self._is_shared:
            check_grpc_port(settings)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        try:
            if settings.grpc_certificate is None or settings.grpc_key is None:
                port = self._server.add_insecure_port(address)
            else:
                own = credentials(settings.grpc_certificate, settings.grpc_key)
                port = self._server.add_secure_port(address, own)
        except RuntimeError as error:  # somebody was quicker
            raise PortTaken(f"Port {settings.grpc_port} on {settings.host} cannot be used: {error}") from None
        if settings.grpc_certificate is None and settings.host not in LOOPBACK:
            log.warning("grpc.without_tls", note="Tokens are readable on the way. Keep the port inside, or set TLS up.")
        await self._server.start()
        self.port = port
        log.info("grpc.listening", host=settings.host, port=port, tls=settings.grpc_certificate is not None)

    async def drain(self, within_s: float) -> None:
        """Takes no new calls, answers those that were begun, and sends streams away."""
        stopping = asyncio.create_task(self._server.stop(within_s), name="grpc-stop")
        await self._streams.end(within_s)
        await stopping

    async def close(self) -> None:
        await self._server.stop(None)


def _options(settings: Settings, is_shared: bool) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", int(is_shared)),
        ("grpc.max_receive_message_length", settings.grpc_message_bytes),
        ("grpc.max_concurrent_streams", CONNECTION_STREAMS),
        ("grpc.max_connection_idle_ms", IDLE_S * 1000),
        ("grpc.server_handshake_timeout_ms", round(settings.socket_connect_s * 1000)),
        # We ask whether a client is still there as often as we ask sockets; it may ask us so often, but not more.
        ("grpc.keepalive_time_ms", round(settings.socket_ping_s * 1000)),
        ("grpc.keepalive_timeout_ms", round(settings.socket_pong_s * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
    ]
