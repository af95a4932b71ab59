"""The port: taken before anything slow starts, so that a taken one is said at once."""

import socket

from folkmoot.settings import Settings

BACKLOG = 2048


class PortTaken(Exception):
    """Something else listens on the port; the message says which and what to do."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise PortTaken(
            f"Port {settings.port} on {settings.host} cannot be used ({error.strerror or error}). "
            "Stop what uses it, or choose another one: `folkmoot up --port 8001`, or FOLKMOOT_PORT=8001."
        ) from error
