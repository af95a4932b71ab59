"""The port: taken before anything slow starts, so that a taken one is said at once."""

import errno
import socket

from folkmoot.laptop.port import port_holder
from folkmoot.settings import Settings

BACKLOG = 2048


class PortTaken(Exception):
    """We cannot listen where the settings say; the message says why and what to do."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            reason = f"{port_holder(settings.port)} uses it"
        raise PortTaken(
            f"Port {settings.port} on {settings.host} cannot be used: {reason}. "
            "Stop what uses it, or choose another one: `folkmoot up --port 8001`, or FOLKMOOT_PORT=8001."
        ) from error
