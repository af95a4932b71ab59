"""Knocks at the front of this machine, as somebody does who opens the page."""

import http.client
import socket
import ssl

PATIENCE_S = 5.0
NOBODY = "nobody answers"


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


def certificate(name: str, port: int) -> str:
    """What a browser makes of the certificate of this name, in words."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE_S) as bare,
            ssl.create_default_context().wrap_socket(bare, server_hostname=name) as speaking,
        ):
            found = speaking.getpeercert() or {}
        return f"a certificate that browsers take, until {found.get('notAfter', 'nobody knows when')}"
    except ssl.SSLCertVerificationError as refused:
        return f"a certificate that browsers do not take: {refused.verify_message.rstrip('.')}"
    except OSError:
        return NOBODY


def _any_certificate() -> ssl.SSLContext:
    """Whether it is one that browsers take is not the question, and a certificate of a private authority may do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
