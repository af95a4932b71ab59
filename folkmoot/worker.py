"""One of the workers of `folkmoot serve --workers`: a whole server in a process that its supervisor started.

A line, a pair of sockets, ties the two together. The worker says on it when it is ready, and ends when the supervisor
does, however that ends: then it stops as if it had been asked to.
"""

import faulthandler
import os
import signal
import socket
import sys
from contextlib import suppress
from threading import Thread

import uvloop

from folkmoot.garbage import spare_the_start
from folkmoot.settings import load_settings
from folkmoot.stopping import longest_stop_s
from folkmoot.telemetry.logs import configure_logs

READY = b"r"


def main() -> None:
    """Serves until it is asked to stop, or nobody is left who could ask."""
    spare_the_start()
    number, *handed = map(int, sys.argv[1:])
    listening, line = (socket.socket(fileno=one) for one in handed)
    settings = load_settings()
    Thread(target=_follow, args=(line, longest_stop_s(settings)), name="follow-supervisor", daemon=True).start()
    configure_logs(settings, settings.log_level, worker=number)
    from folkmoot import commands

    uvloop.run(commands.work(settings, listening, number, is_ready=lambda: line.sendall(READY)))


def _follow(line: socket.socket, within_s: float) -> None:
    """Waits for the end of the supervisor in a thread, because the loop may hang when it comes."""
    with suppress(OSError):
        line.recv(1)  # it never says anything
    faulthandler.dump_traceback_later(within_s, exit=True)
    os.kill(os.getpid(), signal.SIGTERM)
