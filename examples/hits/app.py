"""Counts visits in Redis."""

import os

from flask import Flask, Response
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

HOST = os.environ.get("REDIS_HOST", "127.0.0.1")
PORT = int(os.environ.get("REDIS_PORT", "6379"))
ANSWER_S = 1.0

app = Flask(__name__)
# A visit that is counted twice is worse than one that is told to come again: no repeats.
redis = Redis(HOST, PORT, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0))


@app.get("/")
def hit() -> Response:
    return Response(f"Hits: {redis.incr('hits')}", mimetype="text/plain")


@app.get("/livez")
def live() -> dict[str, bool]:
    """Whether this process runs. It does not ask Redis: a restart of this would not mend that."""
    return {"live": True}


@app.get("/readyz")
def ready() -> dict[str, bool]:
    """Whether a visit could be counted now."""
    redis.ping()
    return {"ready": True}


@app.errorhandler(RedisError)
def redis_is_away(error: RedisError) -> tuple[dict[str, object], int]:
    """Not ready, rather than a page of a traceback: the log has the reason."""
    app.logger.error("Redis at %s:%d does not answer: %s", HOST, PORT, error)
    says = f"Redis at {HOST}:{PORT} does not answer. Check REDIS_HOST and REDIS_PORT."
    return {"ready": False, "message": says}, 503
