#!/opt/folkmoot/bin/python -IS
"""Ends with 0 when the server in this container is ready to be asked, with 1 when not."""

import http.client
import os
import sys

PATIENCE_S = 2.5


def main() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("FOLKMOOT_PORT") or 8000), PATIENCE_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        print(answer.status, answer.read(1000).decode())
    except OSError as error:
        print(error)
        return 1
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
