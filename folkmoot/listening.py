"""The port: taken before anything slow starts, so that a taken one is said at once."""

import errno
import socket

from folkmoot.laptop.port import another_port, port_holder
from folkmoot.settings import Settings

BACKLOG = 4096


class PortTaken(Exception):
    """We cannot listen where the settings say; the message says why and what to do."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises PortTaken."""
    return _listen(settings, settings.port, shared=False)


def listen_together(settings: Settings) -> list[socket.socket]:
    """A listening socket for each worker, all on one port; the system shares connections out among them.

    Raises PortTaken, also when those who have the port would share it with us: that would be another Folkmoot. (Nobody
    else can join us later: Linux lets only processes of the same user share a port.)
    """
    listen(settings).close()
    if settings.grpc_port:
        check_grpc_port(settings)
    first = _listen(settings, settings.port, shared=True)
    port = first.getsockname()[1]
    return [first, *(listen_beside(settings, port) for _ in range(settings.workers - 1))]


def listen_beside(settings: Settings, port: int) -> socket.socket:
    """One more listening socket on the port that the workers share. Raises PortTaken."""
    return _listen(settings, port, shared=True)


def is_shared(listening: socket.socket) -> bool:
    """Whether it is one of several on its port."""
    return bool(listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT))


def check_grpc_port(settings: Settings) -> None:
    """Raises PortTaken when somebody has the port already, also when they would share it."""
    _listen(settings, settings.grpc_port or 0, shared=False, variable="FOLKMOOT_GRPC_PORT").close()


def listen_to_admins(settings: Settings, *, worker: int | None = None) -> socket.socket | None:
    """The listening socket of the admin port, if it is to have one. Raises PortTaken.

    Each worker has a port of its own, because each has metrics of its own. It shares it with the worker that follows it
    in its place, which starts while the other one still answers.
    """
    if settings.admin_port is None:
        return None
    port = settings.admin_port + (worker - 1 if worker and settings.admin_port else 0)
    return _listen(settings, port, shared=worker is not None, variable="FOLKMOOT_ADMIN_PORT", host=settings.admin_host)


def check_admin_ports(settings: Settings) -> None:
    """Raises PortTaken unless each worker can have its admin port."""
    for number in range(settings.workers if settings.admin_port else 0):
        alone = settings.model_copy(update={"admin_port": (settings.admin_port or 0) + number})
        if listening := listen_to_admins(alone):
            listening.close()


def _listen(
    settings: Settings, port: int, *, shared: bool, variable: str = "FOLKMOOT_PORT", host: str | None = None
) -> socket.socket:
    host = host or settings.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        reason, advice = error.strerror or str(error), "Name an address of this machine."
        if error.errno == errno.EADDRINUSE:
            reason = f"{port_holder(port)} uses it"
            advice = f"Stop what uses it, or choose another one: {variable}={another_port(host, port)}."
        elif error.errno == errno.EACCES:
            advice = f"Choose another one: {variable}={another_port(host, port)}."
        raise PortTaken(f"Port {port} on {host} cannot be used: {reason}. {advice}") from error
