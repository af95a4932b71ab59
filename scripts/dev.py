"""`make dev`: the server, restarted on every change, and Vite, which updates the page. Ctrl-C stops both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = "http://localhost:5173"
PATIENCE_S = 20

# The server's own restarts come from watchfiles: it asks with SIGINT, so that PostgreSQL stops in order.
SERVER = [
    sys.executable, "-m", "watchfiles", "--filter", "python", "--sigint-timeout", "15",
    f"{sys.executable} -m folkmoot up", "folkmoot",
]  # fmt: skip
VITE = ["npm", "--prefix", "web", "run", "dev", "--", "--clearScreen", "false"]


def main() -> int:
    origins = f"{PAGE},http://127.0.0.1:5173"
    environment = {"API_MODE": "dev", "FOLKMOOT_ORIGINS": origins} | os.environ
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Sessions of their own: Ctrl-C reaches us alone, and we pass it on once.
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, stdin=subprocess.DEVNULL)
        for command in (SERVER, VITE)
    ]
    print(f"\n  The page that updates itself: {PAGE}\n", flush=True)
    try:
        while all(process.poll() is None for process in both):
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass
    finally:
        for process in both:
            stop(process)
    return 0


def stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE_S)
    except ProcessLookupError:
        pass
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
