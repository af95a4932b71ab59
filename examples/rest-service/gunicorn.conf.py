"""How gunicorn runs it: behind nginx, which waits for slow clients, so a few workers do."""

import os

bind = os.environ.get("BIND", "127.0.0.1:5004")
workers = int(os.environ.get("WORKERS", "2"))
control_socket_disable = True  # nobody talks to it but by signals
timeout = 30
graceful_timeout = 10
