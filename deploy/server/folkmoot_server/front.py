"""Knocks at the front of this machine, as somebody does who opens the page."""

import http.client
import socket
import ssl

PATIENCE_S = 5.0


def answers(name: str, port: int, *, tls: bool, path: str) -> int:
    """The status of what it answers by this name to this path; 0 when it does not answer."""
    connection = http.client.HTTPConnection(name)
    try:
        connection.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        if tls:
            connection.sock = _any_certificate().wrap_socket(connection.sock, server_hostname=name)
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _any_certificate() -> ssl.SSLContext:
    """Whether it is one that browsers take is not the question, and a certificate of a private authority may do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
