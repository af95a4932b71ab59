#!/opt/folkmoot/bin/python -IS
"""Ends with 0 when the server in this container is ready to be asked, with 1 when not.

It runs every few seconds, so it imports next to nothing: a client of HTTP would take four times as long to load.
"""

import os
import socket
import sys

PATIENCE_S = 2.5
ASK = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MOST = 10_000


def main() -> int:
    address = ("127.0.0.1", int(os.environ.get("FOLKMOOT_PORT") or 8000))
    try:
        with socket.create_connection(address, PATIENCE_S) as connection, connection.makefile("rb") as reader:
            connection.sendall(ASK)
            answer = reader.read(MOST)
    except OSError as error:
        print(error)
        return 1
    head, _, body = answer.partition(b"\r\n\r\n")
    print(body.decode(errors="replace"))
    return 0 if head.startswith(b"HTTP/1.1 200 ") else 1


if __name__ == "__main__":
    sys.exit(main())
